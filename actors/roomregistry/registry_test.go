package roomregistry

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors"
)

func TestSequencer_Panics_GoesOnAndCountsStayExact(t *testing.T) {
	w := newWorld(t, Options{Shards: 3})
	p := w.join(w.idOf(0, "p"), "r")
	w.sys.Send(w.root, struct{}{}) // unknown: logged
	w.sys.Send(w.root, &direct{})  // without a shard: panics
	w.to("a", "r")
	p.expect("a")
	w.flush()
	assert.EqualValues(t, 1, w.sys.Panics())
}

func TestOptions_Defaults(t *testing.T) {
	o := Options{Shards: -1}.withDefaults()
	assert.Positive(t, o.Shards)
	assert.Equal(t, DefaultHoldLimit, o.HoldLimit)
	assert.Equal(t, DefaultRebuildTimeout, o.RebuildTimeout)
}

func TestStart_ZeroOptions_Works(t *testing.T) {
	w := newWorld(t, Options{})
	w.join("p", "r")
	assert.Equal(t, 1, w.sizes().Members)
	assert.Zero(t, w.Shard("p").Undelivered())
}

func TestStop_ContextEnds_SaysWhatStillRuns(t *testing.T) {
	w := newWorld(t, Options{Shards: 2})
	release := w.hold(w.shards[0])
	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	require.ErrorIs(t, w.Stop(ctx), actors.ErrStillRunning)
	release()
	require.NoError(t, w.Stop(w.ctx))
}

func TestShard_SameSocketID_SameShard(t *testing.T) {
	w := newWorld(t, Options{Shards: 4})
	used := map[int]int{}
	for i := range 1000 {
		id := w.idOf(i%4, "p")
		first, again := w.Shard(id), w.Shard(id)
		assert.Same(t, first, again)
		used[first.Index()]++
	}
	assert.Len(t, used, 4)
}
