package component_test

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/component"
)

func TestStart_Lifecycle_IsInTheReferencesOrder(t *testing.T) {
	for name, hosting := range hostings() {
		t.Run(name, func(t *testing.T) {
			log := newJournal()
			a := standalone(t, hosting, log)
			var order []string
			note := func(s string) { order = append(order, s) }
			require.NoError(t, a.Use(probe{
				binding: func(_ context.Context, a *component.Application) error {
					_, listening := a.ServerInstance()
					assert.False(t, listening, "components are bound before the server listens")
					note("binding")
					return a.RegisterPostStartHook("late", func(context.Context) error {
						_, live := component.Instance.Get(a.Container())
						assert.True(t, live, "a hook that was registered after the component's sees the instance")
						note("late hook")
						return nil
					})
				},
				stop: func(context.Context) error {
					_, live := component.Instance.Get(a.Container())
					assert.True(t, live, "the last component stops first")
					note("component stopped")
					return nil
				},
			}))
			hook(t, a, "early", func(context.Context) error {
				server, listening := a.ServerInstance()
				assert.True(t, listening)
				assert.NotNil(t, server)
				_, live := component.Instance.Get(a.Container())
				assert.False(t, live, "a hook that was registered before the component's does not see the instance")
				note("early hook")
				return nil
			})
			onStop(t, a, "redis", func(context.Context) error {
				_, live := component.Instance.Get(a.Container())
				assert.False(t, live, "Socket.IO stops before what it stands on")
				status, body, _ := get(t, a, "/own")
				assert.Equal(t, http.StatusOK, status, "the HTTP server stops last")
				assert.Equal(t, "own", body)
				note("stop hook redis")
				return nil
			})
			onStop(t, a, "second", func(context.Context) error {
				note("stop hook second")
				return nil
			})
			require.NoError(t, a.Start(within(t)))
			assert.False(t, isClosed(a.Done()))
			status, body, _ := get(t, a, refused)
			assert.Equal(t, http.StatusBadRequest, status)
			assert.Contains(t, body, "Transport unknown")
			status, body, _ = get(t, a, "/ios/?EIO=4&transport=polling")
			assert.Equal(t, http.StatusOK, status)
			assert.Equal(t, "own", body, "/ios is not under /io")
			require.NoError(t, a.Stop(within(t)))
			assert.Equal(t, []string{
				"binding", "early hook", "late hook", "component stopped", "stop hook second", "stop hook redis",
			}, order)
			require.NoError(t, a.Err())
			soon(t, a.Done())
			runtime := map[string]string{"attached": "Node.js", "mounted": "Bun"}[name]
			inOrder(t, log.all(), "DEBUG Registered post-start hook identifier=early", "INFO Binding SocketIO for application...",
				"DEBUG Socket.IO Server Options identifier=SOCKET_IO_SERVER path=/io",
				"DEBUG Registered post-start hook identifier=socket-io-initialize", "INFO Server STARTED address=127.0.0.1:",
				"INFO Executing post-start hook(s)... count=3", "INFO Executed hook identifier=early took_ms=",
				"INFO SocketIO Server READY identifier=SOCKET_IO_SERVER path=/io", "INFO SocketIO initialized for "+runtime+" runtime",
				"INFO Executed hook identifier=socket-io-initialize took_ms=", "INFO Executed hook identifier=late took_ms=",
				"INFO SocketIO stopped complete=true")
		})
	}
}

func TestStart_WhatIsWrongBeforeListening_OpensNothing(t *testing.T) {
	a := standalone(t, actio.Attached, newJournal())
	component.AuthenticateHandler.Unbind(a.Container())
	require.ErrorIs(t, a.Start(within(t)), component.ErrAuthenticateHandler)
	assert.Nil(t, a.Addr())
	soon(t, a.Done())
	require.ErrorIs(t, a.Err(), component.ErrAuthenticateHandler)

	a = standalone(t, actio.Hosting(7), newJournal())
	err := a.Start(within(t))
	require.ErrorIs(t, err, component.ErrHosting)
	require.ErrorContains(t, err, "[SocketIOComponent] Unsupported runtime: 7")

	bad := component.ServerOptions{}
	bad.MaxRooms = -1
	a = place(t, actio.Mounted, component.ApplicationOptions{}, bad)
	require.ErrorContains(t, a.Start(within(t)), "MaxRooms is negative")

	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = taken.Close() }()
	a = component.NewApplication(component.ApplicationOptions{Server: &http.Server{
		Addr: taken.Addr().String(), ReadHeaderTimeout: patience,
	}})
	require.ErrorContains(t, a.Start(within(t)), "address already in use")
}

func TestStart_EndedContext_OpensNothing(t *testing.T) {
	a := plain(component.ApplicationOptions{})
	require.ErrorIs(t, a.Start(ended()), context.Canceled)
	assert.Nil(t, a.Addr())

	a = standalone(t, actio.Attached, newJournal())
	require.NoError(t, a.Use(probe{binding: func(context.Context, *component.Application) error {
		t.Error("bound although the start was over")
		return nil
	}}))
	require.ErrorIs(t, a.Start(ended()), context.Canceled)
}

func TestStart_RedisUnreachable_FailsAndLeavesNothingOpen(t *testing.T) {
	a := standalone(t, actio.Attached, newJournal())
	component.ServerConfig.Bind(a.Container(), component.ServerOptions{Options: actio.Options{
		Redis: actio.RedisOptions{ReadyTimeout: 100 * time.Millisecond},
	}})
	bindUnreachable(t, a)
	require.ErrorContains(t, a.Start(within(t)), `post-start hook "socket-io-initialize"`)
}

func TestStart_Twice_SecondIsAnError(t *testing.T) {
	a := standalone(t, actio.Attached, newJournal())
	require.NoError(t, a.Start(within(t)))
	require.ErrorIs(t, a.Start(within(t)), component.ErrStarted)
	status, _, _ := get(t, a, refused)
	assert.Equal(t, http.StatusBadRequest, status, "the first is not harmed")
	require.NoError(t, a.Stop(within(t)))
}

func TestStart_ListenerIsClosed_IsAnError(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	a := plain(component.ApplicationOptions{Listener: l})
	require.ErrorIs(t, a.Start(within(t)), net.ErrClosed)
	assert.Nil(t, a.Addr(), "it is seen before anything is told that the application listens")
	soon(t, a.Done())
}

// broken is a listener that fails when it is told to.
type broken struct {
	net.Listener

	now chan struct{}
}

func (l broken) Accept() (net.Conn, error) {
	<-l.now
	return nil, errLuck
}

func TestStart_ServerFailsWhileHooksRun_IsAnError(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	now := make(chan struct{})
	a := plain(component.ApplicationOptions{Listener: broken{l, now}})
	hook(t, a, "slow", func(ctx context.Context) error {
		close(now)
		<-ctx.Done()
		return nil
	})
	require.ErrorIs(t, a.Start(within(t)), errLuck)
	require.ErrorIs(t, a.Err(), errLuck)
	nobodyListens(t, l.Addr())
}

func TestStart_ServerWasClosedBefore_IsAnError(t *testing.T) {
	server := &http.Server{Addr: "127.0.0.1:0", ReadHeaderTimeout: patience}
	require.NoError(t, server.Close())
	a := plain(component.ApplicationOptions{Server: server})
	require.ErrorIs(t, a.Start(within(t)), http.ErrServerClosed)
	require.ErrorIs(t, a.Err(), http.ErrServerClosed)
	nobodyListens(t, a.Addr())
}

func TestApplication_ServerIsClosedBySomebodyElse_EndsWithAnError(t *testing.T) {
	log := newJournal()
	a := standalone(t, actio.Mounted, log)
	require.NoError(t, a.Start(within(t)))
	server, _ := a.ServerInstance()
	require.NoError(t, server.Close())
	soon(t, a.Done())
	require.ErrorIs(t, a.Err(), http.ErrServerClosed)
	log.find(t, "ERROR Application failed error=")
	require.NoError(t, a.Stop(within(t)), "what is left is closed")
}

func TestStart_TLS_IsServedByConfigOrByListener(t *testing.T) {
	certificate, trust := certificate(t)
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13}
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	require.NoError(t, err)
	for name, o := range map[string]component.ApplicationOptions{
		"config": {Server: &http.Server{Addr: "127.0.0.1:0", ReadHeaderTimeout: patience, TLSConfig: config.Clone()}},
		"listener": {
			Server: &http.Server{ReadHeaderTimeout: patience, Handler: http.HandlerFunc(own)}, Listener: l,
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := place(t, actio.Attached, o, component.ServerOptions{})
			require.NoError(t, a.Start(within(t)))
			web := &http.Client{Transport: &http.Transport{
				TLSClientConfig: &tls.Config{RootCAs: trust, MinVersion: tls.VersionTLS13},
			}}
			defer web.CloseIdleConnections()
			r, err := http.NewRequestWithContext(within(t), http.MethodGet, "https://"+a.Addr().String()+refused, nil)
			require.NoError(t, err)
			response, err := web.Do(r)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			assert.Equal(t, http.StatusBadRequest, response.StatusCode)
			web.CloseIdleConnections()
			require.NoError(t, a.Stop(within(t)))
		})
	}
}

func TestStart_TLSConfigWithoutCertificate_IsAnError(t *testing.T) {
	a := plain(component.ApplicationOptions{Server: &http.Server{
		Addr: "127.0.0.1:0", ReadHeaderTimeout: patience, TLSConfig: &tls.Config{MinVersion: tls.VersionTLS13},
	}})
	require.ErrorIs(t, a.Start(within(t)), component.ErrTLSConfig)
	assert.Nil(t, a.Addr())
}

func TestStart_TLSConfigUnfitForHTTP2_IsAnErrorAndClosesTheListener(t *testing.T) {
	certificate, _ := certificate(t)
	a := plain(component.ApplicationOptions{Server: &http.Server{
		Addr: "127.0.0.1:0", ReadHeaderTimeout: patience, TLSConfig: &tls.Config{
			Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12,
			CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA},
		},
	}})
	require.ErrorContains(t, a.Start(within(t)), "component: HTTP server: ")
	nobodyListens(t, a.Addr())
}

func TestUse_NilOrTooLate_IsAnError(t *testing.T) {
	a := plain(component.ApplicationOptions{})
	require.ErrorIs(t, a.Use(nil), component.ErrNil)
	require.ErrorIs(t, a.Use((*component.SocketIO)(nil)), component.ErrNil)
	var added bool
	require.NoError(t, a.Use(probe{binding: func(_ context.Context, a *component.Application) error {
		return a.Use(probe{binding: func(context.Context, *component.Application) error {
			added = true
			return nil
		}})
	}}))
	require.NoError(t, a.Start(within(t)))
	assert.True(t, added, "a component may add others")
	require.ErrorIs(t, a.Use(probe{}), component.ErrTooLate)
	require.NoError(t, a.Stop(within(t)))
}

func TestMount_AnyPath_IsServedBesideTheOwnHandler(t *testing.T) {
	a := plain(component.ApplicationOptions{})
	require.ErrorIs(t, a.Mount("/x", nil), component.ErrNil)
	require.NoError(t, a.Use(probe{binding: func(_ context.Context, a *component.Application) error {
		for path, status := range map[string]int{"/a": http.StatusTeapot, "/b": http.StatusGone} {
			err := a.Mount(path, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
			if err != nil {
				return err
			}
		}
		return nil
	}}))
	require.NoError(t, a.Start(within(t)))
	for path, want := range map[string]int{
		"/a/x": http.StatusTeapot, "/b": http.StatusGone, "/c": http.StatusOK, "/ab": http.StatusOK,
	} {
		status, _, _ := get(t, a, path)
		assert.Equal(t, want, status, path)
	}
	require.NoError(t, a.Stop(within(t)))
}

func TestApplication_LogHandlerThatReads_DoesNotDeadlock(t *testing.T) {
	log := newJournal()
	a := standalone(t, actio.Attached, log)
	log.read = func() {
		_, _ = a.Addr(), a.Err()
		_, _ = a.ServerInstance()
	}
	require.NoError(t, soon(t, start(within(t), a)))
	require.NoError(t, soon(t, stop(within(t), a)))
	assert.NotNil(t, a.Logger())
}

func TestFail_OfAPart_IsLoggedAndEndsTheApplication(t *testing.T) {
	log := newJournal()
	a := plain(component.ApplicationOptions{Logger: slog.New(log)})
	require.NoError(t, a.Start(within(t)))
	require.NoError(t, a.Err())
	a.Fail(errLuck)
	soon(t, a.Done())
	a.Fail(context.Canceled)
	require.ErrorIs(t, a.Err(), errLuck, "the first counts")
	log.find(t, `ERROR Application failed error=`+errLuck.Error())
	require.NoError(t, a.Stop(within(t)))
	require.ErrorIs(t, a.Err(), errLuck)
}

func TestHooks_TimeTaken_IsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newJournal()
		a := plain(component.ApplicationOptions{Logger: slog.New(log)})
		hook(t, a, "slow", func(context.Context) error {
			time.Sleep(1500 * time.Millisecond) // of the bubble
			return nil
		})
		hook(t, a, "bad", func(context.Context) error {
			time.Sleep(30 * time.Millisecond) // of the bubble
			return errLuck
		})
		require.ErrorIs(t, component.ExecutePostStartHooks(t.Context(), a), errLuck)
		assert.InDelta(t, 1500, taken(t, log.find(t, "INFO Executed hook identifier=slow")), 1)
		line := log.find(t, "ERROR Failed hook identifier=bad")
		assert.InDelta(t, 30, taken(t, line), 1)
		assert.Contains(t, line, "error="+errLuck.Error())
	})
}

// taken reads the milliseconds of a line.
func taken(t *testing.T, line string) float64 {
	t.Helper()
	found := regexp.MustCompile(`took_ms=(\S+)`).FindStringSubmatch(line)
	require.NotNil(t, found, line)
	ms, err := strconv.ParseFloat(found[1], 64)
	require.NoError(t, err)
	return ms
}
