package redisbridge

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/actio-go/actio/actors/actortest"
	"github.com/actio-go/actio/redisbridge/format"
)

// dynamic runs a test where rooms have channels of their own.
func dynamic(t *testing.T, test func(r *rig, o Options)) {
	t.Helper()
	for _, o := range []Options{{DynamicRooms: true}, {Adapter: ShardedAdapter}} {
		t.Run(o.Adapter.String(), func(t *testing.T) { inBubble(t, func(r *rig) { test(r, o) }) })
	}
}

func TestEmit_ToARoomJustAfterItsJoin_ReachesInstancesThatDoNotListenToItYet(t *testing.T) {
	dynamic(t, func(r *rig, o Options) {
		a, b := r.add(o), r.add(o, "b1")
		emit := func(rooms ...string) {
			a.Emit(&format.Message{
				Kind: format.Broadcast, Namespace: "/", Event: event(`["e"]`), Target: Target{Rooms: rooms},
			}, nil)
			synctest.Wait()
		}
		a.Emit(&format.Message{Kind: format.Join, Namespace: "/", Rooms: []string{"r"}}, nil)
		emit("r") // the subscription of b is never made
		assert.Equal(r.t, []string{"join", `broadcast ["e"]`}, b.in.story())
		time.Sleep(freshFor)
		emit("r")
		assert.Len(r.t, b.in.story(), 2, "the channel of the room is used again")
		b.RoomChanged("/", "r", true)
		synctest.Wait()
		emit("r")
		assert.Len(r.t, b.in.story(), 3)
	})
}

func TestFreshRooms_ManyOrOld_AreBounded(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		var f freshRooms
		assert.False(t, f.has("/", "r"))
		f.add("/", []string{"r"})
		assert.True(t, f.has("/", "r"))
		assert.False(t, f.has("/x", "r"))
		time.Sleep(freshFor / 2)
		f.add("/", []string{"s"})
		time.Sleep(freshFor / 2)
		assert.False(t, f.has("/", "r"))
		assert.True(t, f.has("/", "s"))
		time.Sleep(freshFor)
		for i := range maxFresh + 10 {
			f.add("/", []string{strconv.Itoa(i)})
		}
		assert.LessOrEqual(t, len(f.rooms), maxFresh)
		assert.True(t, f.has("/", "0"))
		assert.True(t, f.has("/", "never"), "too many to tell")
		time.Sleep(freshFor)
		assert.False(t, f.has("/", "0"))
		f.add("/", nil)
		assert.Empty(t, f.rooms)
	})
}
