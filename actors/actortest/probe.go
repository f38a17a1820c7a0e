package actortest

import (
	"context"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/actio-go/actio/actors"
)

// Probe is a real actor that keeps what it gets, in order: user messages and Terminated, but not its own Started,
// Stopping and Stopped. Its methods are safe for concurrent use; call them from the test, not from an actor. It is
// stopped at the end of the test.
type Probe struct {
	sys     *actors.System
	pid     *actor.PID
	mu      sync.Mutex
	got     []any
	from    []*actor.PID
	sender  *actor.PID
	arrived chan struct{} // has room for one: something arrived since the last look
}

// NewProbe starts a probe.
func NewProbe(t testing.TB, sys *actors.System) *Probe {
	t.Helper()
	p := &Probe{sys: sys, arrived: make(chan struct{}, 1)}
	p.pid = sys.Spawn(actor.PropsFromFunc(p.receive, actors.Inline()), "probe")
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := sys.Stop(ctx, p.pid); err != nil {
			t.Errorf("stopping the probe: %v", err)
		}
	})
	return p
}

// watch asks the probe to watch an actor and closes done when the Watch is sent.
type watch struct {
	pid  *actor.PID
	done chan struct{}
}

func (p *Probe) receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started, *actor.Stopping, *actor.Stopped, *actor.Restarting:
	case watch:
		ctx.Watch(m.pid)
		close(m.done)
	default:
		p.mu.Lock()
		p.got = append(p.got, m)
		p.from = append(p.from, ctx.Sender())
		p.mu.Unlock()
		select {
		case p.arrived <- struct{}{}:
		default:
		}
	}
}

// PID returns the probe's address.
func (p *Probe) PID() *actor.PID { return p.pid }

// Request sends m to an actor that may respond to the probe.
func (p *Probe) Request(to *actor.PID, m any) {
	p.sys.Root().RequestWithCustomSender(to, m, p.pid)
}

// Watch has the probe told when the actor stops: it gets an *actor.Terminated. It returns when the Watch is sent.
func (p *Probe) Watch(pid *actor.PID) {
	done := make(chan struct{})
	p.sys.Send(p.pid, watch{pid: pid, done: done})
	<-done
}

// Received returns what has arrived and not been taken, and leaves it there.
func (p *Probe) Received() []any {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]any(nil), p.got...)
}

// Drain takes and returns all that has arrived.
func (p *Probe) Drain() []any {
	p.mu.Lock()
	defer p.mu.Unlock()
	got := p.got
	p.got, p.from = nil, nil
	return got
}

// Sender returns who sent the message that was taken last, nil if it did not say.
func (p *Probe) Sender() *actor.PID {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sender
}

// next takes the next message, waiting for it at most d.
func (p *Probe) next(d time.Duration) (any, bool) {
	ctx, cancel := p.sys.Clock().Context(context.Background(), "probe", d)
	defer cancel()
	for {
		if m, ok := p.take(); ok {
			return m, true
		}
		select {
		case <-p.arrived:
		case <-ctx.Done():
			return p.take()
		}
	}
}

func (p *Probe) take() (any, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.got) == 0 {
		return nil, false
	}
	m := p.got[0]
	p.sender = p.from[0]
	p.got, p.from = p.got[1:], p.from[1:]
	return m, true
}

// Expect takes the probe's next message, which must be a T, and waits for it up to 10 s. Else the test ends as failed.
func Expect[T any](t testing.TB, p *Probe) T {
	t.Helper()
	var zero T
	m, ok := p.next(patience)
	if !ok {
		t.Fatalf("the probe got nothing, want a %v", reflect.TypeFor[T]())
		return zero
	}
	want, ok := m.(T)
	if !ok {
		t.Fatalf("the probe got a %T (%+v), want a %v", m, m, reflect.TypeFor[T]())
		return zero
	}
	return want
}

// ExpectNone fails the test if a message is waiting or arrives within d. In a bubble a d of one nanosecond passes when
// everything is idle: then it proves that nothing arrives unless time goes on.
func ExpectNone(t testing.TB, p *Probe, d time.Duration) {
	t.Helper()
	if m, ok := p.next(d); ok {
		t.Errorf("the probe got a %T (%+v), want nothing", m, m)
	}
}
