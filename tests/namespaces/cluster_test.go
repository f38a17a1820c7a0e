package namespaces

import (
	"context"
	"regexp"
	"testing"
	"time"

	"github.com/actio-go/actio/tests/internal/jsclient"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

// listened are the patterns and channels that Redis has subscribers of.
func listened(ctx context.Context, t assert.TestingT, r *redis.Client) (all []string) {
	for _, command := range []string{"channels", "shardchannels"} {
		channels, err := r.Do(ctx, "pubsub", command).StringSlice()
		assert.NoError(t, err)
		all = append(all, channels...)
	}
	patterns, err := r.PubSubNumPat(ctx).Result()
	assert.NoError(t, err)
	for range patterns {
		all = append(all, "a pattern")
	}
	return all
}

func TestDynamic_InACluster_IsOneNamespaceAndLeavesNoSubscription(t *testing.T) {
	for name, o := range map[string]actio.RedisOptions{
		"classic": {}, "sharded": {Adapter: actio.ShardedAdapter},
	} {
		t.Run(name, func(t *testing.T) {
			r := redisproc.Start(t)
			admin := r.Client()
			o.Client = r.Client()
			instance := func() *stand {
				s := serve(t, actio.Options{Redis: o})
				p := s.OfPattern(regexp.MustCompile(`^/d$`))
				require.NoError(t, p.Handle("say", func(_ context.Context, socket *actio.Socket, e *actio.Event) {
					assert.NoError(t, socket.Broadcast().Emit("said"))
					_ = e.Reply()
				}))
				return s
			}
			first, second := instance(), instance()
			before := len(listened(t.Context(), t, admin))
			a, b := first.enter(t, "/d"), second.enter(t, "/d")
			n := first.socket(t, a).Namespace()
			assert.EventuallyWithT(t, func(c *assert.CollectT) {
				found, err := n.FetchSockets(t.Context())
				assert.NoError(c, err)
				assert.Len(c, found.Sockets, 2)
			}, patience, 5*time.Millisecond)
			jsclient.Ask(t, a, "say")
			jsclient.Wait(t, b, "said")
			jsclient.Ask(t, b, "say")
			jsclient.Wait(t, a, "said")
			assert.Greater(t, len(listened(t.Context(), t, admin)), before)

			a.Disconnect()
			b.Disconnect()
			first.untilDynamic(t, 0)
			second.untilDynamic(t, 0)
			assert.EventuallyWithT(t, func(c *assert.CollectT) {
				assert.Len(c, listened(t.Context(), c, admin), before)
			}, patience, 5*time.Millisecond)
			stats, err := first.Stats(t.Context())
			require.NoError(t, err)
			assert.Equal(t, 1, stats.Redis.Namespaces)

			a, b = first.enter(t, "/d"), second.enter(t, "/d") // it comes again, and listens again
			assert.EventuallyWithT(t, func(c *assert.CollectT) {
				jsclient.Ask(t, a, "say")
				assert.Positive(c, b.Received("said"))
			}, patience, 5*time.Millisecond)
		})
	}
}
