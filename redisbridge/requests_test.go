package redisbridge

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/link"
)

func TestFetch_Neighbours_TheirSocketsAndNotOurs(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a, _, _ := r.add(o, "a1"), r.add(o, "b1", "b2"), r.add(o, "c1")
		ids, missing, took := r.fetch(a)
		assert.ElementsMatch(r.t, []string{"b1", "b2", "c1"}, ids)
		assert.True(r.t, missing.None())
		assert.Zero(r.t, took)
		sockets, _, err := a.Fetch(r.t.Context(), "/", Target{Rooms: []string{"b2"}}, 0)
		require.NoError(r.t, err)
		require.Len(r.t, sockets, 1)
		assert.Equal(r.t, "b2", sockets[0].ID)
		assert.Equal(r.t, []string{"b2"}, sockets[0].Rooms)
		assert.Equal(r.t, "user of b2", sockets[0].User)
		sockets, missing, err = a.Fetch(r.t.Context(), "/", Target{User: "user of c1"}, 0)
		require.NoError(r.t, err)
		require.Len(r.t, sockets, 1)
		assert.Equal(r.t, "c1", sockets[0].ID)
		assert.True(r.t, missing.None())
	})
}

func TestFetch_NobodyElse_ReturnsAtOnceAndPublishesNothing(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a := r.add(o, "a1")
		ids, missing, took := r.fetch(a)
		assert.Empty(r.t, ids)
		assert.True(r.t, missing.None())
		assert.Zero(r.t, took)
		assert.Zero(r.t, a.link.emits())
	})
}

func TestFetch_SilentNeighbours_MissingByNameAndByNumber(t *testing.T) {
	both(t, func(r *rig, o Options) {
		o.RequestTimeout = 2 * time.Second
		a, b, _ := r.add(o), r.add(o, "b1"), r.add(o, "c1")
		r.mute(b)
		r.stranger(a)
		ids, missing, took := r.fetch(a)
		assert.Equal(r.t, []string{"c1"}, ids)
		assert.Equal(r.t, Missing{Instances: []string{b.UID()}, Unnamed: 1}, missing)
		assert.False(r.t, missing.None())
		assert.Equal(r.t, 2*time.Second, took)
		assert.EqualValues(r.t, 1, a.Stats().Incomplete)
		assert.Empty(r.t, r.sys.Clock().Armed()["redis request"])
	})
}

func TestFetch_DeadNeighbour_NamedAtOnceUntilItIsForgotten(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a, b, _ := r.add(o), r.add(o, "b1"), r.add(o, "c1")
		r.kill(b)
		for range 3 {
			ids, missing, took := r.fetch(a)
			assert.Equal(r.t, []string{"c1"}, ids)
			assert.Equal(r.t, Missing{Instances: []string{b.UID()}}, missing)
			assert.Zero(r.t, took)
		}
		time.Sleep(DefaultHeartbeatTimeout + 1)
		_, missing, _ := r.fetch(a)
		assert.True(r.t, missing.None())
		assert.NotContains(r.t, a.Status().Peers, b.UID())
	})
}

func TestFetch_NeighbourWithoutTheNamespace_IsNotMissedForLong(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a, b := r.add(o), r.add(o, "b1")
		a.AddNamespace("/x")
		fetch := func() Missing {
			_, missing, err := a.Fetch(r.t.Context(), "/x", Target{}, 0)
			require.NoError(r.t, err)
			return missing
		}
		assert.Equal(r.t, []string{b.UID()}, fetch().Instances, "it might be dead")
		time.Sleep(DefaultHeartbeatInterval)
		synctest.Wait()
		assert.True(r.t, fetch().None(), "it lives and has not got the namespace")
		b.AddNamespace("/x")
		synctest.Wait()
		assert.True(r.t, fetch().None(), "it has answered")
		r.kill(b)
		assert.Equal(r.t, []string{b.UID()}, fetch().Instances)
	})
}

func TestFetch_UnknownNamespace_EndsAtOnce(t *testing.T) {
	inBubble(t, func(r *rig) {
		a, b := r.add(Options{}), r.add(Options{})
		_, missing, err := a.Fetch(r.t.Context(), "/nowhere", Target{}, 0)
		require.NoError(r.t, err)
		assert.Equal(r.t, []string{b.UID()}, missing.Instances)
	})
}

func TestFetch_RedisDown_EndsAtOnceWithEveryNeighbourMissing(t *testing.T) {
	inBubble(t, func(r *rig) {
		a, b := r.add(Options{}), r.add(Options{}, "b1")
		for _, p := range []link.Part{link.EmitterPart, link.PublishPart, link.SubscribePart} {
			r.down(a, p)
			_, missing, took := r.fetch(a)
			assert.Equal(r.t, []string{b.UID()}, missing.Instances)
			assert.Zero(r.t, took)
			r.up(a, p)
		}
		a.link.set(func(l *fakeLink) { l.countErr = errFake })
		_, missing, took := r.fetch(a)
		assert.Equal(r.t, []string{b.UID()}, missing.Instances)
		assert.Zero(r.t, took)
		a.link.set(func(l *fakeLink) { l.countErr = nil; l.outcome = link.Dropped })
		_, missing, took = r.fetch(a)
		assert.Equal(r.t, []string{b.UID()}, missing.Instances)
		assert.Zero(r.t, took)
		a.link.set(func(l *fakeLink) { l.outcome = 0 })
		ids, missing, _ := r.fetch(a)
		assert.Equal(r.t, []string{"b1"}, ids)
		assert.True(r.t, missing.None())
	})
}

func TestFetch_RedisStalls_EndsInTime(t *testing.T) {
	inBubble(t, func(r *rig) {
		a, b := r.add(Options{}), r.add(Options{}, "b1")
		a.link.set(func(l *fakeLink) { l.counting = make(chan struct{}) })
		_, missing, took := r.fetch(a)
		assert.Equal(r.t, []string{b.UID()}, missing.Instances)
		assert.Equal(r.t, DefaultRequestTimeout, took)
	})
}

// pending asks in the background; the result is there when the channel is closed.
func (r *rig) pending(m *testMember) (missing *Missing, over chan struct{}) {
	missing, over = new(Missing), make(chan struct{})
	go func() {
		defer close(over)
		_, *missing, _ = r.fetch(m)
	}()
	synctest.Wait()
	return missing, over
}

func TestFetch_NeighbourLeavesMeanwhile_IsMissingAndNotWaitedFor(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a, b := r.add(o), r.add(o, "b1")
		r.mute(b)
		missing, over := r.pending(a)
		assert.Equal(r.t, 1, a.Stats().Pending)
		begun := time.Now()
		require.NoError(r.t, b.Leave(r.t.Context()))
		<-over
		assert.Zero(r.t, time.Since(begun))
		assert.Equal(r.t, []string{b.UID()}, missing.Instances)
		assert.Zero(r.t, a.Stats().Pending)
	})
}

func TestFetch_NeighbourDiesMeanwhile_IsMissingAndNotWaitedFor(t *testing.T) {
	inBubble(t, func(r *rig) {
		o := Options{RequestTimeout: time.Minute}
		a, b := r.add(o), r.add(o, "b1")
		r.mute(b)
		missing, over := r.pending(a)
		begun := time.Now()
		r.kill(b)
		<-over
		assert.InDelta(r.t, DefaultHeartbeatTimeout, time.Since(begun), float64(helloPause))
		assert.Equal(r.t, []string{b.UID()}, missing.Instances)
	})
}

func TestFetch_NeighbourStallsMeanwhile_IsWaitedForAndMissing(t *testing.T) {
	inBubble(t, func(r *rig) {
		o := Options{RequestTimeout: time.Minute}
		a, b := r.add(o), r.add(o, "b1")
		r.mute(b)
		_, missing, took := r.fetch(a)
		assert.Equal(r.t, []string{b.UID()}, missing.Instances)
		assert.Equal(r.t, time.Minute, took, "Redis says that somebody listens: it may be a server of Node.js")
	})
}

func TestFetch_ContextEnds_ItsErrorAndWhatHasCome(t *testing.T) {
	inBubble(t, func(r *rig) {
		a, b, _ := r.add(Options{}), r.add(Options{}, "b1"), r.add(Options{}, "c1")
		r.mute(b)
		ctx, cancel := context.WithTimeout(r.t.Context(), time.Second)
		defer cancel()
		sockets, missing, err := a.Fetch(ctx, "/", Target{}, 0)
		require.ErrorIs(r.t, err, context.DeadlineExceeded)
		require.Len(r.t, sockets, 1)
		assert.Equal(r.t, []string{b.UID()}, missing.Instances)
		assert.Zero(r.t, a.Stats().Pending)
		cancel()
		_, _, err = a.Fetch(ctx, "/", Target{}, 0)
		require.ErrorIs(r.t, err, context.DeadlineExceeded)
	})
}

func TestFetch_ClosedMeanwhile_ErrClosed(t *testing.T) {
	inBubble(t, func(r *rig) {
		a, b := r.add(Options{}), r.add(Options{}, "b1")
		r.mute(b)
		failed := make(chan error)
		go func() {
			_, _, err := a.Fetch(r.t.Context(), "/", Target{}, 0)
			failed <- err
		}()
		synctest.Wait()
		require.NoError(r.t, a.Close(r.t.Context()))
		require.ErrorIs(r.t, <-failed, ErrClosed)
		_, _, err := a.Fetch(r.t.Context(), "/", Target{}, 0)
		require.ErrorIs(r.t, err, ErrClosed)
		_, err = a.Ask(r.t.Context(), Question{Namespace: "/", Event: event(`["q"]`)}, 0)
		require.ErrorIs(r.t, err, ErrClosed)
		_, _, err = a.ServerEvent(r.t.Context(), "/", event(`["q"]`), 0)
		require.ErrorIs(r.t, err, ErrClosed)
	})
}

func TestFetch_AnswersThatNobodyWaitsFor_AreLate(t *testing.T) {
	inBubble(t, func(r *rig) {
		a, b := r.add(Options{}), r.add(Options{}, "b1")
		r.mute(b)
		missing, over := r.pending(a)
		m := *(*a.pendingMessage())
		answer := func(sender, request string, kind format.Kind) {
			a.tell(&answered{message: &format.Message{Kind: kind, Sender: sender, Namespace: "/", Request: request}})
			synctest.Wait()
		}
		answer("x", "nobody's", format.Fetched)
		answer("x", m.Request, format.ServerReply)
		answer("x", m.Request, format.Ack)
		assert.EqualValues(r.t, 3, a.Stats().Late)
		r.stranger(a) // too late to be counted
		answer("", m.Request, format.Fetched)
		<-over
		assert.Equal(r.t, []string{b.UID()}, missing.Instances, "a stranger answered in its place")
		answer(b.UID(), m.Request, format.Fetched)
		assert.EqualValues(r.t, 4, a.Stats().Late)
	})
}

// pendingMessage returns the last message that was emitted.
func (m *testMember) pendingMessage() **format.Message {
	m.link.mu.Lock()
	f := m.link.emitted[len(m.link.emitted)-1]
	m.link.mu.Unlock()
	message, err := m.options.dialect("somebody").Decode(f.Channel, f.Payload)
	if err != nil {
		panic(err)
	}
	return &message
}

func TestServerEvent_Neighbours_TheirReplies(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a, b, c := r.add(o), r.add(o), r.add(o)
		type result struct {
			replies []Reply
			missing Missing
			err     error
		}
		done := make(chan result, 1)
		go func() {
			replies, missing, err := a.ServerEvent(r.t.Context(), "/", event(`["sum",1,2]`), 0)
			done <- result{replies, missing, err}
		}()
		synctest.Wait()
		assert.Equal(r.t, []string{"event sum [1,2]"}, b.in.story())
		assert.Empty(r.t, a.in.story())
		require.NoError(r.t, b.in.replies[0](3, []byte{1}))
		require.NoError(r.t, b.in.replies[0]("again"))
		require.Error(r.t, c.in.replies[0](make(chan int)))
		require.NoError(r.t, c.in.replies[0](4))
		got := <-done
		require.NoError(r.t, got.err)
		assert.True(r.t, got.missing.None())
		require.Len(r.t, got.replies, 2)
		assert.Equal(r.t, b.UID(), got.replies[0].Instance)
		var sum int
		var blob []byte
		require.NoError(r.t, got.replies[0].Args.Decode(0, &sum))
		assert.Equal(r.t, 3, sum)
		if got.replies[0].Args.Len() > 1 {
			require.NoError(r.t, got.replies[0].Args.Decode(1, &blob))
			assert.Equal(r.t, []byte{1}, blob)
		}
		assert.Equal(r.t, c.UID(), got.replies[1].Instance)
	})
}

func TestRequest_UnencodableMessage_IsAnErrorAndCounted(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.add(Options{})
		_, err := a.request(r.t.Context(), &format.Message{Kind: 99, Namespace: "/"}, format.Fetched, 0)
		require.ErrorIs(r.t, err, format.ErrMalformed)
		settled := 0
		a.Emit(&format.Message{Kind: 99, Namespace: "/"}, func() { settled++ })
		assert.Equal(r.t, 1, settled)
		assert.EqualValues(r.t, 2, a.Stats().Unsendable)
	})
}

func TestActor_PanicInReceive_EndsThePendingRequestsAndGoesOn(t *testing.T) {
	inBubble(t, func(r *rig) {
		a, b := r.add(Options{}), r.add(Options{}, "b1")
		r.mute(b)
		missing, over := r.pending(a)
		begun := time.Now()
		for range 30 {
			a.tell(&answered{}) // nil message: the handler crashes
		}
		<-over
		assert.Zero(r.t, time.Since(begun))
		assert.Equal(r.t, []string{b.UID()}, missing.Instances)
		synctest.Wait()
		assert.EqualValues(r.t, 30, r.sys.Panics())
		b.link.set(func(l *fakeLink) { l.dead = false })
		ids, after, _ := r.fetch(a)
		assert.Equal(r.t, []string{"b1"}, ids)
		assert.True(r.t, after.None())
	})
}

func TestRequests_RedisDownAndNobodyKnown_AreNotComplete(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a := r.add(o)
		r.stranger(a)
		check := func(unreached bool) {
			r.t.Helper()
			_, missing, took := r.fetch(a)
			assert.Equal(r.t, unreached, missing.Unreached)
			assert.False(r.t, missing.None())
			if unreached {
				assert.Zero(r.t, took)
			} else {
				assert.Equal(r.t, 1, missing.Unnamed)
			}
			got := <-r.ask(a, Question{}, 0)
			assert.Equal(r.t, missing, got.Missing)
			_, missing, err := a.ServerEvent(r.t.Context(), "/", event(`["q"]`), 0)
			require.NoError(r.t, err)
			assert.Equal(r.t, got.Missing, missing)
		}
		check(false)
		r.down(a, link.EmitterPart)
		check(true)
		r.up(a, link.EmitterPart)
		a.link.set(func(l *fakeLink) { l.countErr = errFake })
		check(true)
		a.link.set(func(l *fakeLink) { l.countErr = nil; l.outcome = link.Dropped })
		check(true)
		a.link.set(func(l *fakeLink) { l.outcome = 0 })
		check(false)
	})
}
