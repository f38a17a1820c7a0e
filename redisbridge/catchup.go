package redisbridge

import (
	"context"
	"fmt"
	"slices"

	"github.com/actio-go/actio/redisbridge/link"
)

// catchUp is a call of CatchUp: it waits for all up to a serial.
type catchUp struct {
	serial uint64
	down   bool // it was given up, as nobody knows when they come; set before done is closed
	done   chan struct{}
}

// CatchUp returns when the Broadcasts that were emitted before have been handed to local sockets. With Echoes it is what has to
// be waited for before something is done to sockets that must find it done. Errors: link.ErrDown, at once, when what they come
// back through is down or breaks meanwhile: they may come as late as Redis does, or never. Else ErrClosed, or that of ctx.
func (b *Bridge) CatchUp(ctx context.Context) error {
	w := b.echo.wait()
	switch {
	case w == nil:
		return nil
	case b.cut(): // what breaks after this look gives up the wait, which has begun
		b.echo.leave(w)
		return fmt.Errorf("redisbridge: catch up: %w", link.ErrDown)
	}
	if err := b.await(ctx, w.done); err != nil {
		b.echo.leave(w)
		return err
	}
	switch {
	case w.down:
		return fmt.Errorf("redisbridge: catch up: %w", link.ErrDown)
	case b.life.Err() != nil: // which ends the waits, too
		return ErrClosed
	default:
		return nil
	}
}

// Behind tells whether CatchUp would wait.
func (b *Bridge) Behind() bool { return b.echo.some() && !b.cut() }

// cut tells whether a part that entries come back through is down.
func (b *Bridge) cut() bool {
	l := b.linked()
	return l != nil && (l.Reason(link.EmitterPart) != nil || l.Reason(link.StreamPart) != nil)
}

// some reports whether any is open.
func (e *echoes) some() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.over && e.someLocked(e.serial)
}

// wait begins to wait until all that is open now is settled; nil: nothing is.
func (e *echoes) wait() *catchUp {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over || !e.someLocked(e.serial) {
		return nil
	}
	w := &catchUp{serial: e.serial, done: make(chan struct{})}
	e.waiting = append(e.waiting, w)
	return w
}

// leave forgets a wait that nobody waits for any more.
func (e *echoes) leave(w *catchUp) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.waiting = slices.DeleteFunc(e.waiting, func(o *catchUp) bool { return o == w })
}

// broken gives up the waits: a part that entries come back through is down.
func (e *echoes) broken() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, w := range e.waiting {
		w.down = true
		close(w.done)
	}
	e.waiting = nil
}

// wakeLocked ends the waits that are over.
func (e *echoes) wakeLocked() {
	e.waiting = slices.DeleteFunc(e.waiting, func(w *catchUp) bool {
		if !e.over && e.someLocked(w.serial) {
			return false
		}
		close(w.done)
		return true
	})
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
