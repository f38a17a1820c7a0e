package actors_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/actortest"
)

func TestSystem_TwoOnOneActorSystem_DoNotTouchEachOther(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		shared := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
			return slog.New(slog.DiscardHandler)
		}))
		in := func(o *actors.Options) { o.ActorSystem = shared }
		one, two := actortest.NewSystem(t, in), actortest.NewSystem(t, in)
		require.Same(t, shared, one.Actors())
		require.Same(t, shared, two.Actors())
		echo := actor.PropsFromFunc(func(ctx actor.Context) {
			if m, ok := ctx.Message().(string); ok {
				ctx.Respond("echo " + m)
			}
		}, actors.Inline())
		a, b := one.Spawn(echo, "same"), two.Spawn(echo, "same")
		require.NotEqual(t, a.Id, b.Id)
		timer := one.Clock().NewTimer("of one", func() {})
		timer.Reset(time.Hour)
		assert.Empty(t, two.Clock().Armed())
		two.Workers().Run(task(func() {}))
		assert.Empty(t, one.Running())
		stop(t, one, a)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, one.Close(ctx), actors.ErrStillRunning, "its own timer")
		assert.False(t, shared.IsStopped())

		probe := actortest.NewProbe(t, two)
		probe.Request(b, "two")
		assert.Equal(t, "echo two", actortest.Expect[string](t, probe), "the other one lives on")
		stop(t, two, b)
		timer.Stop()
	})
}

func TestSystem_Spawn_GivesUniqueUnguessableNames(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t)
		props := actor.PropsFromFunc(func(actor.Context) {}, actors.Inline())
		seen := map[string]bool{}
		for range 100 {
			pid := sys.Spawn(props, "connection")
			assert.Regexp(t, `^connection-[0-9a-z]+\$.+$`, pid.Id)
			assert.False(t, seen[pid.Id])
			seen[pid.Id] = true
			stop(t, sys, pid)
		}
	})
}

func TestSystem_Go_CountsUntilTheGoroutineEndsAndReportsItsPanic(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		var where string
		var stack []byte
		sys := actortest.NewSystem(t, func(o *actors.Options) {
			o.Logger = nil
			o.OnPanic = func(w string, _ any, s []byte) { where, stack = w, s; panic("in the callback") }
		})
		release := make(chan struct{})
		for range 3 {
			sys.Go("reader", func() { <-release })
		}
		sys.Go("writer", func() { <-release; panic("late") })
		assert.Equal(t, map[string]int{"reader": 3, "writer": 1}, sys.Running())
		close(release)
		synctest.Wait()
		assert.Empty(t, sys.Running())
		assert.EqualValues(t, 1, sys.Panics())
		assert.Equal(t, "writer", where)
		assert.Contains(t, string(stack), "system_test.go")
	})
}

func TestSystem_Report_LogsAtErrorWithTheStack(t *testing.T) {
	var log bytes.Buffer
	sys := actortest.NewSystem(t, func(o *actors.Options) { o.Logger = slog.New(slog.NewJSONHandler(&log, nil)) })
	sys.Report("somewhere", errors.New("bang"), []byte("goroutine 1"))
	assert.Regexp(t, `"level":"ERROR","msg":"panic","where":"somewhere","panic":"bang","stack":"goroutine 1"`, log.String())
	assert.EqualValues(t, 1, sys.Panics())
}

func TestSystem_DeadLetters_AreNeverLogged(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		var mu sync.Mutex
		var log bytes.Buffer
		sys := actortest.NewSystem(t, func(o *actors.Options) {
			o.Logger = slog.New(slog.NewTextHandler(lockedWriter{&mu, &log}, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		pid := sys.Spawn(actor.PropsFromFunc(func(actor.Context) {}, actors.Inline()), "test")
		stop(t, sys, pid)
		sys.Send(pid, "secret token")
		sys.Send(nil, "secret token")
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		assert.Empty(t, log.String())
	})
}

func TestSystem_OwnActorSystem_LogsFromWarnOnToTheLogger(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	sys := actortest.NewSystem(t, func(o *actors.Options) { o.Logger = logger })
	require.Same(t, logger, sys.Logger())
	l := sys.Actors().Logger().With(slog.Int("a", 1)).WithGroup("g")
	l.Info("not this")
	assert.Empty(t, log.String())
	l.Warn("this", slog.Int("b", 2))
	assert.Regexp(t, "level=WARN msg=this a=1 g.b=2", log.String())
	require.NotNil(t, actortest.NewSystem(t, func(o *actors.Options) { o.Logger = nil }).Logger())
}

type lockedWriter struct {
	mu *sync.Mutex
	to *bytes.Buffer
}

func (w lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p)
}

func TestSystem_Close_NamesWhatStillRuns(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t)
		release := make(chan struct{})
		sys.Go("reader", func() { <-release })
		sys.Go("reader", func() { <-release })
		sys.Workers().Run(task(func() { <-release }))
		timer := sys.Clock().NewTimer("pong", func() {})
		timer.Reset(time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := sys.Close(ctx)
		require.ErrorIs(t, err, actors.ErrStillRunning)
		assert.EqualError(t, err, "actors: still running: goroutine reader (2), goroutine worker (1), timer pong (1)")
		close(release)
		timer.Stop()
		require.NoError(t, sys.Close(t.Context()))
		require.NoError(t, sys.Close(t.Context()), "again")
	})
}

func TestSystem_Close_WaitsForGoroutines(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t)
		start := time.Now()
		sys.Go("slow", func() { time.Sleep(3 * time.Second) })
		sys.Go("quick", func() { time.Sleep(time.Second) })
		require.NoError(t, sys.Close(t.Context()))
		assert.Equal(t, 3*time.Second, time.Since(start))
	})
}

func TestSystem_Stop_ReturnsWhenTheActorAndItsChildrenHaveStopped(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t)
		var got trace
		slow := func(name string, d time.Duration, started func(actor.Context)) *actor.Props {
			return actor.PropsFromFunc(func(ctx actor.Context) {
				switch ctx.Message().(type) {
				case *actor.Started:
					started(ctx)
				case *actor.Stopped:
					time.Sleep(d)
					got.add(name)
				}
			}, actors.Inline())
		}
		child := slow("child", time.Second, func(actor.Context) {})
		pid := sys.Spawn(slow("parent", time.Second, func(ctx actor.Context) { ctx.Spawn(child) }), "test")
		var wg sync.WaitGroup
		for range 3 { // the later ones find it stopping already
			wg.Go(func() {
				assert.NoError(t, sys.Stop(t.Context(), pid))
				assert.Equal(t, []string{"child", "parent"}, got.all())
			})
			time.Sleep(time.Second * 2 / 5)
		}
		wg.Wait()
		require.NoError(t, sys.Stop(t.Context(), pid), "stopped long ago")
		require.NoError(t, sys.Stop(t.Context(), nil))
		require.NoError(t, sys.Stop(t.Context(), actor.NewPID("nonhost", "unheard-of")))
	})
}

func TestSystem_StopOfAnActorThatHangs_EndsWithTheContextAndStopsLater(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t)
		release := make(chan struct{})
		pid := sys.Spawn(slowStop(release), "hanging")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := sys.Stop(ctx, pid)
		require.ErrorIs(t, err, actors.ErrStillRunning)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.ErrorContains(t, err, "hanging-")
		close(release)
		require.NoError(t, sys.Stop(t.Context(), pid))
	})
}
