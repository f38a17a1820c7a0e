package link

import (
	"math/rand/v2"
	"time"
)

const firstBackoff = 50 * time.Millisecond

// backoff is the pause before the next attempt: it doubles up to a bound, and a random half of it is left out, so that
// instances that lost the same server do not come back at the same moment. The time that the last attempt took is part of it: a
// server that is silent is waited for long enough by the attempt itself, and one that goes on again answers at once, but only
// to an attempt that is under way then.
type backoff struct {
	bound time.Duration
	next  time.Duration
	began time.Time // when the last attempt did; zero: it has succeeded
}

// begin is called at the beginning of an attempt.
func (b *backoff) begin() { b.began = time.Now() }

// take returns the next pause.
func (b *backoff) take() time.Duration {
	least := min(firstBackoff, b.bound)
	d := min(max(b.next, least), b.bound)
	b.next = min(d*2, b.bound)
	if !b.began.IsZero() {
		d = max(d-time.Since(b.began), least)
	}
	return d - time.Duration(rand.Int64N(int64(d)/2+1)) //nolint:gosec // nothing depends on nobody guessing it
}

// reset begins anew after a success.
func (b *backoff) reset() { b.next, b.began = 0, time.Time{} }

// pause waits for d and tells whether the Link still lives.
func (l *Link) pause(d time.Duration) bool {
	ctx, cancel := l.sys.Clock().Context(l.ctx, "redis backoff", d)
	defer cancel()
	<-ctx.Done()
	return !l.isClosing()
}
