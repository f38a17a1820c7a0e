package actors_test

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/actortest"
)

// task is a function as a Task.
type task func()

func (f task) Run() { f() }

func TestWorkers_AllBusy_GrowsAndNeverBlocks(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t)
		release := make(chan struct{})
		for range 100 {
			require.True(t, sys.Workers().Run(task(func() { <-release })))
		}
		assert.Equal(t, 100, sys.Workers().Busy())
		assert.Equal(t, map[string]int{"worker": 100}, sys.Running())
		close(release)
		synctest.Wait()
		assert.Zero(t, sys.Workers().Busy())
		assert.Equal(t, map[string]int{"worker": 100}, sys.Running(), "parked")
	})
}

func TestWorkers_ParkedWorker_TakesTheNextTask(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t)
		where := map[int]int{}
		for range 50 {
			sys.Workers().Run(task(func() { where[goid()]++ }))
			synctest.Wait()
		}
		assert.Len(t, where, 1)
		assert.NotContains(t, where, goid())
	})
}

func TestWorkers_Idle_ShrinkToNothingAndNoTimer(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t)
		assert.Empty(t, sys.Clock().Armed(), "no timer before the first task")
		release := make(chan struct{})
		for range 20 {
			sys.Workers().Run(task(func() { <-release }))
		}
		assert.Empty(t, sys.Clock().Armed(), "no timer while none is parked")
		close(release)
		synctest.Wait()
		assert.Equal(t, map[string]int{"worker reaper": 1}, sys.Clock().Armed())
		time.Sleep(2 * actors.ReapPeriod)
		synctest.Wait()
		assert.Empty(t, sys.Running())
		assert.Empty(t, sys.Clock().Armed())
	})
}

func TestWorkers_LessWork_KeepsOnlyTheWorkersItNeeds(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t)
		burst := func(n int, used map[int]bool) {
			var mu sync.Mutex
			var wg sync.WaitGroup
			wg.Add(n)
			for range n {
				sys.Workers().Run(task(func() {
					mu.Lock()
					used[goid()] = true
					mu.Unlock()
					wg.Done()
					wg.Wait()
				}))
			}
			synctest.Wait()
		}
		burst(20, map[int]bool{})
		used := map[int]bool{}
		for range 20 {
			burst(3, used)
			time.Sleep(actors.ReapPeriod / 2)
		}
		synctest.Wait()
		assert.Equal(t, map[string]int{"worker": 3}, sys.Running())
		assert.LessOrEqual(t, len(used), 3+2*3, "those that work are not replaced")
	})
}

func TestWorkers_PanicInATask_IsReportedAndTheWorkerSurvives(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		var where string
		sys := actortest.NewSystem(t, func(o *actors.Options) {
			o.Logger = nil
			o.OnPanic = func(w string, _ any, _ []byte) { where = w }
		})
		first, second := 0, 0
		sys.Workers().Run(task(func() { first = goid(); panic("user code") }))
		synctest.Wait()
		sys.Workers().Run(task(func() { second = goid() }))
		synctest.Wait()
		assert.Equal(t, first, second)
		assert.EqualValues(t, 1, sys.Panics())
		assert.Equal(t, "worker: actors_test.task", where)
		assert.Zero(t, sys.Workers().Busy())
	})
}

func TestWorkers_GoexitInATask_IsCountedAsFinished(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t)
		sys.Workers().Run(task(runtime.Goexit))
		synctest.Wait()
		assert.Zero(t, sys.Workers().Busy())
		assert.Empty(t, sys.Running())
	})
}

func TestWorkers_WaitBusy_ReturnsWhenFewEnoughRun(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t)
		for i := range 5 {
			sys.Workers().Run(task(func() { time.Sleep(time.Duration(i+1) * time.Second) }))
		}
		start := time.Now()
		require.NoError(t, sys.Workers().WaitBusy(t.Context(), 5))
		assert.Zero(t, time.Since(start))
		require.NoError(t, sys.Workers().WaitBusy(t.Context(), 2))
		assert.Equal(t, 3*time.Second, time.Since(start))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		err := sys.Workers().WaitBusy(ctx, 0)
		require.ErrorIs(t, err, actors.ErrStillRunning)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, sys.Workers().WaitBusy(t.Context(), 0))
		assert.Equal(t, 5*time.Second, time.Since(start))
	})
}

func TestWorkers_Stop_EndsParkedWorkersAndWaitsForBusyOnes(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t)
		sys.Workers().Run(task(func() {}))
		synctest.Wait()
		sys.Workers().Run(task(func() { time.Sleep(3 * time.Second) }))
		sys.Workers().Run(task(func() {}))
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, sys.Workers().Stop(ctx), actors.ErrStillRunning)
		require.NoError(t, sys.Workers().Stop(t.Context()))
		assert.Equal(t, 3*time.Second, time.Since(start))
		assert.Empty(t, sys.Running())
		assert.Empty(t, sys.Clock().Armed())
		assert.False(t, sys.Workers().Run(task(func() { t.Error("runs after Stop") })))
		assert.False(t, sys.Workers().Run(nil))
	})
}

func TestWorkers_StopFromATask_DoesNotWaitForThatTask(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t)
		sys.Workers().Run(task(func() { time.Sleep(time.Second) }))
		closed := false
		sys.Workers().Run(task(func() {
			assert.NoError(t, sys.Workers().Stop(t.Context()))
			assert.NoError(t, sys.Close(t.Context()))
			closed = true
		}))
		time.Sleep(time.Second)
		synctest.Wait()
		assert.True(t, closed)
	})
}

func TestInside_OnlyInATaskOfTheseWorkers_IsTrue(t *testing.T) {
	sys, other := actortest.NewSystem(t), actortest.NewSystem(t)
	assert.False(t, sys.Workers().Inside())
	answers := make(chan bool, 4)
	sys.Workers().Run(task(func() {
		answers <- sys.Workers().Inside()
		answers <- deep(sys.Workers(), 200)
		answers <- other.Workers().Inside()
		go func() { answers <- sys.Workers().Inside() }()
	}))
	assert.True(t, <-answers)
	assert.True(t, <-answers, "in a deep stack")
	assert.False(t, <-answers, "of another system's workers")
	assert.False(t, <-answers, "in a goroutine that a task started")
}

func deep(w *actors.Workers, n int) bool {
	if n == 0 {
		return w.Inside()
	}
	return deep(w, n-1)
}

func TestWorkers_ManyGoroutines_RunEachTaskOnce(t *testing.T) {
	sys := actortest.NewSystem(t)
	const producers, each = 8, 2000
	var mu sync.Mutex
	ran := map[int]int{}
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			for i := range each {
				sys.Workers().Run(task(func() {
					mu.Lock()
					defer mu.Unlock()
					ran[p*each+i]++
				}))
			}
		})
	}
	wg.Wait()
	require.NoError(t, sys.Workers().WaitBusy(t.Context(), 0))
	assert.Len(t, ran, producers*each)
	for _, n := range ran {
		require.Equal(t, 1, n)
	}
}
