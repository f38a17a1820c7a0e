package redisbridge

import (
	"context"
	"sync"

	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/link"
)

// echoes is what this instance has added to streams and not read back yet. The zero value is ready; it is safe for concurrent use.
type echoes struct {
	mu      sync.Mutex
	over    bool
	serial  uint64                    // of the youngest
	open    map[uint64]struct{}       // serials of those that are not settled
	floor   uint64                    // no serial below it is open
	added   map[string][]*echo        // by stream: those that Redis has confirmed, in the order of their ids
	last    map[string]format.EntryID // by stream: what was read last
	waiting []catchUp
}

// echo is an entry of this instance.
type echo struct {
	serial  uint64
	id      format.EntryID
	settled func()
}

// catchUp is a call of CatchUp: it waits for all up to a serial.
type catchUp struct {
	serial uint64
	done   chan struct{}
}

// begin notes that an entry is about to be emitted.
func (e *echoes) begin(settled func()) *echo {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.serial++
	if e.open == nil {
		e.open, e.added, e.last = map[uint64]struct{}{}, map[string][]*echo{}, map[string]format.EntryID{}
	}
	e.open[e.serial] = struct{}{}
	return &echo{serial: e.serial, settled: settled}
}

// confirmed notes that Redis has added an entry. It is settled when it has been read.
func (e *echoes) confirmed(one *echo, stream, id string) {
	e.mu.Lock()
	parsed, ok := format.ParseEntryID(id)
	if one.id = parsed; ok && !e.over && parsed.Compare(e.last[stream]) > 0 {
		e.added[stream] = append(e.added[stream], one)
		e.mu.Unlock()
		return
	}
	e.mu.Unlock()
	e.settle(one)
}

// read notes that an entry of a stream has been dealt with.
func (e *echoes) read(stream, id string) {
	parsed, ok := format.ParseEntryID(id)
	if !ok {
		return
	}
	e.mu.Lock()
	if e.last != nil {
		e.last[stream] = parsed
	}
	queue := e.added[stream]
	n := 0
	for n < len(queue) && queue[n].id.Compare(parsed) <= 0 {
		n++
	}
	back := queue[:n]
	if n == len(queue) {
		delete(e.added, stream)
	} else {
		e.added[stream] = queue[n:]
	}
	e.mu.Unlock()
	for _, one := range back {
		e.settle(one)
	}
}

// settle ends the wait for entries: they were read, or never will be.
func (e *echoes) settle(one *echo) {
	e.mu.Lock()
	delete(e.open, one.serial)
	e.wakeLocked()
	e.mu.Unlock()
	if one.settled != nil {
		one.settled()
	}
}

// wakeLocked ends the waits that are over.
func (e *echoes) wakeLocked() {
	if len(e.waiting) == 0 {
		return
	}
	rest := e.waiting[:0]
	for _, w := range e.waiting {
		if e.over || !e.someLocked(w.serial) {
			close(w.done)
		} else {
			rest = append(rest, w)
		}
	}
	e.waiting = rest
}

// someLocked reports whether one up to a serial is open.
func (e *echoes) someLocked(serial uint64) bool {
	for ; e.floor <= e.serial; e.floor++ {
		if _, open := e.open[e.floor]; open {
			break
		}
	}
	return e.floor <= serial && len(e.open) > 0
}

// end settles all that is open: nothing is read any more.
func (e *echoes) end() {
	e.mu.Lock()
	e.over = true
	added := e.added
	e.added = nil
	e.wakeLocked()
	e.mu.Unlock()
	for _, queue := range added {
		for _, one := range queue {
			e.settle(one)
		}
	}
}

// awaitEcho makes what is called with the outcome of an entry. One that will not come back, because Redis never got it, is
// handed to local sockets here, without an offset. One of which nobody knows whether Redis got it is either read or it is not.
func (b *Bridge) awaitEcho(m *format.Message, f format.Frame, settled func()) func(link.Outcome) {
	one := b.echo.begin(settled)
	return func(o link.Outcome) {
		if o == link.Delivered {
			b.echo.confirmed(one, f.Channel, f.Entry.ID)
			return
		}
		if o == link.Dropped && m.Kind == format.Broadcast && b.life.Err() == nil {
			b.broadcast(m)
		}
		b.echo.settle(one)
	}
}

// CatchUp returns when what was emitted before has been handed to local sockets. With Echoes it is what has to be waited for
// before something is done to sockets that must find it done. Error: ErrClosed, or that of ctx.
func (b *Bridge) CatchUp(ctx context.Context) error {
	done := b.echo.wait()
	if done == nil {
		return nil
	}
	return b.await(ctx, done)
}

// wait returns what is closed when all that is open now is settled; nil: nothing is.
func (e *echoes) wait() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over || !e.someLocked(e.serial) {
		return nil
	}
	w := catchUp{serial: e.serial, done: make(chan struct{})}
	e.waiting = append(e.waiting, w)
	return w.done
}
