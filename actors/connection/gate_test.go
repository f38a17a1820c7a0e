package connection

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func newGate() *gate { return &gate{bounds: &bounds{soft: 2, hard: 4, softBytes: 100, hardBytes: 200}} }

// enterAside enters in a goroutine and returns what tells whether it got in.
func enterAside(g *gate, size int) *bool {
	in := new(bool)
	go func() { *in = g.enter(size) }()
	return in
}

func TestGate_SoftBoundReached_ReaderWaitsUntilOneLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		require.True(t, g.enter(1))
		require.True(t, g.enter(1))
		third := enterAside(g, 1)
		synctest.Wait()
		assert.False(t, *third)
		now, times := g.stalled()
		assert.True(t, now)
		assert.EqualValues(t, 1, times)
		g.leave(1)
		synctest.Wait()
		assert.True(t, *third)
		now, _ = g.stalled()
		assert.False(t, now)
	})
}

func TestGate_SoftBytesReached_ReaderWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		require.True(t, g.enter(1000), "one message of any size passes an empty gate")
		second := enterAside(g, 1)
		synctest.Wait()
		assert.False(t, *second)
		g.leave(1000)
		synctest.Wait()
		assert.True(t, *second)
	})
}

func TestGate_AcknowledgementAwaited_OpensUpToTheHardBoundThenFailsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		require.True(t, g.enter(1))
		require.True(t, g.enter(1))
		third := enterAside(g, 1)
		synctest.Wait()
		require.False(t, *third)
		overflow := g.await()
		synctest.Wait()
		require.True(t, *third, "a wait lets the reader on")
		require.True(t, g.enter(1))
		fifth := enterAside(g, 1)
		synctest.Wait()
		require.False(t, *fifth)
		select {
		case <-overflow:
		default:
			t.Fatal("the wait was not failed at the hard bound")
		}
		g.awaited()
		for range 3 {
			g.leave(1)
		}
		synctest.Wait()
		assert.True(t, *fifth)
	})
}

func TestGate_Closed_LetsEverybodyThroughWithFalse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		g.enter(1)
		g.enter(1)
		third := true
		go func() { third = g.enter(1) }()
		synctest.Wait()
		g.close()
		g.close()
		synctest.Wait()
		assert.False(t, third)
		assert.False(t, g.enter(1))
	})
}

func TestGate_Quiet_EndsWhenAllLeftOrSomebodyAwaits(t *testing.T) {
	g := newGate()
	assert.Nil(t, g.quiet())
	g.enter(1)
	changed := g.quiet()
	require.NotNil(t, changed)
	g.leave(1)
	<-changed
	assert.Nil(t, g.quiet())
	g.enter(1)
	g.await()
	assert.Nil(t, g.quiet())
}
