package component_test

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/component"
)

func TestStop_BeforeStart_ClosesWhatTheOptionsBroughtAndKeepsItFromStarting(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	a := place(t, actio.Mounted, component.ApplicationOptions{Listener: l}, component.ServerOptions{})
	var stopped bool
	onStop(t, a, "redis", func(context.Context) error {
		stopped = true
		return nil
	})
	require.NoError(t, a.Stop(within(t)))
	require.NoError(t, a.Stop(within(t)))
	require.ErrorIs(t, a.Start(within(t)), component.ErrStopped)
	assert.True(t, stopped)
	nobodyListens(t, l.Addr())
	soon(t, a.Done())
	require.NoError(t, a.Err())
}

func TestStop_WhileStarting_EndsTheStart(t *testing.T) {
	a := standalone(t, actio.Attached, newJournal())
	reached := make(chan struct{})
	hook(t, a, "slow", func(ctx context.Context) error {
		close(reached)
		<-ctx.Done()
		return context.Cause(ctx)
	})
	result := start(context.Background(), a)
	soon(t, reached)
	require.NoError(t, a.Stop(within(t)))
	require.ErrorIs(t, soon(t, result), component.ErrStopped)
	require.NoError(t, a.Err(), "nothing failed")
}

func TestStop_WhileStarting_ItsContextCutsRequestsOff(t *testing.T) {
	handler, enter, cut := inFlight(t)
	a := plain(component.ApplicationOptions{
		Server:      &http.Server{Addr: "127.0.0.1:0", Handler: handler, ReadHeaderTimeout: patience},
		StopTimeout: time.Hour,
	})
	reached := make(chan struct{})
	hook(t, a, "slow", func(ctx context.Context) error {
		enter(a)
		close(reached)
		<-ctx.Done()
		return context.Cause(ctx)
	})
	result := start(context.Background(), a)
	soon(t, reached)
	brief, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, soon(t, stop(brief, a)), context.DeadlineExceeded)
	soon(t, cut)
	require.ErrorIs(t, soon(t, result), component.ErrStopped)
}

func TestStart_FailingHookWithARequestInFlight_EndsWithinStopTimeout(t *testing.T) {
	handler, enter, cut := inFlight(t)
	a := plain(component.ApplicationOptions{
		Server:      &http.Server{Addr: "127.0.0.1:0", Handler: handler, ReadHeaderTimeout: patience},
		StopTimeout: 100 * time.Millisecond,
	})
	hook(t, a, "bad", func(context.Context) error {
		enter(a)
		return errLuck
	})
	err := soon(t, start(context.Background(), a))
	require.ErrorIs(t, err, errLuck)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	soon(t, cut)
	nobodyListens(t, a.Addr())
}

func TestStart_ItsContextEnds_StopHooksGetALivingOne(t *testing.T) {
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), contextKey{}, "kept"))
	a := plain(component.ApplicationOptions{})
	hook(t, a, "signal", func(ctx context.Context) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	})
	var got error
	var until time.Time
	onStop(t, a, "deregister", func(ctx context.Context) error {
		got = ctx.Err()
		until, _ = ctx.Deadline()
		assert.Equal(t, "kept", ctx.Value(contextKey{}))
		return nil
	})
	require.ErrorIs(t, a.Start(ctx), context.Canceled)
	require.NoError(t, got)
	assert.WithinDuration(t, time.Now().Add(10*time.Second), until, 5*time.Second, "the default of StopTimeout")
}

type contextKey struct{}

func TestStop_EndedContext_ClosesEverything(t *testing.T) {
	for range 20 { // what is random shows
		a := standalone(t, actio.Attached, newJournal())
		ran := make(chan struct{})
		onStop(t, a, "redis", func(context.Context) error {
			close(ran)
			return nil
		})
		require.NoError(t, a.Start(within(t)))
		_ = a.Stop(ended())
		soon(t, ran)
		nobodyListens(t, a.Addr())
		soon(t, a.Done())
		require.ErrorIs(t, a.Start(within(t)), component.ErrStopped)
	}
}

func TestStop_AgainWithAnEndedContext_ReturnsWhatTheFirstDid(t *testing.T) {
	a := plain(component.ApplicationOptions{})
	onStop(t, a, "bad", func(context.Context) error { return errLuck })
	require.NoError(t, a.Start(within(t)))
	require.ErrorIs(t, a.Stop(within(t)), errLuck)
	for range 50 {
		require.ErrorIs(t, a.Stop(ended()), errLuck)
	}
}

func TestStop_ManyCallers_AllWaitForTheFirst(t *testing.T) {
	a := standalone(t, actio.Mounted, newJournal())
	release := make(chan struct{})
	reached := make(chan struct{})
	onStop(t, a, "bad", func(context.Context) error {
		close(reached)
		<-release
		return errLuck
	})
	require.NoError(t, a.Start(within(t)))
	first := stop(within(t), a)
	soon(t, reached)
	require.ErrorIs(t, a.Stop(ended()), context.Canceled, "no longer than its own context")
	var callers sync.WaitGroup
	for range 10 {
		callers.Go(func() { assert.ErrorIs(t, a.Stop(within(t)), errLuck) })
	}
	close(release)
	callers.Wait()
	require.ErrorIs(t, soon(t, first), errLuck, "nobody else cuts it off")
	soon(t, a.Done())
}

func TestStop_FailingSteps_DoNotKeepTheOthersFromRunning(t *testing.T) {
	log := newJournal()
	a := standalone(t, actio.Attached, log)
	var order []string
	step := func(name string, fail func() error) component.Hook {
		return func(context.Context) error {
			order = append(order, name)
			return fail()
		}
	}
	refuse := func() error { return errLuck }
	panics := func() error { panic("no way") }
	require.NoError(t, a.Use(
		probe{stop: step("first component", refuse)}, probe{stop: step("second component", panics)},
	))
	onStop(t, a, "first", step("first hook", panics))
	onStop(t, a, "second", step("second hook", refuse))
	require.NoError(t, a.Start(within(t)))
	err := a.Stop(within(t))
	require.ErrorIs(t, err, errLuck)
	require.ErrorIs(t, err, component.ErrPanic)
	require.ErrorContains(t, err, `stop hook "first": panic: no way`)
	require.ErrorContains(t, err, `stop hook "second": no luck`)
	require.ErrorContains(t, err, "component: stop component_test.probe")
	assert.Equal(t, []string{"second component", "first component", "second hook", "first hook"}, order)
	log.find(t, "ERROR Failed hook identifier=second took_ms=")
	nobodyListens(t, a.Addr())
}

func TestStop_StepIgnoresItsContext_IsNamedAndLeftBehind(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	for name, use := range map[string]func(a *component.Application){
		`stop hook "hang"`: func(a *component.Application) {
			onStop(t, a, "hang", func(context.Context) error {
				<-hang
				return nil
			})
		},
		"stop component_test.probe": func(a *component.Application) {
			require.NoError(t, a.Use(probe{stop: func(context.Context) error {
				<-hang
				return nil
			}}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := plain(component.ApplicationOptions{})
			var redis bool
			onStop(t, a, "redis", func(context.Context) error {
				redis = true
				return nil
			})
			use(a)
			require.NoError(t, a.Start(within(t)))
			err := soon(t, stop(ended(), a))
			require.ErrorIs(t, err, actio.ErrStillRunning)
			require.ErrorContains(t, err, name)
			assert.True(t, redis, "the other steps are made")
			nobodyListens(t, a.Addr())
		})
	}
}

func TestStart_HookIgnoresItsContext_IsNamedAndLeftBehind(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	a := plain(component.ApplicationOptions{})
	reached := make(chan struct{})
	hook(t, a, "hang", func(context.Context) error {
		close(reached)
		<-hang
		return nil
	})
	result := start(context.Background(), a)
	soon(t, reached)
	require.NoError(t, soon(t, stop(within(t), a)))
	err := soon(t, result)
	require.ErrorIs(t, err, actio.ErrStillRunning)
	require.ErrorIs(t, err, component.ErrStopped)
	require.ErrorContains(t, err, `post-start hook "hang"`)
}

func TestHook_ReturnsInTheGrace_IsNotLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := plain(component.ApplicationOptions{})
		hook(t, a, "tidy", func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(component.ReturnGrace / 2) // of the bubble
			return errLuck
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, component.ExecutePostStartHooks(ctx, a), errLuck)
	})
}

func TestStop_InsideAHookOrAComponent_IsAnError(t *testing.T) {
	a := plain(component.ApplicationOptions{})
	var inside []error
	note := func(ctx context.Context) error {
		inside = append(inside, a.Stop(ctx))
		return nil
	}
	require.NoError(t, a.Use(probe{
		binding: func(ctx context.Context, _ *component.Application) error { return note(ctx) }, stop: note,
	}))
	hook(t, a, "start", note)
	onStop(t, a, "stop", note)
	require.NoError(t, soon(t, start(within(t), a)))
	require.NoError(t, soon(t, stop(within(t), a)))
	require.Len(t, inside, 4)
	for _, err := range inside {
		require.ErrorIs(t, err, component.ErrInsideHook)
	}
}

func TestStop_InsideAHookWithAnotherContext_EndsAllTheSame(t *testing.T) {
	a := plain(component.ApplicationOptions{})
	inside := make(chan error, 1)
	hook(t, a, "self", func(context.Context) error {
		inside <- a.Stop(context.Background())
		return nil
	})
	require.ErrorIs(t, soon(t, start(context.Background(), a)), component.ErrStopped)
	require.NoError(t, soon(t, inside))
}
