package outage

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

// parts are the names of the connections.
var parts = []string{"emitter", "publish", "subscribe"}

// configureFails wants Configure to fail within the time, and to leave nothing. It returns the server and the error.
func configureFails(t *testing.T, o actio.RedisOptions, within time.Duration) (*actio.Server, error) {
	t.Helper()
	before := settledGoroutines(t)
	server, err := newServer(actio.Options{Redis: o})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	begin := time.Now()
	failure := server.Configure(ctx)
	assert.Less(t, time.Since(begin), within+time.Second)
	require.Error(t, failure)
	assert.False(t, server.Ready())
	assert.Equal(t, actio.HealthStarting, server.Health().Status)
	untilGoroutines(t, before)
	t.Log(failure)
	return server, failure
}

// configures wants Configure to succeed after all, and shuts the server down.
func configures(t *testing.T, server *actio.Server) {
	t.Helper()
	require.NoError(t, server.Configure(t.Context()))
	assert.Equal(t, actio.HealthReady, server.Health().Status)
	require.NoError(t, server.Shutdown(t.Context()))
}

func TestConfigure_RedisDead_NamesTheConnectionsAndLeavesNothing(t *testing.T) {
	r := redisproc.Start(t)
	r.Kill()
	client := r.Client()
	server, err := configureFails(t, actio.RedisOptions{Client: client}, time.Second)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	for _, part := range parts {
		require.ErrorContains(t, err, part)
	}
	require.ErrorContains(t, err, "refused")
	r.Restart()
	configures(t, server)
}

func TestConfigure_RedisStalled_NamesTheConnectionsAndLeavesNothing(t *testing.T) {
	r := redisproc.Start(t)
	r.Pause()
	client := r.Client()
	server, err := configureFails(t, actio.RedisOptions{Client: client, ReadyTimeout: 500 * time.Millisecond}, 5*time.Second)
	for _, part := range parts {
		require.ErrorContains(t, err, part)
	}
	r.Resume()
	configures(t, server)
	assert.Empty(t, r.ClientNames())
}

func TestConfigure_RoomForTwoConnections_NamesTheThird(t *testing.T) {
	r := redisproc.StartWith(t, redisproc.Options{Arguments: []string{"--maxclients", "2"}})
	client := r.Client()
	_, err := configureFails(t, actio.RedisOptions{Client: client}, 5*time.Second)
	named := 0
	for _, part := range parts {
		if strings.Contains(err.Error(), part) {
			named++
		}
	}
	assert.Equal(t, 1, named, err)
	eventually(t, "the connections are closed", func() bool {
		_, err := r.Do(t.Context(), "PING")
		return err == nil
	}, func() any { return nil })
	assert.Empty(t, r.ClientNames())
}

func TestConfigure_WrongPassword_SaysSo(t *testing.T) {
	r := redisproc.StartWith(t, redisproc.Options{Password: "secret", TLS: true})
	o := r.ClientOptions()
	o.Password = "wrong"
	_, err := configureFails(t, actio.RedisOptions{Client: newClient(t, o)}, time.Second)
	require.ErrorContains(t, err, "WRONGPASS")
	server, err := newServer(actio.Options{Redis: actio.RedisOptions{Client: r.Client()}})
	require.NoError(t, err)
	configures(t, server)
}

func TestConfigure_NamespacesNotAllowed_SaysSoAtOnce(t *testing.T) {
	r := redisproc.Start(t)
	_, err := r.Do(t.Context(), "ACL", "SETUSER", "limited", "on", ">pw", "+@all", "resetchannels", "&socket.io-actio*")
	require.NoError(t, err)
	o := r.ClientOptions()
	o.Username, o.Password = "limited", "pw"
	overAdapters(t, func(t *testing.T, adapter actio.Adapter) {
		begin := time.Now()
		_, err := configureFails(t, actio.RedisOptions{Client: newClient(t, o), Adapter: adapter}, patience)
		require.ErrorContains(t, err, "NOPERM")
		assert.Less(t, time.Since(begin), patience/2, "it does not wait for what will not come")
	})
}
