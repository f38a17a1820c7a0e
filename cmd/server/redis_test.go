package main

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
)

const secret = "hunter2"

// parsed is what a command line and an environment give, with a client of Redis, which never connects.
func parsed(t *testing.T, args, env []string) *config {
	t.Helper()
	c, err := parse(args, env)
	require.NoError(t, err)
	require.NotNil(t, c.options.Redis.Client)
	t.Cleanup(func() { assert.NoError(t, c.options.Redis.Client.Close()) })
	return c
}

// clientOf is the client that a URL gives.
func clientOf(t *testing.T, text string) redis.UniversalClient {
	t.Helper()
	return parsed(t, []string{"-redis", text}, nil).options.Redis.Client
}

func TestRedis_OneServer_IsASingleClient(t *testing.T) {
	client, ok := clientOf(t, "redis://app:hunter2@db.example:7000/3?dial_timeout=2s").(*redis.Client)
	require.True(t, ok)
	o := client.Options()
	assert.Equal(t, "db.example:7000", o.Addr)
	assert.Equal(t, "app", o.Username)
	assert.Equal(t, secret, o.Password)
	assert.Equal(t, 3, o.DB)
	assert.Nil(t, o.TLSConfig)

	client, ok = clientOf(t, "rediss://:p%40%2Fss@[::1]").(*redis.Client)
	require.True(t, ok)
	o = client.Options()
	assert.Equal(t, "[::1]:6379", o.Addr)
	assert.Equal(t, "p@/ss", o.Password)
	require.NotNil(t, o.TLSConfig)
	assert.Equal(t, "::1", o.TLSConfig.ServerName)
}

func TestRedis_SeveralAddresses_AreACluster(t *testing.T) {
	for _, text := range []string{
		"redis://app:hunter2@a:1,b,[::1]:3",
		"redis://app:hunter2@a:1,b,[::1]:3/0?max_redirects=5",
		"redis+cluster://app:hunter2@a:1,b:6379,[::1]:3",
		"redis://app:hunter2@a:1,redis://app:hunter2@b,redis://[::1]:3/?max_redirects=5",
	} {
		client, ok := clientOf(t, text).(*redis.ClusterClient)
		require.True(t, ok, text)
		o := client.Options()
		assert.Equal(t, []string{"a:1", "b:6379", "[::1]:3"}, o.Addrs, text)
		assert.Equal(t, "app", o.Username, text)
		assert.Equal(t, secret, o.Password, text)
	}
	client, ok := clientOf(t, "rediss+cluster://only:1").(*redis.ClusterClient)
	require.True(t, ok)
	assert.Equal(t, []string{"only:1"}, client.Options().Addrs)
	require.NotNil(t, client.Options().TLSConfig)
	assert.Empty(t, client.Options().TLSConfig.ServerName, "each node has its own")
}

func TestRedis_Sentinel_HasAMasterName(t *testing.T) {
	const text = "redis+sentinel://app:hunter2@a:1,b/my%20master/2?sentinel_username=watch&sentinel_password=other"
	u, err := splitRedis(text)
	require.NoError(t, err)
	o, err := u.failover()
	require.NoError(t, err)
	assert.Equal(t, []string{"a:1", "b:26379"}, o.SentinelAddrs)
	assert.Equal(t, "my master", o.MasterName)
	assert.Equal(t, 2, o.DB)
	assert.Equal(t, "app", o.Username)
	assert.Equal(t, secret, o.Password)
	assert.Equal(t, "watch", o.SentinelUsername)
	assert.Equal(t, "other", o.SentinelPassword)
	assert.Nil(t, o.TLSConfig)
	client, ok := clientOf(t, text).(*redis.Client)
	require.True(t, ok)
	assert.Equal(t, "FailoverClient", client.Options().Addr)
}

func TestRedis_EnvironmentAndFlags_SetTheOptions(t *testing.T) {
	for _, variable := range []string{"ACTIO_REDIS", "ACTIO_REDIS_URL"} {
		c := parsed(t, nil, []string{variable + "=redis://a:1", "ACTIO_REDIS_PREFIX=app", "ACTIO_ADAPTER=Sharded"})
		assert.Equal(t, "app", c.options.Redis.Prefix)
		assert.Equal(t, actio.ShardedAdapter, c.options.Redis.Adapter)
		assert.Empty(t, c.unknown)
	}
	c := parsed(t, []string{"-redis", "redis://flag:1"}, []string{"ACTIO_REDIS_URL=redis://env:1", "ACTIO_REDIS=redis://other:1"})
	client, ok := c.options.Redis.Client.(*redis.Client)
	require.True(t, ok)
	assert.Equal(t, "flag:1", client.Options().Addr)
	parsed(t, nil, []string{"ACTIO_REDIS=redis://a:1", "ACTIO_REDIS_URL=redis://a:1"})

	_, err := parse(nil, []string{"ACTIO_REDIS=redis://a:hunter2@a:1", "ACTIO_REDIS_URL=redis://a:1"})
	require.ErrorContains(t, err, "say different things")
	assert.NotContains(t, err.Error(), secret)
	c, err = parse(nil, []string{"ACTIO_REDIS_URL="})
	require.NoError(t, err)
	assert.Nil(t, c.options.Redis.Client)
	assert.Equal(t, actio.ClassicAdapter, c.options.Redis.Adapter)
	assert.Equal(t, "socket.io", c.options.Redis.Prefix)
}

func TestRun_BadRedisURL_SaysWhyAndNoPassword(t *testing.T) {
	for _, c := range []struct{ name, url, want string }{
		{"no URL", "localhost:6379", "not a URL such as redis://"},
		{"another scheme", "http://app:hunter2@a", `the scheme must be redis or rediss`},
		{"another kind", "redis+proxy://app:hunter2@a", `not with "+proxy"`},
		{"no address", "redis://", "not a URL"},
		{"no address after the user", "redis://app:hunter2@", "not a URL"},
		{"an empty address", "redis://app:hunter2@a:1,,b:2", "not a URL"},
		{"a port that is none", "redis://app:hunter2@a:port", "not a URL"},
		{"a slash in the password", "redis://app:hunter2/x@a:1", "not a URL"},
		{"a question mark in the password", "redis://app:hunter2?x@a:1", "not a URL"},
		{"a percent sign in the password", "redis://app:hunter2%@a:1", "not a URL"},
		{"a database that is none", "redis://app:hunter2@a:1/x", `invalid database number: "x"`},
		{"two databases", "redis://app:hunter2@a:1/1/2", "invalid URL path"},
		{"an unknown option", "redis://app:hunter2@a:1?nope=1", "unexpected option: nope"},
		{"an option that is no number", "redis://app:hunter2@a:1?pool_size=x", "pool_size"},
		{"a query that is none", "redis://app:hunter2@a:1?%zz", "not a URL"},
		{"a database of a cluster", "redis://app:hunter2@a:1,b:2/1", "a cluster has no databases"},
		{"an unknown option of a cluster", "redis://app:hunter2@a:1,b:2?nope=1", "unexpected option: nope"},
		{"several users", "redis://app:hunter2@a:1,redis://app:other@b:2", "all must have the user"},
		{"a database in the middle", "redis://app:hunter2@a:1/1,redis://b:2", "follow the last only"},
		{"Sentinel without a master", "redis+sentinel://app:hunter2@a:1,b:2", "the name of the master follows"},
		{"Sentinel with a path", "redis+sentinel://app:hunter2@a:1/m/1/2", "the name of the master follows"},
		{"Sentinel with a bad database", "redis+sentinel://app:hunter2@a:1/m/x", `invalid database number: "x"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, how := range []string{"flag", "environment"} {
				args, env := []string{"-redis", c.url}, []string(nil)
				if how == "environment" {
					args, env = nil, []string{"ACTIO_REDIS_URL=" + c.url}
				}
				var stdout, stderr bytes.Buffer
				assert.Equal(t, exitUsage, run(t.Context(), args, env, &stdout, &stderr))
				assert.Contains(t, stderr.String(), "-redis: ")
				assert.Contains(t, stderr.String(), c.want)
				assert.NotContains(t, stderr.String(), secret)
			}
		})
	}
	var stdout, stderr bytes.Buffer
	assert.Equal(t, exitUsage, run(t.Context(), []string{"-adapter", "bogus"}, nil, &stdout, &stderr))
	assert.Contains(t, stderr.String(), "want one of classic, sharded, streams")
}

// nobody is an address where nobody listens.
func nobody(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}

func TestRun_RedisIsDead_FailsWithAClearMessage(t *testing.T) {
	stderr := newLogs()
	code := run(t.Context(), []string{
		"-listen", "127.0.0.1:0", "-log-format", "json", "-redis", "redis://app:hunter2@" + nobody(t), "-redis-ready-timeout", "200ms",
	}, nil, io.Discard, stderr)
	assert.Equal(t, exitFailed, code)
	text, _ := stderr.wait(t, "cannot start")["err"].(string)
	assert.Contains(t, text, "redis")
	assert.Contains(t, text, "refused")
	assert.NotContains(t, text, secret)
}

func TestRun_SignalWhileRedisIsAwaited_EndsInGoodOrder(t *testing.T) {
	stderr := newLogs()
	code := make(chan int, 1)
	args := []string{"-listen", "127.0.0.1:0", "-log-format", "json", "-redis", "redis://" + nobody(t), "-redis-ready-timeout", "1h"}
	go func() { code <- run(t.Context(), args, nil, io.Discard, stderr) }()
	r := &running{logs: stderr}
	r.address, _ = stderr.wait(t, "connecting to redis")["address"].(string)
	for path, want := range map[string]struct {
		code int
		body string
	}{
		"/healthz":                     {http.StatusOK, `"starting"`},
		"/readyz":                      {http.StatusServiceUnavailable, `"starting"`},
		"/io/?EIO=4&transport=polling": {http.StatusServiceUnavailable, ""},
	} {
		response, body := r.get(t, path)
		assert.Equal(t, want.code, response.StatusCode, path)
		assert.Contains(t, body, want.body, path)
	}
	send(t, syscall.SIGTERM)
	assert.Equal(t, exitDone, <-code)
	stderr.wait(t, "ended")
}

func TestReady_States_HaveTheirStatus(t *testing.T) {
	up := &actio.RedisStatus{Up: true, Peers: []string{"abc"}}
	down := &actio.RedisStatus{Reasons: []string{"subscribe: refused"}, Buffered: 7}
	for _, c := range []struct {
		name   string
		health actio.Health
		code   int
		want   string
	}{
		{"alone", actio.Health{Status: actio.HealthReady}, http.StatusOK, `{"status":"ready"}`},
		{
			"joined",
			actio.Health{Status: actio.HealthReady, Redis: up},
			http.StatusOK,
			`{"status":"ready","redis":{"state":"up","reasons":[],"buffered":0,"neighbours":["abc"]}}`,
		},
		{
			"degraded",
			actio.Health{Status: actio.HealthDegraded, Redis: down},
			http.StatusOK,
			`{"status":"degraded","redis":{"state":"down","reasons":["subscribe: refused"],"buffered":7,"neighbours":[]}}`,
		},
		{"gave up", actio.Health{Status: actio.HealthDraining}, http.StatusServiceUnavailable, `{"status":"failed"}`},
		{"closed", actio.Health{Status: actio.HealthClosed}, http.StatusServiceUnavailable, `{"status":"failed"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			state := &health{ask: func() actio.Health { return c.health }, draining: func() bool { return false }}
			h := http.HandlerFunc(state.ready)
			w := ask(h, http.MethodGet, "/readyz")
			assert.Equal(t, c.code, w.Code)
			assert.JSONEq(t, c.want, w.Body.String())
			h = state.alive
			w = ask(h, http.MethodGet, "/healthz")
			assert.Equal(t, c.code, w.Code)
			assert.NotContains(t, w.Body.String(), "redis")
		})
	}
}
