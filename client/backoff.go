package client

import (
	"math/rand/v2"
	"time"
)

// backoff is the delay between attempts: it doubles from first on, and is made up to jitter, a share of it, longer or
// shorter, but never longer than most.
type backoff struct {
	first, most time.Duration
	jitter      float64
}

// delay before an attempt; n attempts have failed.
func (b backoff) delay(n int) time.Duration {
	d := b.most
	if n < 32 && b.first < b.most>>n {
		d = b.first << n
	}
	spread := float64(d) * b.jitter * (2*rand.Float64() - 1) //nolint:gosec // it spreads clients, nobody has to guess it
	return min(d+time.Duration(spread), b.most)
}
