package actors_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/actortest"
)

func TestInline_IdleActor_RunsInTheSendersGoroutineBeforeSendReturns(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t)
		ran := 0
		pid := sys.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(int); ok {
				ran = goid()
			}
		}, actors.Inline()), "test")
		synctest.Wait()
		sys.Send(pid, 1)
		assert.Equal(t, goid(), ran)
		stop(t, sys, pid)
	})
}

func TestQueued_IdleActor_NeverRunsInTheSendersGoroutine(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t)
		var ran []int
		pid := sys.Spawn(actor.PropsFromFunc(func(actor.Context) { ran = append(ran, goid()) }, actors.Queued()), "test")
		for i := range 10 {
			sys.Send(pid, i)
			synctest.Wait()
		}
		stop(t, sys, pid)
		require.Len(t, ran, 13) // with Started, Stopping, Stopped
		assert.NotContains(t, ran, goid())
	})
}

// A goroutine enters an actor with one message, and others flood the actor while it is inside.
func TestInline_FloodedActor_ReleasesTheSenderAfterSixteenMessages(t *testing.T) {
	for name, flood := range map[string]int{"to the bound": 15, "over the bound": 16, "far over the bound": 5000} {
		t.Run(name, func(t *testing.T) {
			actortest.Bubble(t, func(t *testing.T) { flooded(t, flood) })
		})
	}
}

func flooded(t *testing.T, flood int) {
	t.Helper()
	sys := actortest.NewSystem(t)
	inside, goOn := make(chan struct{}), make(chan struct{})
	blocked := make(chan struct{})
	var got, where []int
	pid := sys.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		m, ok := ctx.Message().(int)
		if !ok {
			return
		}
		got, where = append(got, m), append(where, goid())
		switch m {
		case 0:
			close(inside)
			<-goOn
		case actors.InlineMessages: // would hold the sender for ever if it were still here
			<-blocked
		}
	}, actors.Inline()), "test")
	synctest.Wait()
	go func() {
		<-inside
		for i := range flood {
			sys.Send(pid, i+1)
		}
		close(goOn)
	}()
	sys.Send(pid, 0)
	close(blocked)
	synctest.Wait()

	require.Len(t, got, flood+1)
	mine := 0
	for i, m := range got {
		require.Equal(t, i, m, "order")
		if where[i] == goid() {
			mine++
			require.Equal(t, mine, i+1, "the sender handles the first messages only")
		}
	}
	assert.Equal(t, actors.InlineMessages, mine)
	stop(t, sys, pid)
}

func TestInline_ActorThatSendsToItselfForEver_DoesNotCaptureTheSender(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t)
		released := make(chan struct{})
		pid := sys.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			if n, ok := ctx.Message().(int); ok {
				select {
				case <-released:
				default:
					ctx.Send(ctx.Self(), n)
				}
			}
		}, actors.Inline()), "test")
		synctest.Wait()
		sys.Send(pid, 1)
		sys.Send(pid, 2)
		close(released)
		stop(t, sys, pid)
	})
}

func TestInline_TwoActorsThatAnswerEachOther_DoNotNest(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t)
		depth, count := 0, 0
		var peers [2]*actor.PID
		for i := range peers {
			peers[i] = sys.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
				n, ok := ctx.Message().(int)
				if !ok || n == 0 {
					return
				}
				var pcs [512]uintptr
				depth = max(depth, runtime.Callers(0, pcs[:]))
				count++
				ctx.Send(peers[1-i], n-1)
			}, actors.Inline()), "test")
		}
		synctest.Wait()
		sys.Send(peers[0], 10_000)
		synctest.Wait()
		assert.Equal(t, 10_000, count)
		assert.Less(t, depth, 60, "stack frames")
		stop(t, sys, peers[0])
		stop(t, sys, peers[1])
	})
}

func TestInlineFromStart_Spawned_HasStartedAndIsIdle(t *testing.T) {
	sys := actortest.NewSystem(t)
	var got []string // of this goroutine alone, which the race detector would tell otherwise
	pid := sys.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch m := ctx.Message().(type) {
		case *actor.Started:
			got = append(got, "started")
		case string:
			got = append(got, m)
		}
	}, actors.InlineFromStart()), "test")
	assert.Equal(t, []string{"started"}, got)
	sys.Send(pid, "at once")
	assert.Equal(t, []string{"started", "at once"}, got)
	stop(t, sys, pid)
}

func TestInlineFromStart_MessagesBeforeTheEndOfTheSpawn_WaitForStarted(t *testing.T) {
	sys := actortest.NewSystem(t)
	got := make(chan string, 3)
	pid := sys.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch m := ctx.Message().(type) {
		case *actor.Started:
			ctx.Send(ctx.Self(), "early")
			got <- "started"
		case string:
			got <- m
		}
	}, actors.InlineFromStart()), "test")
	sys.Send(pid, "late")
	for _, want := range []string{"started", "early", "late"} {
		assert.Equal(t, want, <-got)
	}
	stop(t, sys, pid)
}

func TestInlineFromStart_PanicInStarted_DoesNotReachWhoSpawns(t *testing.T) {
	sys := actortest.NewSystem(t)
	lives := 0
	ready := make(chan struct{})
	parent := sys.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*actor.Started); ok {
			defer func() { assert.Nil(t, recover()) }()
			ctx.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
				if _, ok := ctx.Message().(*actor.Started); ok {
					if lives++; lives == 1 {
						panic("boom")
					}
					close(ready)
				}
			}, actors.InlineFromStart()))
		}
	}, actors.Queued(), actor.WithSupervisor(actor.NewOneForOneStrategy(1, time.Second, func(any) actor.Directive {
		return actor.RestartDirective
	}))), "parent")
	<-ready
	stop(t, sys, parent)
}
