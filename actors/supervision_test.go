package actors_test

import (
	"testing"
	"testing/synctest"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/actortest"
)

// family spawns a parent with one child; the parent does what the directive says about the child's panics.
func family(sys *actors.System, decide func(any) actor.Directive, child *actor.Props) (parent, pid *actor.PID) {
	parent = sys.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*actor.Started); ok {
			pid = ctx.Spawn(child)
		}
	}, actors.Queued(), actor.WithSupervisor(actor.NewOneForOneStrategy(3, 0, decide))), "parent")
	synctest.Wait()
	return parent, pid
}

func TestMailbox_Panic_ReachesTheSupervisionAndNotTheSender(t *testing.T) {
	for name, mailbox := range mailboxes() {
		t.Run(name, func(t *testing.T) {
			actortest.Bubble(t, func(t *testing.T) {
				sys := actortest.NewSystem(t)
				var reason any
				var where int
				parent, child := family(sys, func(r any) actor.Directive {
					reason, where = r, goid()
					return actor.StopDirective
				}, actor.PropsFromFunc(func(ctx actor.Context) {
					if m, ok := ctx.Message().(string); ok {
						panic(m)
					}
				}, mailbox()))
				assert.NotPanics(t, func() { sys.Send(child, "bang") })
				synctest.Wait()
				assert.Equal(t, "bang", reason)
				assert.NotEqual(t, goid(), where)
				stop(t, sys, parent)
			})
		})
	}
}

// While the parent makes up its mind nothing is handled, and afterwards everything is, in the order sent.
func TestMailbox_SuspendedActor_KeepsItsMessagesInOrder(t *testing.T) {
	for name, mailbox := range mailboxes() {
		for _, directive := range []actor.Directive{actor.ResumeDirective, actor.RestartDirective} {
			t.Run(name+" "+directive.String(), func(t *testing.T) {
				actortest.Bubble(t, func(t *testing.T) { suspended(t, mailbox(), directive) })
			})
		}
	}
}

func suspended(t *testing.T, mailbox actor.PropsOption, directive actor.Directive) {
	t.Helper()
	sys := actortest.NewSystem(t)
	decide := make(chan struct{})
	var got trace
	parent, child := family(sys, func(any) actor.Directive {
		<-decide
		return directive
	}, actor.PropsFromFunc(func(ctx actor.Context) {
		switch m := ctx.Message().(type) {
		case string:
			got.add(m)
			if m == "bang" {
				ctx.Send(ctx.Self(), "1")
				panic(m)
			}
			if m == "first" {
				ctx.Send(ctx.Self(), "bang")
				ctx.Send(ctx.Self(), "0")
			}
		case *actor.Restarting:
			got.add("restarting")
		}
	}, mailbox))
	sys.Send(child, "first")
	synctest.Wait()
	sys.Send(child, "2")
	sys.Send(child, "3")
	synctest.Wait()
	assert.Equal(t, []string{"first", "bang"}, got.all(), "while suspended")
	close(decide)
	synctest.Wait()
	sys.Send(child, "4")
	synctest.Wait()
	want := []string{"first", "bang", "restarting", "0", "1", "2", "3", "4"}
	if directive == actor.ResumeDirective {
		want = []string{"first", "bang", "0", "1", "2", "3", "4"}
	}
	assert.Equal(t, want, got.all())
	stop(t, sys, parent)
}

func TestMailbox_SuspendedActor_CanBeStopped(t *testing.T) {
	for name, mailbox := range mailboxes() {
		t.Run(name, func(t *testing.T) {
			actortest.Bubble(t, func(t *testing.T) {
				sys := actortest.NewSystem(t)
				decide := make(chan struct{})
				var got trace
				parent, child := family(sys, func(any) actor.Directive {
					<-decide
					return actor.StopDirective
				}, actor.PropsFromFunc(func(ctx actor.Context) {
					switch m := ctx.Message().(type) {
					case string:
						panic(m)
					case *actor.Stopped:
						got.add("stopped")
					}
				}, mailbox()))
				sys.Send(child, "bang")
				sys.Send(child, "unheard")
				stopped := make(chan struct{})
				go func() {
					defer close(stopped)
					assert.NoError(t, sys.Stop(t.Context(), child))
				}()
				<-stopped
				assert.Equal(t, []string{"stopped"}, got.all())
				close(decide)
				stop(t, sys, parent)
			})
		})
	}
}
