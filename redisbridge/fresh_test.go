package redisbridge

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/actio-go/actio/actors/actortest"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/link"
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

func TestEmit_ToARoomWhoseJoinWaitsForRedis_TakesTheSameWay(t *testing.T) {
	dynamic(t, func(r *rig, o Options) {
		a := r.add(o)
		r.down(a, link.EmitterPart)
		a.link.set(func(l *fakeLink) { l.hold = true })
		a.Emit(&format.Message{Kind: format.Join, Namespace: "/", Rooms: []string{"r"}}, nil)
		time.Sleep(time.Minute)
		a.Emit(&format.Message{
			Kind: format.Broadcast, Namespace: "/", Event: event(`["e"]`), Target: Target{Rooms: []string{"r"}},
		}, nil)
		room, _ := a.dialect.RoomChannel("/", "r")
		assert.NotEqual(r.t, room.Name, a.link.emitted[a.link.emits()-1].Channel)
	})
}

func TestFreshRooms_ManyOrOld_AreBounded(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		var f freshRooms
		assert.False(t, f.has("/", "r"))
		left := f.add("/", []string{"r"})
		time.Sleep(time.Hour)
		assert.True(t, f.has("/", "r"), "it has not left")
		assert.False(t, f.has("/x", "r"))
		left()
		time.Sleep(freshFor / 2)
		assert.True(t, f.has("/", "r"))
		f.add("/", []string{"s"})()
		time.Sleep(freshFor / 2)
		assert.False(t, f.has("/", "r"))
		assert.True(t, f.has("/", "s"))
		time.Sleep(freshFor)
		for i := range maxFresh {
			f.add("/", []string{strconv.Itoa(i)})()
		}
		assert.False(t, f.has("/", "never"))
		for i := range 10 {
			f.add("/", []string{"more" + strconv.Itoa(i)})()
		}
		assert.Len(t, f.rooms, maxFresh)
		assert.True(t, f.has("/", "0"))
		assert.True(t, f.has("/", "never"), "too many to tell")
		time.Sleep(freshFor)
		assert.False(t, f.has("/", "0"))
		assert.False(t, f.has("/", "never"))
		f.add("/", nil)()
		assert.Empty(t, f.rooms)
	})
}
