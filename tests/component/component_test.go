package component_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/component"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestApplication_WithRedis_JoinsTheClusterAndLeavesTheClientToTheApplication(t *testing.T) {
	for name, hosting := range map[string]actio.Hosting{"attached": actio.Attached, "mounted": actio.Mounted} {
		t.Run(name, func(t *testing.T) {
			server := redisproc.Start(t)
			parent := server.Client()
			defer func() { _ = parent.Close() }()
			app := component.NewApplication(component.ApplicationOptions{})
			component.RedisConnection.Bind(app.Container(), parent)
			component.AuthenticateHandler.Bind(app.Container(),
				func(context.Context, *actio.Handshake) (*actio.Principal, error) { return &actio.Principal{}, nil })
			require.NoError(t, app.Use(component.NewSocketIO(hosting)))
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			require.NoError(t, app.Start(ctx))
			instance, ok := component.Instance.Get(app.Container())
			require.True(t, ok)
			assert.True(t, instance.Ready())
			assert.True(t, slices.ContainsFunc(server.ClientNames(), func(name string) bool { return strings.Contains(name, "SOCKET_IO_SERVER") }),
				"the duplicated connections have names")
			require.NoError(t, app.RegisterStopHook("redis", func(ctx context.Context) error {
				assert.False(t, instance.Ready(), "the server has left")
				return parent.Ping(ctx).Err()
			}))
			require.NoError(t, app.Stop(ctx))
			assert.False(t, slices.ContainsFunc(server.ClientNames(), func(name string) bool { return strings.Contains(name, "SOCKET_IO_SERVER") }))
		})
	}
}

func TestStart_FailingHookAfterRedisIsUp_ClosesTheConnections(t *testing.T) {
	for name, hosting := range hostings() {
		t.Run(name, func(t *testing.T) {
			server := redisproc.Start(t)
			parent := server.Client()
			defer func() { _ = parent.Close() }()
			app := component.NewApplication(component.ApplicationOptions{})
			component.RedisConnection.Bind(app.Container(), parent)
			component.AuthenticateHandler.Bind(app.Container(), allow)
			require.NoError(t, app.Use(component.NewSocketIO(hosting), lateFailure{}))
			require.ErrorIs(t, app.Start(within(t)), errLate)
			_, live := component.Instance.Get(app.Container())
			assert.False(t, live)
			assert.False(t, slices.ContainsFunc(server.ClientNames(), func(name string) bool { return strings.Contains(name, "SOCKET_IO_SERVER") }))
			require.NoError(t, parent.Ping(within(t)).Err(), "the client stays the application's")
		})
	}
}

var errLate = errors.New("too good to be true")

// lateFailure is a component whose hook fails when the server lives already.
type lateFailure struct{}

func (lateFailure) Binding(_ context.Context, a *component.Application) error {
	return a.RegisterPostStartHook("late", func(context.Context) error {
		if _, live := component.Instance.Get(a.Container()); !live {
			return errors.New("not live")
		}
		return errLate
	})
}

func (lateFailure) Stop(context.Context, *component.Application) error { return nil }
