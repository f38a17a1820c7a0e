package roomregistry

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func (w *world) sizes() Sizes {
	w.t.Helper()
	s, err := w.Sizes(w.ctx)
	require.NoError(w.t, err)
	return s
}

func TestJoin_Done_LaterBroadcastReachesTheSocket(t *testing.T) {
	eachShape(t, func(t *testing.T, shards int) {
		w := newWorld(t, Options{Shards: shards})
		for i := range 200 {
			room := fmt.Sprint("room ", i)
			p := w.join(fmt.Sprint("p", i), room)
			w.to("hello", room)
			p.expect("hello")
		}
	})
}

func TestJoin_DonePanics_IsReportedAndTheShardGoesOn(t *testing.T) {
	w := newWorld(t, Options{Shards: 1})
	p := w.join("p")
	p.send(&Join{Member: p.member, Rooms: []string{"r"}, Done: func() { panic("mine") }})
	w.to("a", "r")
	p.expect("a")
	assert.EqualValues(t, 1, w.sys.Panics())
	w.in(p.shard, func(*index) {})
}

func TestJoin_UnknownMember_IsDoneWithoutEffect(t *testing.T) {
	w := newWorld(t, Options{Shards: 1})
	p := w.peer("p", nil)
	p.joins("r")
	done := make(chan struct{})
	p.send(&Leave{Member: p.member, Rooms: []string{"r"}, Done: func() { close(done) }})
	w.closed(done)
	p.send(&Leave{Member: p.member, Rooms: []string{"r"}})
	p.send(&Authenticated{Member: p.member, User: "u"})
	p.send(&Detach{Member: p.member})
	p.send(&Detach{})
	p.send(&Join{})
	w.to("a", "r")
	p.expectNone()
	assert.Equal(t, Sizes{}, w.sizes())
	assert.Zero(t, w.sys.Panics())
}

func TestDetach_WithQueuedBroadcasts_GetsThoseBeforeAndNoneAfter(t *testing.T) {
	eachShape(t, func(t *testing.T, shards int) {
		w := newWorld(t, Options{Shards: shards})
		p, q := w.join(w.idOf(0, "p"), "r"), w.join(w.idOf(0, "q"), "r")
		release := w.hold(p.shard)
		for i := range 3 {
			w.to(fmt.Sprint(i), "r")
		}
		if shards > 1 { // the broadcasts have to pass the sequencer, the Detach has not
			require.NoError(t, w.passSequencer())
		}
		p.send(&Detach{Member: p.member})
		p.send(&Detach{Member: p.member})
		w.to("late", "r")
		release()
		q.expect("0", "1", "2", "late")
		p.expect("0", "1", "2")
		p.expectNone()
		q.send(&Detach{Member: q.member})
		assert.Equal(t, Sizes{}, w.sizes())
	})
}

// passSequencer returns when the sequencer has handled what it has got so far.
func (w *world) passSequencer() error {
	b := &barrier{passed: make(chan struct{})}
	b.missing.Store(1)
	p := w.peer("witness", func(m any) {
		if _, ok := m.(*direct); ok {
			b.pass()
		}
	})
	w.sys.Send(w.root, &direct{shard: &Shard{pid: p.pid}, to: p.address})
	return w.await(w.ctx, b.passed)
}

func TestAttach_RefusedMembers_DoNoHarm(t *testing.T) {
	w := newWorld(t, Options{Shards: 2})
	p := w.peer(w.idOf(0, "p"), nil)
	for _, m := range []*Member{nil, {Namespace: "/", SocketID: p.member.SocketID}} {
		w.sys.Send(w.shards[0].PID(), &Attach{Member: m})
	}
	w.sys.Send(w.shards[1].PID(), &Attach{Member: p.member}) // not its shard
	p.send(&Attach{Member: p.member})
	p.joins("r")
	w.to("once", "r")
	w.to("all")
	p.expect("once", "all")
	p.expectNone()
	assert.Equal(t, Sizes{Namespaces: 1, Members: 1, Rooms: 1}, w.sizes())
	assert.Zero(t, w.sys.Panics())
}

func TestSizes_EverybodyGone_AreZero(t *testing.T) {
	eachShape(t, func(t *testing.T, shards int) {
		w := newWorld(t, Options{Shards: shards})
		var peers []*peer
		for i := range 40 {
			p := w.peer(fmt.Sprint("p", i), nil)
			p.member.Namespace = fmt.Sprint("/", i%3)
			p.send(&Attach{Member: p.member})
			p.send(&Authenticated{Member: p.member, User: fmt.Sprint("u", i%5)})
			p.joins("a", fmt.Sprint("b", i%7), "c")
			peers = append(peers, p)
		}
		full := w.sizes()
		assert.Equal(t, 40, full.Members)
		assert.GreaterOrEqual(t, full.Rooms, 3*(2+7))
		assert.GreaterOrEqual(t, full.Users, 15)
		assert.GreaterOrEqual(t, full.Namespaces, 3)
		for i, p := range peers {
			if i%2 == 0 {
				p.send(&Leave{Member: p.member, Rooms: []string{"a", "c", "nowhere"}})
			}
			p.send(&Detach{Member: p.member})
		}
		assert.Equal(t, Sizes{}, w.sizes())
	})
}

func TestBroadcast_DeadMembers_AreHarmless(t *testing.T) {
	w := newWorld(t, Options{Shards: 1})
	dead, p := w.joinActor("dead", "r"), w.joinActor("p", "r")
	require.NoError(t, w.sys.Stop(w.ctx, dead.pid))
	w.to("a", "r")
	w.Direct(dead.shard, dead.address, "x")
	p.expect("a")
}

func TestBroadcast_WithoutMessage_IsIgnored(t *testing.T) {
	w := newWorld(t, Options{})
	w.Broadcast(nil)
	w.Broadcast(&Broadcast{Namespace: "/"})
	w.flush()
	assert.Zero(t, w.sys.Panics())
}

func TestQueries_SeveralShards_AreAnsweredByAll(t *testing.T) {
	eachShape(t, func(t *testing.T, shards int) {
		w := newWorld(t, Options{Shards: shards})
		for i := range 6 {
			rooms := []string{"r"}
			if i%2 == 0 {
				rooms = append(rooms, "even")
			}
			p := w.join(fmt.Sprint("p", i), rooms...)
			p.send(&Authenticated{Member: p.member, User: fmt.Sprint("u", i%3)})
		}
		members := func(rooms, except []string) string {
			ids, err := w.Members(w.ctx, "/", rooms, except)
			require.NoError(t, err)
			return sorted(ids)
		}
		assert.Equal(t, "p0 p1 p2 p3 p4 p5", members(nil, nil))
		assert.Equal(t, "p1 p3 p5", members([]string{"r"}, []string{"even"}))
		assert.Equal(t, "p0 p1", members([]string{"p0", "p1"}, nil))
		ids, err := w.UserSockets(w.ctx, "/", "u1")
		require.NoError(t, err)
		assert.Equal(t, "p1 p4", sorted(ids))
		for _, user := range []string{"", "r", "p0"} {
			ids, err = w.UserSockets(w.ctx, "/", user)
			require.NoError(t, err)
			assert.Empty(t, ids)
		}
		rooms, err := w.Rooms(w.ctx, "/")
		require.NoError(t, err)
		assert.Equal(t, map[string]int{"r": 6, "even": 3}, rooms)
		rooms, err = w.Rooms(w.ctx, "/other")
		require.NoError(t, err)
		assert.Empty(t, rooms)
	})
}

func (w *world) queries(ctx context.Context) map[string]error {
	_, members := w.Members(ctx, "/", nil, nil)
	_, rooms := w.Rooms(ctx, "/")
	_, user := w.UserSockets(ctx, "/", "u")
	_, sizes := w.Sizes(ctx)
	return map[string]error{"members": members, "rooms": rooms, "user": user, "sizes": sizes, "flush": w.Flush(ctx)}
}

func TestQueries_ContextEnds_ReturnItsCause(t *testing.T) {
	w := newWorld(t, Options{Shards: 2})
	release := w.hold(w.shards[1])
	defer release()
	cause := fmt.Errorf("enough")
	ctx, cancel := context.WithCancelCause(w.ctx)
	cancel(cause)
	for name, err := range w.queries(ctx) {
		assert.ErrorIs(t, err, cause, name)
	}
}

func TestQueries_Stopped_ReturnErrStopped(t *testing.T) {
	w := newWorld(t, Options{Shards: 2})
	require.NoError(t, w.Stop(w.ctx))
	for name, err := range w.queries(w.ctx) {
		assert.ErrorIs(t, err, ErrStopped, name)
	}
}

func TestQueries_StoppedMeanwhile_ReturnErrStopped(t *testing.T) {
	w := newWorld(t, Options{Shards: 2})
	release := w.hold(w.shards[1])
	errs, stopped := make(chan error, 2), make(chan error, 1)
	go func() {
		_, err := w.Sizes(w.ctx)
		errs <- err
	}()
	go func() { errs <- w.Flush(w.ctx) }()
	w.in(w.shards[0], func(*index) {})
	go func() { stopped <- w.Stop(w.ctx) }()
	for range 2 {
		assert.ErrorIs(t, <-errs, ErrStopped)
	}
	release()
	require.NoError(t, <-stopped)
}

func TestStop_WithQueuedWork_EndsAndLaterCallsAreHarmless(t *testing.T) {
	eachShape(t, func(t *testing.T, shards int) {
		w := newWorld(t, Options{Shards: shards})
		p := w.join("p", "r")
		release := w.hold(p.shard)
		for i := range 1000 {
			w.to(fmt.Sprint(i), "r")
			w.Direct(p.shard, p.address, "direct")
		}
		go func() {
			<-w.Done()
			release()
		}()
		require.NoError(t, w.Stop(w.ctx))
		require.NoError(t, w.Stop(w.ctx))
		drainOf(p)

		before := w.Dropped()
		w.to("late", "r")
		assert.Equal(t, before+uint64(shards), w.Dropped())
		w.Direct(p.shard, p.address, "late")
		p.expect("late")
		p.send(&Join{Member: p.member, Rooms: []string{"r"}})
	})
}

func TestFlush_BroadcastsBefore_AreHandedToTheMembers(t *testing.T) {
	eachShape(t, func(t *testing.T, shards int) {
		w := newWorld(t, Options{Shards: shards})
		p := w.join("p", "r")
		for i := range 100 {
			w.to("a", "r")
			w.flush()
			require.Len(t, p.got, i+1)
		}
	})
}
