package link

import (
	"math/rand/v2"
	"time"
)

const firstBackoff = 50 * time.Millisecond

// backoff is the pause before the next attempt: it doubles up to a bound, and a random half of it is left out, so that
// instances that lost the same server do not come back at the same moment.
type backoff struct {
	bound time.Duration
	next  time.Duration
}

// take returns the next pause.
func (b *backoff) take() time.Duration {
	d := min(max(b.next, firstBackoff), b.bound)
	b.next = min(d*2, b.bound)
	return d - time.Duration(rand.Int64N(int64(d)/2+1)) //nolint:gosec // nothing depends on nobody guessing it
}

// reset begins anew after a success.
func (b *backoff) reset() { b.next = 0 }

// pause waits for d and tells whether the Link still lives.
func (l *Link) pause(d time.Duration) bool {
	ctx, cancel := l.sys.Clock().Context(l.ctx, "redis backoff", d)
	defer cancel()
	<-ctx.Done()
	return !l.isClosing()
}
