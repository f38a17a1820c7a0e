package component_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/component"
)

const patience = 20 * time.Second

func contains(list []error, err error) bool { return slices.Contains(list, err) }
func isError(err, target error) bool        { return errors.Is(err, target) }

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// journal keeps the messages of a log, each with its identifier.
type journal struct {
	slog.Handler
	mutex sync.Mutex
	lines []string
}

func newJournal() *journal { return &journal{Handler: slog.DiscardHandler} }

func (j *journal) Enabled(context.Context, slog.Level) bool { return true }
func (j *journal) WithAttrs([]slog.Attr) slog.Handler       { return j }

func (j *journal) Handle(_ context.Context, r slog.Record) error {
	line := r.Message
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "identifier" || a.Key == "took_ms" || a.Key == "count" {
			line += " " + a.String()
		}
		return true
	})
	j.mutex.Lock()
	defer j.mutex.Unlock()
	j.lines = append(j.lines, line)
	return nil
}

func (j *journal) all() []string {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return slices.Clone(j.lines)
}

// standalone makes an application with a Socket.IO server that needs no Redis, and a handler of its own.
func standalone(hosting actio.Hosting, log slog.Handler) *component.Application {
	own := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "own") })
	a := component.NewApplication(component.ApplicationOptions{
		Server: &http.Server{Addr: "127.0.0.1:0", Handler: own, ReadHeaderTimeout: patience}, Logger: slog.New(log),
	})
	component.Bind(a.Container(), component.AuthenticateHandler, allow)
	component.Bind(a.Container(), component.ServerConfig, component.ServerOptions{Standalone: true})
	a.Use(component.NewSocketIO(hosting))
	return a
}

// get makes one request on a connection of its own.
func get(t *testing.T, a *component.Application, path string) (status int, body, retryAfter string) {
	t.Helper()
	r, err := http.NewRequestWithContext(within(t), http.MethodGet, "http://"+a.Addr().String()+path, nil)
	require.NoError(t, err)
	r.Close = true
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text), response.Header.Get("Retry-After")
}

const handshake = "/io/?EIO=4&transport=polling"

func hostings() map[string]actio.Hosting {
	return map[string]actio.Hosting{"attached": actio.Attached, "mounted": actio.Mounted}
}

func TestStart_Lifecycle_IsInTheReferencesOrder(t *testing.T) {
	for name, hosting := range hostings() {
		t.Run(name, func(t *testing.T) {
			log := newJournal()
			a := standalone(hosting, log)
			var order []string
			note := func(s string) { order = append(order, s) }
			a.Use(probe{
				binding: func() error {
					_, listening := a.ServerInstance()
					assert.False(t, listening, "components are bound before the server listens")
					note("binding")
					a.RegisterPostStartHook("late", func(context.Context) error {
						_, live := component.Get(a.Container(), component.Instance)
						assert.True(t, live, "a hook that was registered after the component's sees the instance")
						note("late hook")
						return nil
					})
					return nil
				},
				stop: func() { note("component stopped") },
			})
			a.RegisterPostStartHook("early", func(context.Context) error {
				server, listening := a.ServerInstance()
				assert.True(t, listening)
				assert.NotNil(t, server)
				_, live := component.Get(a.Container(), component.Instance)
				assert.False(t, live, "a hook that was registered before the component's does not see the instance")
				status, _, retry := get(t, a, handshake)
				assert.Equal(t, http.StatusServiceUnavailable, status)
				assert.NotEmpty(t, retry)
				note("early hook")
				return nil
			})
			a.RegisterStopHook("redis", func(context.Context) error {
				_, live := component.Get(a.Container(), component.Instance)
				assert.False(t, live, "Socket.IO stops before what it stands on")
				status, body, _ := get(t, a, "/own")
				assert.Equal(t, http.StatusOK, status, "the HTTP server stops last")
				assert.Equal(t, "own", body)
				note("stop hook redis")
				return nil
			})
			a.RegisterStopHook("second", func(context.Context) error {
				note("stop hook second")
				return nil
			})
			require.NoError(t, a.Start(within(t)))
			status, body, _ := get(t, a, handshake)
			assert.Equal(t, http.StatusOK, status)
			assert.Contains(t, body, `"sid"`)
			status, body, _ = get(t, a, "/ios/?EIO=4&transport=polling")
			assert.Equal(t, http.StatusOK, status)
			assert.Equal(t, "own", body, "/ios is not under /io")
			require.NoError(t, a.Stop(within(t)))
			assert.Equal(t, []string{
				"binding", "early hook", "late hook", "component stopped", "stop hook second", "stop hook redis",
			}, order)
			assert.NoError(t, a.Err())
			<-a.Done()
			inOrder(t, log.all(), "Registered post-start hook identifier=early", "Binding SocketIO for application...",
				"Registered post-start hook identifier=socket-io-initialize", "Server STARTED", "Executing post-start hooks count=3",
				"Executed hook identifier=early took_ms=", "SocketIO initialized",
				"Executed hook identifier=socket-io-initialize took_ms=", "Executed hook identifier=late took_ms=", "SocketIO stopped")
		})
	}
}

// inOrder checks that lines with these beginnings are in the log, in this order.
func inOrder(t *testing.T, lines []string, wanted ...string) {
	t.Helper()
	for _, line := range lines {
		if len(wanted) > 0 && strings.HasPrefix(line, wanted[0]) {
			wanted = wanted[1:]
		}
	}
	assert.Empty(t, wanted, "%s", strings.Join(lines, "\n"))
}

// probe is a component of a test.
type probe struct {
	binding func() error
	stop    func()
}

func (p probe) Binding(*component.Application) error { return p.binding() }

func (p probe) Stop(context.Context) error {
	if p.stop != nil {
		p.stop()
	}
	return nil
}

func TestStart_FailingHook_StopsTheStartAndClosesWhatWasOpened(t *testing.T) {
	failure := errors.New("no luck")
	for name, hook := range map[string]component.Hook{
		"error": func(context.Context) error { return failure },
		"panic": func(context.Context) error { panic(failure) },
	} {
		for hostingName, hosting := range hostings() {
			t.Run(name+" "+hostingName, func(t *testing.T) {
				a := standalone(hosting, newJournal())
				a.RegisterStopHook("redis", func(context.Context) error { return nil })
				var stopped, later atomic.Bool
				a.Use(probe{binding: func() error {
					a.RegisterPostStartHook("bad", hook)
					a.RegisterPostStartHook("next", func(context.Context) error {
						later.Store(true)
						return nil
					})
					return nil
				}, stop: func() { stopped.Store(true) }})
				err := a.Start(within(t))
				require.ErrorContains(t, err, `post-start hook "bad"`)
				require.ErrorContains(t, err, "no luck")
				assert.False(t, later.Load())
				assert.True(t, stopped.Load())
				<-a.Done()
				_, err = net.Dial("tcp", a.Addr().String())
				assert.Error(t, err, "nobody listens any more")
				require.NoError(t, a.Stop(within(t)))
				require.ErrorIs(t, a.Start(within(t)), component.ErrStopped)
			})
		}
	}
}

func TestStart_WhatIsWrongBeforeListening_OpensNothing(t *testing.T) {
	a := standalone(actio.Attached, newJournal())
	component.Unbind(a.Container(), component.AuthenticateHandler)
	require.ErrorIs(t, a.Start(within(t)), component.ErrAuthenticateHandler)
	assert.Nil(t, a.Addr())

	a = standalone(actio.Hosting(7), newJournal())
	require.ErrorIs(t, a.Start(within(t)), component.ErrHosting)

	bad := component.ServerOptions{Standalone: true}
	bad.MaxRooms = -1
	a = standalone(actio.Mounted, newJournal())
	component.Bind(a.Container(), component.ServerConfig, bad)
	require.ErrorContains(t, a.Start(within(t)), "MaxRooms is negative")

	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = taken.Close() }()
	a = component.NewApplication(component.ApplicationOptions{Server: &http.Server{
		Addr: taken.Addr().String(), ReadHeaderTimeout: patience,
	}})
	require.ErrorContains(t, a.Start(within(t)), "address already in use")
}

func TestStart_RedisUnreachable_FailsAndLeavesNothingOpen(t *testing.T) {
	a := standalone(actio.Attached, newJournal())
	component.Bind(a.Container(), component.ServerConfig, component.ServerOptions{Options: actio.Options{
		Redis: actio.RedisOptions{ReadyTimeout: 100 * time.Millisecond},
	}})
	bindUnreachable(t, a)
	require.ErrorContains(t, a.Start(within(t)), `post-start hook "socket-io-initialize"`)
}

func TestStart_Twice_SecondIsAnError(t *testing.T) {
	a := standalone(actio.Attached, newJournal())
	require.NoError(t, a.Start(within(t)))
	require.ErrorIs(t, a.Start(within(t)), component.ErrStarted)
	status, _, _ := get(t, a, handshake)
	assert.Equal(t, http.StatusOK, status, "the first is not harmed")
	require.NoError(t, a.Stop(within(t)))
}

func TestStop_BeforeStart_IsHarmlessAndKeepsItFromStarting(t *testing.T) {
	a := standalone(actio.Mounted, newJournal())
	require.NoError(t, a.Stop(within(t)))
	require.NoError(t, a.Stop(within(t)))
	require.ErrorIs(t, a.Start(within(t)), component.ErrStopped)
}

func TestStop_WhileStarting_EndsTheStart(t *testing.T) {
	a := standalone(actio.Attached, newJournal())
	reached := make(chan struct{})
	a.RegisterPostStartHook("slow", func(ctx context.Context) error {
		close(reached)
		<-ctx.Done()
		return context.Cause(ctx)
	})
	result := make(chan error, 1)
	go func() { result <- a.Start(context.Background()) }()
	<-reached
	require.NoError(t, a.Stop(within(t)))
	require.ErrorIs(t, <-result, component.ErrStopped)
}

func TestStop_ManyCallers_AllWaitForTheFirst(t *testing.T) {
	a := standalone(actio.Mounted, newJournal())
	failure := errors.New("cannot close")
	a.RegisterStopHook("bad", func(context.Context) error { return failure })
	require.NoError(t, a.Start(within(t)))
	var callers sync.WaitGroup
	for range 10 {
		callers.Go(func() { assert.ErrorIs(t, a.Stop(within(t)), failure) })
	}
	callers.Wait()
	<-a.Done()
}

func TestHook_WithoutServer_SaysSo(t *testing.T) {
	a := standalone(actio.Attached, newJournal())
	socketio := component.NewSocketIO(actio.Attached)
	require.NoError(t, socketio.Binding(a))
	require.ErrorContains(t, component.ExecutePostStartHooks(a, within(t)), "HTTP server not available for Node.js runtime!")
	require.NoError(t, socketio.Stop(within(t)))
}

// TestStart_GoingLiveUnderLoad requests the application's own handler and the path of Socket.IO from the first moment on.
func TestStart_GoingLiveUnderLoad_NoRequestFails(t *testing.T) {
	for name, hosting := range hostings() {
		t.Run(name, func(t *testing.T) {
			a := standalone(hosting, newJournal())
			listening, live := make(chan struct{}), make(chan struct{})
			var before, after atomic.Int32
			var hold sync.WaitGroup
			hold.Add(1)
			a.RegisterPostStartHook("hold", func(context.Context) error {
				close(listening)
				hold.Wait()
				return nil
			})
			result := make(chan error, 1)
			go func() { result <- a.Start(context.Background()) }()
			<-listening
			stop := make(chan struct{})
			var load sync.WaitGroup
			for range 8 {
				load.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
						}
						status, body, _ := get(t, a, "/own")
						assert.Equal(t, http.StatusOK, status)
						assert.Equal(t, "own", body)
						wasLive := isClosed(live)
						status, _, retry := get(t, a, handshake)
						if status == http.StatusOK {
							after.Add(1)
							continue
						}
						assert.Equal(t, http.StatusServiceUnavailable, status)
						assert.NotEmpty(t, retry)
						assert.False(t, wasLive, "refused although live")
						before.Add(1)
					}
				})
			}
			require.Eventually(t, func() bool { return before.Load() > 50 }, patience, time.Millisecond)
			hold.Done()
			require.NoError(t, <-result)
			close(live)
			require.Eventually(t, func() bool { return after.Load() > 50 }, patience, time.Millisecond)
			close(stop)
			load.Wait()
			require.NoError(t, a.Stop(within(t)))
		})
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
