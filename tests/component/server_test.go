package component_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/client"
	"github.com/actio-go/actio/component"
)

const patience = 20 * time.Second

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// soon gives what a channel gets, in less time than the defaults of the server would take.
func soon[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(8 * time.Second):
		require.Fail(t, "nothing came")
	}
	return v
}

func hostings() map[string]actio.Hosting {
	return map[string]actio.Hosting{"attached": actio.Attached, "mounted": actio.Mounted}
}

func allow(context.Context, *actio.Handshake) (*actio.Principal, error) {
	return &actio.Principal{}, nil
}

// place makes an application that needs no Redis; use binds more.
func place(
	t *testing.T, hosting actio.Hosting, handler http.HandlerFunc, o component.ServerOptions, use func(c *component.Container),
) *component.Application {
	t.Helper()
	a := component.NewApplication(component.ApplicationOptions{
		Server: &http.Server{Addr: "127.0.0.1:0", Handler: handler, ReadHeaderTimeout: patience},
	})
	o.Standalone = true
	component.ServerConfig.Bind(a.Container(), o)
	component.AuthenticateHandler.Bind(a.Container(), allow)
	if use != nil {
		use(a.Container())
	}
	require.NoError(t, a.Use(component.NewSocketIO(hosting)))
	require.NoError(t, a.Start(within(t)))
	t.Cleanup(func() { assert.NoError(t, a.Stop(within(t))) })
	return a
}

// connect makes a client that is not authenticated.
func connect(t *testing.T, a *component.Application, path string, transports ...client.Transport) *client.Helper {
	t.Helper()
	h, err := client.NewHelper(client.HelperOptions{
		Identifier: t.Name(), Host: "http://" + a.Addr().String(), NoAutoConnect: true,
		Options: client.Options{Path: path, NoReconnection: true, Transports: transports},
	})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, h.Shutdown(within(t))) })
	return h
}

func TestSocketIO_Options_ReachTheServer(t *testing.T) {
	for name, hosting := range hostings() {
		t.Run(name, func(t *testing.T) {
			o := component.ServerOptions{}
			o.Engine.Path, o.AuthenticateTimeout, o.PingInterval = "/rt", 500*time.Millisecond, 50*time.Millisecond
			o.DefaultRooms = []string{"lobby"}
			a := place(t, hosting, http.NotFound, o, nil)

			silent := connect(t, a, "/rt")
			gone := make(chan struct{})
			silent.Socket().OnDisconnect(func(context.Context, client.Reason, error) { close(gone) })
			require.NoError(t, silent.Socket().ConnectAndWait(within(t)))
			soon(t, gone)

			known := connect(t, a, "/rt")
			pings := make(chan struct{}, 1000)
			_, err := known.Socket().Handle("ping", func(context.Context, *client.Socket, *client.Event) { pings <- struct{}{} })
			require.NoError(t, err)
			require.NoError(t, known.Socket().ConnectAndWait(within(t)))
			require.NoError(t, known.Authenticate(within(t)))
			for range 3 {
				soon(t, pings)
			}
			server, _ := component.Instance.Get(a.Container())
			found, err := server.In("lobby").FetchSockets(within(t))
			require.NoError(t, err)
			assert.Len(t, found.Sockets, 1)

			assert.Error(t, connect(t, a, "/io").Socket().ConnectAndWait(within(t)), "/io belongs to the application")
		})
	}
}

func TestSocketIO_Handlers_AreCalled(t *testing.T) {
	connected := make(chan string, 1)
	a := place(t, actio.Mounted, http.NotFound, component.ServerOptions{}, func(c *component.Container) {
		component.ValidateRoomHandler.Bind(c, func(_ context.Context, _ *actio.Socket, rooms []string) ([]string, error) {
			return rooms[:1], nil
		})
		component.ClientConnectedHandler.Bind(c, func(_ context.Context, s *actio.Socket) { connected <- s.ID() })
	})
	h := connect(t, a, "/io")
	require.NoError(t, h.Socket().ConnectAndWait(within(t)))
	require.NoError(t, h.Authenticate(within(t)))
	assert.Equal(t, h.Socket().ID(), soon(t, connected))
	answer, err := h.Socket().EmitWithAck(within(t), "join", map[string]any{"rooms": []string{"one", "two"}})
	require.NoError(t, err)
	var joined []string
	require.NoError(t, answer.Decode(0, &joined))
	assert.Equal(t, []string{"one"}, joined)
}

func TestStop_WithClientsAndARequest_EndsAllOfThem(t *testing.T) {
	for name, hosting := range hostings() {
		t.Run(name, func(t *testing.T) {
			inside, release := make(chan struct{}), make(chan struct{})
			a := place(t, hosting, func(w http.ResponseWriter, _ *http.Request) {
				close(inside)
				<-release
				_, _ = io.WriteString(w, "own")
			}, component.ServerOptions{}, nil)
			gone := make(chan client.Reason, 4)
			for _, transport := range []client.Transport{client.WebSocket, client.Polling} {
				for range 2 {
					h := connect(t, a, "/io", transport)
					h.Socket().OnDisconnect(func(_ context.Context, r client.Reason, _ error) { gone <- r })
					require.NoError(t, h.Socket().ConnectAndWait(within(t)))
					require.NoError(t, h.Authenticate(within(t)))
				}
			}
			answer := make(chan string, 1)
			go func() { answer <- fetch(within(t), "http://"+a.Addr().String()+"/own") }()
			soon(t, inside)
			stopped := make(chan error, 1)
			go func() { stopped <- a.Stop(within(t)) }()
			for range 4 {
				assert.Contains(t, []client.Reason{client.ReasonTransportClose, client.ReasonTransportError}, soon(t, gone),
					"with these an official client reconnects")
			}
			close(release)
			assert.Equal(t, "own", soon(t, answer))
			require.NoError(t, soon(t, stopped))
			_, live := component.Instance.Get(a.Container())
			assert.False(t, live)
		})
	}
}

// fetch returns what a request is answered, on a connection of its own.
func fetch(ctx context.Context, url string) string {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err.Error()
	}
	r.Close = true
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func TestStop_InsideAHandlerOfAClient_DoesNotWaitForThatHandler(t *testing.T) {
	var a *component.Application
	result := make(chan error, 1)
	a = place(t, actio.Attached, http.NotFound, component.ServerOptions{}, func(c *component.Container) {
		component.ClientConnectedHandler.Bind(c, func(_ context.Context, s *actio.Socket) {
			assert.NoError(t, actio.On(s, "quit", func(ctx context.Context, _ *actio.Socket, _ actio.None) (actio.None, error) {
				result <- a.Stop(context.WithoutCancel(ctx))
				return actio.None{}, nil
			}))
		})
	})
	h := connect(t, a, "/io")
	require.NoError(t, h.Socket().ConnectAndWait(within(t)))
	require.NoError(t, h.Authenticate(within(t)))
	require.NoError(t, h.Emit(client.Message{Topic: "quit"}))
	select {
	case err := <-result:
		require.NoError(t, err)
	case <-time.After(4 * time.Second): // the grace for handlers is 5 s
		require.Fail(t, "waits for itself")
	}
}
