package actors

import (
	"context"
	"runtime/debug"
	"sync"
	"time"
)

// Clock makes every timer of a program and counts which are armed, by name, so that a test or a shutdown can prove that
// none was forgotten. It needs no closing. All methods are safe for concurrent use.
type Clock struct {
	sys    *System
	armed  ledger
	alarms alarms
}

// Timer calls a function once each time it was armed. Its methods are safe for concurrent use, allocate nothing after
// the first Reset, and may be called from the function itself. A timer that is not armed costs no more than its memory
// and need not be stopped.
type Timer struct {
	mu      sync.Mutex
	armed   bool
	stale   uint32      // firings that are on their way although the timer was stopped or reset since
	timer   *time.Timer // nil until the first Reset
	fire    func()
	sys     *System
	account *account
}

// NewTimer makes a timer that is not armed. fire runs in a goroutine of its own; a panic in it is reported. The name
// says what the timer is for and is the key in Armed: use few of them.
func (c *Clock) NewTimer(name string, fire func()) *Timer {
	return &Timer{fire: fire, sys: c.sys, account: c.armed.account(name)}
}

// Reset arms the timer to fire once after d, whether it was armed or not. d <= 0 fires at once.
func (t *Timer) Reset(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timer == nil {
		t.timer = time.AfterFunc(d, t.expire)
	} else if !t.timer.Reset(d) && t.armed {
		t.stale++ // it has expired, but expire has not got here yet
	}
	if !t.armed {
		t.armed = true
		t.account.open()
	}
}

// Stop disarms the timer. A firing that has not begun is suppressed; one that has begun may still run when Stop
// returns. Stopping a timer that is not armed does nothing.
func (t *Timer) Stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.armed {
		return
	}
	t.armed = false
	t.account.close()
	if !t.timer.Stop() {
		t.stale++
	}
}

// expire is called by the runtime for each time the timer expired, exactly once each; as many calls as are stale do
// nothing, whichever they are.
func (t *Timer) expire() {
	t.mu.Lock()
	if t.stale > 0 {
		t.stale--
		t.mu.Unlock()
		return
	}
	t.armed = false
	t.account.close()
	t.mu.Unlock()
	defer func() {
		if r := recover(); r != nil {
			t.sys.Report("timer", r, debug.Stack())
		}
	}()
	t.fire()
}

// Context returns a context that ends after d or with parent. It is counted as an armed timer of that name until it has
// ended or cancel has returned; always call cancel.
func (c *Clock) Context(parent context.Context, name string, d time.Duration) (context.Context, context.CancelFunc) {
	a := c.armed.account(name)
	a.open()
	var once sync.Once // which also waits for who was first
	settle := func() { once.Do(a.close) }
	ctx, cancel := context.WithTimeout(parent, d)
	context.AfterFunc(ctx, settle)
	return ctx, func() {
		cancel()
		settle()
	}
}

// Armed returns how many timers are armed, by name. It is empty when none is. The map belongs to the caller.
func (c *Clock) Armed() map[string]int { return c.armed.counts() }

// settleTime is how long requests that are just ending may take to let go of their timers.
const settleTime = time.Second

// settle waits until no timer is armed, but no longer than settleTime: a timer that was forgotten stays.
func (c *Clock) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	_ = c.armed.total.wait(ctx, 0)
}
