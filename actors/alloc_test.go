package actors_test

import (
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/actortest"
)

// allocations asserts that f allocates nothing. The race detector makes pools forget on purpose: not with it.
func allocations(t *testing.T, f func()) {
	t.Helper()
	if raceEnabled {
		t.Skip("pools do not keep everything under the race detector")
	}
	f()
	assert.Zero(t, testing.AllocsPerRun(1000, f))
}

// ping is a message that needs no conversion that allocates.
type ping struct{ again int }

// guarded counts pings under a guard.
type guarded struct {
	guard   actors.Guard
	handled *atomic.Int64
}

func (g *guarded) Receive(ctx actor.Context) {
	defer g.guard.Catch(ctx)
	p, ok := ctx.Message().(*ping)
	if !ok {
		return
	}
	g.handled.Add(1)
	if p.again > 0 {
		p.again--
		ctx.Send(ctx.Self(), p)
	}
}

// spawnGuarded spawns an actor that counts pings and returns when it is idle.
func spawnGuarded(t testing.TB, sys *actors.System, options ...actor.PropsOption) (*actor.PID, *atomic.Int64) {
	t.Helper()
	handled := new(atomic.Int64)
	pid := sys.Spawn(actor.PropsFromProducer(func() actor.Actor {
		return &guarded{guard: actors.NewGuard(sys, "guarded"), handled: handled}
	}, options...), "test")
	t.Cleanup(func() { stop(t, sys, pid) })
	return pid, handled
}

func TestInline_SendToAnIdleActor_AllocatesNothing(t *testing.T) {
	sys := actortest.NewSystem(t)
	pid, handled := spawnGuarded(t, sys, actors.Inline())
	m := &ping{}
	settleInline(sys, pid, m, handled)
	allocations(t, func() { sys.Send(pid, m) })
}

func TestInline_MessagesThatWait_AllocateNothing(t *testing.T) {
	sys := actortest.NewSystem(t)
	pid, handled := spawnGuarded(t, sys, actors.Inline())
	m := &ping{}
	settleInline(sys, pid, m, handled)
	allocations(t, func() {
		m.again = 10
		sys.Send(pid, m)
	})
}

func TestInline_HandOver_AllocatesNothing(t *testing.T) { handsOver(t, actors.Inline()) }

func TestQueued_WakingAnIdleActor_AllocatesNothing(t *testing.T) { handsOver(t, actors.Queued()) }

func handsOver(t *testing.T, mailbox actor.PropsOption) {
	t.Helper()
	sys := actortest.NewSystem(t)
	pid, handled := spawnGuarded(t, sys, mailbox)
	m := &ping{}
	allocations(t, func() {
		want := handled.Load() + 101
		m.again = 100
		sys.Send(pid, m)
		for handled.Load() < want {
			runtime.Gosched()
		}
	})
}

func TestTimer_ResetAndStop_AllocateNothing(t *testing.T) {
	timer := actortest.NewSystem(t).Clock().NewTimer("test", func() {})
	allocations(t, func() {
		timer.Reset(time.Hour)
		timer.Reset(time.Minute)
		timer.Stop()
	})
}

func TestWorkers_RunOnAParkedWorker_AllocatesNothing(t *testing.T) {
	sys := actortest.NewSystem(t)
	done := make(chan struct{})
	var work actors.Task = task(func() { done <- struct{}{} })
	allocations(t, func() {
		sys.Workers().Run(work)
		<-done
		for sys.Workers().Busy() > 0 { // until it has parked
			runtime.Gosched()
		}
	})
}

func TestMailbox_Idle_WeighsAtMost150BytesAndHoldsNoQueue(t *testing.T) {
	assert.LessOrEqual(t, actors.MailboxBytes, uintptr(150))
	for _, inline := range []bool{true, false} {
		actortest.Bubble(t, func(t *testing.T) {
			sys := actortest.NewSystem(t)
			option, box := actors.Capture(inline)
			inside, goOn := make(chan struct{}), make(chan struct{})
			pid := sys.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
				if ctx.Message() == 0 {
					close(inside)
					<-goOn
				}
			}, option), "test")
			go sys.Send(pid, 0)
			<-inside
			for i := range 10 * actors.SegmentSize {
				sys.Send(pid, i+1)
			}
			require.GreaterOrEqual(t, box.Count(), 10*actors.SegmentSize)
			close(goOn)
			synctest.Wait()
			assert.Zero(t, box.Count())
			assert.False(t, box.Holds())
			stop(t, sys, pid)
		})
	}
}
