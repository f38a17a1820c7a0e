package roomregistry

import (
	"fmt"
	"hash/maphash"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestPresence_AnyHistory_AgreesWithTheModelAndTellsEachChangeOnce(t *testing.T) {
	for _, own := range []bool{false, true} {
		t.Run(fmt.Sprint("own rooms ", own), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) { presenceHistory(t, own) })
		})
	}
}

func presenceHistory(t *rapid.T, own bool) {
	var s Shard
	seed := maphash.MakeSeed()
	d := newDiary()
	ix := newIndex()
	ix.presence = &presence{
		public: &s.rooms, seed: seed, mine: map[roomName]struct{}{},
		changes: &changes{call: d.changed, own: own, seed: seed},
	}
	ix.presence.complete(ix)
	h := &history{ix: ix, sockets: map[string]*socketModel{}}
	before := h.present(own)
	t.Repeat(map[string]func(*rapid.T){
		"attach": h.attach, "detach": h.detach, "join": h.join, "leave": h.leave,
		"authenticate": h.authenticate, "restore": h.restore,
		"": func(t *rapid.T) {
			now := h.present(own)
			require.Equal(t, difference(before, now), d.look())
			require.Empty(t, d.wrong)
			before = now
			all := h.present(true)
			table := *s.rooms.Load()
			for i := range 41 {
				name := fmt.Sprint("r", i)
				require.Equal(t, all["/ "+name], table.has(hashOf(seed, ix.presence.namespace("/"), name)), name)
			}
			for _, id := range []string{"a", "b", "c", "d", "e"} {
				require.Equal(t, all["/ "+id], table.has(hashOf(seed, ix.presence.namespace("/"), id)), id)
			}
		},
	})
}

// present lists the rooms of the model.
func (h *history) present(own bool) map[string]bool {
	all := map[string]bool{}
	for id, s := range h.sockets {
		if own {
			all["/ "+id] = true
		}
		for r := range s.rooms {
			if r != id {
				all["/ "+r] = true
			}
		}
	}
	return all
}

func difference(before, now map[string]bool) string {
	var calls []string
	for r := range now {
		if !before[r] {
			calls = append(calls, "+"+r)
		}
	}
	for r := range before {
		if !now[r] {
			calls = append(calls, "-"+r)
		}
	}
	return sorted(calls)
}

func TestRoomChanged_AnyHistoryWithCrashes_AgreesWithTheClients(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		own := rapid.Bool().Draw(rt, "own rooms")
		d := newDiary()
		w := newWorld(t, Options{
			Shards: rapid.IntRange(1, 3).Draw(rt, "shards"), RebuildTimeout: time.Hour,
			RoomChanged: d.changed, OwnRooms: own,
		})
		defer func() { require.NoError(rt, w.Stop(w.ctx)) }()
		clients := w.crew(6)
		one := rapid.SampledFrom(clients)
		rooms := rapid.SliceOfN(rapid.SampledFrom([]string{"r", "s", "t", "~0", "~1"}), 1, 3)
		crashes := 0
		steps := rapid.IntRange(5, 30).Draw(rt, "steps")
		for range steps {
			switch rapid.IntRange(0, 9).Draw(rt, "step") {
			case 0, 1:
				one.Draw(rt, "client").attach()
			case 2:
				one.Draw(rt, "client").detach()
			case 3, 4, 5, 6:
				c, to := one.Draw(rt, "client"), rooms.Draw(rt, "join")
				c.enter(to...)
				for _, r := range c.rooms {
					require.True(rt, w.MayHave("/", r))
				}
			case 7, 8:
				one.Draw(rt, "client").exit(rooms.Draw(rt, "leave")...)
			case 9:
				if crashes++; crashes <= 3 {
					w.crash(w.shards[rapid.IntRange(0, len(w.shards)-1).Draw(rt, "shard")])
				}
			}
			if !rapid.Bool().Draw(rt, "settle") {
				continue
			}
			w.settle()
			require.Equal(rt, truth(clients, own), d.now())
		}
		for _, c := range clients {
			c.detach()
		}
		w.settle()
		require.Empty(rt, d.now())
		require.Empty(rt, d.wrong)
		for _, r := range []string{"r", "s", "t", "~0", "~1", "~5"} {
			require.False(rt, w.MayHave("/", r))
		}
	})
}

func TestRoomChanged_CrashOfAShard_TellsOnlyWhatChanged(t *testing.T) {
	d := newDiary()
	w := newWorld(t, Options{Shards: 2, RebuildTimeout: time.Hour, RoomChanged: d.changed, OwnRooms: true})
	source := w.withSource()
	s := w.shards[0]
	p, q := w.join(w.idOf(0, "p"), "stays", "goes"), w.join(w.idOf(1, "q"), "stays", "other")
	assert.Equal(t, sorted([]string{
		"+/ stays", "+/ goes", "+/ other", "+/ " + p.member.SocketID, "+/ " + q.member.SocketID,
	}), d.look())
	w.crash(s)
	source.expect("rebuild 0 1")
	assert.True(t, w.MayHave("/", "whatever"), "while it is rebuilt nothing is certain")
	fresh := w.join(w.idOf(0, "fresh"), "new")
	assert.Equal(t, sorted([]string{"+/ new", "+/ " + fresh.member.SocketID}), d.look(), "before Join is Done")
	fresh.send(&Leave{Member: fresh.member, Rooms: []string{"new"}})
	w.tell(s, &Announcement{Epoch: 1, Members: []Membership{p.membership("stays")}})
	w.tell(s, &Announcing{Epoch: 1, Connections: 1})
	w.settle()
	assert.Equal(t, sorted([]string{"-/ new", "-/ goes"}), d.look())
	assert.False(t, w.MayHave("/", "goes"))
	assert.False(t, w.MayHave("/other", "stays"))
	assert.True(t, w.MayHave("/", "stays"))
	assert.Empty(t, d.wrong)
}

func TestRoomChanged_NoSource_TellsThatAllAreGone(t *testing.T) {
	d := newDiary()
	w := newWorld(t, Options{Shards: 1, RoomChanged: d.changed})
	w.join("p", "r", "s")
	w.crash(w.shards[0])
	w.settle()
	assert.Empty(t, d.now())
	assert.False(t, w.MayHave("/", "r"))
	assert.False(t, w.MayHave("/", "p"))
}

func TestRoomChanged_Panics_HarmsNobody(t *testing.T) {
	w := newWorld(t, Options{Shards: 1, RoomChanged: func(string, string, bool) { panic("of the test") }})
	p := w.join("p", "r")
	w.to("a", "r")
	p.expect("a")
	assert.EqualValues(t, 1, w.sys.Panics())
}

func TestMayHave_JoinCrashedTheShard_IsUncertainWhenDone(t *testing.T) {
	w := newWorld(t, Options{Shards: 1, RebuildTimeout: time.Hour})
	w.withSource()
	p := w.join("p")
	assert.False(t, w.MayHave("/", "r"))
	w.in(p.shard, func(ix *index) { ix.namespaces["/"].rooms = nil })
	seen := make(chan bool, 1)
	p.send(&Join{Member: p.member, Rooms: []string{"r"}, Done: func() { seen <- w.MayHave("/", "r") }})
	assert.True(t, <-seen)
}

func TestMayHave_Stopped_IsUncertain(t *testing.T) {
	w := newWorld(t, Options{Shards: 2})
	w.settle()
	assert.False(t, w.MayHave("/", "r"))
	require.NoError(t, w.Stop(w.ctx))
	assert.True(t, w.MayHave("/", "r"))
	assert.Zero(t, testing.AllocsPerRun(100, func() { w.MayHave("/", "a room") }))
}

// TestPresence_Hammer has many clients come and go in few rooms while shards crash and others read.
func TestPresence_Hammer_NothingIsMissedSwappedOrLeft(t *testing.T) {
	d := newDiary()
	w := newWorld(t, Options{Shards: 3, RebuildTimeout: time.Hour, RoomChanged: d.changed, OwnRooms: true})
	clients := w.crew(24)
	stays := clients[0]
	stays.attach()
	stays.enter("stays")
	stop := make(chan struct{})
	var readers, writers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for ok := true; ok; {
				select {
				case <-stop:
					return
				default:
					ok = assert.True(t, w.MayHave("/", "stays")) && assert.True(t, w.MayHave("/", "~0"))
				}
			}
		})
	}
	for g := range 4 {
		writers.Go(func() {
			mine := clients[1+5*g : 6+5*g]
			for i := range 200 {
				c, r := mine[i%len(mine)], fmt.Sprint("r", i%7)
				c.attach()
				c.enter(r, "common")
				assert.True(t, w.MayHave("/", r))
				assert.True(t, w.MayHave("/", c.id))
				if i%3 > 0 {
					c.exit(r)
				}
				if i%4 == 0 {
					c.detach()
				}
				if g == 0 && i%20 == 7 {
					w.crash(w.shards[i/20%3])
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
	w.settle()
	assert.Equal(t, truth(clients, true), d.now())
	for _, c := range clients {
		c.detach()
	}
	w.settle()
	assert.Empty(t, d.now())
	assert.Empty(t, d.wrong)
	for i := range 7 {
		assert.False(t, w.MayHave("/", fmt.Sprint("r", i)))
	}
	for _, s := range w.shards {
		w.in(s, func(ix *index) {
			assert.Zero(t, ix.presence.filter.live)
			assert.Empty(t, ix.presence.filter.more)
			assert.Empty(t, ix.presence.mine)
		})
	}
}

func BenchmarkMayHave(b *testing.B) {
	w := newWorld(b, Options{Shards: 2})
	w.crowd(10_000)
	for name, room := range map[string]string{"there": "r", "not there": "nobody"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w.MayHave("/", room)
			}
		})
	}
}
