package client_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/client"
	"github.com/actio-go/actio/tests/internal/testserver"
)

// patience is how long a test waits for what has to come.
const patience = 20 * time.Second

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// closed closes a manager within the test, and fails when that does not work.
func closed(t *testing.T, m *client.Manager) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	assert.NoError(t, m.Close(ctx))
}

func dial(t *testing.T, url string, o client.Options, so client.SocketOptions) *client.Socket {
	t.Helper()
	s, err := client.Dial(within(t), url, o, so)
	require.NoError(t, err)
	t.Cleanup(func() { closed(t, s.Manager()) })
	return s
}

// serve runs a server of actio without authentication.
func serve(t *testing.T, o actio.Options) (*actio.Server, string) {
	t.Helper()
	o.Engine.Path = "/socket.io"
	server := testserver.Start(t, o)
	return server.Server, server.URL
}

func TestActio_EveryTransport_EventsAndAcknowledgementsBothWays(t *testing.T) {
	for name, transports := range map[string][]client.Transport{
		"polling": {client.Polling}, "websocket": {client.WebSocket}, "upgrade": {client.Polling, client.WebSocket},
	} {
		t.Run(name, func(t *testing.T) {
			server, url := serve(t, actio.Options{})
			require.NoError(t, server.Root().Handle("echo", func(ctx context.Context, s *actio.Socket, e *actio.Event) {
				var text string
				var data []byte
				assert.NoError(t, e.Args.DecodeAll(&text, &data))
				assert.NoError(t, s.Emit("echo", text, data))
				assert.NoError(t, e.Reply(text, data))
			}))
			asked := make(chan error, 1)
			require.NoError(t, server.Root().Handle("ask", func(ctx context.Context, s *actio.Socket, e *actio.Event) {
				args, err := s.EmitWithAck(ctx, "question", 20)
				var n int
				if err == nil {
					err = args.Decode(0, &n)
				}
				assert.Equal(t, 21, n)
				asked <- err
			}))
			m, err := client.New(url, client.Options{Transports: transports})
			require.NoError(t, err)
			defer closed(t, m)
			s, err := m.Socket("/", client.SocketOptions{})
			require.NoError(t, err)
			got := make(chan string, 10)
			_, err = s.Handle("echo", func(_ context.Context, _ *client.Socket, e *client.Event) {
				var text string
				var data []byte
				assert.NoError(t, e.Args.DecodeAll(&text, &data))
				got <- text + string(data)
			})
			require.NoError(t, err)
			_, err = client.On(s, "question", func(_ context.Context, _ *client.Socket, n int) (int, error) { return n + 1, nil })
			require.NoError(t, err)
			require.NoError(t, s.ConnectAndWait(within(t)))
			for range 50 {
				args, err := s.EmitWithAck(within(t), "echo", "h\x1eé", []byte{0, 1, 2})
				require.NoError(t, err)
				var text string
				var data []byte
				require.NoError(t, args.DecodeAll(&text, &data))
				assert.Equal(t, "h\x1eé", text)
				assert.Equal(t, []byte{0, 1, 2}, data)
				assert.Equal(t, "h\x1eé\x00\x01\x02", <-got)
			}
			require.NoError(t, s.Emit("ask"))
			assert.NoError(t, <-asked)
			if name == "upgrade" {
				require.Eventually(t, func() bool { return m.Transport() == client.WebSocket }, patience, time.Millisecond)
				_, err := s.EmitWithAck(within(t), "echo", "x", []byte{})
				require.NoError(t, err)
			}
		})
	}
}

func TestActio_UpgradeUnderLoad_NothingLostNothingTwice(t *testing.T) {
	server, url := serve(t, actio.Options{})
	var mutex sync.Mutex
	var seen []int
	require.NoError(t, actio.On(server.Root(), "n", func(_ context.Context, s *actio.Socket, n int) (actio.None, error) {
		mutex.Lock()
		defer mutex.Unlock()
		seen = append(seen, n)
		return actio.None{}, s.Emit("n", n)
	}))
	for range 10 {
		seen = nil
		s := dial(t, url, client.Options{}, client.SocketOptions{})
		back := make(chan int, 5000)
		_, err := client.On(s, "n", func(_ context.Context, _ *client.Socket, n int) (client.None, error) {
			back <- n
			return client.None{}, nil
		})
		require.NoError(t, err)
		n := 0
		for ; n < 300 || s.Manager().Transport() != client.WebSocket; n++ {
			require.NoError(t, s.Emit("n", n))
		}
		for i := range n {
			require.Equal(t, i, <-back)
		}
		mutex.Lock()
		for i := range n {
			require.Equal(t, i, seen[i])
		}
		mutex.Unlock()
		closed(t, s.Manager())
	}
}

func TestActio_ServerNotThere_ErrorsAndThenConnects(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_, err := client.Dial(ctx, web.URL, client.Options{ReconnectionDelay: 10 * time.Millisecond}, client.SocketOptions{})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	var status *client.StatusError
	require.ErrorAs(t, err, &status)
	assert.Equal(t, http.StatusNotFound, status.Status)
	_, err = client.Dial(within(t), web.URL, client.Options{NoReconnection: true, Transports: []client.Transport{client.WebSocket}}, client.SocketOptions{})
	require.ErrorAs(t, err, &status)
}
