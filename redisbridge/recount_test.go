package redisbridge

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
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
