package component_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/component"
)

func TestSocketIO_BeforeTheHook_AnswersAsTheServerDoes(t *testing.T) {
	for name, hosting := range hostings() {
		t.Run(name, func(t *testing.T) {
			a := standalone(t, hosting, newJournal())
			hook(t, a, "look", func(context.Context) error {
				for method, want := range map[string]int{
					http.MethodGet: http.StatusServiceUnavailable, http.MethodPost: http.StatusServiceUnavailable,
					http.MethodOptions: http.StatusNoContent,
				} {
					status, _, header := request(t, a, method, handshake)
					assert.Equal(t, want, status, method)
					assert.Equal(t, "*", header.Get("Access-Control-Allow-Origin"), method)
					if want == http.StatusServiceUnavailable {
						assert.Equal(t, "no-store", header.Get("Cache-Control"), method)
						assert.NotEmpty(t, header.Get("Retry-After"), method)
					}
				}
				return nil
			})
			require.NoError(t, a.Start(within(t)))
			require.NoError(t, a.Stop(within(t)))
		})
	}
}

func TestSocketIO_Twice_IsAnError(t *testing.T) {
	for name, hosting := range hostings() {
		t.Run(name, func(t *testing.T) {
			a := standalone(t, hosting, newJournal())
			require.NoError(t, a.Use(component.NewSocketIO(actio.Mounted)))
			require.ErrorIs(t, a.Start(within(t)), component.ErrTwice)
		})
	}
}

func TestSocketIO_OneComponentInTwoApplications_ServesBoth(t *testing.T) {
	socketio := component.NewSocketIO(actio.Mounted)
	applications := make([]*component.Application, 2)
	for i := range applications {
		a := plain(component.ApplicationOptions{})
		component.AuthenticateHandler.Bind(a.Container(), allow)
		component.ServerConfig.Bind(a.Container(), component.ServerOptions{Standalone: true})
		require.NoError(t, a.Use(socketio))
		require.NoError(t, a.Start(within(t)))
		applications[i] = a
	}
	require.NoError(t, applications[0].Stop(within(t)))
	server, live := component.Instance.Get(applications[1].Container())
	require.True(t, live)
	assert.True(t, server.Ready())
	require.NoError(t, applications[1].Stop(within(t)))
}

func TestSocketIO_ServerEndsByItself_IsNoticed(t *testing.T) {
	log := newJournal()
	a := standalone(t, actio.Attached, log)
	require.NoError(t, a.Start(within(t)))
	server, live := component.Instance.Get(a.Container())
	require.True(t, live)
	require.NoError(t, server.Shutdown(within(t)))
	soon(t, a.Done())
	require.ErrorIs(t, a.Err(), component.ErrServerEnded)
	_, live = component.Instance.Get(a.Container())
	assert.False(t, live)
	log.find(t, "ERROR Application failed error=[SocketIOComponent] the server has ended by itself")
	require.NoError(t, a.Stop(within(t)))
}

func TestSocketIO_FailingHookAfterIt_UnbindsAndShutsDown(t *testing.T) {
	a := standalone(t, actio.Mounted, newJournal())
	var server *actio.Server
	require.NoError(t, a.Use(probe{binding: func(_ context.Context, a *component.Application) error {
		return a.RegisterPostStartHook("bad", func(context.Context) error {
			server, _ = component.Instance.Get(a.Container())
			return errLuck
		})
	}}))
	require.ErrorIs(t, a.Start(within(t)), errLuck)
	require.NotNil(t, server)
	assert.False(t, server.Ready())
	_, live := component.Instance.Get(a.Container())
	assert.False(t, live)
}

func TestSocketIO_OptionsInTheLog_HaveNoSecrets(t *testing.T) {
	var text bytes.Buffer
	log := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))
	a := plain(component.ApplicationOptions{Logger: log})
	component.AuthenticateHandler.Bind(a.Container(), allow)
	o := component.ServerOptions{}
	o.Redis.Prefix, o.Identifier, o.DefaultRooms = "app", "chat", []string{"lobby"}
	component.ServerConfig.Bind(a.Container(), o)
	redis := client(t)
	redis.Options().Password = "hunter2"
	component.RedisConnection.Bind(a.Container(), redis)
	require.NoError(t, component.NewSocketIO(actio.Mounted).Binding(within(t), a))
	assert.Contains(t, text.String(), `msg="Socket.IO Server Options" identifier=chat path=/io standalone=false`)
	assert.Contains(t, text.String(), "default_rooms=[lobby] redis_prefix=app")
	assert.NotContains(t, text.String(), "hunter2")
	require.NoError(t, component.NewSocketIO(actio.Mounted).Stop(within(t), a))
}

func TestSocketIO_LoggerOfTheServer_IsItsOwnIfItHasOne(t *testing.T) {
	of, own := newJournal(), newJournal()
	o := component.ServerOptions{}
	o.Logger = slog.New(own)
	a := place(t, actio.Mounted, component.ApplicationOptions{Logger: slog.New(of)}, o)
	require.NoError(t, a.Start(within(t)))
	require.NoError(t, a.Stop(within(t)))
	own.find(t, "INFO SocketIO Server READY")
	assert.NotContains(t, of.all(), own.find(t, "INFO SocketIO Server READY"))
}
