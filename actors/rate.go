package actors

import "time"

// MaxRate is the greatest Rate.PerSecond: one in a nanosecond.
const MaxRate = int(time.Second)

// Rate is how much may happen in a second, and how much of it at once. The zero value is no bound.
type Rate struct {
	PerSecond int // at most MaxRate
	Burst     int // at once, after a while of nothing; what is larger by itself never fits
}

// Limited tells whether there is a bound.
func (r Rate) Limited() bool { return r.PerSecond > 0 }

// forever is half of the time that can be told, so that the sum of two is none in the past.
const forever = time.Duration(1) << 62

// cost is the time in which n more may happen again.
func (r Rate) cost(n int) time.Duration {
	whole, rest := n/r.PerSecond, n%r.PerSecond
	if whole >= int(forever/time.Second) {
		return forever
	}
	return time.Duration(whole)*time.Second + time.Duration(rest)*time.Second/time.Duration(r.PerSecond)
}

// Bucket is what was taken of a Rate. It is no more than the time at which all of it may happen again, on a clock of its owner
// that never shows less than zero. The zero value is full. It is for one goroutine.
type Bucket time.Duration

// Take takes n out of the bucket if it has so much, which it reports; if not, nothing is taken. The rate must be a limit.
func (b *Bucket) Take(r Rate, n int, now time.Duration) bool {
	next := max(time.Duration(*b), now) + r.cost(n)
	if next > now+r.cost(r.Burst) {
		return false
	}
	*b = Bucket(next)
	return true
}

// Full tells whether nothing is missing: the bucket may be forgotten.
func (b Bucket) Full(now time.Duration) bool { return time.Duration(b) <= now }
