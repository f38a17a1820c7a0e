package connection

import (
	"sync"

	"github.com/actio-go/actio/actors"
)

// inbox runs the jobs of one socket in order, on a worker of the pool: user code never runs inside Receive. Different
// inboxes run in parallel; an empty one holds no goroutine and no memory for jobs, and a single job costs none. It is bounded
// by the gate of its session.
//
// It outlives the actor on purpose: what a client sent before it went is still handled, and the disconnect callback is
// the last job.
type inbox struct {
	workers *actors.Workers

	mu      sync.Mutex
	first   job   // the oldest
	more    []job // behind it
	running bool
}

// job is one piece of work for user code: an event, or a step of the socket's life.
type job interface{ run() }

// push appends a job and sees to it that a worker runs.
func (b *inbox) push(j job) {
	b.mu.Lock()
	if b.first == nil {
		b.first = j
	} else {
		b.more = append(b.more, j)
	}
	start := !b.running
	b.running = true
	b.mu.Unlock()
	if start {
		b.start()
	}
}

// hold keeps the jobs waiting until release. It is called before anybody else has the inbox.
func (b *inbox) hold() { b.running = true }

// release lets the jobs run.
func (b *inbox) release() { b.start() }

// followJob ends an inbox and lets another begin, which is held: that of the next socket with the same id. What concerns one id
// is handled one at a time.
type followJob struct{ next *inbox }

func (j *followJob) run() { j.next.release() }

func (b *inbox) start() {
	if !b.workers.Run(b) {
		b.discard()
	}
}

// Run is called by a worker: it empties the inbox. Jobs recover from their panics; one that ends the goroutine
// (runtime.Goexit, as a failing test does) leaves the rest to another worker.
func (b *inbox) Run() {
	empty := false
	defer func() {
		if !empty {
			b.start()
		}
	}()
	for j := b.next(); j != nil; j = b.next() {
		j.run()
	}
	empty = true
}

// next takes the oldest job out; nil when there is none, and then the inbox runs no more.
func (b *inbox) next() job {
	b.mu.Lock()
	defer b.mu.Unlock()
	j := b.first
	b.first = nil
	if len(b.more) > 0 {
		b.first, b.more[0] = b.more[0], nil
		if b.more = b.more[1:]; len(b.more) == 0 {
			b.more = nil
		}
	}
	b.running = j != nil
	return j
}

// discard drops what a stopped pool will never run.
func (b *inbox) discard() {
	b.mu.Lock()
	b.first, b.more = nil, nil
	b.running = false
	b.mu.Unlock()
}
