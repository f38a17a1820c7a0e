package link

import (
	"context"
	"sync"
	"time"

	"github.com/actio-go/actio/redisbridge/format"
)

const (
	// frameCost is what a waiting frame counts beside its bytes.
	frameCost = 64
	// batchFrames and batchBytes bound one pipeline: what is in flight at once, and so what a break leaves unconfirmed.
	batchFrames = 512
	batchBytes  = 512 << 10
)

// emission is an emitted frame that is not settled.
type emission struct {
	frame   format.Frame
	settled func(Outcome)
	over    <-chan struct{} // closed when it is of no use any more; nil: never
}

// cost is what it counts against BufferBytes.
func (e *emission) cost() int { return len(e.frame.Channel) + len(e.frame.Payload) + frameCost }

// emitter is the queue of what is emitted and its accounts. What happens to the queue is in emitter_run.go.
type emitter struct {
	l      *Link
	sender *sender
	wake   chan struct{} // has room for one: something was queued
	warned time.Time     // when a refusal was logged; of the emitter's goroutine
	batch  []parcel      // what is sent, for the next batch; of the emitter's goroutine
	hurry  chan struct{} // closed when the neighbours are not to be waited for

	mu      sync.Mutex
	queue   []emission // queue[head:] waits
	head    int
	bytes   int  // of all that is not settled
	down    bool // known to be down: until it has been up for the first time, too
	resumes bool // down, but connected
	closed  bool // nothing is accepted any more
	flushed chan struct{}
	idle    bool // flushed is closed

	emitted, delivered, dropped, unconfirmed uint64
}

func newEmitter(l *Link) *emitter {
	e := &emitter{
		l: l, sender: newSender(l, EmitterPart), down: true,
		wake: make(chan struct{}, 1), hurry: make(chan struct{}), flushed: make(chan struct{}),
	}
	if l.topology != nil {
		e.sender.trail = newTrail()
	}
	return e
}

// emit queues a frame or drops it.
func (e *emitter) emit(one emission) {
	e.mu.Lock()
	e.emitted++
	full := e.bytes+one.cost() > e.l.o.BufferBytes || (e.down && len(e.queue)-e.head >= e.l.o.Buffer)
	if e.closed || full {
		e.dropped++
		e.mu.Unlock()
		if one.settled != nil {
			one.settled(Dropped)
		}
		return
	}
	e.queue = append(e.queue, one)
	e.bytes += one.cost()
	e.mu.Unlock()
	signal(e.wake)
}

// signal wakes who waits for a channel that has room for one.
func signal(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}

// take removes the next batch from the queue. It is not settled by that.
func (e *emitter) take(into []emission) []emission {
	e.mu.Lock()
	defer e.mu.Unlock()
	size := 0
	for e.head < len(e.queue) && len(into) < batchFrames {
		next := &e.queue[e.head]
		if size += next.cost(); size > batchBytes && len(into) > 0 {
			break
		}
		into = append(into, *next)
		*next = emission{}
		e.head++
	}
	switch {
	case e.head == len(e.queue):
		e.queue, e.head = e.queue[:0], 0
		if cap(e.queue) > 4*batchFrames {
			e.queue = nil // grown by a burst or an outage
		}
	case e.head > len(e.queue)/2 && e.head > batchFrames:
		n := copy(e.queue, e.queue[e.head:])
		clear(e.queue[n:])
		e.queue, e.head = e.queue[:n], 0
	}
	return into
}

// putBack returns what was taken and not sent to the front of the queue.
func (e *emitter) putBack(unsent []emission) {
	if len(unsent) == 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(unsent) <= e.head {
		e.head -= len(unsent)
		copy(e.queue[e.head:], unsent)
		return
	}
	queue := make([]emission, 0, len(unsent)+len(e.queue)-e.head)
	queue = append(queue, unsent...)
	e.queue, e.head = append(queue, e.queue[e.head:]...), 0
}

// settle accounts for what became of a frame and says so.
func (e *emitter) settle(one emission, o Outcome) {
	e.mu.Lock()
	switch o {
	case Delivered:
		e.delivered++
	case Unconfirmed:
		e.unconfirmed++
	case Dropped:
		e.dropped++
	}
	e.bytes -= one.cost()
	e.mu.Unlock()
	if one.settled != nil {
		e.l.guard(func() { one.settled(o) })
	}
}

// noteIdle lets flush return when there is nothing to wait for.
func (e *emitter) noteIdle() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.noteIdleLocked()
}

func (e *emitter) noteIdleLocked() {
	outstanding := e.emitted - e.delivered - e.dropped - e.unconfirmed
	if e.closed && !e.idle && (outstanding == 0 || (e.down && !e.resumes)) {
		e.idle = true
		close(e.flushed)
	}
}

// setDown notes whether what is emitted waits, and whether for the neighbours alone.
func (e *emitter) setDown(down, resumes bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.down, e.resumes = down, resumes
	e.noteIdleLocked()
}

// flush accepts nothing more and waits until all is settled, the connection is known to be down, or reserve is all that is
// left of ctx.
func (e *emitter) flush(ctx context.Context, reserve time.Duration) {
	e.mu.Lock()
	if !e.closed {
		e.closed = true
		close(e.hurry)
	}
	e.noteIdleLocked()
	e.mu.Unlock()
	if deadline, ok := ctx.Deadline(); ok {
		limited, cancel := e.l.sys.Clock().Context(ctx, "redis close", time.Until(deadline)-reserve)
		defer cancel()
		ctx = limited
	}
	select {
	case <-e.flushed:
	case <-ctx.Done():
	}
}

// stats adds the accounts.
func (e *emitter) stats(s *Stats) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s.Emitted, s.Delivered, s.Dropped, s.Unconfirmed = e.emitted, e.delivered, e.dropped, e.unconfirmed
	s.Buffered = e.emitted - e.delivered - e.dropped - e.unconfirmed
	s.BufferedBytes = uint64(e.bytes) //nolint:gosec // never negative
}
