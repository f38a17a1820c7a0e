package roomregistry

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors/actortest"
	"github.com/actio-go/actio/wire"
)

// remembering are the options of a registry with a history.
func remembering(shards int) Options { return Options{Shards: shards, History: &HistoryOptions{}} }

// traveller is a socket that goes and comes back.
type traveller struct {
	*peer
	id    string
	rooms []string
	back  chan *Restored
	at    uint64 // position of the last event that it has looked at
}

// traveller attaches one to rooms.
func (w *world) traveller(id string, rooms ...string) *traveller {
	w.t.Helper()
	v := &traveller{id: id, rooms: rooms, back: make(chan *Restored, 10)}
	v.arrive(w)
	v.send(&Attach{Member: v.member})
	v.joins(rooms...)
	return v
}

// arrive makes a new connection for it, whose socket is not attached.
func (v *traveller) arrive(w *world) {
	var p *peer
	p = w.peer(v.id, func(m any) {
		if r, ok := m.(*Restored); ok {
			for _, missed := range r.Missed {
				p.got <- string(missed.WebSocket()[3:])
			}
			v.back <- r
		}
	})
	v.peer = p
}

// leave detaches it, as one that may come back.
func (v *traveller) leave() {
	v.send(&Hold{Namespace: "/", SocketID: v.id, Rooms: v.rooms})
	v.send(&Detach{Member: v.member})
}

// restore is what it comes back with.
func (v *traveller) restore() *Restore {
	return &Restore{Member: v.member, Rooms: v.rooms, After: v.at, Held: true}
}

// come has it come back on a new connection.
func (v *traveller) come(w *world) *Restored {
	v.arrive(w)
	w.Restore(v.restore())
	return v.answer()
}

func (v *traveller) answer() *Restored {
	v.w.t.Helper()
	select {
	case r := <-v.back:
		return r
	case <-v.w.ctx.Done():
		require.FailNow(v.w.t, "not restored")
		return nil
	}
}

// next is the argument of the next event that it gets.
func (v *traveller) next() string {
	v.w.t.Helper()
	select {
	case text := <-v.got:
		parts := strings.Split(text, ",")
		require.Len(v.w.t, parts, 3, text)
		var known bool
		v.at, known = v.w.Position(strings.Trim(parts[2], `"]`))
		require.True(v.w.t, known, text)
		return parts[1]
	case <-v.w.ctx.Done():
		require.FailNow(v.w.t, "missing")
		return ""
	}
}

func (w *world) emit(n int, b Broadcast) { w.Broadcast(event(w.t, n, b)) }

func TestRestore_WhatWasMissed_ComesOnceAndInOrderWithTheRest(t *testing.T) {
	eachShape(t, func(t *testing.T, shards int) {
		w := newWorld(t, remembering(shards))
		v, other := w.traveller("~v", "r"), w.traveller("~o", "r")
		w.emit(1, Broadcast{Rooms: []string{"r"}})
		require.Equal(t, "1", v.next())
		v.leave()
		w.emit(2, Broadcast{})
		w.emit(3, Broadcast{Rooms: []string{"elsewhere"}})
		w.emit(4, Broadcast{Rooms: []string{"r", "~v"}})
		w.emit(5, Broadcast{Socket: "~v"})
		w.emit(6, Broadcast{Socket: "~o"})
		w.emit(7, Broadcast{Except: []string{"r"}})
		w.emit(8, Broadcast{Volatile: true})
		r := v.come(w)
		require.NoError(t, r.Err)
		require.Len(t, r.Missed, 3)
		w.emit(9, Broadcast{Rooms: []string{"r"}})
		for _, want := range []string{"2", "4", "5", "9"} {
			assert.Equal(t, want, v.next())
		}
		for _, want := range []string{"1", "2", "4", "6", "8", "9"} {
			assert.Equal(t, want, other.next())
		}
		w.flush()
		assert.Empty(t, v.got)
		assert.Empty(t, other.got)
	})
}

// TestRestore_AmongBroadcastsOfMany_NothingIsLostOrComesTwice has a socket go and come all the time.
func TestRestore_AmongBroadcastsOfMany_NothingIsLostOrComesTwice(t *testing.T) {
	eachShape(t, func(t *testing.T, shards int) {
		const senders, each = 4, 500
		w := newWorld(t, remembering(shards))
		v, stays := w.traveller("~v", "r"), w.traveller("~s", "r")
		var sending sync.WaitGroup
		for g := range senders {
			sending.Go(func() {
				for i := range each {
					w.emit(g*each+i, Broadcast{Rooms: []string{"r"}})
				}
			})
		}
		var got []string
		for len(got) < senders*each {
			for range min(100, senders*each-len(got)) { // it has looked at a part of what it was sent when it goes
				got = append(got, v.next())
			}
			v.leave()
			require.NoError(t, v.come(w).Err)
		}
		sending.Wait()
		for i, text := range got {
			require.Equal(t, stays.next(), text, "number %d", i)
		}
		w.flush()
		assert.Empty(t, v.got)
	})
}

func TestRestore_GivenUp_AttachesNobody(t *testing.T) {
	w := newWorld(t, remembering(2))
	v := w.traveller("~v", "r")
	v.leave()
	v.arrive(w)
	r := v.restore()
	r.GiveUp()
	w.Restore(r)
	v.send(&Detach{Member: v.member})
	w.emit(1, Broadcast{Rooms: []string{"r"}})
	w.flush()
	assert.Empty(t, v.got)
	assert.Empty(t, v.back)
	assert.True(t, w.MayHave("/", "r"), "its session waits all the same")
	require.NoError(t, v.come(w).Err)
	assert.Equal(t, "1", v.next())
}

func TestRestore_ShardCrashes_SocketIsRestoredBehindWhatWasHeld(t *testing.T) {
	w := newWorld(t, remembering(1))
	v := w.traveller("~v", "r")
	w.SetSource(w.peer("source", func(m any) {
		if r, ok := m.(*Rebuild); ok {
			w.emit(1, Broadcast{Rooms: []string{"r"}})
			w.tell(r.Shard, &Announcing{Epoch: r.Epoch, Connections: 0})
		}
	}).pid)
	v.leave()
	w.crash(v.shard)
	w.flush()
	require.NoError(t, v.come(w).Err)
	w.emit(2, Broadcast{Rooms: []string{"r"}})
	assert.Equal(t, "1", v.next())
	assert.Equal(t, "2", v.next())
}

func TestRestore_WithoutHistory_FailsAndAttachesNobody(t *testing.T) {
	w := newWorld(t, Options{Shards: 2})
	v := w.traveller("~v")
	v.leave()
	require.ErrorIs(t, v.come(w).Err, ErrHistoryLost)
	assert.Zero(t, w.sizes().Members)
}

func TestRestore_MoreThanItsBound_Fails(t *testing.T) {
	w := newWorld(t, remembering(2))
	v := w.traveller("~v", "r")
	v.leave()
	for i := range 10 {
		w.emit(i, Broadcast{Rooms: []string{"r"}})
	}
	v.arrive(w)
	r := v.restore()
	r.MaxBytes, r.EachBytes = 500, 100
	w.Restore(r)
	require.ErrorIs(t, v.answer().Err, ErrHistoryTooMuch)
	require.NoError(t, v.come(w).Err)
}

func TestReplay_OfSomebodyElsesEvents_ComesBeforeTheRest(t *testing.T) {
	eachShape(t, func(t *testing.T, shards int) {
		w := newWorld(t, Options{Shards: shards})
		v := w.traveller("~v", "r")
		v.leave()
		v.arrive(w)
		w.to("before", "r")
		w.Replay(&Replay{Restore: v.restore(), Missed: []*wire.Prepared{message("missed")}})
		w.to("after", "r")
		require.NoError(t, v.answer().Err)
		v.expect("missed", "after")
		v.expectNone()
	})
}

func TestMark_AfterDeliveries_TellsOfTheLast(t *testing.T) {
	w := newWorld(t, remembering(1))
	marks := make(chan uint64, 10)
	p := w.peer("~p", func(m any) {
		if marked, ok := m.(*Marked); ok {
			marks <- marked.Position
		}
	})
	p.send(&Attach{Member: p.member, Mark: true})
	w.emit(1, Broadcast{})
	w.emit(2, Broadcast{Rooms: []string{"nobody"}})
	w.flush()
	p.send(&Mark{Member: p.member})
	w.flush()
	require.Len(t, marks, 2)
	assert.Zero(t, <-marks)
	assert.EqualValues(t, 2, <-marks)
}

func TestHistory_NobodyIsOrWasThere_RemembersNothing(t *testing.T) {
	w := newWorld(t, remembering(2))
	v := w.traveller("~v", "r")
	w.flush() // before it has started nobody knows what a shard has
	w.emit(1, Broadcast{Rooms: []string{"r"}})
	w.emit(2, Broadcast{Rooms: []string{"nobody"}})
	w.emit(3, Broadcast{Socket: "~nobody"})
	w.flush()
	v.leave()
	w.emit(4, Broadcast{Rooms: []string{"r"}})
	w.emit(5, Broadcast{Socket: "~v"})
	w.flush()
	assert.Len(t, w.history.all.records, 3)
}

func TestHistory_NothingComesAnyMore_IsForgottenAllTheSame(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		w := newWorld(t, Options{Shards: 1, History: &HistoryOptions{Age: time.Second}})
		v := w.traveller("~v")
		w.emit(1, Broadcast{})
		time.Sleep(600 * time.Millisecond)
		w.emit(2, Broadcast{})
		time.Sleep(600 * time.Millisecond)
		assert.Equal(t, "1", v.next())
		v.leave()
		require.NoError(t, v.come(w).Err)
		assert.Equal(t, "2", v.next())
		time.Sleep(3 * time.Second)
		assert.Zero(t, w.sys.Clock().Armed()["registry history"])
		v.leave()
		v.at = 0
		require.ErrorIs(t, v.come(w).Err, ErrHistoryLost)
	})
}

func TestHistory_OverItsBytes_ForgetsTheOldestAndCounts(t *testing.T) {
	w := newWorld(t, Options{Shards: 1, History: &HistoryOptions{MaxBytes: 10 * (historyOverhead + 30)}})
	v := w.traveller("~v")
	v.leave()
	for i := range 100 {
		w.emit(i, Broadcast{})
	}
	w.flush()
	assert.InDelta(t, 90, w.Forgotten(), 2)
	require.ErrorIs(t, v.come(w).Err, ErrHistoryLost)
	v.at = 95
	require.NoError(t, v.come(w).Err)
	assert.Equal(t, "95", v.next())
}

func TestBroadcast_ForOneSocket_ReachesItAloneWhateverOthersJoin(t *testing.T) {
	eachShape(t, func(t *testing.T, shards int) {
		w := newWorld(t, Options{Shards: shards})
		p, other := w.join("~p"), w.join("~o", "~p")
		for range 20 {
			w.Broadcast(&Broadcast{Namespace: "/", Socket: "~p", Message: message("x")})
		}
		w.to("last")
		for range 20 {
			p.expect("x")
		}
		p.expect("last")
		other.expect("last")
		other.expectNone()
		for _, s := range w.shards {
			assert.Zero(t, s.Undelivered())
		}
	})
}

func TestHold_RoomsOfThoseWhoMayComeBack_StayPresent(t *testing.T) {
	d := newDiary()
	w := newWorld(t, Options{Shards: 2, RoomChanged: d.changed, OwnRooms: true, History: &HistoryOptions{}, RebuildTimeout: time.Millisecond})
	w.SetSource(w.peer("source", nil).pid)
	v, u := w.traveller("~v", "r", "s"), w.traveller("~u", "s")
	w.flush()
	require.Equal(t, "+/ r +/ s +/ ~u +/ ~v", d.look())
	v.leave()
	u.leave()
	w.flush()
	require.Empty(t, d.look())
	for _, s := range w.shards {
		w.crash(s)
	}
	w.flush()
	require.Empty(t, d.look())
	for _, room := range []string{"r", "s", "~v", "~u"} {
		assert.True(t, w.MayHave("/", room), room)
	}
	require.NoError(t, v.come(w).Err)
	u.send(&Release{Namespace: "/", SocketID: "~u", Rooms: u.rooms})
	w.flush()
	require.Equal(t, "-/ ~u", d.look())
	v.send(&Detach{Member: v.member})
	w.flush()
	require.Equal(t, "-/ r -/ s -/ ~v", d.look())
	for _, room := range []string{"r", "s", "~v", "~u"} {
		assert.False(t, w.MayHave("/", room), room)
	}
	assert.Empty(t, d.wrong)
}

func TestHold_OnlyWithAnAttachedSocket_WhenDetachHasIt(t *testing.T) {
	w := newWorld(t, remembering(1))
	v := w.traveller("~v", "r")
	hold := &Hold{Namespace: "/", SocketID: "~v", Rooms: v.rooms}
	v.send(&Detach{Member: v.member, Hold: hold})
	v.send(&Detach{Member: v.member, Hold: hold})
	w.flush()
	require.True(t, w.MayHave("/", "r"))
	v.send((*Release)(hold))
	w.flush()
	require.False(t, w.MayHave("/", "r"))
	v.send((*Release)(hold))
	w.flush()
}

func BenchmarkBroadcast_History(b *testing.B) {
	for _, on := range []bool{false, true} {
		for _, members := range []int{1, 1000} {
			b.Run(fmt.Sprintf("on=%v/members=%d", on, members), func(b *testing.B) {
				o := Options{Shards: 2}
				if on {
					o.History = &HistoryOptions{}
				}
				w := newWorld(b, o)
				w.crowd(members)
				m := event(b, 1, Broadcast{Rooms: []string{"r"}})
				b.ReportAllocs()
				for b.Loop() {
					for range 10 {
						w.Broadcast(m)
					}
					w.flush()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(10*b.N), "ns/broadcast")
			})
		}
	}
}
