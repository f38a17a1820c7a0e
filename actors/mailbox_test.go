package actors_test

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/actortest"
)

func TestMailbox_ManyProducers_KeepsTheOrderOfEachAndLosesNothing(t *testing.T) {
	const producers, each = 8, 5000
	for name, mailbox := range mailboxes() {
		t.Run(name, func(t *testing.T) {
			sys := actortest.NewSystem(t)
			next := map[int]int{}
			all := make(chan struct{})
			total := 0
			pid := sys.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
				m, ok := ctx.Message().([2]int)
				if !ok {
					return
				}
				assert.Equal(t, next[m[0]], m[1])
				next[m[0]] = m[1] + 1
				if total++; total == producers*each {
					close(all)
				}
			}, mailbox()), "test")
			var wg sync.WaitGroup
			for p := range producers {
				wg.Go(func() {
					for i := range each {
						sys.Send(pid, [2]int{p, i})
						if i%97 == 0 {
							runtime.Gosched() // lets the actor become idle now and then
						}
					}
				})
			}
			wg.Wait()
			<-all
			stop(t, sys, pid)
		})
	}
}

// Each message is sent when the one before has been handled, so that the actor is just becoming idle: a lost wake-up
// would hang the test.
func TestMailbox_MessageWhileTheOwnerLeaves_IsNotLost(t *testing.T) {
	const rounds = 20_000
	for name, mailbox := range mailboxes() {
		t.Run(name, func(t *testing.T) {
			sys := actortest.NewSystem(t)
			handled := make(chan int)
			pid := sys.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
				if m, ok := ctx.Message().(int); ok {
					select {
					case handled <- m:
					default:
						go func() { handled <- m }()
					}
				}
			}, mailbox()), "test")
			for i := range rounds {
				if i%2 == 0 {
					go sys.Send(pid, i)
				} else {
					sys.Send(pid, i)
				}
				require.Equal(t, i, <-handled)
			}
			stop(t, sys, pid)
		})
	}
}

func TestMailbox_SystemMessages_NeverRunInTheGoroutineThatCausedThem(t *testing.T) {
	for name, mailbox := range mailboxes() {
		t.Run(name, func(t *testing.T) {
			actortest.Bubble(t, func(t *testing.T) {
				sys := actortest.NewSystem(t)
				where := map[string]int{}
				var child *actor.PID
				pid := sys.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
					where[fmt.Sprintf("%T", ctx.Message())] = goid()
					if _, ok := ctx.Message().(*actor.Started); ok {
						child = ctx.Spawn(actor.PropsFromFunc(func(actor.Context) {}, mailbox()))
					}
				}, mailbox()), "test")
				synctest.Wait()
				require.Contains(t, where, "*actor.Started")
				sys.Root().Stop(child)
				synctest.Wait()
				require.Contains(t, where, "*actor.Terminated")
				sys.Root().Stop(pid)
				synctest.Wait()
				require.Contains(t, where, "*actor.Stopping")
				require.Contains(t, where, "*actor.Stopped")
				for message, id := range where {
					assert.NotEqual(t, goid(), id, message)
				}
			})
		})
	}
}

func TestMailbox_SystemMessage_OvertakesUserMessages(t *testing.T) {
	for name, mailbox := range mailboxes() {
		t.Run(name, func(t *testing.T) {
			actortest.Bubble(t, func(t *testing.T) {
				sys := actortest.NewSystem(t)
				var got trace
				var first, stopping int
				pid := sys.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
					switch m := ctx.Message().(type) {
					case string:
						got.add(m)
						if m == "a" {
							first = goid()
							ctx.Send(ctx.Self(), "b")
							ctx.Stop(ctx.Self())
							ctx.Send(ctx.Self(), "c")
						}
					case *actor.Stopping:
						stopping = goid()
						got.add("stopping")
					}
				}, mailbox()), "test")
				synctest.Wait()
				sys.Send(pid, "a")
				synctest.Wait()
				assert.Equal(t, []string{"a", "stopping"}, got.all())
				if name == "inline" {
					assert.Equal(t, goid(), first)
					assert.NotEqual(t, goid(), stopping)
				}
			})
		})
	}
}

// The owner has taken several messages at once when the stop comes.
func TestMailbox_SystemMessageWithinABatch_OvertakesTheRestOfIt(t *testing.T) {
	for name, mailbox := range mailboxes() {
		t.Run(name, func(t *testing.T) {
			actortest.Bubble(t, func(t *testing.T) {
				sys := actortest.NewSystem(t)
				inside, goOn := make(chan struct{}), make(chan struct{})
				var got trace
				pid := sys.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
					got.add(fmt.Sprintf("%T %[1]v", ctx.Message()))
					switch ctx.Message() {
					case 0:
						close(inside)
						<-goOn
					case 2:
						ctx.Stop(ctx.Self())
					}
				}, mailbox()), "test")
				go sys.Send(pid, 0)
				<-inside
				for i := range 5 {
					sys.Send(pid, i+1)
				}
				close(goOn)
				synctest.Wait()
				assert.Equal(t, []string{
					"*actor.Started &{}", "int 0", "int 1", "int 2", "*actor.Stopping &{}", "*actor.Stopped &{}",
				}, got.all())
			})
		})
	}
}

// The stop is posted by the actor itself while nothing else waits, so that only the owner can notice it.
func TestMailbox_SystemMessageCausedByTheLastUserMessage_IsHandled(t *testing.T) {
	for name, mailbox := range mailboxes() {
		t.Run(name, func(t *testing.T) {
			actortest.Bubble(t, func(t *testing.T) {
				sys := actortest.NewSystem(t)
				var got trace
				pid := sys.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
					got.add(fmt.Sprintf("%T", ctx.Message()))
					if ctx.Message() == "last" {
						ctx.Stop(ctx.Self())
					}
				}, mailbox()), "test")
				synctest.Wait()
				sys.Send(pid, "last")
				synctest.Wait()
				assert.Equal(t, []string{"*actor.Started", "string", "*actor.Stopping", "*actor.Stopped"}, got.all())
			})
		})
	}
}

func TestMailbox_BusyActor_YieldsTheProcessor(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for name, mailbox := range mailboxes() {
		t.Run(name, func(t *testing.T) {
			sys := actortest.NewSystem(t)
			var handled, seen atomic.Int64
			done := make(chan struct{})
			pid := sys.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
				if _, ok := ctx.Message().(*ping); !ok {
					return
				}
				if handled.Add(1) == 1 {
					go func() {
						seen.Store(handled.Load())
						close(done)
					}()
				}
				if seen.Load() == 0 {
					ctx.Send(ctx.Self(), ctx.Message())
				}
			}, mailbox()), "test")
			sys.Send(pid, &ping{})
			<-done
			assert.LessOrEqual(t, seen.Load(), int64(2*actors.YieldAfter))
			stop(t, sys, pid)
		})
	}
}

// The library registers the name of an actor before its mailbox is ready, so that a guessed name makes its own
// mailboxes panic in the sender.
func TestMailbox_MessageDuringSpawn_WaitsForStarted(t *testing.T) {
	for name, mailbox := range mailboxes() {
		t.Run(name, func(t *testing.T) {
			actortest.Bubble(t, func(t *testing.T) {
				sys := actortest.NewSystem(t)
				var got trace
				early := actor.WithOnInit(func(ctx actor.Context) { sys.Send(ctx.Self(), "early") })
				pid := sys.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
					got.add(fmt.Sprint(ctx.Message()))
				}, mailbox(), early), "test")
				sys.Send(pid, "late")
				synctest.Wait()
				assert.Equal(t, []string{fmt.Sprint(&actor.Started{}), "early", "late"}, got.all())
				stop(t, sys, pid)
			})
		})
	}
}

func TestMailbox_Goexit_DoesNotEndTheActor(t *testing.T) {
	for name, mailbox := range mailboxes() {
		t.Run(name, func(t *testing.T) {
			actortest.Bubble(t, func(t *testing.T) {
				sys := actortest.NewSystem(t)
				var got trace
				pid := sys.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
					if m, ok := ctx.Message().(string); ok {
						got.add(m)
						if m == "exit" {
							ctx.Send(ctx.Self(), "next")
							runtime.Goexit()
						}
					}
				}, mailbox()), "test")
				synctest.Wait()
				go sys.Send(pid, "exit")
				synctest.Wait()
				sys.Send(pid, "later")
				synctest.Wait()
				assert.Equal(t, []string{"exit", "next", "later"}, got.all())
				stop(t, sys, pid)
			})
		})
	}
}

func TestMailbox_ManyActorsSpawnedAndStoppedUnderFire_AllStop(t *testing.T) {
	for name, mailbox := range mailboxes() {
		t.Run(name, func(t *testing.T) {
			sys := actortest.NewSystem(t, func(o *actors.Options) { o.Logger = nil })
			props := actor.PropsFromFunc(func(actor.Context) {}, mailbox())
			for range 200 {
				pid := sys.Spawn(props, "test")
				var wg sync.WaitGroup
				for range 3 {
					wg.Go(func() {
						for range 20 {
							sys.Send(pid, late{})
						}
					})
				}
				wg.Go(func() { assert.NoError(t, sys.Stop(t.Context(), pid)) })
				wg.Wait()
				require.NoError(t, sys.Stop(t.Context(), pid))
			}
		})
	}
}

// late is a message that may come too late without being reported.
type late struct{}

// IgnoreDeadLetterLogging marks it.
func (late) IgnoreDeadLetterLogging() {}
