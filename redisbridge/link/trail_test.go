package link

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
)

// redisError is an answer.
type redisError string

func (e redisError) Error() string { return string(e) }
func (redisError) RedisError()     {}

func TestTrail_WhatBecameOfABatch_IsFollowed(t *testing.T) {
	var none *trail
	none.follow([]parcel{{frame: format.Frame{Channel: "a", Sharded: true}, fate: confirmed}})
	l := idle(t, Options{})
	l.topology = newTopology(l)
	s := newSender(l, EmitterPart)
	assert.False(t, s.moved("a", "x:1"))

	tr := newTrail()
	s.trail = tr
	tr.follow([]parcel{
		{frame: format.Frame{Channel: "a", Sharded: true}, fate: confirmed, addr: "x:1", receivers: 3},
		{frame: format.Frame{Channel: "b", Sharded: true}, fate: unsent, addr: "x:1", err: redisError("MOVED 1 y:1")},
		{frame: format.Frame{Channel: "c", Sharded: true}, fate: unsent, addr: "x:1", err: errors.New("broken")},
		{frame: format.Frame{Channel: "d"}, fate: confirmed, addr: "x:1"},
		{frame: format.Frame{Channel: "e", Sharded: true}, fate: doubtful, addr: "x:1", err: errDemoted},
		{frame: format.Frame{Channel: "f", Sharded: true}, fate: doubtful, addr: "x:1", err: errors.New("broken")},
	})
	for channel, moved := range map[string]bool{"a": true, "b": true, "c": false, "d": false, "e": true, "f": false} {
		assert.Equal(t, moved, s.moved(channel, "y:1"), channel)
		assert.False(t, s.moved(channel, "x:1"), channel)
	}
	tr.follow([]parcel{{frame: format.Frame{Channel: "a", Sharded: true}, fate: unsent, addr: "x:1", err: redisError("MOVED 1 y:1")}})
	last, ok := tr.last("a")
	require.True(t, ok)
	assert.Equal(t, 3, last.receivers, "MOVED does not make it forget how many there were")
}

func TestTrail_ManyChannels_ForgetsTheOldest(t *testing.T) {
	tr := newTrail()
	for i := range 3 * trailSize {
		tr.put(strconv.Itoa(i), step{addr: "x:1"})
		tr.put("kept", step{addr: "x:1"})
	}
	assert.LessOrEqual(t, len(tr.young)+len(tr.old), 2*trailSize)
	_, ok := tr.last("0")
	assert.False(t, ok)
	_, ok = tr.last("kept")
	assert.True(t, ok)
}

func TestMoved_ChannelNeverSentTo_IsWhenItsOwnerHasJustChanged(t *testing.T) {
	l := idle(t, Options{})
	l.topology = newTopology(l)
	s := newSender(l, EmitterPart)
	s.trail = newTrail()
	serve := func(low, high string) {
		require.NoError(t, l.topology.learn([]redis.ClusterSlot{
			{Start: 0, End: 9999, Nodes: []redis.ClusterNode{{Addr: low}}},
			{Start: 10000, End: slots - 1, Nodes: []redis.ClusterNode{{Addr: high}}},
		}, "x:1"))
	}
	const high, low = "foo", "foo{}{bar}" // slots 12182 and 8363
	serve("x:1", "x:2")
	assert.False(t, s.moved(high, "x:2"), "nothing was known before")
	serve("x:1", "x:3")
	serve("x:1", "x:3")
	assert.True(t, s.moved(high, "x:3"))
	assert.False(t, s.moved(low, "x:1"))
	s.trail.put(high, step{addr: "x:3"})
	assert.False(t, s.moved(high, "x:3"), "it was waited for")
	s.trail = newTrail()
	l.topology.changed = time.Now().Add(-2 * trailAge)
	assert.False(t, s.moved(high, "x:3"), "long ago")
}

func TestStrayed_ChannelsServedElsewhere_WantTheirSubscribersBack(t *testing.T) {
	l := idle(t, Options{})
	l.topology = newTopology(l)
	l.topology.owners = []slotsOf{{first: 0, last: slots - 1, addr: "new:1"}}
	e := l.emitter
	assert.Nil(t, e.strayed())
	e.sender.trail = newTrail()
	sub := func(name string) format.Subscription { return format.Subscription{Kind: format.Shard, Name: name} }
	now := time.Now()
	e.sender.trail.put("lately", step{addr: "old:1", receivers: 3, at: now})
	e.sender.trail.put("long ago", step{addr: "old:1", receivers: 3, at: now.Add(-2 * trailAge)})
	e.sender.trail.put("counted", step{addr: "old:1"})
	e.sender.trail.put("stayed", step{addr: "new:1", receivers: 3, at: now})
	e.sender.trail.put("not waiting", step{addr: "old:1", receivers: 3, at: now})
	l.publisher.census.update([]format.Subscription{sub("counted")}, []int{2})
	for _, channel := range []string{"lately", "long ago", "counted", "stayed", "new"} {
		for range 2 {
			e.emit(emission{frame: format.Frame{Channel: channel, Sharded: true}})
		}
	}
	assert.Equal(t, map[format.Subscription]int{sub("lately"): 3, sub("long ago"): 0, sub("counted"): 2}, e.strayed())
	e.finish()
}

func BenchmarkTrail_Follow(b *testing.B) {
	tr := newTrail()
	batch := make([]parcel, 100)
	for i := range batch {
		batch[i] = parcel{frame: format.Frame{Channel: "socket.io#/#" + strconv.Itoa(i%10), Sharded: true}, fate: confirmed, addr: "x:1"}
	}
	b.ReportAllocs()
	for b.Loop() {
		tr.follow(batch)
	}
}
