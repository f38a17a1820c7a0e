package recovery

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/client"
	"github.com/actio-go/actio/tests/internal/await"
)

func TestGoClient_CutTenTimesUnderALoad_EveryMessageArrivesOnceAndInOrder(t *testing.T) {
	t.Parallel()
	for _, transport := range []client.Transport{client.WebSocket, client.Polling} {
		t.Run(string(transport), func(t *testing.T) {
			const cuts, each = 10, 1000
			s := serve(t, actio.Options{})
			manager, err := client.New(s.proxy.URL(), client.Options{
				Path: s.Path(), Transports: []client.Transport{transport}, ReconnectionDelay: time.Millisecond,
				ReconnectionDelayMax: 20 * time.Millisecond,
			})
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, manager.Close(context.WithoutCancel(t.Context()))) })
			c, err := manager.Socket("/", client.SocketOptions{})
			require.NoError(t, err)
			numbers, ends := make(chan int, 2*cuts*each), make(chan client.Reason, 2*cuts)
			_, err = client.On(c, "n", func(_ context.Context, _ *client.Socket, n int) (client.None, error) {
				numbers <- n
				return client.None{}, nil
			})
			require.NoError(t, err)
			c.OnDisconnect(func(_ context.Context, r client.Reason, _ error) { ends <- r })
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			require.NoError(t, c.ConnectAndWait(ctx))
			id := c.ID()
			s.join(t)
			next := 0
			emit := func(n int) {
				for range n {
					require.NoError(t, s.To("r").Emit("n", next))
					next++
				}
			}
			for range cuts {
				emit(each / 2)
				s.proxy.Down()
				await.Value(t, ends)
				emit(each / 2)
				s.proxy.Up()
				is := s.join(t)
				require.True(t, is.Recovered(), "%v", is.RecoveryFailure())
				require.Equal(t, id, is.ID())
				require.NoError(t, c.ConnectAndWait(ctx)) // else it could not tell of its next end
			}
			for want := range cuts * each {
				require.Equal(t, want, await.Value(t, numbers))
			}
			assert.True(t, c.Recovered())
			assert.Empty(t, numbers)
		})
	}
}
