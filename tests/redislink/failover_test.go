package redislink_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/link"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

// emitUntil emits numbers, one a millisecond, until stop is closed, and tells then how many.
func (i *instance) emitUntil(stop <-chan struct{}, channel string, shard bool) <-chan int {
	emitted := make(chan int)
	go func() {
		ticker := time.NewTicker(time.Millisecond)
		defer ticker.Stop()
		for n := 0; ; n++ {
			select {
			case <-stop:
				emitted <- n
				return
			case <-ticker.C:
				i.emit(channel, shard, n, n+1)
			}
		}
	}()
	return emitted
}

// A master that its replica replaces in good order goes on to take what is published to its slots, and says nothing.
func TestCluster_FailoverInGoodOrder_WhatIsDeliveredArrives(t *testing.T) {
	cluster := redisproc.StartCluster(t)
	for _, c := range []struct {
		sub   format.Subscription
		shard bool
	}{{sharded("room"), true}, {plain("room"), false}} {
		t.Run(map[bool]string{true: "shard", false: "plain"}[c.shard], func(t *testing.T) {
			channel := c.sub.Name
			o := quick(cluster.Client())
			o.Home = channel
			o.Census = func() []format.Subscription { return []format.Subscription{c.sub} }
			sender := open(t, o, c.sub)
			receivers := []*instance{open(t, o, c.sub), open(t, o, c.sub)}
			for _, i := range append(receivers, sender) {
				i.Expect(len(receivers) + 1)
			}
			stop := make(chan struct{})
			emitted := sender.emitUntil(stop, channel, c.shard)
			until(t, "nothing arrives", func() bool { return len(sender.hearer.messages(channel)) > 0 })
			cluster.Failover(channel)
			cluster.WaitStable()
			close(stop)
			n := <-emitted
			lost := sender.settled(t).Unconfirmed
			sender.emit(channel, c.shard, n, n+1)
			for _, i := range append(receivers, sender) {
				heard(t, i, channel, strconv.Itoa(n))
				inOrder(t, i.hearer.messages(channel))
				assert.GreaterOrEqual(t, uint64(len(i.hearer.messages(channel))), sender.settled(t).Delivered, "delivered is what arrived")
			}
			s := sender.settled(t)
			assert.Zero(t, s.Dropped)
			assert.Equal(t, lost, s.Unconfirmed, "that the node is no master is noticed once")
			t.Logf("%d emitted, %d delivered, %d unconfirmed", s.Emitted, s.Delivered, s.Unconfirmed)
		})
	}
}

// Nobody publishes at a replica, but clients may listen there: it is asked how many do.
func TestCluster_ReplicaStalls_CountsWaitForItOnceAndNotForLong(t *testing.T) {
	cluster := redisproc.StartCluster(t)
	o := link.Options{Client: cluster.Client(), Name: "test"}
	before := open(t, o, plain("n"))
	count := func(i *instance) time.Duration {
		start := time.Now()
		n, err := i.Count(t.Context(), []format.Subscription{plain("n")})
		require.NoError(t, err)
		require.Positive(t, n[0])
		return time.Since(start)
	}
	count(before)
	replica := cluster.Servers()[5]
	replica.Pause()
	defer replica.Resume()
	const short = 2500 * time.Millisecond // less than CommandTimeout
	assert.Less(t, count(before), short, "it is connected to the replica")
	after := open(t, o, plain("n"))
	assert.Less(t, count(after), short, "it is not")
	for _, i := range []*instance{before, after} {
		for _, part := range []link.Part{link.EmitterPart, link.PublishPart, link.SubscribePart} {
			assert.Zero(t, i.hearer.count(part.String()+" down"))
		}
	}
}
