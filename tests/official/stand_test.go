package official

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsclient"
)

// patience bounds every wait of a test.
const patience = 15 * time.Second

// link is a way in which clients connect.
type link struct {
	name       string
	transports []string
	node       *jsclient.Harness
}

// overEachLink runs a test over each way to connect.
func overEachLink(t *testing.T, test func(t *testing.T, l link)) {
	t.Helper()
	t.Parallel()
	node := jsclient.Start(t)
	for _, l := range []link{
		{"polling", jsclient.Polling, node},
		{"websocket", jsclient.WebSocket, node},
		{"upgrade", jsclient.Upgrade, node},
	} {
		t.Run(l.name, func(t *testing.T) { test(t, l) })
	}
}

// stand is a server on a TCP port of its own, and the way in which clients connect to it.
type stand struct {
	*actio.Server

	link link
	url  string
	web  *httptest.Server
	once sync.Once
}

// serve starts a server on a free port. The test ends it, and fails if anything of it is left then.
func (l link) serve(t *testing.T, o actio.Options) *stand {
	t.Helper()
	return l.serveOn(t, "127.0.0.1:0", o)
}

func (l link) serveOn(t *testing.T, address string, o actio.Options) *stand {
	t.Helper()
	if o.OnPanic == nil {
		o.OnPanic = func(where string, recovered any, stack []byte) {
			t.Errorf("panic in %s: %v\n%s", where, recovered, stack)
		}
	}
	if o.Authenticate == nil && !o.NoAuthentication {
		o.Authenticate = everybody
	}
	server, err := actio.New(o)
	require.NoError(t, err)
	require.NoError(t, server.Configure(t.Context()))
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	require.NoError(t, err)
	web := httptest.NewUnstartedServer(server)
	require.NoError(t, web.Listener.Close())
	web.Listener = listener
	web.Start()
	s := &stand{Server: server, link: l, url: web.URL, web: web}
	t.Cleanup(func() { s.stop(t) })
	return s
}

// stop shuts the server down while its clients are connected. Nothing of it may be left: Shutdown says so for its
// goroutines and timers, the HTTP server for its requests.
func (s *stand) stop(t *testing.T) {
	t.Helper()
	s.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		assert.NoError(t, s.Shutdown(ctx))
		assert.False(t, s.Ready())
		_, err := s.Clients(ctx)
		assert.ErrorIs(t, err, actio.ErrClosed)

		closed := make(chan struct{})
		go func() {
			defer close(closed)
			s.web.Close()
		}()
		select {
		case <-closed:
		case <-ctx.Done():
			t.Error("a request is served although the server is shut down")
		}
	})
}

// address is where the server listens.
func (s *stand) address() string { return s.web.Listener.Addr().String() }

// options completes the options of a client.
func (s *stand) options(o jsclient.Options) jsclient.Options {
	o.Transports, o.Path = s.link.transports, s.Path()
	return o
}

// connect connects a client to the default namespace; it does not authenticate.
func (s *stand) connect(t *testing.T) *jsclient.Client {
	t.Helper()
	return s.connectWith(t, jsclient.Options{})
}

func (s *stand) connectWith(t *testing.T, o jsclient.Options) *jsclient.Client {
	t.Helper()
	c, err := s.link.node.Dial(t.Context(), s.url, s.options(o))
	require.NoError(t, err)
	return c
}

// login connects a client that authenticates as soon as it is connected, and waits until it is authenticated.
func (s *stand) login(t *testing.T) *jsclient.Client {
	t.Helper()
	return s.loginWith(t, jsclient.Options{})
}

func (s *stand) loginWith(t *testing.T, o jsclient.Options) *jsclient.Client {
	t.Helper()
	o.Greet = "authenticate"
	c := s.connectWith(t, o)
	jsclient.Wait(t, c, "authenticated")
	return c
}

// loginAs is login with a token.
func (s *stand) loginAs(t *testing.T, token string) *jsclient.Client {
	t.Helper()
	return s.loginWith(t, jsclient.Options{Auth: map[string]any{"token": token}})
}

// socket is the server's side of a client.
func (s *stand) socket(t *testing.T, c *jsclient.Client) *actio.Socket {
	t.Helper()
	socket, err := s.Socket(t.Context(), c.ID())
	require.NoError(t, err)
	require.NotNil(t, socket)
	return socket
}

// rooms are the rooms that a client is in.
func (s *stand) rooms(t *testing.T, c *jsclient.Client) []string {
	t.Helper()
	rooms, err := s.socket(t, c).Rooms(t.Context())
	require.NoError(t, err)
	return rooms
}

// state is the state of a client.
func (s *stand) state(t *testing.T, c *jsclient.Client) actio.State {
	t.Helper()
	info, found, err := s.Client(t.Context(), c.ID())
	require.NoError(t, err)
	require.True(t, found)
	return info.State
}

// stats is a snapshot.
func (s *stand) stats(t *testing.T) actio.Stats {
	t.Helper()
	stats, err := s.Stats(t.Context())
	require.NoError(t, err)
	return stats
}

// until waits for a condition on the server's statistics.
func (s *stand) until(t *testing.T, what string, condition func(actio.Stats) bool) {
	t.Helper()
	var last actio.Stats
	reached := assert.EventuallyWithT(t, func(c *assert.CollectT) {
		stats, err := s.Stats(t.Context())
		last = stats
		assert.NoError(c, err)
		assert.True(c, condition(stats))
	}, patience, 5*time.Millisecond, what)
	if !reached {
		t.Fatalf("%s: %+v", what, last)
	}
}

// untilEmpty waits until the server has neither clients nor sessions, and looks at everything that counts them.
func (s *stand) untilEmpty(t *testing.T) {
	t.Helper()
	s.until(t, "the last session ends", func(stats actio.Stats) bool { return stats.Connections == 0 && stats.RoomMembers == 0 })
	stats := s.stats(t)
	assert.Zero(t, stats.Unauthenticated)
	assert.Zero(t, stats.Sockets)
	assert.Zero(t, stats.Authenticated)
	assert.Zero(t, stats.Rooms)
	assert.Zero(t, stats.Users)
	assert.Equal(t, stats.SessionsOpened, stats.SessionsClosed)
	clients, err := s.Clients(t.Context())
	require.NoError(t, err)
	assert.Empty(t, clients)
}

// everybody lets every client in; the token of its handshake is its user.
func everybody(_ context.Context, h *actio.Handshake) (*actio.Principal, error) {
	return &actio.Principal{UserID: tokenOf(h)}, nil
}

// all lets a client join whatever it wants to join.
func all(_ context.Context, _ *actio.Socket, rooms []string) ([]string, error) { return rooms, nil }

// reasonOf waits for the end of a client and returns the official client's reason.
func reasonOf(t *testing.T, c *jsclient.Client) string {
	t.Helper()
	await.Value(t, c.Disconnected())
	return c.DisconnectReason()
}

// fixedAddress is an address whose port is below those that systems give to outgoing connections, so that nobody takes it
// while no server listens there.
func fixedAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(10_000))
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
		if err == nil {
			require.NoError(t, listener.Close())
			return address
		}
	}
	require.FailNow(t, "no free port")
	return ""
}

// errBroken is what functions of these tests fail with.
var errBroken = errors.New("broken on purpose")
