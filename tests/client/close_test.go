package client_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/client"
)

// streaming is a client of a stream, in the bubble of synctest that it is called in.
func streaming(t *testing.T, server *stream, hooks client.Hooks) *client.Socket {
	t.Helper()
	m, err := client.New("http://server.test", client.Options{
		Transports: []client.Transport{client.Polling}, HTTPClient: &http.Client{Transport: server}, Hooks: hooks,
	})
	require.NoError(t, err)
	s, err := m.Socket("/", client.SocketOptions{})
	require.NoError(t, err)
	return s
}

func TestEmitVolatile_SomethingWaitsToBeWritten_Dropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &stream{posts: make(chan string)}
		s := streaming(t, server, client.Hooks{})
		require.NoError(t, s.EmitVolatile("dropped"), "not connected")
		require.NoError(t, s.Connect())
		assert.Equal(t, "40", <-server.posts)
		synctest.Wait()
		require.NoError(t, s.EmitVolatile("first"))
		synctest.Wait() // its POST is under way
		require.NoError(t, s.EmitVolatile("dropped"))
		require.NoError(t, s.Emit("kept"))
		require.NoError(t, s.EmitVolatile("dropped"))
		assert.Equal(t, `42["first"]`, <-server.posts)
		assert.Equal(t, `42["kept"]`, <-server.posts)
		synctest.Wait()
		require.NoError(t, s.EmitVolatile("last"))
		assert.Equal(t, `42["last"]`, <-server.posts)
		closed := make(chan error, 1)
		go func() { closed <- s.Manager().Close(t.Context()) }()
		assert.Equal(t, "41", <-server.posts)
		assert.Equal(t, "1", <-server.posts)
		require.NoError(t, <-closed)
	})
}

// TestClose_InTwoHandlersAtOnce: if each waited for all handlers but itself, neither would return.
func TestClose_InTwoHandlersAtOnce_BothReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *client.Socket
		results := make(chan error, 2)
		s = streaming(t, &stream{event: "news", events: 1}, client.Hooks{Open: func(ctx context.Context) {
			<-ctx.Done() // the other call is under way
			results <- s.Manager().Close(ctx)
		}})
		_, err := s.Handle("news", func(ctx context.Context, s *client.Socket, _ *client.Event) {
			results <- s.Manager().Close(ctx)
		})
		require.NoError(t, err)
		require.NoError(t, s.Connect())
		synctest.Wait()
		require.NoError(t, s.Manager().Close(t.Context()))
		require.NoError(t, <-results)
		require.NoError(t, <-results)
	})
}
