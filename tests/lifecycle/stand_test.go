package lifecycle

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/rawclient"
)

// patience bounds every wait of a test.
const patience = 60 * time.Second

// everybody lets all clients in. The user of a client is what its payload says.
func everybody(_ context.Context, h *actio.Handshake) (*actio.Principal, error) {
	var auth struct{ User string }
	if len(h.Auth) > 0 {
		if err := json.Unmarshal(h.Auth, &auth); err != nil {
			return nil, err
		}
	}
	return &actio.Principal{UserID: auth.User}, nil
}

// anyRoom lets clients into the rooms that they ask for.
func anyRoom(_ context.Context, _ *actio.Socket, rooms []string) ([]string, error) { return rooms, nil }

// user is the payload of a client for everybody.
func user(name string) map[string]string { return map[string]string{"user": name} }

// stand is a server on a TCP port of its own.
type stand struct {
	*actio.Server

	web *httptest.Server
}

// serve starts a server on a free port. The test ends it, and fails if anything of it is left then.
func serve(t *testing.T, o actio.Options) *stand {
	t.Helper()
	return serveOn(t, "127.0.0.1:0", o)
}

// serveOn starts a server on an address.
func serveOn(t *testing.T, address string, o actio.Options) *stand {
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
	s := &stand{Server: server, web: listen(t, address, server)}
	t.Cleanup(func() { s.end(t) })
	return s
}

// end shuts the server down and lets go of it. Idempotent.
func (s *stand) end(t *testing.T) {
	t.Helper()
	if s.Server == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	assert.NoError(t, s.Shutdown(ctx))
	s.web.Close()
	s.Server, s.web = nil, nil
}

// listen serves HTTP with small buffers of the kernel, so that a client that does not read is noticed soon.
func listen(t *testing.T, address string, h http.Handler) *httptest.Server {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	require.NoError(t, err)
	web := httptest.NewUnstartedServer(h)
	require.NoError(t, web.Listener.Close())
	web.Listener = smallBuffers{listener}
	web.Start()
	return web
}

// smallBuffers is a listener whose connections have small buffers in the kernel.
type smallBuffers struct{ net.Listener }

// Accept implements net.Listener.
func (l smallBuffers) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return conn, errors.Join(conn.(*net.TCPConn).SetWriteBuffer(16<<10), conn.(*net.TCPConn).SetReadBuffer(16<<10))
}

// address is where the server listens.
func (s *stand) address() string { return s.web.Listener.Addr().String() }

// dial opens a session.
func (s *stand) dial(t *testing.T, o rawclient.Options) *rawclient.Client {
	t.Helper()
	c, err := rawclient.Dial(s.address(), o)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// login opens a session over a websocket whose client is authenticated as a user. It returns the client and its socket.
func (s *stand) login(t *testing.T, name string) (*rawclient.Client, *actio.Socket) {
	t.Helper()
	c := s.dial(t, rawclient.Options{})
	id, err := c.Login(user(name))
	require.NoError(t, err)
	return c, s.socket(t, id)
}

// socket is the server's side of a client.
func (s *stand) socket(t *testing.T, id string) *actio.Socket {
	t.Helper()
	socket, err := s.Socket(t.Context(), id)
	require.NoError(t, err)
	require.NotNil(t, socket)
	return socket
}

// handle adds a handler for an event.
func (s *stand) handle(t *testing.T, event string, h actio.HandlerFunc) {
	t.Helper()
	require.NoError(t, s.Root().Handle(event, h))
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
	eventually(t, what, func() bool {
		last = s.stats(t)
		return condition(last)
	}, func() any { return last })
}

// population is what a server holds of its clients.
type population struct{ Connections, Unauthenticated, Sockets, Authenticated, Rooms, RoomMembers, Users int }

func populationOf(s actio.Stats) population {
	return population{s.Connections, s.Unauthenticated, s.Sockets, s.Authenticated, s.Rooms, s.RoomMembers, s.Users}
}

// untilEmpty waits until the server has forgotten all of its clients: supervisor, registry and index of users.
func (s *stand) untilEmpty(t *testing.T) {
	t.Helper()
	s.until(t, "nothing of the clients is left", func(st actio.Stats) bool {
		return populationOf(st) == population{} && st.SessionsOpened == st.SessionsClosed
	})
}

// eventually waits for a condition. What the operating system and the HTTP server do in their own time sends no signal
// that could be waited for.
func eventually(t *testing.T, what string, condition func() bool, last func() any) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	giveUp := time.NewTimer(patience)
	defer giveUp.Stop()
	for !condition() {
		select {
		case <-ticker.C:
		case <-giveUp.C:
			t.Fatalf("%s: not within %v; last: %+v", what, patience, last())
		}
	}
}

// receive waits for a value.
func receive[T any](t *testing.T, from <-chan T, what string) (value T) {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case value = <-from:
	case <-timer.C:
		t.Fatalf("%s: not within %v", what, patience)
	}
	return value
}

// each calls f for 0 to n-1, as many at a time as there are workers, and returns the errors joined: the first few.
func each(n, workers int, f func(i int) error) error {
	const few = 5
	var (
		next  atomic.Int64
		group sync.WaitGroup
		mutex sync.Mutex
		errs  []error
	)
	for range workers {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := f(i); err != nil {
					mutex.Lock()
					if len(errs) < few {
						errs = append(errs, err)
					}
					mutex.Unlock()
				}
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}
