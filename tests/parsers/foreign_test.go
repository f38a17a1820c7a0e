package parsers

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/rawclient"
	"github.com/actio-go/actio/wire/msgpack"
)

// lines hands on what is logged, a line at a time.
type lines chan string

func (l lines) Write(line []byte) (int, error) {
	l <- string(line)
	return len(line), nil
}

func TestParser_ClientHasAnother_TheLogSaysSoOnce(t *testing.T) {
	t.Parallel()
	node := jsclient.Start(t)
	for name, row := range map[string]struct {
		server actio.Parser
		client string // in tests/js/parsers.mjs
		text   string
	}{
		"msgpack client": {nil, "msgpack", `client=socket.io-msgpack-parser server="the default one"`},
		"default client": {msgpack.Parser{}, "", `client="the default one" server=msgpack.Parser`},
	} {
		for transport, transports := range map[string][]string{"polling": jsclient.Polling, "websocket": jsclient.WebSocket} {
			t.Run(name+" over "+transport, func(t *testing.T) {
				log := make(lines, 100)
				s := way{row.server, row.client, transports, node}.serve(t, actio.Options{
					Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn})),
				})
				ended := func(n uint64) {
					require.EventuallyWithT(t, func(c *assert.CollectT) {
						stats, err := s.Stats(t.Context())
						assert.NoError(c, err)
						assert.Equal(c, n, stats.ParseErrors)
					}, patience, 5*time.Millisecond)
				}
				o := jsclient.Options{Transports: transports, Path: s.Path()}
				if row.client != "" {
					o.Extra = map[string]any{"parser": row.client}
				}
				node.Open(s.URL, o)
				ended(1)
				line := <-log
				assert.Contains(t, line, row.text)
				assert.Contains(t, line, "remote=127.0.0.1:")
				node.Open(s.URL, o)
				ended(2)
				assert.Empty(t, log, "nothing that was not said before")
			})
		}
	}
}

func TestParser_ClientIsMerelyBroken_NothingIsSaidOfParsers(t *testing.T) {
	t.Parallel()
	log := make(lines, 100)
	s := way{}.serve(t, actio.Options{Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	for i, packet := range []string{"4x", "bAAAA"} {
		c, err := rawclient.Dial(strings.TrimPrefix(s.URL, "http://"), rawclient.Options{Path: s.Path()})
		require.NoError(t, err)
		defer c.Close()
		require.NoError(t, c.Send(packet))
		require.EventuallyWithT(t, func(collect *assert.CollectT) {
			stats, err := s.Stats(t.Context())
			assert.NoError(collect, err)
			assert.Equal(collect, uint64(i+1), stats.ParseErrors)
		}, patience, 5*time.Millisecond)
	}
	assert.Empty(t, log)
}
