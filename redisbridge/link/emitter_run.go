package link

import (
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/actio-go/actio/redisbridge/format"
)

const (
	// keepalive is how often an idle connection is asked for a sign of life, and how often the neighbours are counted.
	keepalive = time.Second
	// redirections is how often a batch may be sent elsewhere before the cluster counts as down.
	redirections = 5
	// warnPause is how long after a refusal was logged others are only counted.
	warnPause = 10 * time.Second
)

// run is the emitter's goroutine.
func (e *emitter) run() {
	defer e.finish()
	pauses := backoff{bound: e.l.o.MaxBackoff}
	for first := true; e.reopen(&pauses); first = false {
		if first {
			e.setDown(false, false)
		} else {
			e.resume(true)
		}
		e.l.setState(EmitterPart, nil)
		err := e.serve(&pauses)
		e.setDown(true, false)
		if e.l.isClosing() {
			return
		}
		e.l.setState(EmitterPart, err)
		if !e.l.pause(pauses.take()) {
			return
		}
	}
}

// reopen connects, however long it takes. It is false when the Link is closed.
func (e *emitter) reopen(pauses *backoff) bool {
	for {
		pauses.begin()
		err := e.sender.open(e.waiting(), false)
		if e.l.isClosing() {
			return false
		}
		if err == nil {
			return true
		}
		e.l.setState(EmitterPart, err)
		if !e.l.pause(pauses.take()) {
			return false
		}
	}
}

// waiting returns frames that wait, of those that go to owners of slots one for each channel.
func (e *emitter) waiting() []format.Frame {
	if e.l.topology == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	var frames []format.Frame
	seen := map[string]struct{}{}
	for _, w := range e.queue[e.head:] {
		if _, ok := seen[w.frame.Channel]; ok || !w.frame.Sharded {
			continue
		}
		seen[w.frame.Channel] = struct{}{}
		frames = append(frames, format.Frame{Channel: w.frame.Channel, Sharded: true})
	}
	return frames
}

// serve sends what is queued until a connection breaks.
func (e *emitter) serve(pauses *backoff) error {
	tick := make(chan struct{}, 1)
	timer := e.l.sys.Clock().NewTimer("redis keepalive", func() { signal(tick) })
	defer timer.Stop()
	timer.Reset(keepalive)
	var taken []emission
	for {
		redirected := 0
		for taken = e.take(taken[:0]); len(taken) > 0; taken = e.take(taken[:0]) {
			again, err := e.deliver(taken)
			if err != nil {
				return err
			}
			pauses.reset()
			if errors.Is(again, errMoved) {
				e.resume(false)
				continue
			}
			if redirected++; again == nil {
				redirected = 0
			} else if redirected > redirections {
				return again
			} else if redirected > 1 && !e.l.pause(firstBackoff) {
				return ErrClosed
			}
		}
		clear(taken[:cap(taken)])
		e.noteIdle()
		select {
		case <-e.wake:
		case <-tick:
			if err := e.sender.ping(); err != nil {
				return err
			}
			pauses.reset()
			timer.Reset(keepalive)
		case <-e.l.ctx.Done():
			return ErrClosed
		}
	}
}

// deliver sends a batch, settles what is decided and puts back what was not sent. err is that of the connection; again is why
// something was put back although the connections work.
func (e *emitter) deliver(taken []emission) (again, err error) {
	taken = e.timely(taken)
	batch := e.batch[:0]
	for i := range taken {
		batch = append(batch, parcel{frame: taken[i].frame})
	}
	e.batch = batch
	defer clear(batch)
	err = e.sender.send(batch)
	var back []emission
	for i := range batch {
		switch batch[i].fate {
		case confirmed:
			e.settle(taken[i], Delivered)
		case doubtful:
			e.settle(taken[i], Unconfirmed)
		case refused:
			e.warn(&batch[i])
			e.settle(taken[i], Dropped)
		case unsent:
			again = batch[i].err
			back = append(back, taken[i])
		}
	}
	e.putBack(back)
	return again, err
}

// timely drops what is of no use any more.
func (e *emitter) timely(taken []emission) []emission {
	return slices.DeleteFunc(taken, func(one emission) bool {
		select {
		case <-one.over:
			e.settle(one, Dropped)
			return true
		default:
			return false
		}
	})
}

// warn logs a refusal, once in a while.
func (e *emitter) warn(p *parcel) {
	if now := time.Now(); now.Sub(e.warned) > warnPause {
		e.warned = now
		e.l.sys.Logger().Warn("redis refused a message", slog.String("channel", p.frame.Channel),
			slog.String("error", p.err.Error()))
	}
}

// finish closes the connections and drops what waits.
func (e *emitter) finish() {
	e.sender.close()
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	for {
		left := e.take(nil)
		if len(left) == 0 {
			break
		}
		for _, one := range left {
			e.settle(one, Dropped)
		}
	}
	e.setDown(true, false)
}
