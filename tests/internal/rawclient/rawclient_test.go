package rawclient_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/rawclient"
	"github.com/actio-go/actio/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a server that echoes, and ends a client that asks for it.
func serve(t *testing.T) (address string, shutdown func()) {
	t.Helper()
	server, err := actio.New(actio.Options{
		// Soon enough for Shutdown not to wait for those that poll no more.
		Engine: actio.EngineOptions{PingInterval: 300 * time.Millisecond, PingTimeout: time.Second},
		Authenticate: actio.AuthenticateFunc(func(_ context.Context, h actio.Handshake) (bool, error) {
			return string(h.Auth) != `{"user":"nobody"}`, nil
		}),
	})
	require.NoError(t, err)
	require.NoError(t, server.Configure(t.Context()))
	require.NoError(t, server.Root().Handle("echo", func(_ context.Context, s *actio.Socket, e *actio.Event) {
		assert.NoError(t, s.Emit("echo", json.RawMessage(e.Args.Raw(0))))
		assert.NoError(t, e.Reply(e.Args.Len()))
	}))
	require.NoError(t, server.Root().Handle("close", func(_ context.Context, s *actio.Socket, _ *actio.Event) { s.Close() }))
	web := httptest.NewServer(server)
	shutdown = func() { assert.NoError(t, server.Shutdown(context.Background())) }
	t.Cleanup(func() {
		shutdown()
		web.Close()
	})
	return web.Listener.Addr().String(), shutdown
}

func overEachTransport(t *testing.T, test func(t *testing.T, o rawclient.Options)) {
	t.Helper()
	for _, transport := range []rawclient.Transport{rawclient.WebSocket, rawclient.Polling, rawclient.Upgraded} {
		t.Run(transport.String(), func(t *testing.T) { test(t, rawclient.Options{Transport: transport}) })
	}
}

func dial(t *testing.T, address string, o rawclient.Options) *rawclient.Client {
	t.Helper()
	c, err := rawclient.Dial(address, o)
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = c.Leave() // else Shutdown waits some seconds for those that poll
		c.Close()
	})
	return c
}

func TestLogin_ThenAsk_GetsEventAndAcknowledgement(t *testing.T) {
	address, _ := serve(t)
	overEachTransport(t, func(t *testing.T, o rawclient.Options) {
		c := dial(t, address, o)
		assert.Len(t, c.SID(), 20)
		id, err := c.Login(nil)
		require.NoError(t, err)
		assert.Equal(t, byte('~'), id[0])

		long := strings.Repeat("x", 70_000)
		for _, text := range []string{"short", long[:300], long} {
			packet, err := rawclient.Question(7, "echo", text)
			require.NoError(t, err)
			require.NoError(t, c.Send(packet))
			m, err := c.Await("echo")
			require.NoError(t, err)
			assert.NotZero(t, m.Args.Len())
			answer, err := c.Next()
			require.NoError(t, err)
			assert.Equal(t, wire.Ack, answer.Type)
			assert.EqualValues(t, 7, answer.ID)
		}
		answer, err := c.Ask(8, "echo", 1, 2)
		require.NoError(t, err)
		assert.Equal(t, "2", string(answer.Raw(0)))
	})
}

func TestEnds_TellHow(t *testing.T) {
	overEachTransport(t, func(t *testing.T, o rawclient.Options) {
		address, shutdown := serve(t)
		end := func(cut func(c *rawclient.Client)) rawclient.End {
			c := dial(t, address, o)
			_, err := c.Login(nil)
			require.NoError(t, err)
			cut(c)
			return c.Farewell()
		}
		kicked := end(func(c *rawclient.Client) { require.NoError(t, c.Emit("close")) })
		assert.True(t, kicked.ClosePacket || kicked.CloseCode == 1000, kicked)
		assert.NoError(t, kicked.Cause)
		end(func(c *rawclient.Client) { require.NoError(t, c.Leave()) })
		require.ErrorIs(t, end((*rawclient.Client).Reset).Cause, net.ErrClosed)
		require.ErrorIs(t, end((*rawclient.Client).Close).Cause, net.ErrClosed)

		going := end(func(*rawclient.Client) { go shutdown() })
		assert.True(t, going.ClosePacket || going.CloseCode == 1001, going)
		_, err := rawclient.Dial(address, o)
		var refusal *rawclient.EndError
		require.ErrorAs(t, err, &refusal)
		assert.Equal(t, 503, refusal.Status)
	})
}

func TestJoin_Refused_SaysWhy(t *testing.T) {
	address, _ := serve(t)
	c := dial(t, address, rawclient.Options{})
	_, err := c.Join("/nowhere", nil)
	require.ErrorContains(t, err, "Invalid namespace")
	_, err = dial(t, address, rawclient.Options{}).Login(map[string]string{"user": "nobody"})
	var end *rawclient.EndError
	require.ErrorAs(t, err, &end)
	assert.Equal(t, 1000, end.CloseCode)
}

func TestSilence_AnswersNoPing(t *testing.T) {
	c := dial(t, func() string { a, _ := serve(t); return a }(), rawclient.Options{Mute: true})
	c.Silence()
	require.NoError(t, c.Send("2")) // breaks the protocol: the server ends it
	assert.Equal(t, 1002, c.Farewell().CloseCode)
}
