package actors_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/actortest"
)

// fragile panics in the messages it is told to.
type fragile struct {
	guard    actors.Guard
	all      bool // CatchAll
	panics   map[string]bool
	seen     *trace
	children int
	props    *actor.Props // of the children
}

func (f *fragile) Receive(ctx actor.Context) {
	if f.all {
		defer f.guard.CatchAll(ctx)
	} else {
		defer f.guard.Catch(ctx)
	}
	name := fmt.Sprintf("%T", ctx.Message())
	if s, ok := ctx.Message().(string); ok {
		name = s
	}
	f.seen.add(name)
	if name == "*actor.Started" {
		for range f.children {
			ctx.Spawn(f.props)
		}
	}
	if f.panics[name] {
		panic("in " + name)
	}
}

// slowStop is a child that begins to stop when it is told, so that its parent is stopping for a while.
func slowStop(release chan struct{}) *actor.Props {
	return actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*actor.Stopping); ok {
			<-release
		}
	}, actors.Queued())
}

func TestGuard_PanicMatrix_NeverLeavesAZombie(t *testing.T) {
	cases := []struct {
		panics  string
		restart int // how often it is restarted before it is idle, with RestartDirective
		alive   map[actor.Directive]bool
		reports int // with StopDirective, when all is over
	}{
		{"*actor.Started", 3, map[actor.Directive]bool{}, 1},
		{"boom", 1, map[actor.Directive]bool{actor.RestartDirective: true}, 1},
		{"*actor.Stopping", 0, map[actor.Directive]bool{actor.RestartDirective: true, actor.StopDirective: true}, 1},
		{"*actor.Stopped", 0, map[actor.Directive]bool{actor.RestartDirective: true, actor.StopDirective: true}, 1},
	}
	for _, c := range cases {
		for _, directive := range []actor.Directive{actor.RestartDirective, actor.StopDirective} {
			for name, mailbox := range mailboxes() {
				t.Run(c.panics+" "+directive.String()+" "+name, func(t *testing.T) {
					actortest.Bubble(t, func(t *testing.T) {
						sys := actortest.NewSystem(t, func(o *actors.Options) { o.Logger = nil })
						var seen trace
						decider := func(any) actor.Directive { return directive }
						parent, child := family(sys, decider, actor.PropsFromProducer(func() actor.Actor {
							return &fragile{guard: actors.NewGuard(sys, "fragile"), panics: map[string]bool{c.panics: true}, seen: &seen}
						}, mailbox()))
						sys.Send(child, "boom")
						synctest.Wait()
						sys.Send(child, "after")
						synctest.Wait()
						assert.Equal(t, c.alive[directive], contains(seen.all(), "after"), "alive")
						stop(t, sys, parent) // would hang with a zombie
						synctest.Wait()
						_, exists := sys.Actors().ProcessRegistry.Get(child)
						assert.False(t, exists)
						if directive == actor.StopDirective {
							assert.EqualValues(t, c.reports, sys.Panics())
						} else {
							assert.Equal(t, c.restart, count(seen.all(), "*actor.Restarting"))
						}
					})
				})
			}
		}
	}
}

func TestGuard_PanicInRestarting_RestartsAllTheSame(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t, func(o *actors.Options) { o.Logger = nil })
		var seen trace
		parent, child := family(sys, func(any) actor.Directive { return actor.RestartDirective },
			actor.PropsFromProducer(func() actor.Actor {
				return &fragile{
					guard: actors.NewGuard(sys, "fragile"), seen: &seen,
					panics: map[string]bool{"boom": true, "*actor.Restarting": true},
				}
			}, actors.Inline()))
		sys.Send(child, "boom")
		synctest.Wait()
		sys.Send(child, "after")
		assert.Equal(t, []string{"*actor.Started", "boom", "*actor.Restarting", "*actor.Started", "after"}, seen.all())
		assert.EqualValues(t, 2, sys.Panics())
		stop(t, sys, parent)
	})
}

// Whoever is stopping and waits for its children gets Terminated and user messages; a panic there must not bring it back
// to life.
func TestGuard_PanicWhileStopping_StillStops(t *testing.T) {
	for _, panics := range []string{"*actor.Terminated", "boom"} {
		t.Run(panics, func(t *testing.T) {
			actortest.Bubble(t, func(t *testing.T) {
				sys := actortest.NewSystem(t, func(o *actors.Options) { o.Logger = nil })
				var seen trace
				release := make(chan struct{})
				parent, child := family(sys, func(any) actor.Directive { return actor.RestartDirective },
					actor.PropsFromProducer(func() actor.Actor {
						return &fragile{
							guard: actors.NewGuard(sys, "fragile"), seen: &seen, panics: map[string]bool{panics: true},
							children: 1, props: slowStop(release),
						}
					}, actors.Inline()))
				sys.Root().Stop(child)
				synctest.Wait()
				sys.Send(child, "boom")
				synctest.Wait()
				close(release)
				synctest.Wait()
				all := seen.all()
				assert.Equal(t, "*actor.Stopped", all[len(all)-1])
				assert.NotContains(t, all, "*actor.Restarting")
				assert.EqualValues(t, 1, sys.Panics())
				stop(t, sys, parent)
			})
		})
	}
}

func TestGuard_CatchAll_KeepsTheActorAndItsState(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t, func(o *actors.Options) { o.Logger = nil })
		var seen trace
		pid := sys.Spawn(actor.PropsFromProducer(func() actor.Actor {
			return &fragile{
				guard: actors.NewGuard(sys, "fragile"), all: true, seen: &seen,
				panics: map[string]bool{"boom": true, "*actor.Started": true, "*actor.Stopping": true, "*actor.Stopped": true},
			}
		}, actors.Inline()), "test")
		sys.Send(pid, "boom")
		sys.Send(pid, "after")
		synctest.Wait()
		stop(t, sys, pid)
		assert.Equal(t, []string{"*actor.Started", "boom", "after", "*actor.Stopping", "*actor.Stopped"}, seen.all())
		assert.EqualValues(t, 4, sys.Panics())
	})
}

func TestGuard_Receive_ReportsWhereAndPanicsAgain(t *testing.T) {
	var where, stack string
	var value any
	sys := actortest.NewSystem(t, func(o *actors.Options) {
		o.Logger = nil
		o.OnPanic = func(w string, r any, s []byte) { where, value, stack = w, r, string(s) }
	})
	guard := actors.NewGuard(sys, "fragile")
	r := actortest.NewRecorder()
	receive := actor.ReceiveFunc(func(ctx actor.Context) { guard.Receive(ctx, explode) })
	require.PanicsWithValue(t, "kaboom", func() { r.Deliver(receive, "text") })
	assert.Equal(t, "fragile: string", where)
	assert.Equal(t, "kaboom", value)
	assert.Contains(t, stack, "actors_test.explode", "the stack names the culprit")
	assert.NotPanics(t, func() { r.Deliver(receive, &actor.Stopping{}, "text", &actor.Stopped{}) })
	assert.EqualValues(t, 4, sys.Panics())
}

func explode(actor.Context) { panic("kaboom") }

func contains(list []string, item string) bool { return count(list, item) > 0 }

func count(list []string, item string) int {
	n := 0
	for _, s := range list {
		if s == item {
			n++
		}
	}
	return n
}
