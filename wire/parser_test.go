package wire_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/wire"
	"github.com/actio-go/actio/wire/msgpack"
)

// encoderFunc is a parser that only writes.
type encoderFunc func(c wire.Complete) ([]wire.Message, error)

func (f encoderFunc) Encode(c wire.Complete) ([]wire.Message, error) { return f(c) }

func (encoderFunc) NewDecoder(wire.Limits) wire.MessageDecoder { return nil }

// asText writes packets as one text each.
func asText(seen *wire.Complete) wire.Parser {
	return encoderFunc(func(c wire.Complete) ([]wire.Message, error) {
		*seen = c
		text, err := json.Marshal(map[string]any{"type": c.Packet.Type, "nsp": c.Packet.Namespace, "data": json.RawMessage(c.Packet.Data)})
		return []wire.Message{{Data: text}}, err
	})
}

func TestPreparedWith_Parser_GetsThePacketAsItIs(t *testing.T) {
	var got wire.Complete
	parser := asText(&got)
	event := wire.Packet{Type: wire.Event, Namespace: "/admin", HasID: true, ID: math.MaxUint64}
	for name, row := range map[string]struct {
		prepare func() (*wire.Prepared, error)
		want    wire.Complete
	}{
		"an event": {
			func() (*wire.Prepared, error) { return wire.EncodeEvent("", "e", 1) },
			wire.Complete{Packet: wire.Packet{Type: wire.Event, Namespace: "/", Data: []byte(`["e",1]`)}},
		},
		"an event with attachments and an id": {
			func() (*wire.Prepared, error) {
				return wire.EncodeEventAck("/admin", math.MaxUint64, "e", []byte{1}, []byte{})
			},
			wire.Complete{Packet: func() wire.Packet {
				p := event
				p.Attachments = 2
				p.Data = []byte(`["e",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
				return p
			}(), Attachments: [][]byte{{1}, {}}},
		},
		"an ack": {
			func() (*wire.Prepared, error) { return wire.EncodeAck("/a?q", 7) },
			wire.Complete{Packet: wire.Packet{Type: wire.Ack, Namespace: "/a?q", HasID: true, ID: 7, Data: []byte(`[]`)}},
		},
		"a CONNECT": {
			func() (*wire.Prepared, error) { return wire.EncodeConnect("/", "x") },
			wire.Complete{Packet: wire.Packet{Type: wire.Connect, Namespace: "/", Data: []byte(`{"sid":"x"}`)}},
		},
		"a DISCONNECT": {
			func() (*wire.Prepared, error) { return wire.EncodePacketJSON(wire.Disconnect, "/a", nil) },
			wire.Complete{Packet: wire.Packet{Type: wire.Disconnect, Namespace: "/a"}},
		},
	} {
		p, err := row.prepare()
		require.NoError(t, err, name)
		formed, err := p.With(parser)
		require.NoError(t, err, name)
		assert.NotSame(t, p, formed, name)
		assert.Equal(t, row.want, got, name)
		again, err := formed.With(parser)
		require.NoError(t, err)
		assert.Same(t, formed, again, "%s: what has its form keeps it", name)
		op, payload := onlyFrame(t, formed.WebSocket())
		assert.Equal(t, wire.Text, op)
		assert.Equal(t, "4", string(payload[:1]))
		assert.Equal(t, string(payload), string(formed.AppendPayload(nil)), name)
		assert.Equal(t, len(payload), formed.PayloadSize())
	}
}

func TestPreparedWith_Form_StaysTheSameEventForOthers(t *testing.T) {
	p, err := wire.EncodeEvent("/", "e", []byte{1, 2}, "text")
	require.NoError(t, err)
	formed, err := p.With(msgpack.Parser{})
	require.NoError(t, err)
	array, attachments, ok := formed.Event()
	require.True(t, ok)
	assert.Equal(t, `["e",{"_placeholder":true,"num":0},"text"]`, string(array))
	assert.Equal(t, [][]byte{{1, 2}}, attachments)
	op, payload := onlyFrame(t, formed.WebSocket())
	assert.Equal(t, wire.Binary, op)
	c, err := msgpack.Parser{}.NewDecoder(wire.Limits{}).Decode(wire.Message{Binary: true, Data: payload})
	require.NoError(t, err)
	name, args, err := wire.ParseEvent(*c)
	require.NoError(t, err)
	assert.Equal(t, "e", name)
	assert.Equal(t, 2, args.Len())
}

func TestPreparedWith_WhatIsNoPacket_StaysAsItIs(t *testing.T) {
	var seen wire.Complete
	for _, p := range []*wire.Prepared{
		wire.PrepareEngine(),
		wire.PrepareEngine(wire.EnginePacket{Type: wire.EnginePing}),
		wire.PrepareEngine(wire.EnginePacket{Type: wire.EngineOpen, Data: []byte(`{}`)}),
		wire.PrepareEngine(wire.EnginePacket{Type: wire.EngineMessage}),
		wire.PrepareEngine(wire.EnginePacket{Type: wire.EngineMessage, Binary: true, Data: []byte("2[]")}),
		wire.PrepareEngine(wire.EnginePacket{Type: wire.EngineMessage, Data: []byte("x")}),
	} {
		formed, err := p.With(asText(&seen))
		require.NoError(t, err)
		assert.Same(t, p, formed)
	}
	p, err := wire.EncodeEvent("/", "e")
	require.NoError(t, err)
	formed, err := p.With(nil)
	require.NoError(t, err)
	assert.Same(t, p, formed)
}

func TestPreparedWith_ParserThatFails_TellsWhy(t *testing.T) {
	broken := errors.New("broken")
	give := func(messages ...wire.Message) func(wire.Complete) ([]wire.Message, error) {
		return func(wire.Complete) ([]wire.Message, error) { return messages, nil }
	}
	p, err := wire.EncodeEvent("/", "e")
	require.NoError(t, err)
	for name, row := range map[string]struct {
		encode encoderFunc
		want   error
	}{
		"an error":        {func(wire.Complete) ([]wire.Message, error) { return nil, broken }, broken},
		"a panic":         {func(wire.Complete) ([]wire.Message, error) { panic("no") }, wire.ErrEncode},
		"no message":      {give(), wire.ErrNoMessage},
		"text not UTF-8":  {give(wire.Message{Data: []byte("\xff")}), wire.ErrUTF8},
		"text that parts": {give(wire.Message{Data: []byte("a\x1eb")}), wire.ErrUTF8},
	} {
		formed, err := p.With(row.encode)
		require.ErrorIs(t, err, wire.ErrEncode, name)
		require.ErrorIs(t, err, row.want, name)
		assert.Nil(t, formed, name)
	}
}

func TestCompleteCheck_SoundPackets_GetTheFormOfTheDefaultParser(t *testing.T) {
	c := wire.Complete{
		Packet:      wire.Packet{Type: wire.Event, Data: []byte(`["e",{"_placeholder":true,"num":0}]`)},
		Attachments: [][]byte{{1}},
	}
	require.NoError(t, c.Check(wire.Limits{}))
	assert.Equal(t, wire.Packet{
		Type: wire.BinaryEvent, Namespace: "/", Attachments: 1, Data: []byte(`["e",{"_placeholder":true,"num":0}]`),
	}, c.Packet)
	require.NoError(t, c.Check(wire.Limits{}), "again")
	assert.Equal(t, wire.BinaryEvent, c.Packet.Type)

	c = wire.Complete{Packet: wire.Packet{Type: wire.BinaryAck, Attachments: 3, Data: []byte(`[]`)}, Attachments: [][]byte{}}
	require.NoError(t, c.Check(wire.Limits{}))
	assert.Equal(t, wire.Complete{Packet: wire.Packet{Type: wire.Ack, Namespace: "/", Data: []byte(`[]`)}}, c)

	c = wire.Complete{
		Packet: wire.Packet{
			Type: wire.Connect,
			Data: []byte(`{"a": {"_placeholder":true,"num":1}, "b":[1,{"num":0,"_placeholder":true}]}`),
		},
		Attachments: [][]byte{{1}, {2, 3}},
	}
	require.NoError(t, c.Check(wire.Limits{}))
	var auth struct {
		A []byte
		B []any
	}
	require.NoError(t, json.Unmarshal(c.Packet.Data, &auth))
	assert.Equal(t, []byte{2, 3}, auth.A)
	assert.Equal(t, []any{1.0, "AQ=="}, auth.B)
	assert.Nil(t, c.Attachments)
}

func TestCompleteCheck_WhatTheDefaultParserRefuses_IsRefused(t *testing.T) {
	limits := wire.Limits{PacketBytes: 100, Attachments: 2, NamespaceBytes: 10, JSONDepth: 3, MaxAckID: 9}
	one := []byte{1}
	for name, row := range map[string]struct {
		packet      wire.Packet
		attachments [][]byte
		want        error
	}{
		"unknown type":            {wire.Packet{Type: 7}, nil, wire.ErrPacketType},
		"too long":                {wire.Packet{Data: []byte(`"` + strings.Repeat("x", 900) + `"`)}, nil, wire.ErrTooBig},
		"too much binary":         {wire.Packet{Type: wire.Event, Data: []byte(`["e"]`)}, [][]byte{make([]byte, 101)}, wire.ErrTooBig},
		"too many attachments":    {wire.Packet{Type: wire.Event, Data: []byte(`["e"]`)}, [][]byte{one, one, one}, wire.ErrTooManyAttachments},
		"no namespace":            {wire.Packet{Namespace: "a"}, nil, wire.ErrNamespace},
		"a namespace too long":    {wire.Packet{Namespace: "/0123456789"}, nil, wire.ErrNamespace},
		"an id too large":         {wire.Packet{Type: wire.Ack, HasID: true, ID: 10}, nil, wire.ErrAckID},
		"no UTF-8":                {wire.Packet{Type: wire.Event, Data: []byte("[\"\xff\"]")}, nil, wire.ErrUTF8},
		"no JSON":                 {wire.Packet{Type: wire.Event, Data: []byte(`["e"`)}, nil, wire.ErrPayload},
		"an object for an event":  {wire.Packet{Type: wire.Event, Data: []byte(`{}`)}, nil, wire.ErrPayload},
		"too deep":                {wire.Packet{Type: wire.Event, Data: []byte(`["e",[[[]]]]`)}, nil, wire.ErrDepth},
		"a reserved event":        {wire.Packet{Type: wire.BinaryEvent, Data: []byte(`["connect"]`)}, nil, wire.ErrReservedEvent},
		"binary that disconnects": {wire.Packet{Type: wire.Disconnect}, [][]byte{one}, wire.ErrPayload},
		"binary out of place": {
			wire.Packet{Type: wire.Connect, Data: []byte(`{"a":{"_placeholder":true,"num":1}}`)}, [][]byte{one}, wire.ErrPlaceholder,
		},
		"binary and no payload": {wire.Packet{Type: wire.Connect}, [][]byte{one}, wire.ErrPayload},
	} {
		c := wire.Complete{Packet: row.packet, Attachments: row.attachments}
		require.ErrorIs(t, c.Check(limits), row.want, name)
	}
}
