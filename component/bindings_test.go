package component_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/component"
)

func allow(context.Context, *actio.Handshake) (*actio.Principal, error) {
	return &actio.Principal{}, nil
}

func client(t *testing.T) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"}) // connects to nothing by itself
	t.Cleanup(func() { assert.NoError(t, c.Close()) })
	return c
}

func bindUnreachable(t *testing.T, a *component.Application) {
	t.Helper()
	component.RedisConnection.Bind(a.Container(), client(t))
}

func TestResolveBindings_WhatIsMissing_IsSaidInTheReferencesWords(t *testing.T) {
	const (
		redisText = "Invalid instance of redisConnection | Please init connection with RedisHelper for single redis connection " +
			"or RedisClusterHelper for redis cluster mode!"
		authText = "Invalid authenticateFn to setup io socket server!"
	)
	var nilClient *redis.Client
	var nilFunction actio.Authenticator
	for name, row := range map[string]struct {
		bind  func(c *component.Container)
		want  []string
		wants []error
	}{
		"nothing is bound": {
			func(*component.Container) {},
			[]string{redisText, authText},
			[]error{component.ErrRedisConnection, component.ErrAuthenticateHandler},
		},
		"no redis connection": {
			func(c *component.Container) { component.AuthenticateHandler.Bind(c, allow) },
			[]string{redisText},
			[]error{component.ErrRedisConnection},
		},
		"a nil redis connection": {
			func(c *component.Container) {
				component.AuthenticateHandler.Bind(c, allow)
				component.RedisConnection.Bind(c, nilClient)
			}, []string{redisText}, []error{component.ErrRedisConnection},
		},
		"no authenticateFn": {
			func(c *component.Container) {
				component.ServerConfig.Bind(c, component.ServerOptions{Standalone: true})
			},
			[]string{authText},
			[]error{component.ErrAuthenticateHandler},
		},
		"a nil authenticateFn": {
			func(c *component.Container) {
				component.ServerConfig.Bind(c, component.ServerOptions{Standalone: true})
				component.AuthenticateHandler.Bind(c, nilFunction)
			}, []string{authText}, []error{component.ErrAuthenticateHandler},
		},
		"options that have keys of their own": {
			func(c *component.Container) {
				component.AuthenticateHandler.Bind(c, allow)
				component.ServerConfig.Bind(c, component.ServerOptions{
					Standalone: true, Options: actio.Options{Authenticate: allow, Hosting: actio.Attached},
				})
			},
			[]string{"Authenticate must not be set here", "Hosting must not be set here"},
			[]error{component.ErrServerOptions},
		},
		"standalone with redis": {
			func(c *component.Container) {
				component.AuthenticateHandler.Bind(c, allow)
				component.RedisConnection.Bind(c, client(t))
				component.ServerConfig.Bind(c, component.ServerOptions{Standalone: true})
			}, []string{"Standalone, and a redis connection is bound"}, []error{component.ErrServerOptions},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var c component.Container
			row.bind(&c)
			_, err := component.ResolveBindings(&c)
			for _, text := range row.want {
				assert.ErrorContains(t, err, text)
			}
			for _, sentinel := range []error{
				component.ErrRedisConnection, component.ErrAuthenticateHandler, component.ErrServerOptions,
			} {
				if assert.NotEmpty(t, row.wants) {
					assert.Equal(t, slices.Contains(row.wants, sentinel), errors.Is(err, sentinel), sentinel.Error())
				}
			}
		})
	}
}

func TestResolveBindings_NilHandlers_AreAbsent(t *testing.T) {
	var c component.Container
	component.AuthenticateHandler.Bind(&c, allow)
	component.RedisConnection.Bind(&c, client(t))
	component.ValidateRoomHandler.Bind(&c, nil)
	b, err := component.ResolveBindings(&c)
	require.NoError(t, err)
	assert.Nil(t, b.ValidateRooms)
	assert.Nil(t, b.ClientConnected)
	assert.NotNil(t, b.RedisConnection)
}

func TestResolveBindings_ServerOptions_AreMergedDeeplyOverTheDefaults(t *testing.T) {
	var c component.Container
	component.AuthenticateHandler.Bind(&c, allow)
	given := component.ServerOptions{Standalone: true}
	given.AuthenticateTimeout, given.PingInterval, given.DefaultRooms = time.Second, time.Minute, []string{"lobby"}
	given.Engine.CORS = &actio.CORS{Origins: []string{"https://example.test"}, Credentials: true}
	component.ServerConfig.Bind(&c, given)
	b, err := component.ResolveBindings(&c)
	require.NoError(t, err)
	o := b.ServerOptions
	assert.Equal(t, "SOCKET_IO_SERVER", o.Identifier)
	assert.Equal(t, "/io", o.Engine.Path)
	assert.Equal(t, time.Second, o.AuthenticateTimeout)
	assert.Equal(t, time.Minute, o.PingInterval)
	assert.Equal(t, []string{"lobby"}, o.DefaultRooms)
	assert.Equal(t, []string{"https://example.test"}, o.Engine.CORS.Origins)
	assert.Equal(t, []string{"GET", "POST"}, o.Engine.CORS.Methods, "what was not given keeps its default")
	assert.True(t, o.Engine.CORS.Credentials)
	assert.Nil(t, given.Engine.CORS.Methods, "what was given is not changed")

	component.ServerConfig.Bind(&c, component.ServerOptions{
		Standalone: true, Options: actio.Options{Engine: actio.EngineOptions{CORS: &actio.CORS{Methods: []string{"GET"}}}},
	})
	b, err = component.ResolveBindings(&c)
	require.NoError(t, err)
	assert.Equal(t, []string{"*"}, b.ServerOptions.Engine.CORS.Origins)
	assert.Equal(t, []string{"GET"}, b.ServerOptions.Engine.CORS.Methods)
}

func TestResolveBindings_CORS_KeepsEveryField(t *testing.T) {
	given := actio.CORS{
		Origins: []string{"https://page.test"}, AllowedHeaders: []string{"X-A"}, ExposedHeaders: []string{"X-B"},
		Credentials: true, MaxAge: time.Hour, PreflightContinue: true, OptionsSuccessStatus: 299,
	}
	var c component.Container
	component.AuthenticateHandler.Bind(&c, allow)
	component.ServerConfig.Bind(&c, component.ServerOptions{
		Standalone: true, Options: actio.Options{Engine: actio.EngineOptions{CORS: &given}},
	})
	b, err := component.ResolveBindings(&c)
	require.NoError(t, err)
	want := given
	want.Methods = []string{http.MethodGet, http.MethodPost}
	assert.Equal(t, want, *b.ServerOptions.Engine.CORS)
}

func TestResolveBindings_EmptyLists_StayEmpty(t *testing.T) {
	var c component.Container
	component.AuthenticateHandler.Bind(&c, allow)
	given := component.ServerOptions{Standalone: true}
	given.DefaultRooms = []string{}
	given.Engine.CORS = &actio.CORS{Origins: []string{}}
	component.ServerConfig.Bind(&c, given)
	b, err := component.ResolveBindings(&c)
	require.NoError(t, err)
	assert.NotNil(t, b.ServerOptions.DefaultRooms)
	assert.Empty(t, b.ServerOptions.DefaultRooms)
	assert.Empty(t, b.ServerOptions.Engine.CORS.Origins, "no CORS")
}

func TestResolveBindings_OptionsThatBelongElsewhere_AreNamed(t *testing.T) {
	for name, set := range map[string]func(o *component.ServerOptions){
		"Redis.Client": func(o *component.ServerOptions) { o.Redis.Client = client(t) },
		"Authenticate": func(o *component.ServerOptions) { o.Authenticate = allow },
		"ValidateRooms": func(o *component.ServerOptions) {
			o.ValidateRooms = func(_ context.Context, _ *actio.Socket, r []string) ([]string, error) { return r, nil }
		},
		"ClientConnected":  func(o *component.ServerOptions) { o.ClientConnected = func(context.Context, *actio.Socket) {} },
		"Hosting":          func(o *component.ServerOptions) { o.Hosting = actio.Attached },
		"Server":           func(o *component.ServerOptions) { o.Server = &http.Server{ReadHeaderTimeout: patience} },
		"NoAuthentication": func(o *component.ServerOptions) { o.NoAuthentication = true },
	} {
		var c component.Container
		component.AuthenticateHandler.Bind(&c, allow)
		o := component.ServerOptions{Standalone: true}
		set(&o)
		component.ServerConfig.Bind(&c, o)
		_, err := component.ResolveBindings(&c)
		require.ErrorIs(t, err, component.ErrServerOptions, name)
		require.EqualError(t, err, component.ErrServerOptions.Error()+": "+name+" must not be set here")
	}
}

func TestContainer_BindGetUnbind(t *testing.T) {
	const key component.Key[int] = "answer"
	var c component.Container
	_, ok := key.Get(&c)
	assert.False(t, ok)
	key.Bind(&c, 42)
	n, ok := key.Get(&c)
	assert.True(t, ok)
	assert.Equal(t, 42, n)
	key.Unbind(&c)
	_, ok = key.Get(&c)
	assert.False(t, ok)
}
