package redisbridge

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/actio-go/actio/redisbridge/format"
)

// How far streams have been read, and who waits for that. A stream may go back: it was deleted, or lost with a server, and the
// clock of the next one is behind. Ids tell nothing then.

// passage waits until a stream has been read up to an id.
type passage struct {
	stream string
	id     format.EntryID
	gone   bool // the stream has gone back; set before done is closed
	done   chan struct{}
}

// epoch is how often a stream has gone back.
func (e *echoes) epoch(stream string) uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.epochs[stream]
}

// passed begins to wait until a stream, whose epoch was this one, has been read up to an id.
func (e *echoes) passed(stream string, epoch uint64, id format.EntryID) *passage {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := &passage{stream: stream, id: id, gone: e.epochs[stream] != epoch, done: make(chan struct{})}
	if p.gone || e.last[stream].Compare(id) >= 0 {
		close(p.done)
	} else {
		e.passing = append(e.passing, p)
	}
	return p
}

// forget ends a wait that nobody waits for any more.
func (e *echoes) forget(p *passage) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.passing = slices.DeleteFunc(e.passing, func(o *passage) bool { return o == p })
}

// await waits until the reader is where was read up to. ErrNoOffset when it will not get there.
func (r *replay) await(ctx context.Context) error {
	p := r.b.echo.passed(r.stream, r.epoch, r.upTo)
	err := r.b.await(ctx, p.done)
	switch {
	case err != nil:
		r.b.echo.forget(p)
		return err
	case p.gone:
		return errWentBack
	default:
		return nil
	}
}

// errWentBack: what was read of a stream is not of the one that is read now.
var errWentBack = fmt.Errorf("%w: the stream has gone back", ErrNoOffset)

// reachedLocked notes how far a stream has been read.
func (e *echoes) reachedLocked(stream string, id format.EntryID) {
	if e.last == nil {
		e.last = map[string]format.EntryID{}
	}
	e.last[stream] = id
	if len(e.passing) > 0 {
		e.endPassagesLocked(stream, func(p *passage) bool { return id.Compare(p.id) >= 0 })
	}
}

func (e *echoes) endPassagesLocked(stream string, over func(p *passage) bool) {
	e.passing = slices.DeleteFunc(e.passing, func(p *passage) bool {
		if p.stream != stream || !over(p) {
			return false
		}
		close(p.done)
		return true
	})
}

// wentBackLocked notes that a stream has gone back.
func (e *echoes) wentBackLocked(stream string) {
	if e.epochs == nil {
		e.epochs = map[string]uint64{}
	}
	e.epochs[stream]++
	e.endPassagesLocked(stream, func(p *passage) bool {
		p.gone = true
		return true
	})
}

// seek notes that the end of a stream is about to be looked for. What is confirmed from now on may be behind it.
func (e *echoes) seek(stream string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.seeking == nil {
		e.seeking = make(set)
	}
	e.seeking.add(stream)
	for _, one := range e.added[stream] {
		one.old = true
	}
}

// found notes from where on a stream is read, see link.Streams. lost are those that will not be read any more, in the order in
// which they were emitted.
func (e *echoes) found(stream string, last format.EntryID, back bool) (lost []*echo) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.seeking, stream)
	if back {
		e.wentBackLocked(stream)
	}
	e.reachedLocked(stream, last)
	if len(e.added[stream]) == 0 {
		return nil
	}
	e.added[stream] = slices.DeleteFunc(e.added[stream], func(one *echo) bool {
		gone := back && one.old || one.id.Compare(last) <= 0
		if gone {
			lost = append(lost, one)
		}
		return gone
	})
	slices.SortFunc(lost, func(a, b *echo) int { return cmp.Compare(a.serial, b.serial) })
	return lost
}
