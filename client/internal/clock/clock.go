// Package clock makes the timers of the client and counts those that are armed, so that a test can prove that none was
// forgotten: goleak does not see timers. It is the counterpart of the clock in package actors, which a client must not
// import: it would bring an actor system into programs that only speak to a server.
package clock

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Clock counts its timers. The zero value is ready. All methods are safe for concurrent use.
type Clock struct {
	armed atomic.Int64
}

// Timer calls a function once each time it was armed.
type Timer struct {
	clock *Clock
	timer *time.Timer
}

// AfterFunc arms a timer that calls fire in a goroutine of its own after d. A firing that is on its way when the timer is
// stopped or reset still happens: fire has to look whether it is still wanted.
func (c *Clock) AfterFunc(d time.Duration, fire func()) *Timer {
	c.armed.Add(1)
	return &Timer{clock: c, timer: time.AfterFunc(d, func() {
		c.armed.Add(-1)
		fire()
	})}
}

// Reset arms the timer anew, whether it is armed or not.
func (t *Timer) Reset(d time.Duration) {
	t.clock.armed.Add(1)
	if t.timer.Reset(d) {
		t.clock.armed.Add(-1) // it was armed and counted
	}
}

// Stop disarms the timer. A nil timer, and one that is not armed, is left as it is.
func (t *Timer) Stop() {
	if t != nil && t.timer.Stop() {
		t.clock.armed.Add(-1)
	}
}

// Context returns a context that ends after d, with context.DeadlineExceeded, or with parent. It counts as an armed timer
// until cancel is called, which is always to be done.
func (c *Clock) Context(parent context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(parent, d)
	c.armed.Add(1)
	var once sync.Once
	return ctx, func() {
		cancel()
		once.Do(func() { c.armed.Add(-1) })
	}
}

// Armed is the number of armed timers.
func (c *Clock) Armed() int { return int(c.armed.Load()) }
