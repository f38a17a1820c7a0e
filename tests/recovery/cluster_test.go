package recovery

import (
	"context"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

// TestEvents_OfOtherInstances_AreGivenAgain: an instance listens to the rooms of clients that may come back, and nobody else
// may be in them.
func TestEvents_OfOtherInstances_AreGivenAgain(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]actio.RedisOptions{
		"classic": {}, "dynamic rooms": {DynamicRooms: true}, "sharded": {Adapter: actio.ShardedAdapter},
	} {
		t.Run(name, func(t *testing.T) {
			server := redisproc.Start(t)
			o.Client = redis.NewClient(server.ClientOptions())
			t.Cleanup(func() { assert.NoError(t, o.Client.Close()) })
			s, other := serve(t, actio.Options{Redis: o}), serve(t, actio.Options{Redis: o})
			c, _ := s.connect(t, s.options(jsclient.WebSocket))
			require.NoError(t, other.To("r").Emit("n", 1))
			require.Equal(t, 1, numberOf(t, c, "n"))
			s.outage(t, c, func() {
				await.Value(t, s.ended)
				require.NoError(t, other.To("r").Emit("n", 2))
				require.NoError(t, other.To(c.ID()).Emit("n", 3))
				require.NoError(t, other.Emit("n", 4))
				questions(t, other.Root(), s.Root())
			})
			_, recovered := again(t, c)
			require.True(t, recovered)
			require.NoError(t, other.To("r").Emit("n", 5))
			for n := 2; n <= 5; n++ {
				require.Equal(t, n, numberOf(t, c, "n"))
			}
		})
	}
}

// questions returns when what one instance has sent before has reached the other.
func questions(t *testing.T, from, to *actio.Namespace) {
	t.Helper()
	arrived := make(chan struct{}, 1)
	require.NoError(t, to.OnServerSideEmit("sync", func(context.Context, *actio.ServerEvent) { arrived <- struct{}{} }))
	require.NoError(t, from.ServerSideEmit("sync"))
	await.Value(t, arrived)
}
