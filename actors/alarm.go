package actors

import (
	"math/bits"
	"runtime"
	"sync"
	"time"
)

// Alarm sends a message to an actor after a while, or a little later: up to Lateness. In return the alarms of many actors ring
// together, in any order, in one goroutine: the process is woken up once for all of them, which costs more than what most have to
// do. An actor whose Receive takes its time keeps those behind it waiting.
//
// Init comes first and once. The other methods are safe for concurrent use, and allocate only for the first of those that ring
// together. An alarm that is not set costs no more than its memory. One that is set must be neither copied nor overwritten. The
// zero Alarm never rings.
type Alarm struct {
	_       noCopy
	alarms  *alarms
	account *account
	to      Address
	message any

	bell       *bell // nil: not set. This and what follows under alarms.mu
	next, prev *Alarm
}

// noCopy lets go vet find copies.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// alarms are those of one Clock that are set.
type alarms struct {
	mu    sync.Mutex
	began time.Time // when the first was set
	bells map[time.Duration]*bell
}

// bell is one moment at which alarms ring: a list of them, with one timer.
type bell struct {
	alarms *alarms
	at     time.Duration // after alarms.began
	timer  *time.Timer
	first  *Alarm
}

// Init makes the alarm one that sends m to an actor. The name says what it is for and is the key in Armed: use few of them.
func (a *Alarm) Init(c *Clock, name string, to Address, m any) {
	a.alarms, a.account, a.to, a.message = &c.alarms, c.armed.account(name), to, m
}

// Set makes the alarm ring once, whether it was set or not: after d, and at most Lateness(d) later. d <= 0 rings at once, but
// in another goroutine.
func (a *Alarm) Set(d time.Duration) {
	if a.alarms == nil {
		return
	}
	a.alarms.mu.Lock()
	defer a.alarms.mu.Unlock()
	if a.bell == nil {
		a.account.open()
	} else {
		a.bell.remove(a)
	}
	a.alarms.bell(d).add(a)
}

// Stop takes the setting back. An alarm that has begun to ring may still do so when Stop returns. Stopping one that is not set
// does nothing.
func (a *Alarm) Stop() {
	if a.alarms == nil {
		return
	}
	a.alarms.mu.Lock()
	defer a.alarms.mu.Unlock()
	if a.bell != nil {
		a.bell.remove(a)
		a.account.close()
	}
}

const (
	lateShare = 64
	latest    = 1 << 28                // ns: 268 ms
	farthest  = time.Duration(1) << 62 // 146 years, with which sums do not run over
)

// Lateness bounds how late an alarm rings that was set for d.
func Lateness(d time.Duration) time.Duration { return max(0, min(d/lateShare, latest)) }

// bell finds the moment at which an alarm rings that is set for d. Moments are the farther apart the longer d is, but those
// of a long d are moments of a shorter one, too. Called with mu.
func (as *alarms) bell(d time.Duration) *bell {
	if as.bells == nil {
		as.began, as.bells = time.Now(), make(map[time.Duration]*bell)
	}
	now := time.Since(as.began)
	apart := time.Duration(1)
	if late := Lateness(d); late > 0 {
		apart = 1 << (bits.Len64(uint64(late)) - 1)
	}
	at := (now + min(max(0, d), farthest) + apart - 1).Truncate(apart)
	b := as.bells[at]
	if b == nil {
		b = &bell{alarms: as, at: at}
		as.bells[at] = b
		b.timer = time.AfterFunc(at-now, b.ring)
	}
	return b
}

// add is called with mu.
func (b *bell) add(a *Alarm) {
	a.bell, a.prev, a.next = b, nil, b.first
	if b.first != nil {
		b.first.prev = a
	}
	b.first = a
}

// remove takes an alarm out; the last takes the timer with it. Called with mu.
func (b *bell) remove(a *Alarm) {
	if a.prev == nil {
		b.first = a.next
	} else {
		a.prev.next = a.next
	}
	if a.next != nil {
		a.next.prev = a.prev
	}
	a.bell, a.prev, a.next = nil, nil, nil
	if b.first == nil {
		b.timer.Stop()
		b.forget()
	}
}

// forget keeps further alarms away. Called with mu.
func (b *bell) forget() {
	if b.alarms.bells[b.at] == b {
		delete(b.alarms.bells, b.at)
	}
}

// ringsInARow is after how many alarms others get their turn on the core.
const ringsInARow = 16

// ring is called by the timer. When an actor ends the goroutine another rings for the rest.
func (b *bell) ring() {
	b.alarms.mu.Lock()
	b.forget() // an alarm that is set while it rings is for another goroutine, however soon
	b.alarms.mu.Unlock()
	over := false
	defer func() {
		if !over {
			go b.ring()
		}
	}()
	for i := 1; ; i++ {
		to, m, ok := b.take()
		if !ok {
			break
		}
		to.Send(m)
		if i%ringsInARow == 0 {
			runtime.Gosched()
		}
	}
	over = true
}

// take gives the message of the next alarm, which is no longer set then.
func (b *bell) take() (to Address, message any, ok bool) {
	b.alarms.mu.Lock()
	defer b.alarms.mu.Unlock()
	a := b.first
	if a == nil {
		return Address{}, nil, false
	}
	b.remove(a)
	a.account.close()
	return a.to, a.message, true
}
