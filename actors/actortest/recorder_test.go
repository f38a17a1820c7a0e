package actortest_test

import (
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors/actortest"
)

// TestRecorder_Receive_IsDrivenWithoutASystem also shows how to use it.
func TestRecorder_Receive_IsDrivenWithoutASystem(t *testing.T) {
	other, props := actortest.NewPID("other"), actor.PropsFromFunc(func(actor.Context) {})
	var child, second *actor.PID
	a := actor.ReceiveFunc(func(ctx actor.Context) {
		switch m := ctx.Message().(type) {
		case *actor.Started:
			child = ctx.Spawn(props)
			second = ctx.SpawnPrefix(props, "second")
			ctx.Watch(child)
		case string:
			ctx.Send(child, m)
			ctx.Request(other, m)
			ctx.Forward(other)
			ctx.Respond("done " + m)
		case *actor.Terminated:
			ctx.Unwatch(m.Who)
			ctx.Poison(second)
			ctx.Stop(ctx.Self())
		}
	})
	r := actortest.NewRecorder()
	r.Deliver(a, &actor.Started{})
	require.Len(t, r.Spawned, 2)
	assert.Same(t, props, r.Spawned[0].Props)
	assert.Equal(t, "self/$1", child.Id)
	assert.Equal(t, "self/second$2", second.Id)
	assert.Equal(t, []*actor.PID{child}, r.Watched)

	r.DeliverFrom(a, other, "work")
	assert.Same(t, other, r.Sender())
	assert.NotNil(t, r.Actor())
	assert.Equal(t, []any{"work"}, r.SentTo(child))
	assert.Equal(t, []any{"work", "work"}, r.SentTo(other))
	assert.Equal(t, []*actor.PID{nil, r.Self(), other}, []*actor.PID{r.Sent[0].From, r.Sent[1].From, r.Sent[2].From})
	assert.Equal(t, []any{"done work"}, r.Responses)

	r.Deliver(a, &actor.Terminated{Who: child})
	assert.Equal(t, []*actor.PID{child}, r.Unwatched)
	assert.Equal(t, []*actor.PID{second}, r.Poisoned)
	assert.Equal(t, []*actor.PID{r.Self()}, r.Stopped)

	r.Clear()
	assert.Empty(t, r.Sent)
	assert.Empty(t, r.Spawned)
	assert.NotNil(t, r.Self())
	assert.NotNil(t, r.Parent())
}

func TestRecorder_SpawnNamedTwice_SaysThatTheNameExists(t *testing.T) {
	r := actortest.NewRecorder()
	props := actor.PropsFromFunc(func(actor.Context) {})
	one, err := r.SpawnNamed(props, "one")
	require.NoError(t, err)
	again, err := r.SpawnNamed(props, "one")
	require.ErrorIs(t, err, actor.ErrNameExists)
	assert.Same(t, one, again)
}

func TestRecorder_UnknownMethod_Panics(t *testing.T) {
	a := actor.ReceiveFunc(func(ctx actor.Context) { ctx.Stash() })
	assert.Panics(t, func() { actortest.NewRecorder().Deliver(a, "m") })
}
