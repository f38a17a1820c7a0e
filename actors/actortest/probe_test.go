package actortest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/actortest"
)

func TestProbe_Expect_TakesMessagesInOrderAndWaitsForThem(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t)
		p := actortest.NewProbe(t, sys)
		sys.Send(p.PID(), 1)
		sys.Send(p.PID(), "two")
		later := sys.Clock().NewTimer("later", func() { sys.Send(p.PID(), 3.0) })
		later.Reset(5 * time.Second)
		synctest.Wait()
		assert.Equal(t, []any{1, "two"}, p.Received())
		assert.Equal(t, 1, actortest.Expect[int](t, p))
		assert.Equal(t, "two", actortest.Expect[string](t, p))
		actortest.ExpectNone(t, p, 1)
		assert.InDelta(t, 3.0, actortest.Expect[float64](t, p), 0)
		assert.Empty(t, p.Drain())
	})
}

func TestProbe_Expect_OutsideOfABubble_Works(t *testing.T) {
	sys := actortest.NewSystem(t)
	p := actortest.NewProbe(t, sys)
	go sys.Send(p.PID(), "real time")
	assert.Equal(t, "real time", actortest.Expect[string](t, p))
	actortest.ExpectNone(t, p, 0)
}

func TestProbe_WrongOrMissingMessage_FailsTheTest(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t)
		p := actortest.NewProbe(t, sys)
		j := &judge{}
		sys.Send(p.PID(), "text")
		actortest.Expect[int](j, p)
		start := time.Now()
		actortest.Expect[int](j, p)
		assert.Equal(t, 10*time.Second, time.Since(start))
		sys.Send(p.PID(), "more")
		actortest.ExpectNone(j, p, 0)
		assert.Equal(t, []string{
			"the probe got a string (text), want a int",
			"the probe got nothing, want a int",
			"the probe got a string (more), want nothing",
		}, j.failures)
	})
}

func TestProbe_RequestAndWatch_BringTheAnswerAndTheEnd(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t)
		p := actortest.NewProbe(t, sys)
		pid := sys.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			if m, ok := ctx.Message().(int); ok {
				ctx.RequestWithCustomSender(ctx.Sender(), m+1, ctx.Self())
			}
		}, actors.Inline()), "test")
		p.Request(pid, 41)
		assert.Equal(t, 42, actortest.Expect[int](t, p))
		assert.True(t, p.Sender().Equal(pid))
		p.Watch(pid)
		require.NoError(t, sys.Stop(t.Context(), pid))
		assert.True(t, actortest.Expect[*actor.Terminated](t, p).Who.Equal(pid))
	})
}
