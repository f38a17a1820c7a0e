package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/rawclient"
)

// audience is clients that only read, until they are told that it is over.
type audience struct {
	clients []*rawclient.Client
	ends    []rawclient.End
	readers sync.WaitGroup
}

// invite connects n authenticated clients over all transports.
func (s *stand) invite(t *testing.T, n int) *audience {
	t.Helper()
	a := &audience{clients: make([]*rawclient.Client, n), ends: make([]rawclient.End, n)}
	require.NoError(t, each(n, 64, func(i int) error {
		c, err := rawclient.Dial(s.address(), rawclient.Options{Transport: a.transport(i)})
		if err != nil {
			return err
		}
		a.clients[i] = c
		_, err = c.Login(nil)
		return err
	}))
	for i, c := range a.clients {
		a.readers.Go(func() { a.ends[i] = c.Farewell() })
	}
	t.Cleanup(a.leave)
	return a
}

func (a *audience) transport(i int) rawclient.Transport { return rawclient.Transport(i % 3) }

// dismissed fails the test unless each client was told that the server goes away.
func (a *audience) dismissed(t *testing.T) {
	t.Helper()
	a.readers.Wait()
	wrong := map[string]int{}
	for i, end := range a.ends {
		want := rawclient.End{CloseCode: 1001}
		if a.transport(i) == rawclient.Polling {
			want = rawclient.End{ClosePacket: true}
		}
		if end != want {
			wrong[fmt.Sprintf("%s: %+v", a.transport(i), end)]++
		}
	}
	assert.Empty(t, wrong)
}

func (a *audience) leave() {
	for _, c := range a.clients {
		c.Close()
	}
	a.readers.Wait()
}

// farewell reads until the end of a client, which then does not keep Shutdown waiting.
func farewell(c *rawclient.Client) <-chan rawclient.End {
	end := make(chan rawclient.End, 1)
	go func() { end <- c.Farewell() }()
	return end
}

func TestShutdown_ManyClients_EachIsToldAndNothingIsLeft(t *testing.T) {
	const clients = 2000
	var told, other atomic.Int64
	before := takeBaseline(5 * clients)
	s := serve(t, actio.Options{ClientDisconnected: func(_ *actio.Socket, r actio.Reason) {
		if r == actio.ReasonServerShutdown {
			told.Add(1)
		} else {
			other.Add(1)
		}
	}})
	a := s.invite(t, clients)
	require.Equal(t, clients, s.stats(t).Authenticated)

	require.NoError(t, s.Shutdown(t.Context()))
	assert.EqualValues(t, clients, told.Load(), "the disconnect callbacks have run")
	assert.Zero(t, other.Load())
	assert.False(t, s.Ready())
	a.dismissed(t)
	a.leave()
	a.clients, a.ends = nil, nil
	s.end(t)
	before.returned(t, clients*256)
}

func TestShutdown_OfficialClients_AllReconnectToTheNextServer(t *testing.T) {
	const clients = 60
	node := jsclient.Start(t)
	s := serve(t, actio.Options{})
	// All options but the path are the official defaults.
	group, err := node.ConnectMany(t.Context(), clients, s.web.URL, jsclient.Options{Path: "/io/", Reconnect: true})
	require.NoError(t, err)
	assert.Equal(t, clients, s.stats(t).Sockets)

	address := s.address()
	s.end(t)
	next := serveOn(t, address, actio.Options{})
	require.NoError(t, group.Wait(t.Context(), "connect", 2))
	assert.Equal(t, clients, next.stats(t).Sockets)
	reasons, err := group.Received(t.Context(), "disconnect")
	require.NoError(t, err)
	for _, r := range reasons {
		require.Len(t, r, 1)
		assert.Contains(t, []any{"transport close", "transport error"}, r[0].Values()[0])
	}
}

func TestShutdown_BeforeConfigure_EndsTheServerForGood(t *testing.T) {
	server, err := actio.New(actio.Options{NoAuthentication: true})
	require.NoError(t, err)
	require.NoError(t, server.Shutdown(t.Context()))
	require.NoError(t, server.Shutdown(t.Context()))
	require.ErrorIs(t, server.Configure(t.Context()), actio.ErrClosed)
	assert.False(t, server.Ready())
	_, err = server.Engine()
	require.ErrorIs(t, err, actio.ErrNotConfigured)

	answer := httptest.NewRecorder()
	server.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/io/?EIO=4&transport=polling", nil))
	assert.Equal(t, http.StatusServiceUnavailable, answer.Code)
}

func TestShutdown_Again_IsTheSame(t *testing.T) {
	s := serve(t, actio.Options{})
	a := s.invite(t, 9)
	require.NoError(t, s.Shutdown(t.Context()))
	a.dismissed(t)
	require.NoError(t, s.Shutdown(t.Context()))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, s.Shutdown(ended), "nothing is left to wait for")
	require.ErrorIs(t, s.Configure(t.Context()), actio.ErrClosed)
}

func TestShutdown_Concurrently_AllCallsWaitForTheEnd(t *testing.T) {
	var told atomic.Int64
	s := serve(t, actio.Options{ClientDisconnected: func(*actio.Socket, actio.Reason) { told.Add(1) }})
	const clients = 90
	a := s.invite(t, clients)
	require.NoError(t, each(32, 32, func(int) error {
		err := s.Shutdown(t.Context())
		if n := told.Load(); n != clients {
			err = errors.Join(err, fmt.Errorf("returned when %d of %d callbacks had run", n, clients))
		}
		return err
	}))
	a.dismissed(t)
}

func TestShutdown_QueriesMeanwhile_AnswerOrSayClosed(t *testing.T) {
	for range 100 {
		server, err := actio.New(actio.Options{NoAuthentication: true, RegistryShards: 4})
		require.NoError(t, err)
		require.NoError(t, server.Configure(t.Context()))
		asked := make(chan error, 1)
		go func() {
			asked <- each(4, 4, func(i int) error {
				for {
					var err error
					switch i {
					case 0:
						_, err = server.Clients(t.Context())
					case 1:
						_, err = server.Socket(t.Context(), "unknown")
					default:
						_, err = server.Stats(t.Context())
					}
					if errors.Is(err, actio.ErrClosed) {
						return nil
					}
					if err != nil {
						return err
					}
				}
			})
		}()
		require.NoError(t, server.Shutdown(t.Context()))
		require.NoError(t, receive(t, asked, "all questions are answered"))
	}
}

// Clients that come, go, upgrade and talk while the server ends leave nothing either.
func TestShutdown_InAStorm_LeavesNothing(t *testing.T) {
	before := takeBaseline(1000)
	s := serve(t, actio.Options{})
	s.handle(t, "echo", func(_ context.Context, _ *actio.Socket, e *actio.Event) { _ = e.Reply("echo") })
	var served atomic.Int64
	enough := make(chan struct{})
	var storm sync.WaitGroup
	for i := range 48 {
		storm.Go(func() {
			for {
				err := visit(s, rawclient.Transport(i%3), i%4)
				if err != nil && !s.Ready() {
					return
				}
				if served.Add(1) == 200 {
					close(enough)
				}
			}
		})
	}
	receive(t, enough, "the storm is there")
	require.NoError(t, s.Shutdown(t.Context()))
	storm.Wait()
	s.end(t)
	before.returned(t, 1<<20)
}

// visit comes, asks something, and goes in one of four ways. An error is the server's.
func visit(s *stand, transport rawclient.Transport, way int) error {
	c, err := rawclient.Dial(s.address(), rawclient.Options{Transport: transport})
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Login(nil); err != nil {
		return err
	}
	if _, err := c.Ask(1, "echo"); err != nil {
		return err
	}
	switch way {
	case 0:
		return c.Leave()
	case 1:
		c.Reset()
	case 2:
		return c.Emit("echo") // and does not wait for it
	}
	return nil
}
