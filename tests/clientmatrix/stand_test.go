package clientmatrix

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
)

// version is a version of the official client, and what a server needs for it.
type version struct {
	npm    string // an alias in tests/js/package.json
	engine actio.EngineOptions
}

func versions() []version {
	return []version{
		{"socket.io-client", actio.EngineOptions{}},
		{"socket.io-client-4-0", actio.EngineOptions{}},
		{"socket.io-client-3", actio.EngineOptions{}},
		{"socket.io-client-2", actio.EngineOptions{AllowEIO3: true}},
	}
}

// link is a version of the client and the way in which it connects.
type link struct {
	version

	name       string
	transports []string
	node       *harness
}

// overEachLink runs a test with each version, over each way to connect.
func overEachLink(t *testing.T, test func(t *testing.T, l link)) {
	t.Helper()
	for _, v := range versions() {
		t.Run(v.npm, func(t *testing.T) {
			t.Parallel()
			node := startHarness(t, v.npm)
			for _, l := range []link{
				{v, "polling", []string{"polling"}, node},
				{v, "websocket", []string{"websocket"}, node},
				{v, "upgrade", []string{"polling", "websocket"}, node},
			} {
				t.Run(l.name, func(t *testing.T) { test(t, l) })
			}
		})
	}
}

// stand is a server on a TCP port of its own.
type stand struct {
	*actio.Server

	link link
	web  *httptest.Server
	ends chan actio.Reason // of its sockets
}

// serve starts a server without authentication, whose clients may ask for anything. The test ends it.
func (l link) serve(t *testing.T, address string) *stand {
	t.Helper()
	s := &stand{link: l, ends: make(chan actio.Reason, 100)}
	server, err := actio.New(actio.Options{
		NoAuthentication: true, Engine: l.engine,
		ClientDisconnected: func(_ *actio.Socket, r actio.Reason) { s.ends <- r },
	})
	require.NoError(t, err)
	s.Server = server
	chat, err := server.Of("/chat")
	require.NoError(t, err)
	for _, n := range []*actio.Namespace{server.Root(), chat} {
		require.NoError(t, handle(n))
	}
	require.NoError(t, server.Configure(t.Context()))
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	require.NoError(t, err)
	s.web = httptest.NewUnstartedServer(server)
	require.NoError(t, s.web.Listener.Close())
	s.web.Listener = listener
	s.web.Start()
	t.Cleanup(func() { s.stop(t) })
	return s
}

// stop is idempotent.
func (s *stand) stop(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	assert.NoError(t, s.Shutdown(ctx))
	s.web.Close()
}

// reason waits for the end of a socket.
func (s *stand) reason(t *testing.T) actio.Reason {
	t.Helper()
	select {
	case r := <-s.ends:
		return r
	case <-time.After(patience):
		require.FailNow(t, "no socket ended")
		return 0
	}
}

// handle adds what clients may ask for: an echo, a question in return, a room.
func handle(n *actio.Namespace) error {
	return errors.Join(
		n.Handle("echo", func(_ context.Context, s *actio.Socket, e *actio.Event) {
			if e.WantsReply() {
				_ = e.Reply(values(e.Args)...) // the client may have gone: then it fails the test
				return
			}
			_ = s.Emit("echoed", values(e.Args)...)
		}),
		n.Handle("question", func(ctx context.Context, s *actio.Socket, e *actio.Event) {
			answer, err := s.EmitWithAck(ctx, "asked", values(e.Args)...)
			if err == nil {
				_ = e.Reply(values(answer)...)
			}
		}),
		actio.On(n, "join", func(ctx context.Context, s *actio.Socket, room string) (string, error) {
			return room, s.Join(ctx, room)
		}),
		actio.On(n, "leave", func(ctx context.Context, s *actio.Socket, room string) (string, error) {
			return room, s.Leave(ctx, room)
		}),
	)
}

// values are arguments as they came, binary as []byte.
func values(args actio.Args) []any {
	all := make([]any, args.Len())
	for i := range all {
		if err := args.Decode(i, &all[i]); err != nil {
			return []any{err.Error()}
		}
	}
	return all
}

// open makes a client of a namespace that tells of the events that these tests use.
func (s *stand) open(t *testing.T, namespace string) *client {
	t.Helper()
	options := map[string]any{"path": s.Path(), "transports": s.link.transports, "query": map[string]string{"who": "ann & bob"}}
	return s.link.node.open(t, s.web.URL+namespace, options, "echoed", "asked", "news")
}

// freeAddress is an address whose port is below those that systems give to outgoing connections, so that nobody takes it
// while no server listens there.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(20_000+rand.IntN(10_000)))
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
		if err == nil {
			require.NoError(t, listener.Close())
			return address
		}
	}
	require.FailNow(t, "no free port")
	return ""
}
