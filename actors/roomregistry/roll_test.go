package roomregistry

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// roll writes down what it is told.
type roll struct {
	mu      sync.Mutex
	begun   []int
	members []string
	counted int
	done    chan struct{} // closed with the last Counted
	onCount func()
}

func newRoll() *roll { return &roll{done: make(chan struct{})} }

func (r *roll) Begin(shards int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begun = append(r.begun, shards)
}

func (r *roll) Expect(m *Member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.members = append(r.members, m.SocketID)
}

func (r *roll) Counted() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counted++; r.counted == r.begun[0] {
		close(r.done) // a second time panics
	}
	if r.onCount != nil {
		r.onCount()
	}
}

// ids of the members that were expected.
func (r *roll) ids() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return sorted(slices.Clone(r.members))
}

// over waits for the last Counted and asserts that Begin and Counted came as often as they should.
func (w *world) over(r *roll) {
	w.t.Helper()
	w.closed(r.done)
	r.mu.Lock()
	defer r.mu.Unlock()
	require.Equal(w.t, []int{len(w.shards)}, r.begun)
	require.Equal(w.t, len(w.shards), r.counted)
}

func (w *world) call(text string, rooms ...string) *roll {
	r := newRoll()
	b := cast(text, rooms...)
	b.Roll, b.AckID = r, 7
	w.Broadcast(b)
	return r
}

// noneOpen asserts that the registry keeps no call.
func (w *world) noneOpen() {
	w.t.Helper()
	w.rolls.mu.Lock()
	defer w.rolls.mu.Unlock()
	require.Empty(w.t, w.rolls.open)
}

func TestRoll_Delivered_ExpectsEachMemberBeforeItsDelivery(t *testing.T) {
	eachShape(t, func(t *testing.T, shards int) {
		w := newWorld(t, Options{Shards: shards})
		r := newRoll()
		var want []string
		for i := range 20 {
			id := fmt.Sprint("~", i)
			p := w.peer(id, func(m any) {
				if d, ok := m.(*Delivery); ok && d.Roll != nil {
					assert.Same(t, r, d.Roll)
					assert.EqualValues(t, 7, d.AckID)
					assert.Contains(t, r.ids(), id)
				}
			})
			p.send(&Attach{Member: p.member})
			if i%2 == 0 {
				p.joins("r")
				want = append(want, id)
			}
		}
		b := cast("a", "r")
		b.Roll, b.AckID = r, 7
		w.Broadcast(b)
		w.over(r)
		w.flush()
		assert.Equal(t, sorted(want), r.ids())
		assert.Nil(t, b.call, "the caller's broadcast was changed")
		w.noneOpen()
	})
}

func TestBacklog_BroadcastsWithARoll_AreRunsOfTheirOwn(t *testing.T) {
	with := cast("a")
	with.Roll = newRoll()
	other := cast("a")
	other.Roll = with.Roll
	assert.Equal(t, []int{2, 1, 1, 1}, lengths(cast("a"), cast("a"), with, other, cast("a")))
	d := newDelivery([]any{with})
	assert.Same(t, with.Roll, d.Roll)
	assert.Nil(t, newDelivery([]any{cast("a")}).Roll)
}

func TestRoll_OverTheHoldLimit_IsCountedAtOnce(t *testing.T) {
	w := newWorld(t, Options{Shards: 2, HoldLimit: 1, RebuildTimeout: time.Hour})
	source := w.withSource()
	s := w.shards[1]
	p, q := w.join(w.idOf(0, "p"), "r"), w.join(w.idOf(1, "q"), "r")
	w.crash(s)
	source.expect("rebuild 1 1")
	held := w.call("held", "r")
	dropped := w.call("dropped", "r")
	w.over(dropped)
	assert.Equal(t, p.member.SocketID, dropped.ids())
	w.tell(s, &Announcement{Epoch: 1, Members: []Membership{q.membership("r")}})
	w.tell(s, &Announcing{Epoch: 1, Connections: 1})
	w.over(held)
	assert.Equal(t, sorted([]string{p.member.SocketID, q.member.SocketID}), held.ids())
	q.expect("held")
	q.expectNone()
	w.noneOpen()
}

func TestRoll_DeliveryCrashes_IsCounted(t *testing.T) {
	eachShape(t, func(t *testing.T, shards int) {
		w := newWorld(t, Options{Shards: shards})
		p, _ := w.join(w.idOf(0, "p"), "r"), w.join(w.idOf(0, "q"), "r")
		w.in(w.shards[0], func(ix *index) { ix.namespaces["/"].rooms["r"].entries[1].member = nil })
		r := w.call("a", "r")
		w.over(r)
		p.expect("a")
		assert.Contains(t, r.ids(), p.member.SocketID)
		w.over(w.call("b", "r"))
		w.noneOpen()
	})
}

func TestRoll_NobodyToSee_IsCounted(t *testing.T) {
	w := newWorld(t, Options{Shards: 3})
	none := w.call("a", "nobody")
	w.over(none)
	assert.Empty(t, none.ids())
	empty := newRoll()
	w.Broadcast(&Broadcast{Roll: empty})
	w.over(empty)
	w.Broadcast(nil)
	require.NoError(t, w.Stop(w.ctx))
	w.over(w.call("late"))
	w.noneOpen()
}

func TestRoll_StopWithABacklog_IsCounted(t *testing.T) {
	eachShape(t, func(t *testing.T, shards int) {
		w := newWorld(t, Options{Shards: shards, RebuildTimeout: time.Hour})
		source := w.withSource()
		last := w.shards[shards-1]
		w.join(w.idOf(shards-1, "p"), "r")
		w.crash(last)
		source.expect(fmt.Sprintf("rebuild %d 1", shards-1))
		backlog := w.call("in the backlog", "r")
		w.tell(last, struct{}{})
		release := w.holdRebuilt(last)
		mailbox := w.call("in the mailbox", "r")
		stopped := make(chan error, 1)
		go func() { stopped <- w.Stop(w.ctx) }()
		<-w.Done()
		after := w.call("after", "r")
		w.over(after)
		release()
		require.NoError(t, <-stopped)
		w.over(backlog)
		w.over(mailbox)
		w.noneOpen()
	})
}

// holdRebuilt keeps a shard that is being rebuilt busy until the returned function is called.
func (w *world) holdRebuilt(s *Shard) (release func()) {
	w.t.Helper()
	entered, leave := make(chan struct{}), make(chan struct{})
	w.tell(s, &Join{Done: func() {
		close(entered)
		<-leave
	}})
	w.closed(entered)
	return func() { close(leave) }
}

func TestRoll_BegunJustBeforeTheShardsEnded_IsCounted(t *testing.T) {
	w := newWorld(t, Options{Shards: 2})
	require.NoError(t, w.Stop(w.ctx))
	r := newRoll()
	w.begin(r) // what Broadcast does after it looked whether the registry is closed
	w.over(r)
	w.noneOpen()
}

func TestRoll_RestartsExhausted_IsCounted(t *testing.T) {
	eachShape(t, func(t *testing.T, shards int) {
		failed := make(chan error, 1)
		w := newWorld(t, Options{Shards: shards, RebuildTimeout: time.Hour, Failed: func(err error) { failed <- err }})
		w.withSource()
		var all []*roll
		w.crash(w.shards[0])
		for range maxRestarts {
			all = append(all, w.call("a", "r"))
			w.crashHard(w.shards[0])
		}
		require.Error(t, <-failed)
		for _, r := range all {
			w.over(r)
		}
		w.noneOpen()
	})
}

func TestRoll_CountedPanics_HarmsNobody(t *testing.T) {
	w := newWorld(t, Options{Shards: 2})
	p := w.join("p", "r")
	r := newRoll()
	r.onCount = func() { panic("of the test") }
	b := cast("a", "r")
	b.Roll = r
	w.Broadcast(b)
	w.over(r)
	w.to("b", "r")
	p.expect("a", "b")
	w.flush()
	assert.EqualValues(t, 2, w.sys.Panics())
	assert.Equal(t, 1, w.sizes().Members)
}

// TestRoll_Hammer has calls fly while shards crash and the registry stops: each is counted exactly once per shard.
func TestRoll_Hammer_EachIsCountedOncePerShard(t *testing.T) {
	for round := range 20 {
		w := newWorld(t, Options{Shards: 1 + round%3, HoldLimit: 3, RebuildTimeout: time.Millisecond})
		if round%2 == 0 {
			w.SetSource(w.peer("source", nil).pid)
		}
		for i := range 10 {
			w.join(fmt.Sprint("~", i), "r")
		}
		calls := make([][]*roll, 4)
		var wg sync.WaitGroup
		for g := range calls {
			wg.Go(func() {
				for i := range 100 {
					calls[g] = append(calls[g], w.call("a", "r"))
					w.to("b", "r")
					if i%40 == 10 {
						w.crash(w.shards[i%len(w.shards)])
					}
					if g == 0 && i == 80 {
						assert.NoError(t, w.Stop(w.ctx))
					}
				}
			})
		}
		wg.Wait()
		for _, r := range slices.Concat(calls...) {
			w.over(r)
		}
		w.noneOpen()
		for _, s := range w.shards {
			assert.GreaterOrEqual(t, s.Undelivered(), int64(0))
		}
	}
}

func TestHandles_Audience_ReturnsThemOnce(t *testing.T) {
	w := newWorld(t, Options{Shards: 3})
	for i := range 12 {
		id := fmt.Sprint("~", i)
		p := w.peer(id, nil)
		p.member.Handle = i
		p.send(&Attach{Member: p.member})
		p.send(&Authenticated{Member: p.member, User: fmt.Sprint("u", i%2)})
		p.joins(fmt.Sprint("r", i%3), "all")
	}
	for _, c := range []struct {
		rooms, except []string
		user          string
		want          []any
	}{
		{rooms: []string{"r0", "r0"}, want: []any{0, 3, 6, 9}},
		{rooms: []string{"r0", "~1"}, except: []string{"~3"}, want: []any{0, 1, 6, 9}},
		{user: "u1", want: []any{1, 3, 5, 7, 9, 11}},
		{user: "u1", rooms: []string{"r0"}, except: []string{"r1", "r2"}, want: []any{0, 3, 6, 9}},
		{except: []string{"r1", "r2"}, want: []any{0, 3, 6, 9}},
		{rooms: []string{"nobody"}},
	} {
		got, err := w.Handles(w.ctx, "/", c.rooms, c.except, c.user)
		require.NoError(t, err)
		assert.ElementsMatch(t, c.want, got)
	}
	got, err := w.Handles(w.ctx, "/other", nil, nil, "")
	require.NoError(t, err)
	assert.Empty(t, got)
	require.NoError(t, w.Stop(w.ctx))
	_, err = w.Handles(w.ctx, "/", nil, nil, "")
	require.ErrorIs(t, err, ErrStopped)
}
