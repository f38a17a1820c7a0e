package actors

import (
	"fmt"
	"runtime/debug"

	"github.com/asynkron/protoactor-go/actor"
)

// Guard recovers panics in an actor's Receive. The actor library has no stack trace of them, and takes a panic in a
// lifecycle message so badly that the actor becomes a zombie whose parent can never stop. With a guard:
//
//	panic in                                  effect
//	Started, Terminated, a user message       reported, then the supervision decides (stop, restart, resume)
//	Stopping, Stopped, Restarting             reported and swallowed
//	anything after Stopping                   reported and swallowed: whoever stops may not come back to life
//
// Keep it by value in a field of the actor, made by NewGuard in the producer, and begin Receive with
//
//	defer a.guard.Catch(ctx)
//
// A Guard belongs to one incarnation of one actor; it is not safe for concurrent use.
type Guard struct {
	sys      *System
	where    string
	stopping bool
}

// NewGuard makes a guard. where names the kind of actor in reports.
func NewGuard(s *System, where string) Guard { return Guard{sys: s, where: where} }

// Catch recovers. It must be deferred directly, at the beginning of Receive.
func (g *Guard) Catch(ctx actor.Context) {
	r := recover()
	swallow := g.observe(ctx.Message())
	if r == nil {
		return
	}
	g.report(ctx, r)
	if !swallow {
		panic(r)
	}
}

// CatchAll recovers like Catch but never panics again, whatever the message: for actors whose state a panic cannot harm.
// It must be deferred directly, at the beginning of Receive.
func (g *Guard) CatchAll(ctx actor.Context) {
	if r := recover(); r != nil {
		g.report(ctx, r)
	}
}

// Receive calls receive under Catch, for actors that prefer a call to a defer.
func (g *Guard) Receive(ctx actor.Context, receive func(actor.Context)) {
	defer g.Catch(ctx)
	receive(ctx)
}

// observe remembers that the actor is stopping and reports whether a panic in m must not reach the supervision.
func (g *Guard) observe(m any) bool {
	switch m.(type) {
	case *actor.Stopping:
		g.stopping = true
		return true
	case *actor.Stopped, *actor.Restarting:
		return true
	}
	return g.stopping
}

func (g *Guard) report(ctx actor.Context, recovered any) {
	g.sys.Report(fmt.Sprintf("%s: %T", g.where, ctx.Message()), recovered, debug.Stack())
}
