package link

import (
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSlotOf_KnownChannels_AsRedisCounts(t *testing.T) {
	for channel, slot := range map[string]int{
		"": 0, "123456789": 12739, "foo": 12182, "{foo}bar": 12182, "a{foo}{bar}": 12182, "foo{}{bar}": 8363, "foo{{bar}}zap": 4015,
	} {
		assert.Equal(t, slot, slotOf(channel), channel)
	}
}

func TestReachable_IncompleteAddresses_AreCompleted(t *testing.T) {
	for _, c := range [][3]string{
		{"10.0.0.1:1", "10.0.0.2:2", "10.0.0.1:1"},
		{":1", "10.0.0.2:2", "10.0.0.2:1"},
		{"?:1", "10.0.0.2:2", "10.0.0.2:1"},
		{"127.0.0.1:1", "10.0.0.2:2", "10.0.0.2:1"},
		{"127.0.0.1:1", "localhost:2", "127.0.0.1:1"},
		{"[::1]:1", "redis.example:2", "redis.example:1"},
		{"strange", "10.0.0.2:2", "strange"},
	} {
		assert.Equal(t, c[2], reachable(c[0], c[1]))
	}
}

func TestTopology_OwnersAndHomes_FollowWhatIsLearnt(t *testing.T) {
	top := newTopology(&Link{o: Options{Home: "foo"}})
	_, err := top.owner("foo")
	require.ErrorIs(t, err, errNoNodes)
	_, err = top.home(EmitterPart)
	require.ErrorIs(t, err, errNoNodes)
	require.ErrorIs(t, top.learn(nil, "x:1"), errNoNodes)

	half := []redis.ClusterSlot{
		{Start: 10000, End: 16383, Nodes: []redis.ClusterNode{{Addr: "b:1"}, {Addr: "c:1"}}},
		{Start: 0, End: 4999, Nodes: []redis.ClusterNode{{Addr: "a:1"}}},
	}
	require.NoError(t, top.learn(half, "a:1"))
	addr, err := top.owner("foo") // 12182
	require.NoError(t, err)
	assert.Equal(t, "b:1", addr)
	_, err = top.owner("foo{}{bar}") // 8363
	require.ErrorIs(t, err, errUncovered)

	home, err := top.home(EmitterPart)
	require.NoError(t, err)
	assert.Equal(t, "b:1", home, "the owner of the slot of foo")
	top.blame(EmitterPart, "b:1", io.EOF, false)
	home, err = top.home(EmitterPart)
	require.NoError(t, err)
	assert.Equal(t, "b:1", home, "a connection broke, and may be made again")
	for _, next := range []string{"a:1", "b:1"} { // as if both were dead
		top.blame(EmitterPart, home, syscall.ECONNREFUSED, true)
		home, err = top.home(EmitterPart)
		require.NoError(t, err)
		assert.Equal(t, next, home)
	}
	top.blame(EmitterPart, "b:1", os.ErrDeadlineExceeded, false)
	home, err = top.home(EmitterPart)
	require.NoError(t, err)
	assert.Equal(t, "a:1", home, "who is silent may be so for long")
	for p := range StreamPart {
		other, err := top.home(p)
		require.NoError(t, err)
		assert.Equal(t, p == EmitterPart, other == "a:1", "what one part met is not known to the others")
	}

	top.redirect("b:1", errors.New("MOVED 12182 :7"))
	addr, err = top.owner("foo")
	require.NoError(t, err)
	assert.Equal(t, "b:7", addr)
	top.redirect("b:1", errors.New("MOVED"))
	top.redirect("b:1", errors.New("MOVED x y"))

	require.NoError(t, top.learn(half[1:], "a:1"))
	home, err = top.home(SubscribePart)
	require.NoError(t, err)
	assert.Equal(t, "a:1", home, "nobody serves the slot")
	top.blame(EmitterPart, "a:1", errNoNodes, true)
	home, err = top.home(EmitterPart)
	require.NoError(t, err)
	assert.Equal(t, "a:1", home, "there is no other")
}

func TestBackoff_Take_DoublesWithinItsBoundAndIsJittered(t *testing.T) {
	b := backoff{bound: time.Second}
	ceiling := firstBackoff
	different := false
	var last time.Duration
	for range 100 {
		d := b.take()
		require.LessOrEqual(t, d, ceiling)
		require.GreaterOrEqual(t, d, ceiling/2)
		different = different || (d != last && d < ceiling)
		last = d
		ceiling = min(2*ceiling, time.Second)
	}
	assert.True(t, different)
	b.reset()
	assert.LessOrEqual(t, b.take(), firstBackoff)
	small := backoff{bound: time.Millisecond}
	assert.LessOrEqual(t, small.take(), time.Millisecond)
}

func FuzzSlotOf(f *testing.F) {
	for _, s := range []string{"", "foo", "{foo}", "a{b}c", "{}", "{", "}{"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, channel string) {
		require.GreaterOrEqual(t, slotOf(channel), 0)
		require.Less(t, slotOf(channel), slots)
	})
}

func BenchmarkSlotOf(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		slotOf("socket.io#/namespace#some-room#")
	}
}
