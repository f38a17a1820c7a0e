package roomregistry

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bubble runs a test in fake time.
func bubble(t *testing.T, test func(t *testing.T)) {
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() { // dead letters may keep a goroutine for a moment
			time.Sleep(2 * time.Second)
			synctest.Wait()
		})
		test(t)
	})
}

// withSource gives the registry a source that only writes down what it is asked.
func (w *world) withSource() *peer {
	source := w.peer("source", nil)
	w.SetSource(source.pid)
	return source
}

func (w *world) tell(s *Shard, m any) { w.sys.Send(s.PID(), m) }

func (p *peer) membership(rooms ...string) Membership {
	return Membership{Member: p.member, Rooms: rooms}
}

func TestRebuild_AllAnnounced_DeliversWhatWasHeldInOrder(t *testing.T) {
	eachShape(t, func(t *testing.T, shards int) {
		w := newWorld(t, Options{Shards: shards, RebuildTimeout: time.Hour})
		source := w.withSource()
		s := w.shards[0]
		p, q := w.join(w.idOf(0, "p"), "r"), w.join(w.idOf(0, "q"), "r", "s")
		w.crash(s)
		source.expect("rebuild 0 1")

		w.to("1", "r")
		w.Direct(s, p.address, "direct")
		w.to("2", "s")
		w.to("3", "r")
		assert.EqualValues(t, 4, s.Undelivered())
		w.tell(s, &Announcement{Epoch: 1, Members: []Membership{p.membership("r")}})
		w.tell(s, &Announcing{Epoch: 1, Connections: 3})
		w.tell(s, &Announcement{Epoch: 1})
		w.tell(s, &Announcement{Epoch: 0, Members: []Membership{q.membership("stale")}})
		assert.Empty(t, p.got, "live before all had announced")
		w.tell(s, &Announcement{Epoch: 1, Members: []Membership{q.membership("r", "s")}})
		p.expect("1", "direct", "3")
		q.expect("1", "2", "3")

		w.to("nobody", "stale")
		w.to("4", "r")
		p.expect("4")
		q.expect("4")
		q.expectNone()
		assert.Zero(t, s.Undelivered())
		assert.Zero(t, w.Dropped())
		assert.Equal(t, Sizes{Namespaces: 1, Members: 2, Rooms: 2}, w.sizes())
		assert.Empty(t, w.sys.Clock().Armed())
	})
}

func TestRebuild_OtherShards_GoOn(t *testing.T) {
	w := newWorld(t, Options{Shards: 2, RebuildTimeout: time.Hour})
	source := w.withSource()
	p, q := w.join(w.idOf(0, "p"), "r"), w.join(w.idOf(1, "q"), "r")
	w.crash(w.shards[0])
	source.expect("rebuild 0 1")
	w.to("a", "r")
	q.expect("a")
	assert.Empty(t, p.got)
	w.tell(p.shard, &Announcement{Epoch: 1, Members: []Membership{p.membership("r")}})
	w.tell(p.shard, &Announcing{Epoch: 1, Connections: 1})
	p.expect("a")
}

func TestRebuild_MembershipMessagesMeanwhile_Count(t *testing.T) {
	w := newWorld(t, Options{Shards: 1, RebuildTimeout: time.Hour})
	source := w.withSource()
	s := w.shards[0]
	old, gone, mute := w.join("old", "r"), w.join("gone", "r"), w.join("mute", "r")
	w.crash(s)
	source.expect("rebuild 0 1")
	w.to("held", "r")

	fresh := w.join("fresh", "r")                                                     // a new connection
	old.joins("s")                                                                    // not known yet: the announcement will say it
	gone.send(&Detach{Member: gone.member})                                           // died before it could announce
	again := &Member{Process: old.address.Process(), Namespace: "/", SocketID: "old"} // an announcement may bring a new Member
	w.tell(s, &Announcement{Epoch: 1, Members: []Membership{
		{Member: again, Rooms: []string{"r", "s"}, User: "u", Authenticated: true},
	}})
	w.tell(s, &Announcement{Epoch: 1, Members: []Membership{mute.membership("r")}})
	mute.send(&Detach{Member: mute.member}) // died after it had announced
	w.tell(s, &Announcing{Epoch: 1, Connections: 3})
	assert.Empty(t, fresh.got)
	w.tell(s, &Announcing{Epoch: 1, Connections: 2}) // the source has noticed the death

	old.expect("held")
	fresh.expect("held")
	w.Broadcast(&Broadcast{Namespace: "/", User: "u", AuthenticatedOnly: true, Message: message("user")})
	w.to("s", "s")
	old.expect("user", "s")
	for _, p := range []*peer{old, fresh, gone, mute} {
		p.expectNone()
	}
	assert.Equal(t, 2, w.sizes().Members)
}

func TestRebuild_CrashedAgainMeanwhile_OnlyTheNewEpochCounts(t *testing.T) {
	w := newWorld(t, Options{Shards: 1, RebuildTimeout: time.Hour})
	source := w.withSource()
	s := w.shards[0]
	p := w.join("p", "r")
	w.crash(s)
	source.expect("rebuild 0 1")
	w.to("held", "r")
	w.tell(s, &Announcement{Epoch: 1, Members: []Membership{p.membership("r")}})
	w.tell(s, struct{}{})                                         // an unknown message is logged, no more
	w.tell(s, &Announcement{Epoch: 1, Members: []Membership{{}}}) // so is a member that is none
	w.crashHard(s)
	source.expect("rebuild 0 2")
	w.tell(s, &Announcing{Epoch: 1, Connections: 0})
	w.tell(s, rebuildExpired{1})
	w.tell(s, &Announcement{Epoch: 1, Members: []Membership{p.membership("r")}})
	w.to("held too", "r")
	assert.EqualValues(t, 2, s.Undelivered())
	w.tell(s, &Announcement{Epoch: 2, Members: []Membership{p.membership("r")}})
	assert.Empty(t, p.got)
	w.tell(s, &Announcing{Epoch: 2, Connections: 1})
	p.expect("held", "held too")
	w.flush()
	assert.Zero(t, s.Undelivered())
	assert.Zero(t, w.Dropped())
}

// crashHard makes a shard panic also while it is rebuilt, when it holds queries.
func (w *world) crashHard(s *Shard) { w.tell(s, (*Announcing)(nil)) }

func TestRebuild_Timeout_DeliversToThoseKnown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, Options{Shards: 1, RebuildTimeout: 3 * time.Second})
		source := w.withSource()
		s := w.shards[0]
		p, q := w.join("p", "r"), w.join("q", "r")
		w.crash(s)
		source.expect("rebuild 0 1")
		w.to("held", "r")
		w.tell(s, &Announcing{Epoch: 1, Connections: 2})
		w.tell(s, &Announcement{Epoch: 1, Members: []Membership{p.membership("r")}})
		time.Sleep(3*time.Second - 1)
		synctest.Wait()
		assert.Empty(t, p.got)
		assert.Equal(t, map[string]int{"registry rebuild": 1}, w.sys.Clock().Armed())
		time.Sleep(1)
		synctest.Wait()
		p.expect("held")
		assert.Empty(t, w.sys.Clock().Armed())

		w.tell(s, &Announcement{Epoch: 1, Members: []Membership{q.membership("r")}}) // late, but true
		w.to("more", "r")
		p.expect("more")
		q.expect("more")
		q.expectNone()
	})
}

func TestRebuild_DeadSource_EndsByTimeout(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, Options{Shards: 2})
		source := w.joinActor("source")
		require.NoError(t, w.sys.Stop(w.ctx, source.pid))
		w.SetSource(source.pid)
		w.crash(w.shards[1])
		begin := time.Now()
		w.flush()
		assert.Equal(t, DefaultRebuildTimeout, time.Since(begin))
	})
}

func TestRebuild_NoSource_GoesOnEmpty(t *testing.T) {
	w := newWorld(t, Options{Shards: 1})
	p := w.join("p", "r")
	w.crash(p.shard)
	w.to("lost", "r")
	w.flush()
	assert.Equal(t, Sizes{}, w.sizes())
	p.send(&Attach{Member: p.member})
	p.joins("r")
	w.to("a", "r")
	p.expect("a")
}

func TestRebuild_OverTheHoldLimit_DropsAndCounts(t *testing.T) {
	w := newWorld(t, Options{Shards: 1, HoldLimit: 3, RebuildTimeout: time.Hour})
	source := w.withSource()
	s := w.shards[0]
	p := w.join("p", "r")
	w.crash(s)
	source.expect("rebuild 0 1")
	for i := range 3 {
		w.to(fmt.Sprint(i), "r")
		w.Direct(s, p.address, fmt.Sprint("direct ", i))
	}
	w.crashHard(s)
	source.expect("rebuild 0 2")
	w.to("3", "r")
	w.to("4", "r")
	w.Direct(s, p.address, "direct 3")
	w.tell(s, &Announcement{Epoch: 2, Members: []Membership{p.membership("r")}})
	w.tell(s, &Announcing{Epoch: 2, Connections: 1})
	p.expect("0", "direct 0", "1", "direct 1", "2", "direct 2", "direct 3")
	p.expectNone()
	assert.EqualValues(t, 2, w.Dropped())
	assert.Zero(t, s.Undelivered())
}

func TestRebuild_Queries_WaitForTheIndex(t *testing.T) {
	w := newWorld(t, Options{Shards: 2, RebuildTimeout: time.Hour})
	source := w.withSource()
	p := w.join(w.idOf(1, "p"), "r")
	w.crash(p.shard)
	source.expect("rebuild 1 1")
	ids := make(chan []string, 1)
	go func() {
		got, _ := w.Members(w.ctx, "/", []string{"r"}, nil)
		ids <- got
	}()
	w.in(w.shards[0], func(*index) {})
	w.tell(p.shard, &Announcement{Epoch: 1, Members: []Membership{p.membership("r")}})
	w.tell(p.shard, &Announcing{Epoch: 1, Connections: 1})
	assert.Equal(t, []string{p.member.SocketID}, <-ids)
}

func TestDeliver_CrashesInTheMiddle_DropsThatRunOnly(t *testing.T) {
	eachShape(t, func(t *testing.T, shards int) {
		w := newWorld(t, Options{Shards: shards, RebuildTimeout: time.Hour})
		source := w.withSource()
		s := w.shards[0]
		p, q := w.join(w.idOf(0, "p"), "r"), w.join(w.idOf(0, "q"), "r")
		release := make(chan struct{})
		entered := make(chan struct{})
		w.tell(s, &query{replies: make(chan any, 1), read: func(ix *index) any {
			ix.namespaces["/"].rooms["r"].entries[1].member = nil // the second member will crash the delivery
			close(entered)
			<-release
			return nil
		}})
		w.closed(entered)
		w.to("1", "r")
		w.to("2", "r")
		w.Direct(s, p.address, "direct")
		w.to("3", "r")
		if shards > 1 {
			require.NoError(t, w.passSequencer())
		}
		close(release)
		p.expect("1", "2")
		source.expect("rebuild 0 1")
		assert.EqualValues(t, 2, s.Undelivered())
		assert.EqualValues(t, 2, w.Dropped())
		w.tell(s, &Announcement{Epoch: 1, Members: []Membership{p.membership("r"), q.membership("r")}})
		w.tell(s, &Announcing{Epoch: 1, Connections: 1})
		p.expect("direct", "3")
		q.expect("3")
		q.expectNone()
		assert.Zero(t, s.Undelivered())
		assert.EqualValues(t, 1, w.sys.Panics())
	})
}

func TestQuery_CrashesTheShard_IsAnswered(t *testing.T) {
	w := newWorld(t, Options{Shards: 2})
	err := ask(w.ctx, w.Registry, "bad", func(*index) int { panic("bad query") }, func(int) {})
	require.ErrorIs(t, err, ErrShardFailed)
	w.sizes()
}

func TestJoin_CrashesTheShard_IsDone(t *testing.T) {
	w := newWorld(t, Options{Shards: 1})
	p := w.join("p")
	w.in(p.shard, func(ix *index) { ix.namespaces["/"].rooms = nil })
	p.joins("r")
	w.in(p.shard, func(*index) {}) // it is back
	assert.EqualValues(t, 1, w.sys.Panics())
}

func TestRestarts_Exhausted_FailOnceAndClose(t *testing.T) {
	eachShape(t, func(t *testing.T, shards int) {
		failed := make(chan error, 2)
		w := newWorld(t, Options{Shards: shards, Failed: func(err error) { failed <- err }})
		p := w.join(w.idOf(0, "p"))
		for range maxRestarts {
			w.crash(w.shards[0])
		}
		w.flush()
		w.crash(w.shards[0])
		require.ErrorIs(t, <-failed, ErrShardFailed)
		for name, err := range w.queries(w.ctx) {
			assert.ErrorIs(t, err, ErrStopped, name)
		}
		before := w.Dropped()
		w.to("late", "r")
		assert.Equal(t, before+uint64(shards), w.Dropped())
		w.Direct(p.shard, p.address, "still")
		p.expect("still")
		require.NoError(t, w.Stop(w.ctx))
		assert.Empty(t, failed)
	})
}

func TestRestarts_ExhaustedWhileRebuilding_SendsDirectMessagesOut(t *testing.T) {
	failed := make(chan error, 1)
	w := newWorld(t, Options{Shards: 1, RebuildTimeout: time.Hour, Failed: func(err error) { failed <- err }})
	w.withSource()
	p := w.join("p", "r")
	w.crash(p.shard)
	for range maxRestarts {
		w.to("lost", "r")
		w.Direct(p.shard, p.address, "direct")
		w.crashHard(p.shard)
	}
	require.Error(t, <-failed)
	for range maxRestarts {
		p.expect("direct")
	}
	assert.Zero(t, p.shard.Undelivered())
	assert.EqualValues(t, maxRestarts, w.Dropped())
}

func TestStop_WhileRebuilding_Ends(t *testing.T) {
	w := newWorld(t, Options{Shards: 2, RebuildTimeout: time.Hour})
	source := w.withSource()
	w.crash(w.shards[1])
	source.expect("rebuild 1 1")
	w.to("held", "r")
	require.NoError(t, w.Stop(w.ctx))
	assert.Empty(t, w.sys.Clock().Armed())
}
