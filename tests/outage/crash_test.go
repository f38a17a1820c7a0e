package outage

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

// warmth is how long the load runs before and after an outage.
const warmth = 500 * time.Millisecond

// survive puts a cluster under load, lets harm break Redis and waits until it is back, which is what harm returns: the moment
// from which on Redis was in order again. Then it judges what has happened.
func survive(t *testing.T, instances []*instance, harm func(t *testing.T) (back time.Time)) *traffic {
	t.Helper()
	tr := newTraffic(t, instances)
	tr.survive(t, harm)
	return tr
}

// surviveKill is survive with a Redis that has to do with the broadcasts, and is killed while it works. What mends it returns
// since when it is in order again.
func surviveKill(t *testing.T, instances []*instance, kill func(), mend func() (back time.Time)) *traffic {
	t.Helper()
	tr := newTraffic(t, instances)
	tr.survive(t, func(*testing.T) time.Time {
		tr.killing = time.Now()
		kill()
		tr.killed = time.Now()
		return mend()
	})
	return tr
}

func (tr *traffic) survive(t *testing.T, harm func(t *testing.T) (back time.Time)) {
	t.Helper()
	before := settledGoroutines(t)
	tr.start()
	pause(warmth)
	began := time.Now()
	back := harm(t)
	tr.left(t, back)
	untilReady(t, tr.instances)
	pause(warmth)
	tr.end()
	untilGoroutines(t, before)
	tr.last(t)
	untilReady(t, tr.instances)
	tr.judge(t, began, back)
	tr.resumed(t, began, back)
}

func single(r *redisproc.Server) func() redis.UniversalClient {
	return func() redis.UniversalClient { return r.Client() }
}

func TestCrash_RedisKilledUnderLoad_LocalTrafficUntouchedAndTheRestResumes(t *testing.T) {
	overAdapters(t, func(t *testing.T, adapter actio.Adapter) {
		r := redisproc.Start(t)
		instances := cluster(t, 3, single(r), adapter)
		node := jsclient.Start(t)
		official, err := node.ConnectMany(t.Context(), 3, instances[1].web.URL, jsclient.Options{Path: "/io/"})
		require.NoError(t, err)

		tr := surviveKill(t, instances, r.Kill, func() time.Time {
			pause(outage())
			r.Restart()
			return time.Now()
		})
		var names []string
		for _, name := range []string{"instance-a", "instance-b", "instance-c"} {
			for _, part := range parts {
				names = append(names, name+":"+part)
			}
		}
		assert.ElementsMatch(t, names, r.ClientNames(), "as many connections as before")
		heard := 0 // of what is for everybody, by a listener at the same instance
		for i, news := range tr.listeners[listeners].heard {
			if i%2 == 0 {
				heard += len(news)
			}
		}
		require.NoError(t, official.Wait(t.Context(), "last", len(instances)))
		counts, err := official.Count(t.Context(), "news")
		require.NoError(t, err)
		assert.Equal(t, []int{heard, heard, heard}, counts, "official clients get what others get")
		events, err := official.Events(t.Context())
		require.NoError(t, err)
		for _, names := range events {
			assert.NotContains(t, names, "disconnect")
		}
	})
}

func TestCrash_KnownDown_AccountsAreExact(t *testing.T) {
	overAdapters(t, func(t *testing.T, adapter actio.Adapter) {
		const bound, excess = 300, 200
		r := redisproc.Start(t)
		a := serve(t, actio.Options{Redis: actio.RedisOptions{Client: r.Client(), Adapter: adapter, BufferMessages: bound}})
		b := serve(t, actio.Options{Redis: actio.RedisOptions{Client: r.Client(), Adapter: adapter}})
		instances := []*instance{a, b}
		acquainted(t, instances, 1)
		near, _ := a.dial(t)
		far, _ := b.dial(t)

		r.Kill()
		untilDown(t, a)
		before := a.redisStats(t).Link
		for i := range bound + excess {
			require.NoError(t, a.Root().Emit("news", i))
		}
		down := a.redisStats(t).Link
		assert.EqualValues(t, bound, down.Buffered)
		assert.EqualValues(t, excess, down.Dropped-before.Dropped)
		assert.Equal(t, bound, a.Health().Redis.Buffered)
		for i := range bound + excess {
			m, err := near.Next()
			require.NoError(t, err)
			require.Equal(t, fmt.Sprint(i), string(m.Args.Raw(0)), "local clients get everything at once")
		}

		r.Restart()
		untilReady(t, instances)
		require.NoError(t, a.Root().Emit("last"))
		var got []int
		for {
			m, err := far.Next()
			require.NoError(t, err)
			if m.Event == "last" {
				break
			}
			var i int
			require.NoError(t, m.Args.Decode(0, &i))
			got = append(got, i)
		}
		untilReady(t, instances)
		after := a.redisStats(t).Link
		assert.EqualValues(t, bound+excess+1, after.Emitted-before.Emitted)
		assert.EqualValues(t, bound+1, after.Delivered-before.Delivered)
		assert.EqualValues(t, excess, after.Dropped-before.Dropped)
		assert.Equal(t, before.Unconfirmed, after.Unconfirmed)
		assert.Len(t, got, bound, "delivered is what arrived")
		assert.True(t, slices.IsSorted(got))
		assert.Len(t, slices.Compact(got), bound, "nothing comes twice")
	})
}

func TestCrash_NeighbourGoneMeanwhile_TheRestResumesInTimeWithoutIt(t *testing.T) {
	overConnections(t, func(t *testing.T, adapter actio.Adapter) {
		r := redisproc.Start(t)
		instances := cluster(t, 3, single(r), adapter)
		a, b, gone := instances[0], instances[1], instances[2]
		far, _ := b.dial(t)
		r.Kill()
		pause(outage())
		gone.end(t)
		untilDown(t, a)
		before := a.redisStats(t).Link
		require.NoError(t, a.Root().Emit("news", "waits"))

		r.Restart()
		back := time.Now()
		m, err := far.Next()
		require.NoError(t, err)
		took := time.Since(back)
		t.Logf("traffic resumed after %v", took)
		assert.Equal(t, "news", m.Event)
		assert.Less(t, took, resumption)
		untilReady(t, instances[:2])
		after := a.redisStats(t).Link
		assert.Equal(t, before.Dropped+before.Unconfirmed, after.Dropped+after.Unconfirmed)
	})
}

func TestStall_RedisStoppedUnderLoad_LocalTrafficUntouchedAndTheRestResumes(t *testing.T) {
	overConnections(t, func(t *testing.T, adapter actio.Adapter) {
		r := redisproc.Start(t)
		instances := cluster(t, 3, single(r), adapter)
		survive(t, instances, func(t *testing.T) time.Time {
			r.Pause()
			pause(stall())
			for _, s := range instances {
				eventually(t, "the stall is noticed", func() bool { return s.Health().Status == actio.HealthDegraded },
					func() any { return s.Health() })
			}
			r.Resume()
			return time.Now()
		})
	})
}
