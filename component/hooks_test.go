package component_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/component"
)

func TestStart_FailingHook_StopsTheStartAndClosesWhatWasOpened(t *testing.T) {
	for name, bad := range map[string]component.Hook{
		"error":  func(context.Context) error { return errLuck },
		"panic":  func(context.Context) error { panic(errLuck) },
		"goexit": func(context.Context) error { runtime.Goexit(); return nil },
	} {
		for hostingName, hosting := range hostings() {
			t.Run(name+" "+hostingName, func(t *testing.T) {
				a := standalone(t, hosting, newJournal())
				var stopped, later, redis atomic.Bool
				onStop(t, a, "redis", func(context.Context) error {
					redis.Store(true)
					return nil
				})
				require.NoError(t, a.Use(probe{
					binding: func(_ context.Context, a *component.Application) error {
						hook(t, a, "bad", bad)
						hook(t, a, "next", func(context.Context) error {
							later.Store(true)
							return nil
						})
						return nil
					},
					stop: func(context.Context) error {
						stopped.Store(true)
						return nil
					},
				}))
				err := a.Start(within(t))
				require.ErrorContains(t, err, `post-start hook "bad"`)
				if name == "goexit" {
					require.ErrorIs(t, err, component.ErrPanic)
				} else {
					require.ErrorIs(t, err, errLuck, "also out of a panic")
				}
				assert.False(t, later.Load())
				assert.True(t, stopped.Load())
				assert.True(t, redis.Load())
				soon(t, a.Done())
				require.Error(t, a.Err())
				nobodyListens(t, a.Addr())
				require.NoError(t, a.Stop(within(t)))
				require.ErrorIs(t, a.Start(within(t)), component.ErrStopped)
			})
		}
	}
}

func TestStart_BindingPanics_IsAnErrorAndClosesWhatWasOpened(t *testing.T) {
	a := standalone(t, actio.Attached, newJournal())
	var stopped, redis bool
	onStop(t, a, "redis", func(context.Context) error {
		redis = true
		return nil
	})
	require.NoError(t, a.Use(probe{
		binding: func(context.Context, *component.Application) error { panic("no way") },
		stop: func(context.Context) error {
			stopped = true
			return nil
		},
	}))
	err := a.Start(within(t))
	require.ErrorIs(t, err, component.ErrPanic)
	require.ErrorContains(t, err, "no way")
	assert.True(t, stopped)
	assert.True(t, redis)
	assert.Nil(t, a.Addr())
	soon(t, a.Done())
}

func TestRegister_InsideAHook_RunsTooAndLaterIsAnError(t *testing.T) {
	a := plain(component.ApplicationOptions{})
	nothing := func(context.Context) error { return nil }
	require.ErrorIs(t, a.RegisterPostStartHook("nil", nil), component.ErrNil)
	require.ErrorIs(t, a.RegisterStopHook("nil", nil), component.ErrNil)
	var ran []string
	hook(t, a, "outer", func(context.Context) error {
		return a.RegisterPostStartHook("inner", func(context.Context) error {
			ran = append(ran, "inner")
			return nil
		})
	})
	onStop(t, a, "outer", func(context.Context) error {
		return a.RegisterStopHook("inner", func(context.Context) error {
			ran = append(ran, "inner stop")
			return nil
		})
	})
	require.NoError(t, a.Start(within(t)))
	require.ErrorIs(t, a.RegisterPostStartHook("late", nothing), component.ErrTooLate)
	require.NoError(t, a.Stop(within(t)))
	require.ErrorIs(t, a.RegisterStopHook("late", nothing), component.ErrTooLate)
	assert.Equal(t, []string{"inner", "inner stop"}, ran)

	a = plain(component.ApplicationOptions{})
	require.NoError(t, a.Stop(within(t)))
	require.ErrorIs(t, a.RegisterPostStartHook("late", nothing), component.ErrTooLate)
	require.ErrorIs(t, a.Use(probe{}), component.ErrTooLate)
}

func TestHook_OfTheComponentWithoutServer_SaysSo(t *testing.T) {
	a := standalone(t, actio.Attached, newJournal())
	socketio := component.NewSocketIO(actio.Attached)
	require.NoError(t, socketio.Binding(within(t), a))
	require.ErrorContains(t, component.ExecutePostStartHooks(within(t), a), "HTTP server not available for Node.js runtime!")
	require.NoError(t, socketio.Stop(within(t), a))
}
