package actors

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

const (
	workerName = "worker"        // of the goroutines in System.Running
	reaperName = "worker reaper" // of the timer in Clock.Armed
	// reapPeriod is the shortest time after which a parked worker that nobody needed ends; twice that is the longest.
	reapPeriod = 5 * time.Second
)

// Task is a piece of user code.
type Task interface {
	// Run does the work. It may block and may take any time. A panic is reported and harms nobody else.
	Run()
}

// Workers runs tasks, each in a goroutine of its own while it runs. A worker that has finished parks and takes the next
// task: its stack has grown already, which is what makes a fresh goroutine per task expensive. The last parked is the
// first taken. When all are busy another is started; those that were not needed for a while end. Idle Workers own no
// goroutine and no timer. All methods are safe for concurrent use.
type Workers struct {
	sys    *System
	busy   gauge // tasks accepted and not finished
	alive  gauge // goroutines
	reaper *Timer

	mu      sync.Mutex
	parked  []*worker
	unused  int // the least number parked since the last reaping: so many were not needed
	reaping bool
	stopped bool
	ids     map[string]struct{} // of the goroutines, for Inside
}

// worker is a parked goroutine's address. nil as a task tells it to end.
type worker struct{ tasks chan Task }

func newWorkers(s *System) *Workers {
	w := &Workers{sys: s, ids: make(map[string]struct{})}
	w.reaper = s.clock.NewTimer(reaperName, w.reap)
	return w
}

// Run has t run by a worker and returns at once: true, or false when t is nil or the Workers are stopped, and then t
// does not run. It allocates nothing when a worker is parked.
func (w *Workers) Run(t Task) bool {
	if t == nil {
		return false
	}
	w.mu.Lock()
	if w.stopped {
		w.mu.Unlock()
		return false
	}
	w.busy.add(1)
	last := len(w.parked) - 1
	if last < 0 {
		w.alive.add(1)
		w.mu.Unlock()
		go w.work(t)
		return true
	}
	k := w.parked[last]
	w.parked[last] = nil
	w.parked = w.parked[:last]
	w.unused = min(w.unused, last)
	w.mu.Unlock()
	k.tasks <- t // never blocks: a parked worker has room for one
	return true
}

// work is the life of a worker.
func (w *Workers) work(t Task) {
	id := goroutineID()
	w.mu.Lock()
	w.ids[id] = struct{}{}
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		delete(w.ids, id)
		w.mu.Unlock()
		w.alive.add(-1)
	}()
	k := &worker{tasks: make(chan Task, 1)}
	for t != nil {
		w.perform(t)
		if !w.park(k) {
			return
		}
		t = <-k.tasks
	}
}

// perform runs t. When t ends the goroutine (runtime.Goexit) it counts it as finished; else park does.
func (w *Workers) perform(t Task) {
	returned := false
	defer func() {
		if r := recover(); r != nil {
			w.sys.Report(fmt.Sprintf("%s: %T", workerName, t), r, debug.Stack())
		} else if !returned {
			w.busy.add(-1)
		}
	}()
	t.Run()
	returned = true
}

// park makes the worker available, unless the Workers are stopped.
func (w *Workers) park(k *worker) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy.add(-1)
	if w.stopped {
		return false
	}
	w.parked = append(w.parked, k)
	if !w.reaping {
		w.reaping = true
		w.unused = 0
		w.reaper.Reset(reapPeriod)
	}
	return true
}

// reap ends the workers that were parked through the whole last period, longest parked first.
func (w *Workers) reap() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return
	}
	w.dismiss(min(w.unused, len(w.parked)))
	w.unused = len(w.parked)
	if w.reaping = w.unused > 0; w.reaping {
		w.reaper.Reset(reapPeriod)
	}
}

// dismiss ends the n longest parked workers. The caller holds mu.
func (w *Workers) dismiss(n int) {
	for _, k := range w.parked[:n] {
		k.tasks <- nil
	}
	if w.parked = slices.Delete(w.parked, 0, n); len(w.parked) == 0 {
		w.parked = nil
	}
}

// Busy returns how many tasks run now.
func (w *Workers) Busy() int { return w.busy.value() }

// WaitBusy returns nil as soon as at most atMost tasks run, or ErrStillRunning and ctx's error.
func (w *Workers) WaitBusy(ctx context.Context, atMost int) error { return w.busy.wait(ctx, atMost) }

// Stop refuses further tasks and returns when all workers have ended, or ErrStillRunning and ctx's error: tasks are not
// interrupted. Called from a task it does not wait for that one. It may be called again.
func (w *Workers) Stop(ctx context.Context) error {
	atMost := 0
	if w.Inside() {
		atMost = 1
	}
	w.mu.Lock()
	w.stopped = true
	w.reaping = false
	w.reaper.Stop()
	w.dismiss(len(w.parked))
	w.mu.Unlock()
	return w.alive.wait(ctx, atMost)
}

// Inside reports whether the calling goroutine is one of these Workers, which means that it runs a task: whoever waits for
// all tasks must not wait for its own. It costs microseconds: not for hot paths.
func (w *Workers) Inside() bool {
	id := goroutineID()
	w.mu.Lock()
	defer w.mu.Unlock()
	_, inside := w.ids[id]
	return inside
}

// goroutineID reads the number of the calling goroutine from the head of its stack trace, "goroutine 18 [running]: …".
// Nothing else tells one goroutine from another.
func goroutineID() string {
	var trace [64]byte
	head := trace[len("goroutine "):runtime.Stack(trace[:], false)]
	return string(head[:bytes.IndexByte(head, ' ')])
}
