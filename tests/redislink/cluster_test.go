package redislink_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/link"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

// names returns so many sharded channels, which spread over all masters.
func names(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("shard-%d", i)
	}
	return list
}

// shards makes subscriptions of channels.
func shards(names []string) []format.Subscription {
	subs := make([]format.Subscription, len(names))
	for i, n := range names {
		subs[i] = sharded(n)
	}
	return subs
}

func TestSentinel_MasterReplaced_ComesBackToTheNewOne(t *testing.T) {
	for name, replace := range map[string]func(*redisproc.Sentinels){
		"killed":  func(s *redisproc.Sentinels) { s.WaitFailover(s.KillMaster()) },
		"ordered": func(s *redisproc.Sentinels) { s.Failover() },
	} {
		t.Run(name, func(t *testing.T) {
			sentinels := redisproc.StartSentinel(t)
			parent := sentinels.Client()
			o := quick(parent)
			o.Census = func() []format.Subscription { return []format.Subscription{plain("n")} }
			sender := open(t, o, plain("n"))
			receiver := open(t, o, plain("n"))
			_, err := sender.Count(t.Context(), o.Census())
			require.NoError(t, err)
			sender.emit("n", false, 0, 100)
			heard(t, receiver, "n", "99")
			replace(sentinels)
			sender.emit("n", false, 100, 200)
			until(t, "not up", func() bool {
				return receiver.hearer.count("subscribe up") >= 1 && sender.hearer.count("emitter up") >= 1
			})
			sender.settled(t)
			until(t, "not both subscribed", func() bool {
				n, err := sender.Count(t.Context(), o.Census())
				return err == nil && n[0] == 2
			})
			sender.emit("n", false, 200, 201)
			heard(t, receiver, "n", "200")
			inOrder(t, receiver.hearer.messages("n"))
			require.NoError(t, sender.close(patience))
			require.NoError(t, receiver.close(patience))
			require.NoError(t, parent.Ping(t.Context()).Err(), "the parent is still of use")
		})
	}
}

func TestCluster_ChannelsOfAllMasters_ArriveInOrderAndAreCounted(t *testing.T) {
	cluster := redisproc.StartCluster(t)
	channels := names(40)
	sender := open(t, quick(cluster.Client()), plain("general"))
	receiver := open(t, quick(cluster.Client()), append(shards(channels), plain("general"))...)
	for n := range 100 {
		for _, c := range channels {
			sender.emit(c, true, n, n+1)
		}
		sender.emit("general", false, n, n+1)
	}
	for _, c := range append(channels, "general") {
		heard(t, receiver, c, "99")
		assert.Len(t, receiver.hearer.messages(c), 100)
		inOrder(t, receiver.hearer.messages(c))
	}
	assert.EqualValues(t, 4100, sender.settled(t).Delivered)
	counts, err := sender.Count(t.Context(), []format.Subscription{plain("general"), sharded(channels[0]), plain("none")})
	require.NoError(t, err)
	assert.Equal(t, []int{2, 1, 0}, counts)
	receiver.Unsubscribe(shards(channels)...)
	until(t, "still subscribed", func() bool {
		n, err := sender.Count(t.Context(), shards(channels[:1]))
		return err == nil && n[0] == 0
	})
}

func TestCluster_SlotMigrated_GoesOnAtTheNewOwner(t *testing.T) {
	cluster := redisproc.StartCluster(t)
	channels := names(10)
	sender := open(t, quick(cluster.Client()))
	receiver := open(t, quick(cluster.Client()), shards(channels)...)
	for _, c := range channels {
		sender.emit(c, true, 0, 50)
		heard(t, receiver, c, "49")
	}
	cluster.MigrateSlot(channels[0])
	sender.emit(channels[0], true, 50, 100)
	until(t, "not subscribed again", func() bool {
		n, err := sender.Count(t.Context(), shards(channels[:1]))
		return err == nil && n[0] == 1 && receiver.hearer.count("subscribe up") >= 1
	})
	sender.settled(t)
	for _, c := range channels {
		sender.emit(c, true, 100, 101)
		heard(t, receiver, c, "100")
		inOrder(t, receiver.hearer.messages(c))
	}
	assert.Len(t, receiver.hearer.messages(channels[0]), 101, "delivered is what arrived")
	s := sender.settled(t)
	assert.Equal(t, s.Emitted, s.Delivered, "MOVED is not a failure")
	assert.Zero(t, sender.hearer.count("emitter down"))
}

func TestCluster_SlotMigratedTimeAndAgain_WhatIsDeliveredArrives(t *testing.T) {
	cluster := redisproc.StartCluster(t)
	channel := names(1)
	sender := open(t, quick(cluster.Client()), shards(channel)...)
	receivers := []*instance{open(t, quick(cluster.Client()), shards(channel)...), open(t, quick(cluster.Client()), shards(channel)...)}
	n := 0
	for range 5 {
		stop := make(chan struct{})
		emitted := make(chan int)
		go func() {
			ticker := time.NewTicker(time.Millisecond)
			defer ticker.Stop()
			for i := n; ; i++ {
				select {
				case <-stop:
					emitted <- i
					return
				case <-ticker.C:
					sender.emit(channel[0], true, i, i+1)
				}
			}
		}()
		cluster.MigrateSlot(channel[0])
		cluster.WaitStable() // the nodes tell each other who serves the slot
		close(stop)
		n = <-emitted
	}
	sender.emit(channel[0], true, n, n+1)
	for _, r := range append(receivers, sender) {
		heard(t, r, channel[0], strconv.Itoa(n))
		assert.Len(t, r.hearer.messages(channel[0]), n+1)
		inOrder(t, r.hearer.messages(channel[0]))
	}
	assert.EqualValues(t, n+1, sender.settled(t).Delivered)
}

func TestCluster_PlainChannels_GoByWayOfOneNodeForAll(t *testing.T) {
	cluster := redisproc.StartCluster(t)
	for i := range 3 {
		o := quick(cluster.Client())
		o.Name, o.Home = fmt.Sprintf("i%d", i), "home"
		open(t, o, plain("general"))
	}
	for _, s := range cluster.Servers() {
		var homes []string
		for _, name := range s.ClientNames() {
			if !strings.HasSuffix(name, ":publish") { // it counts at all masters
				homes = append(homes, name)
			}
		}
		if s == cluster.MasterOf("home") {
			assert.ElementsMatch(t, []string{"i0:emitter", "i0:subscribe", "i1:emitter", "i1:subscribe", "i2:emitter", "i2:subscribe"}, homes)
		} else {
			assert.Empty(t, homes)
		}
	}
}

func TestCluster_HomeDies_WhatIsDeliveredArrives(t *testing.T) {
	cluster := redisproc.StartCluster(t)
	var all []*instance
	for range 3 {
		o := quick(cluster.Client())
		o.Home = "home"
		o.Census = func() []format.Subscription { return []format.Subscription{plain("general")} }
		all = append(all, open(t, o, plain("general")))
	}
	for _, i := range all {
		i.Expect(len(all))
	}
	sender := all[0]
	sender.emit("general", false, 0, 100)
	sender.settled(t)
	cluster.KillMaster("home")
	sender.emit("general", false, 100, 200)
	s := sender.settled(t)
	sender.emit("general", false, 200, 201)
	for _, i := range all {
		heard(t, i, "general", "200")
		inOrder(t, i.hearer.messages("general"))
		assert.GreaterOrEqual(t, uint64(len(i.hearer.messages("general"))), s.Delivered+1, "delivered is what arrived")
	}
}

func TestCluster_MasterDiesOrStalls_ItsReplicaTakesOver(t *testing.T) {
	for _, how := range []string{"dies", "stalls"} {
		t.Run(how, func(t *testing.T) {
			cluster := redisproc.StartCluster(t)
			channels := names(10)
			o := quick(cluster.Client())
			o.Census = func() []format.Subscription { return append(shards(channels[:1]), plain("general")) }
			sender := open(t, o, plain("general"))
			receiver := open(t, o, append(shards(channels), plain("general"))...)
			_, err := sender.Count(t.Context(), o.Census())
			require.NoError(t, err)
			var victim *redisproc.Server
			if how == "dies" {
				victim = cluster.KillMaster(channels[0])
			} else {
				victim = cluster.MasterOf(channels[0])
				victim.Pause()
				defer victim.Resume()
			}
			for n := range 100 {
				for _, c := range channels {
					sender.emit(c, true, n, n+1)
				}
				sender.emit("general", false, n, n+1)
			}
			sender.settled(t)
			until(t, "not subscribed again", func() bool {
				up := receiver.hearer.count("subscribe up")
				return up > 0 && up == receiver.hearer.count("subscribe down")
			})
			for _, c := range channels {
				sender.emit(c, true, 100, 101)
				heard(t, receiver, c, "100")
				inOrder(t, receiver.hearer.messages(c))
			}
			s := sender.settled(t)
			assert.Zero(t, s.Dropped)
			if how == "stalls" {
				victim.Resume()
				sender.emit("general", false, 100, 101)
				until(t, "the message did not arrive", func() bool {
					return slices.Contains(receiver.hearer.messages("general"), "100")
				})
				// What was in flight to the stalled node is executed now, later than what went by way of another.
				messages := receiver.hearer.messages("general")
				slices.Sort(messages)
				assert.Len(t, slices.Compact(slices.Clone(messages)), len(messages), "twice")
			}
		})
	}
}

// Clients of Node.js listen on whatever node they like, and a cluster does not name all of them at all times.
func TestCluster_ReplicaNotNamedAtFirst_WhoListensThereIsCountedAndItsDeathIsNone(t *testing.T) {
	cluster := redisproc.StartCluster(t)
	replica := cluster.Servers()[5]
	replica.Kill()
	master := cluster.Servers()[0].Client()
	until(t, "it is still named", func() bool {
		slots, err := master.ClusterSlots(t.Context()).Result() //nolint:staticcheck // it is what clients ask
		return err == nil && !slices.ContainsFunc(slots, func(s redis.ClusterSlot) bool {
			return slices.ContainsFunc(s.Nodes, func(n redis.ClusterNode) bool { return n.Addr == replica.Addr() })
		})
	})
	i := open(t, quick(cluster.Client()), plain("n"))
	count := func() int {
		n, err := i.Count(t.Context(), []format.Subscription{plain("n")})
		if err != nil {
			return -1
		}
		return n[0]
	}
	assert.Equal(t, 1, count())

	replica.Restart()
	cluster.WaitStable()
	other := replica.Client().Subscribe(t.Context(), "n")
	defer func() { assert.NoError(t, other.Close()) }()
	_, err := other.Receive(t.Context())
	require.NoError(t, err)
	until(t, "who listens at the replica is not counted", func() bool { return count() == 2 })

	replica.Kill()
	until(t, "the dead are counted", func() bool { return count() == 1 })
	i.emit("n", false, 0, 1)
	heard(t, i, "n", "0")
	for _, part := range []link.Part{link.EmitterPart, link.PublishPart, link.SubscribePart} {
		assert.Zero(t, i.hearer.count(part.String()+" down"))
	}
}

func TestCluster_Gone_CloseIsPromptAndNothingIsLeft(t *testing.T) {
	cluster := redisproc.StartCluster(t)
	options := cluster.ClientOptions()
	parent := redis.NewClusterClient(options)
	defer func() { _ = parent.Close() }()
	i := open(t, quick(parent), append(shards(names(10)), plain("general"))...)
	for n, s := range cluster.Servers() {
		if n%2 == 0 {
			s.Kill()
		} else {
			s.Pause()
			defer s.Resume()
		}
	}
	until(t, "nothing noticed", func() bool {
		return i.hearer.count("emitter down") >= 1 && i.hearer.count("subscribe down") >= 1 && i.hearer.count("publish down") >= 1
	})
	i.emit("general", false, 0, 10)
	start := time.Now()
	require.NoError(t, i.close(2*time.Second))
	assert.Less(t, time.Since(start), time.Second)
	assert.EqualValues(t, 10, i.tally.get(link.Dropped))
	assert.Empty(t, i.sys.Clock().Armed())
}
