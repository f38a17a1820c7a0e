package outage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

// The channels of the sharded adapter that carry the broadcasts to everybody and to the room.
const (
	generalChannel = "socket.io#/#"
	roomChannel    = generalChannel + room + "#"
	// membersChannel is that of the instances of actio: what belongs to no slot goes by way of the node that serves it.
	membersChannel = "socket.io-actio-members#"
)

func TestSentinel_MasterKilledUnderLoad_TheNextOneTakesOver(t *testing.T) {
	s := redisproc.StartSentinel(t)
	overConnections(t, func(t *testing.T, adapter actio.Adapter) {
		instances := cluster(t, 3, func() redis.UniversalClient { return s.Client() }, adapter)
		var old *redisproc.Server
		surviveKill(t, instances, func() { old = s.KillMaster() }, func() time.Time {
			s.WaitFailover(old)
			back := time.Now()
			old.Restart()
			return back
		})
	})
}

func TestSentinel_FailoverUnderLoad_TheNextOneTakesOver(t *testing.T) {
	s := redisproc.StartSentinel(t)
	instances := cluster(t, 3, func() redis.UniversalClient { return s.Client() }, actio.ClassicAdapter)
	survive(t, instances, func(t *testing.T) time.Time {
		old := s.Master()
		s.Failover()
		eventually(t, "the old master follows, its clients are cut off", func() bool {
			role, err := old.Do(t.Context(), "ROLE")
			return err == nil && strings.HasPrefix(fmt.Sprint(role), "[slave")
		}, func() any { return nil })
		return time.Now()
	})
	for _, server := range s.Servers() {
		if server != s.Master() {
			assert.NotContains(t, strings.Join(server.ClientNames(), " "), "instance", "nobody stays with the old master")
		}
	}
}

func TestCluster_UnderLoad_TrafficGoesOn(t *testing.T) {
	c := redisproc.StartCluster(t)
	client := func() redis.UniversalClient { return c.Client() }
	t.Run("slot migrated", func(t *testing.T) {
		overAdapters(t, func(t *testing.T, adapter actio.Adapter) {
			survive(t, cluster(t, 3, client, adapter), func(*testing.T) time.Time {
				c.MigrateSlot(generalChannel)
				return time.Now()
			})
		})
	})
	t.Run("replaced in good order", func(t *testing.T) {
		goes := map[actio.Adapter]string{actio.ShardedAdapter: generalChannel}
		if full {
			goes[actio.ClassicAdapter] = membersChannel
		}
		for adapter, channel := range goes {
			survive(t, cluster(t, 3, client, adapter), func(*testing.T) time.Time {
				c.Failover(channel)
				c.WaitStable()
				return time.Now()
			})
		}
	})
	t.Run("master killed", func(t *testing.T) {
		overAdapters(t, func(t *testing.T, adapter actio.Adapter) {
			instances := cluster(t, 3, client, adapter)
			master := c.MasterOf(generalChannel)
			if adapter == actio.ClassicAdapter { // its channels belong to no slot
				master = holderOf(t, c, "instance-a:emitter")
			}
			surviveKill(t, instances, master.Kill, func() time.Time { return replaced(c) })
			master.Restart()
			c.WaitStable()
		})
	})
	t.Run("another master killed", func(t *testing.T) {
		key := ""
		for _, candidate := range []string{"a", "b", "c", "d", "e", "f"} {
			if c.MasterOf(candidate) != c.MasterOf(generalChannel) && c.MasterOf(candidate) != c.MasterOf(roomChannel) {
				key = candidate
			}
		}
		require.NotEmpty(t, key)
		survive(t, cluster(t, 3, client, actio.ShardedAdapter), func(*testing.T) time.Time {
			c.MasterOf(key).Kill()
			return replaced(c)
		})
	})
	t.Run("all dead", func(t *testing.T) { allDead(t, c) })
}

// replaced waits until the replica of a master that was killed has taken its place, and tells when it had.
func replaced(c *redisproc.Cluster) time.Time {
	c.WaitStable()
	return time.Now()
}

// allDead kills a part of the cluster and stalls the rest: what is up comes down all the same, and nothing new comes up.
func allDead(t *testing.T, c *redisproc.Cluster) {
	t.Helper()
	const within = 10 * time.Second
	client := c.Client()
	before := settledGoroutines(t)
	server, err := newServer(actio.Options{Redis: actio.RedisOptions{Client: client, Adapter: actio.ShardedAdapter}})
	require.NoError(t, err)
	require.NoError(t, server.Configure(t.Context()))
	for i, s := range c.Servers() {
		if i%2 == 0 {
			s.Kill()
		} else {
			s.Pause()
		}
	}
	require.NoError(t, server.Root().Emit("news"))
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	begin := time.Now()
	require.NoError(t, server.Shutdown(ctx))
	assert.Less(t, time.Since(begin), within)
	untilGoroutines(t, before)

	overAdapters(t, func(t *testing.T, adapter actio.Adapter) {
		_, err := configureFails(t, actio.RedisOptions{Client: c.Client(), Adapter: adapter}, time.Second)
		for _, part := range parts {
			require.ErrorContains(t, err, part)
		}
	})
}

// holderOf is the node that has a connection of that name.
func holderOf(t *testing.T, c *redisproc.Cluster, name string) *redisproc.Server {
	t.Helper()
	for _, s := range c.Servers() {
		if slices.Contains(s.ClientNames(), name) {
			return s
		}
	}
	t.Fatalf("no node has a connection named %s", name)
	return nil
}
