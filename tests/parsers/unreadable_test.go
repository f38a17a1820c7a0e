package parsers

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/rawclient"
	"github.com/actio-go/actio/wire"
	"github.com/actio-go/actio/wire/msgpack"
)

// gremlin is a parser whose decoder panics, or asks for more and more.
type gremlin struct {
	plain
	patient bool
}

func (g gremlin) NewDecoder(wire.Limits) wire.MessageDecoder { return g }

func (g gremlin) Decode(m wire.Message) (*wire.Complete, error) {
	switch {
	case string(m.Data) == "0":
		return &wire.Complete{}, nil
	case g.patient:
		return nil, nil //nolint:nilnil // more has to come, as documented
	default:
		panic("no packet")
	}
}

func TestParser_WhatCannotBeRead_EndsThatConnectionOnly(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		parser   actio.Parser
		first    string
		messages []string
	}{
		"text for a parser of bytes":  {msgpack.Parser{}, "", []string{"0"}},
		"no JSON":                     {plain{}, `{"type":0,"nsp":"/"}`, []string{"x"}},
		"a packet of no type":         {plain{}, `{"type":0,"nsp":"/"}`, []string{`{"type":9,"nsp":"/","data":[]}`}},
		"a decoder that panics":       {gremlin{}, "0", []string{"x"}},
		"a packet without end":        {gremlin{patient: true}, "0", []string{"x", "x", "x", "x", "x", "x", "x", "x", "x", "x", "x", "x"}},
		"an event of a reserved name": {plain{}, `{"type":0,"nsp":"/"}`, []string{`{"type":2,"nsp":"/","data":["connect"]}`}},
	} {
		t.Run(name, func(t *testing.T) {
			s := way{parser: row.parser}.serve(t, actio.Options{})
			c, err := rawclient.Dial(strings.TrimPrefix(s.URL, "http://"), rawclient.Options{Path: s.Path()})
			require.NoError(t, err)
			defer c.Close()
			if row.first != "" {
				require.NoError(t, c.Send("4"+row.first))
			}
			for _, m := range row.messages {
				_ = c.Send("4" + m) // it may have ended
			}
			assert.Equal(t, 1002, c.Farewell().CloseCode)
			stats, err := s.Stats(t.Context())
			require.NoError(t, err)
			assert.EqualValues(t, 1, stats.ParseErrors)
		})
	}
}

func TestParser_PacketThatStaysIncomplete_EndsTheConnectionInTime(t *testing.T) {
	t.Parallel()
	s := way{parser: gremlin{patient: true}}.serve(t, actio.Options{AttachmentTimeout: 50 * time.Millisecond})
	c, err := rawclient.Dial(strings.TrimPrefix(s.URL, "http://"), rawclient.Options{Path: s.Path()})
	require.NoError(t, err)
	defer c.Close()
	for _, m := range []string{"0", "x"} {
		require.NoError(t, c.Send("4"+m))
	}
	assert.Equal(t, 1002, c.Farewell().CloseCode)
}

func TestParser_CONNECTThatCannotBeWritten_IsCounted(t *testing.T) {
	t.Parallel()
	s := way{parser: mute{}}.serve(t, actio.Options{})
	c, err := rawclient.Dial(strings.TrimPrefix(s.URL, "http://"), rawclient.Options{Path: s.Path()})
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.Send(`4{"type":0,"nsp":"/"}`))
	assert.Eventually(t, func() bool {
		stats, err := s.Stats(t.Context())
		return err == nil && stats.ParserFailures == 1 && stats.Sockets == 1
	}, patience, 5*time.Millisecond)
}

// mute is a parser that writes nothing.
type mute struct{ plain }

func (mute) Encode(wire.Complete) ([]wire.Message, error) { return nil, nil }
