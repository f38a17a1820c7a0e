package connection

import (
	"sync"

	"github.com/actio-go/actio/actors"
)

// inbox runs the jobs of one socket in order, on a worker of the pool: user code never runs inside Receive. Different
// inboxes run in parallel; an empty one holds no goroutine and no memory for jobs. It is bounded by the gate of its session.
//
// It outlives the actor on purpose: what a client sent before it went is still handled, and the disconnect callback is
// the last job.
type inbox struct {
	workers *actors.Workers

	mu      sync.Mutex
	jobs    []job
	running bool
}

// job is one piece of work for user code: an event, or a step of the socket's life.
type job interface{ run() }

// push appends a job and sees to it that a worker runs.
func (b *inbox) push(j job) {
	b.mu.Lock()
	b.jobs = append(b.jobs, j)
	start := !b.running
	b.running = true
	b.mu.Unlock()
	if start && !b.workers.Run(b) {
		b.discard()
	}
}

// Run is called by a worker: it empties the inbox. Jobs recover from their panics; one that ends the goroutine
// (runtime.Goexit, as a failing test does) leaves the rest to another worker.
func (b *inbox) Run() {
	var rest []job
	defer func() {
		if rest != nil {
			b.resume(rest)
		}
	}()
	for rest = b.take(); rest != nil; rest = b.take() {
		for len(rest) > 0 {
			j := rest[0]
			rest[0] = nil
			rest = rest[1:]
			j.run()
		}
	}
}

// resume has another worker go on after a job that ended its goroutine.
func (b *inbox) resume(rest []job) {
	b.mu.Lock()
	b.jobs = append(rest, b.jobs...)
	b.mu.Unlock()
	if !b.workers.Run(b) {
		b.discard()
	}
}

func (b *inbox) take() []job {
	b.mu.Lock()
	defer b.mu.Unlock()
	batch := b.jobs
	b.jobs = nil
	b.running = len(batch) > 0
	return batch
}

// discard drops what a stopped pool will never run.
func (b *inbox) discard() {
	b.mu.Lock()
	b.jobs = nil
	b.running = false
	b.mu.Unlock()
}
