package link

import (
	"errors"
	"strconv"
	"testing"
	"time"

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
	assert.False(t, none.moved("a", "x:1"))

	tr := newTrail()
	tr.follow([]parcel{
		{frame: format.Frame{Channel: "a", Sharded: true}, fate: confirmed, addr: "x:1", receivers: 3},
		{frame: format.Frame{Channel: "b", Sharded: true}, fate: unsent, addr: "x:1", err: redisError("MOVED 1 y:1")},
		{frame: format.Frame{Channel: "c", Sharded: true}, fate: unsent, addr: "x:1", err: errors.New("broken")},
		{frame: format.Frame{Channel: "d"}, fate: confirmed, addr: "x:1"},
	})
	for channel, moved := range map[string]bool{"a": true, "b": true, "c": false, "d": false} {
		assert.Equal(t, moved, tr.moved(channel, "y:1"), channel)
		assert.False(t, tr.moved(channel, "x:1"), channel)
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
	assert.False(t, tr.moved("0", "y:1"))
	assert.True(t, tr.moved("kept", "y:1"))
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
