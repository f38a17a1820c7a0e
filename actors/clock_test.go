package actors_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/actortest"
)

func TestTimer_Reset_FiresOnceAndExactlyThen(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		clock := actortest.NewSystem(t).Clock()
		var fired atomic.Int64
		timer := clock.NewTimer("auth", func() { fired.Add(1) })
		assert.Empty(t, clock.Armed(), "a new timer is not armed")
		timer.Reset(45 * time.Second)
		assert.Equal(t, map[string]int{"auth": 1}, clock.Armed())
		time.Sleep(45*time.Second - 1)
		synctest.Wait()
		assert.Zero(t, fired.Load())
		time.Sleep(1)
		synctest.Wait()
		assert.EqualValues(t, 1, fired.Load())
		assert.Empty(t, clock.Armed())
		time.Sleep(time.Hour)
		assert.EqualValues(t, 1, fired.Load())
	})
}

func TestTimer_ResetOfAnArmedTimer_ReplacesTheDeadline(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		clock := actortest.NewSystem(t).Clock()
		var fired []time.Duration
		start := time.Now()
		timer := clock.NewTimer("ping", func() { fired = append(fired, time.Since(start)) })
		for range 5 {
			timer.Reset(time.Minute)
			time.Sleep(time.Second)
		}
		assert.Equal(t, map[string]int{"ping": 1}, clock.Armed(), "counted once")
		timer.Reset(time.Second)
		time.Sleep(time.Hour)
		synctest.Wait()
		assert.Equal(t, []time.Duration{6 * time.Second}, fired)
		timer.Reset(0)
		synctest.Wait()
		assert.Len(t, fired, 2)
	})
}

func TestTimer_Stop_IsIdempotentAndSuppressesTheFiring(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		clock := actortest.NewSystem(t).Clock()
		timer := clock.NewTimer("pong", func() { t.Error("fired") })
		timer.Stop()
		timer.Reset(time.Second)
		timer.Stop()
		timer.Stop()
		assert.Empty(t, clock.Armed())
		time.Sleep(time.Minute)
	})
}

func TestTimer_ResetFromItsFunction_Ticks(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		clock := actortest.NewSystem(t).Clock()
		ticks := 0
		var timer interface{ Reset(time.Duration) }
		timer = clock.NewTimer("tick", func() {
			if ticks++; ticks < 10 {
				timer.Reset(time.Second)
			}
		})
		timer.Reset(time.Second)
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Equal(t, 10, ticks)
		assert.Empty(t, clock.Armed())
	})
}

func TestTimer_PanicInItsFunction_IsReported(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t, func(o *actors.Options) { o.Logger = nil })
		sys.Clock().NewTimer("bad", func() { panic("in a timer") }).Reset(1)
		time.Sleep(2)
		synctest.Wait()
		assert.EqualValues(t, 1, sys.Panics())
	})
}

func TestClock_Context_IsInTheLedgerUntilItEnds(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		clock := actortest.NewSystem(t).Clock()
		parent, cancelParent := context.WithCancel(t.Context())
		ends := map[string]func(cancel context.CancelFunc){
			"cancel":   func(cancel context.CancelFunc) { cancel(); cancel() },
			"deadline": func(context.CancelFunc) { time.Sleep(time.Second); synctest.Wait() },
			"parent":   func(context.CancelFunc) { cancelParent(); synctest.Wait() },
		}
		for _, name := range []string{"cancel", "deadline", "parent"} {
			ctx, cancel := clock.Context(parent, name, time.Second)
			require.Equal(t, map[string]int{name: 1}, clock.Armed())
			ends[name](cancel)
			require.Empty(t, clock.Armed(), name)
			if name == "deadline" {
				require.ErrorIs(t, ctx.Err(), context.DeadlineExceeded)
			} else {
				require.ErrorIs(t, ctx.Err(), context.Canceled)
			}
			cancel()
			require.Empty(t, clock.Armed(), name)
		}
	})
}

func TestTimer_UsedByManyGoroutines_KeepsTheLedgerExact(t *testing.T) {
	clock := actortest.NewSystem(t).Clock()
	var fired, reset atomic.Int64
	timer := clock.NewTimer("hammer", func() { fired.Add(1) })
	var wg sync.WaitGroup
	for seed := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(seed)))
			for range 3000 {
				if r.IntN(3) == 0 {
					timer.Stop()
				} else {
					timer.Reset(time.Duration(r.IntN(3000)))
					reset.Add(1)
				}
			}
		})
	}
	wg.Wait()
	timer.Stop()
	assert.Empty(t, clock.Armed())
	assert.LessOrEqual(t, fired.Load(), reset.Load())
	done := make(chan struct{})
	again := clock.NewTimer("again", func() { close(done) })
	again.Reset(time.Millisecond)
	<-done
	assert.Empty(t, clock.Armed())
}
