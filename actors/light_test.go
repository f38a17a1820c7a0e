package actors_test

import (
	"testing"
	"testing/synctest"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/actortest"
)

// feather is a light message as Receive gets it in the sender's goroutine.
type feather int

// even makes even numbers light.
func even(m any) any {
	if n, ok := m.(int); ok && n%2 == 0 {
		return feather(n)
	}
	return nil
}

// where is what was handled in which goroutine.
type where struct {
	message any
	mine    bool
}

// watch spawns an actor that notes what it handles.
func watch(sys *actors.System, meanwhile func(m any)) (*actor.PID, *[]where) {
	me := goid()
	var got []where
	return sys.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch m := ctx.Message().(type) {
		case int, feather:
			got = append(got, where{m, goid() == me})
			if meanwhile != nil {
				meanwhile(m)
			}
		}
	}, actors.Light(even)), "test"), &got
}

func TestLight_IdleActor_RunsLightMessagesOnlyInTheSendersGoroutine(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t)
		pid, got := watch(sys, nil)
		for n := 1; n <= 4; n++ {
			synctest.Wait()
			sys.Send(pid, n)
		}
		synctest.Wait()
		assert.Equal(t, []where{{1, false}, {feather(2), true}, {3, false}, {feather(4), true}}, *got)
		stop(t, sys, pid)
	})
}

func TestLight_MoreComesMeanwhile_IsHandledInTheActorsGoroutineInOrder(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t)
		var pid *actor.PID
		pid, got := watch(sys, func(m any) {
			if m == feather(0) {
				for n := 1; n <= 4; n++ {
					sys.Send(pid, n)
				}
			}
		})
		synctest.Wait()
		sys.Send(pid, 0)
		synctest.Wait()
		assert.Equal(t, []where{{feather(0), true}, {1, false}, {2, false}, {3, false}, {4, false}}, *got)
		stop(t, sys, pid)
	})
}

func TestLight_PanicInTheSendersGoroutine_ReachesTheSupervisionOnly(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t)
		pid, got := watch(sys, func(m any) {
			if m == feather(2) {
				panic("test")
			}
		})
		synctest.Wait()
		require.NotPanics(t, func() { sys.Send(pid, 2) })
		synctest.Wait()
		sys.Send(pid, 4)
		assert.Equal(t, []where{{feather(2), true}, {feather(4), true}}, *got)
		stop(t, sys, pid)
	})
}

func TestLight_SendToAnIdleActor_AllocatesNothing(t *testing.T) {
	sys := actortest.NewSystem(t)
	pid, handled := spawnGuarded(t, sys, actors.Light(func(m any) any { return m }))
	m := &ping{}
	settleInline(sys, pid, m, handled)
	allocations(t, func() { sys.Send(pid, m) })
}
