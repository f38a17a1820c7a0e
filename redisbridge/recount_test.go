package redisbridge

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/link"
)

// hold lets a bridge keep what arrives for it; release lets it go on.
func (r *rig) hold(m *testMember) (release func()) {
	m.link.set(func(l *fakeLink) { l.dead = true })
	return func() {
		m.link.set(func(l *fakeLink) { l.dead = false })
		for _, f := range m.link.missed() {
			m.link.offer(f)
		}
		synctest.Wait()
	}
}

func TestFetch_OneJoinsBeforeItIsPublished_TheSlowOneIsWaitedFor(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a, b := r.add(o), r.add(o, "b1")
		release := r.hold(b)
		a.link.set(func(l *fakeLink) { l.counted = func() { r.add(o, "c1") } })
		var ids []string
		var missing Missing
		over := make(chan struct{})
		go func() {
			defer close(over)
			ids, missing, _ = r.fetch(a)
		}()
		time.Sleep(time.Second)
		assert.Equal(r.t, 1, a.Stats().Pending)
		release()
		<-over
		assert.ElementsMatch(r.t, []string{"b1", "c1"}, ids)
		assert.True(r.t, missing.None())
	})
}

func TestFetch_OneJoinsAfterItWasPublished_IsNotWaitedFor(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a, b, gone := r.add(o), r.add(o, "b1"), r.add(o, "c1")
		release := r.hold(b)
		r.mute(gone)
		missing, over := r.pending(a)
		r.add(o, "d1")
		require.NoError(r.t, gone.Leave(r.t.Context())) // counted again, with the one that was not asked
		synctest.Wait()
		assert.Equal(r.t, 1, a.Stats().Pending)
		begun := time.Now()
		release()
		<-over
		assert.Zero(r.t, time.Since(begun))
		assert.Equal(r.t, []string{gone.UID()}, missing.Instances)
		assert.Zero(r.t, missing.Unnamed)
	})
}

func TestFetch_OneLeftBeforeItWasCounted_TheSlowOneIsWaitedFor(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a, b, gone := r.add(o), r.add(o, "b1"), r.add(o, "c1")
		release := r.hold(b)
		a.link.set(func(l *fakeLink) { l.dead = true }) // it does not hear the farewell yet
		require.NoError(r.t, gone.Leave(r.t.Context()))
		a.link.set(func(l *fakeLink) { l.dead = false })
		missing, over := r.pending(a)
		r.deliver(a, gone.UID(), &format.Message{Kind: format.Bye})
		assert.Equal(r.t, 1, a.Stats().Pending)
		release()
		<-over
		assert.Equal(r.t, []string{gone.UID()}, missing.Instances)
	})
}

func TestFetch_OneLeavesWhileItIsCounted_IsNotWaitedFor(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a, b := r.add(o), r.add(o, "b1")
		r.mute(b)
		a.link.set(func(l *fakeLink) {
			l.counted = func() {
				assert.NoError(r.t, b.Leave(r.t.Context()))
				synctest.Wait()
			}
		})
		ids, missing, took := r.fetch(a)
		assert.Empty(r.t, ids)
		assert.Zero(r.t, took)
		assert.Equal(r.t, []string{b.UID()}, missing.Instances)
	})
}

func TestFetch_OneAnswersAndLeaves_TheOthersAreWaitedFor(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a, slow, gone := r.add(o), r.add(o, "b1"), r.add(o, "c1")
		dying := r.add(o, "d1")
		release := r.hold(slow)
		r.mute(dying)
		missing, over := r.pending(a)
		require.NoError(r.t, gone.Leave(r.t.Context()))
		require.NoError(r.t, dying.Leave(r.t.Context()))
		synctest.Wait()
		assert.Equal(r.t, 1, a.Stats().Pending)
		begun := time.Now()
		release()
		<-over
		assert.Zero(r.t, time.Since(begun))
		assert.Equal(r.t, []string{dying.UID()}, missing.Instances)
	})
}

func TestFetch_OneAnswersAfterItsFarewell_TheOthersAreWaitedFor(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a, leaver, slow := r.add(o), r.add(o, "b1"), r.add(o, "c1")
		release := r.hold(slow)
		block := make(chan struct{})
		leaver.in.set(func(i *instance) { i.block = block })
		missing, over := r.pending(a)
		require.NoError(r.t, leaver.Leave(r.t.Context()))
		close(block)
		synctest.Wait()
		assert.Equal(r.t, 1, a.Stats().Pending)
		release()
		<-over
		assert.True(r.t, missing.None())
	})
}

func TestFetch_OneIsReplacedMeanwhile_TheSlowOnesAreWaitedFor(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a, old, slow := r.add(o), r.add(o, "b1"), r.add(o, "c1")
		r.stranger(a)
		release := r.hold(slow)
		r.mute(old)
		missing, over := r.pending(a)
		begun := time.Now()
		require.NoError(r.t, old.Leave(r.t.Context()))
		r.add(o, "b2")
		release()
		assert.Equal(r.t, 1, a.Stats().Pending)
		<-over
		assert.Greater(r.t, time.Since(begun), DefaultRequestTimeout-time.Second)
		assert.Equal(r.t, []string{old.UID()}, missing.Instances)
		assert.Equal(r.t, 1, missing.Unnamed)
	})
}

// asked is the request that a bridge has emitted last.
func (m *testMember) asked(r *rig) string {
	r.t.Helper()
	f := m.link.emitted[m.link.emits()-1]
	message, err := m.options.dialect("anybody").Decode(f.Channel, f.Payload)
	require.NoError(r.t, err)
	return message.Request
}

func TestFetch_OneAnswersBeforeItIsKnown_TheOthersAreWaitedFor(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a := r.add(o)
		r.stranger(a)
		missing, over := r.pending(a)
		r.stranger(a) // it listens
		r.deliver(a, "newcomer", &format.Message{Kind: format.Fetched, Namespace: "/", Request: a.asked(r), To: a.UID()})
		r.deliver(a, "newcomer", &format.Message{Kind: format.Hello})
		<-over
		assert.Equal(r.t, 1, missing.Unnamed)
	})
}

func TestFetch_NamedServersOfNode_AreCountedAgainOnce(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.add(Options{Adapter: ShardedAdapter})
		r.stranger(a)
		counts := func() int { return a.link.countedTimes() }
		for i, want := range []int{2, 1} {
			before := counts()
			missing, over := r.pending(a)
			r.deliver(a, "node", &format.Message{Kind: format.Fetched, Namespace: "/", Request: a.asked(r), To: a.UID()})
			<-over
			assert.True(r.t, missing.None())
			assert.Equal(r.t, want, counts()-before, i)
		}
	})
}

func TestFetch_OneHasAnsweredAndLeavesWhileItIsCounted_IsNotCountedTwice(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a, answered, dying := r.add(o), r.add(o, "b1"), r.add(o, "c1")
		r.mute(dying)
		missing, over := r.pending(a)
		a.link.set(func(l *fakeLink) {
			l.counted = func() { assert.NoError(r.t, answered.Leave(r.t.Context())) }
		})
		begun := time.Now()
		require.NoError(r.t, dying.Leave(r.t.Context()))
		<-over
		assert.Zero(r.t, time.Since(begun))
		assert.Equal(r.t, []string{dying.UID()}, missing.Instances)
		assert.Zero(r.t, missing.Unnamed)
	})
}

func TestFetch_OneLeaves_AnotherIsSilent_BothAreMissing(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a, b := r.add(o), r.add(o, "b1")
		r.stranger(a)
		r.mute(b)
		missing, over := r.pending(a)
		require.NoError(r.t, b.Leave(r.t.Context()))
		<-over
		assert.Equal(r.t, Missing{Instances: []string{b.UID()}, Unnamed: 1}, *missing)
	})
}

func TestFetch_NobodyListensToIt_IsNotPublishedAndNotWaitedFor(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a, b := r.add(o), r.add(o, "b1")
		subs := b.dialect.Channels("/")
		b.link.Unsubscribe(subs...) // its connection is being made anew
		a.link.set(func(l *fakeLink) { l.counted = func() { b.link.Subscribe(subs...) } })
		_, missing, took := r.fetch(a)
		assert.Zero(r.t, took)
		assert.Equal(r.t, []string{b.UID()}, missing.Instances)
	})
}

func TestFetch_WeDoNotListenWhenItIsCountedAgain_NobodyIsLeftOut(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a, dying := r.add(o), r.add(o, "b1")
		r.stranger(a)
		r.mute(dying)
		missing, over := r.pending(a)
		subs := a.dialect.Channels("/")
		a.link.Unsubscribe(subs...)
		require.NoError(r.t, dying.Leave(r.t.Context()))
		synctest.Wait()
		a.link.Subscribe(subs...)
		<-over
		assert.Equal(r.t, 1, missing.Unnamed)
	})
}

func TestAsk_RedisBreaksBeforeItIsSent_EndsUnreachedAndIsNotSentLater(t *testing.T) {
	for _, p := range []link.Part{link.EmitterPart, link.SubscribePart} {
		both(t, func(r *rig, o Options) {
			a := r.add(o)
			r.add(o, "b1")
			a.link.set(func(l *fakeLink) { l.hold = true })
			begun := time.Now()
			got := r.ask(a, Question{}, 0)
			r.down(a, p)
			assert.True(r.t, (<-got).Missing.Unreached)
			assert.Zero(r.t, time.Since(begun))
			select {
			case <-a.link.lastOver():
			default:
				assert.Fail(r.t, "it may be sent later")
			}
		})
	}
}

func TestFetch_SubscriberBreaksMeanwhile_EndsWithWhatHasCome(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a, b, _ := r.add(o), r.add(o, "b1"), r.add(o, "c1")
		r.mute(b)
		missing, over := r.pending(a)
		begun := time.Now()
		r.down(a, link.PublishPart)
		r.down(a, link.EmitterPart)
		assert.Equal(r.t, 1, a.Stats().Pending, "answers may come yet")
		r.down(a, link.SubscribePart)
		<-over
		assert.Zero(r.t, time.Since(begun))
		assert.Equal(r.t, []string{b.UID()}, missing.Instances)
	})
}

func TestAsk_OneSaysWhomItAskedAfterItsFarewell_TheyAreGone(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a, b := r.add(o), r.add(o, "b1")
		r.stranger(a)
		b.in.set(func(i *instance) { i.mute = true })
		got := r.ask(a, Question{}, 0)
		require.NoError(r.t, b.Leave(r.t.Context()))
		b.in.questions[0].Counted([]string{"b1"})
		synctest.Wait()
		assert.Equal(r.t, map[string]error{"b1": ErrGone}, bySocket(<-got))
	})
}

func TestFetch_CountedAgainInVain_EndsInTime(t *testing.T) {
	inBubble(t, func(r *rig) {
		a, b := r.add(Options{}), r.add(Options{}, "b1")
		r.mute(b)
		missing, over := r.pending(a)
		begun := time.Now()
		a.link.set(func(l *fakeLink) { l.countErr = errFake })
		require.NoError(r.t, b.Leave(r.t.Context()))
		<-over
		assert.Equal(r.t, DefaultRequestTimeout, time.Since(begun))
		assert.Equal(r.t, []string{b.UID()}, missing.Instances)
	})
}
