package roomregistry

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/actio-go/actio/actors/actortest"
)

// joinMany makes n peers of the first shard in room "r". They wait for leave, unless it is nil.
func (w *world) joinMany(n int, leave <-chan struct{}) []*peer {
	w.t.Helper()
	peers := make([]*peer, n)
	for i := range peers {
		p := w.peer(w.idOf(0, fmt.Sprint(i)), func(m any) {
			if _, ok := m.(*Delivery); ok && leave != nil {
				w.closed(leave)
			}
		})
		p.send(&Attach{Member: p.member})
		p.joins("r")
		peers[i] = p
	}
	w.flush()
	return peers
}

func TestBroadcast_ForFew_IsDeliveredWhenItReturns(t *testing.T) {
	for _, shards := range []int{1, 2, 4} {
		t.Run(fmt.Sprint(shards, " shards"), func(t *testing.T) {
			actortest.Bubble(t, func(t *testing.T) {
				w := newWorld(t, Options{Shards: shards})
				peers := w.joinMany(promptMembers/shards, nil)
				synctest.Wait() // the goroutine in which a shard joined the last of them has ended
				time.Sleep(longPause)
				w.to("hello", "r")
				for _, p := range peers {
					assert.Len(t, p.got, 1)
				}
			})
		})
	}
}

func TestBroadcast_ForMany_DoesNotWaitForThem(t *testing.T) {
	leave := make(chan struct{})
	w := newWorld(t, Options{Shards: 2})
	peers := w.joinMany(promptMembers/2+1, leave)
	w.to("hello", "r")
	close(leave)
	for _, p := range peers {
		p.expect("hello")
	}
}

func TestBroadcast_SoonAfterAnother_DoesNotWaitForAnybody(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		leave := make(chan struct{})
		w := newWorld(t, Options{Shards: 1})
		p := w.joinMany(1, leave)[0]
		w.to("nobody", "elsewhere") // delivered at once, and no time passes
		w.to("a", "r")
		w.to("b", "r")
		close(leave)
		synctest.Wait()
		p.expect("a", "b")
	})
}

func TestPace_Deliveries_SayHowLongToBeIdle(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		var p pace
		assert.True(t, p.idle(time.Now()))
		for took, pause := range map[time.Duration]time.Duration{
			0: briefPause, time.Microsecond: briefPause, 100 * time.Microsecond: 200 * time.Microsecond, time.Hour: longPause,
		} {
			p.worked(time.Now().Add(-took))
			assert.False(t, p.idle(time.Now().Add(pause-1)))
			assert.True(t, p.idle(time.Now().Add(pause)))
		}
	})
}

func TestBroadcast_ForFewWhenSomethingWaits_ComesBehind(t *testing.T) {
	w := newWorld(t, Options{Shards: 1})
	p := w.joinMany(1, nil)[0]
	release := w.hold(w.shards[0])
	w.Direct(w.shards[0], p.address, "0")
	w.to("1", "r")
	w.Direct(w.shards[0], p.address, "2")
	w.to("3", "r")
	release()
	w.flush()
	p.expect("0", "1", "2", "3")
}

func TestAtMost_Audiences_AreCounted(t *testing.T) {
	ix := newIndex()
	for i := range 3 {
		m := &Member{Namespace: "/", SocketID: fmt.Sprint(i)}
		ix.attach(m)
		ix.join(m, []string{"r"})
		ix.authenticate(m, "ann")
	}
	for _, c := range []struct {
		n int
		b Broadcast
	}{
		{0, Broadcast{Namespace: "/other"}},
		{3, Broadcast{Namespace: "/"}},
		{3, Broadcast{Namespace: "/", Rooms: []string{"r"}}},
		{1, Broadcast{Namespace: "/", Rooms: []string{"2"}}},
		{0, Broadcast{Namespace: "/", Rooms: []string{"none"}}},
		{3, Broadcast{Namespace: "/", User: "ann"}},
		{7, Broadcast{Namespace: "/", User: "ann", Rooms: []string{"r", "1", "none"}}},
	} {
		assert.True(t, ix.atMost(c.n, &c.b), "%d: %+v", c.n, c.b)
		assert.False(t, c.n > 0 && ix.atMost(c.n-1, &c.b), "%d: %+v", c.n, c.b)
	}
}
