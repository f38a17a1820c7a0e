package redisbridge

import (
	"slices"
	"sync"

	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/link"
)

// maxSeen bounds what is remembered of entries that were read before their confirmation: a batch of the emitter and more.
const maxSeen = 4096

// echoes is the Broadcasts that this instance has added to streams and not read back yet. The zero value is ready; it is safe for
// concurrent use.
type echoes struct {
	mu      sync.Mutex
	over    bool
	serial  uint64                    // of the youngest
	open    map[uint64]struct{}       // serials of those that are not settled
	floor   uint64                    // no serial below it is open
	added   map[string][]*echo        // by stream: those that Redis has confirmed, in the order of their ids
	last    map[string]format.EntryID // by stream: what was read last
	seen    map[string]set            // by stream: ids of own entries that were read before Redis had confirmed them
	waiting []*catchUp
	passing []*passage
	seeking set               // streams of which it is being looked where they end
	epochs  map[string]uint64 // by stream: how often it has gone back
}

// echo is a Broadcast of this instance. Other messages are done here when they are emitted, and not awaited.
type echo struct {
	serial  uint64
	id      format.EntryID
	message *format.Message
	read    bool
	old     bool // it was added before the end of the stream was looked for
	settled func()
}

// begin notes that an entry is about to be emitted.
func (e *echoes) begin(m *format.Message, settled func()) *echo {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.serial++
	if e.open == nil {
		e.open, e.added = map[uint64]struct{}{}, map[string][]*echo{}
	}
	e.open[e.serial] = struct{}{}
	return &echo{serial: e.serial, message: m, settled: settled}
}

// confirmed notes that Redis has added an entry. It is awaited until it has been read. With skipped the reader is past it and
// has not met it.
func (e *echoes) confirmed(one *echo, stream, id string) (awaited, skipped bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	parsed, ok := format.ParseEntryID(id)
	one.id = parsed
	switch {
	case !ok || e.over:
		return false, false
	case parsed.Compare(e.last[stream]) > 0:
		e.awaitLocked(stream, one)
		return true, false
	case e.seen[stream].has(id):
		delete(e.seen[stream], id)
		return false, false
	case e.seeking.has(stream): // the stream may have gone back: found knows
		e.awaitLocked(stream, one)
		return true, false
	default:
		return false, true
	}
}

// awaitLocked puts one among those that Redis has confirmed, nearly always as the last.
func (e *echoes) awaitLocked(stream string, one *echo) {
	queue := e.added[stream]
	at := len(queue)
	for at > 0 && queue[at-1].id.Compare(one.id) > 0 {
		at--
	}
	e.added[stream] = slices.Insert(queue, at, one)
}

// own notes that an own entry is being read.
func (e *echoes) own(stream, id string) {
	parsed, _ := format.ParseEntryID(id)
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, one := range e.added[stream] {
		if c := one.id.Compare(parsed); c >= 0 {
			if one.read = c == 0; one.read {
				return
			}
			break
		}
	}
	if e.seen == nil {
		e.seen = make(map[string]set)
	}
	if e.seen[stream] == nil || len(e.seen[stream]) >= maxSeen {
		e.seen[stream] = make(set) // of those that nobody knows whether they were added, nobody asks
	}
	e.seen[stream].add(id)
}

// before returns those that the reader has not met, now that it is at an entry: they were pushed out of the stream.
func (e *echoes) before(stream, id string) (skipped []*echo) {
	parsed, _ := format.ParseEntryID(id)
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, one := range e.added[stream] {
		if one.id.Compare(parsed) >= 0 {
			break
		}
		if !one.read {
			one.read = true
			skipped = append(skipped, one)
		}
	}
	return skipped
}

// read notes that an entry of a stream has been dealt with. skipped are those before it that the reader has not met.
func (e *echoes) read(stream, id string) (skipped []*echo) {
	parsed, ok := format.ParseEntryID(id)
	if !ok {
		return nil
	}
	e.mu.Lock()
	e.reachedLocked(stream, parsed)
	queue := e.added[stream]
	n := 0
	for n < len(queue) && queue[n].id.Compare(parsed) <= 0 {
		n++
	}
	back := queue[:n]
	for _, one := range back {
		if at := one.id.String(); e.seen[stream].has(at) { // it was confirmed while it was dealt with
			delete(e.seen[stream], at)
			one.read = true
		}
		if !one.read {
			skipped = append(skipped, one)
		}
	}
	if n == len(queue) {
		delete(e.added, stream)
	} else {
		e.added[stream] = queue[n:]
	}
	e.mu.Unlock()
	for _, one := range back {
		if one.read {
			e.settle(one)
		}
	}
	return skipped
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
	one := b.echo.begin(m, settled)
	return func(o link.Outcome) {
		awaited, alone := false, o == link.Dropped
		if o == link.Delivered {
			awaited, alone = b.echo.confirmed(one, f.Channel, f.Entry.ID)
		}
		if alone {
			b.alone(one)
		}
		if !awaited {
			b.echo.settle(one)
		}
	}
}

// alone hands an event that is not read from the stream to local sockets: Redis never got it, or has pushed it out before it was
// read.
func (b *Bridge) alone(one *echo) {
	if b.life.Err() == nil {
		b.deliver(one.message)
	}
}
