package actio_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
)

// deadRedis is a client of an address where nobody listens.
func deadRedis(t *testing.T) redis.UniversalClient {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	client := redis.NewClient(&redis.Options{Addr: listener.Addr().String()})
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client
}

func TestConfigure_RedisIsDead_SaysSoAndLeavesNothingOpen(t *testing.T) {
	s := newServer(t, actio.Options{Redis: actio.RedisOptions{Client: deadRedis(t), ReadyTimeout: 100 * time.Millisecond}})
	for range 2 { // it may be called again
		err := s.Configure(t.Context())
		require.ErrorContains(t, err, "redis")
		assert.False(t, s.Ready())
		assert.Equal(t, actio.HealthStarting, s.Health().Status)
		assert.Empty(t, s.ID())
		require.ErrorIs(t, s.Emit("x"), actio.ErrNotConfigured)
	}
}

func TestConfigure_ContextOrShutdown_EndTheWaitForRedis(t *testing.T) {
	s := newServer(t, actio.Options{Redis: actio.RedisOptions{Client: deadRedis(t), ReadyTimeout: time.Hour}})
	short, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	require.ErrorIs(t, s.Configure(short), context.DeadlineExceeded)

	waiting := make(chan error, 2)
	for range 2 {
		go func() { waiting <- s.Configure(t.Context()) }()
	}
	require.NoError(t, s.Shutdown(t.Context()))
	require.ErrorIs(t, <-waiting, actio.ErrClosed)
	require.ErrorIs(t, <-waiting, actio.ErrClosed)
	assert.Equal(t, actio.HealthClosed, s.Health().Status)
}

func TestNew_RedisOptions_AreValidated(t *testing.T) {
	o := actio.Options{NoAuthentication: true, Redis: actio.RedisOptions{Client: deadRedis(t), Adapter: 9, RequestTimeout: -1}}
	_, err := actio.New(o)
	require.ErrorContains(t, err, "Adapter is unknown")
	require.ErrorContains(t, err, "RequestTimeout is negative")
}

func TestHealth_WithoutRedis_FollowsTheLifeOfTheServer(t *testing.T) {
	s := newServer(t, actio.Options{})
	assert.Equal(t, actio.Health{Status: actio.HealthStarting}, s.Health())
	require.NoError(t, s.Configure(t.Context()))
	assert.Equal(t, actio.Health{Status: actio.HealthReady}, s.Health())
	assert.NotEmpty(t, s.ID())
	stats, err := s.Stats(t.Context())
	require.NoError(t, err)
	assert.Zero(t, stats.Redis)
	require.NoError(t, s.Shutdown(t.Context()))
	assert.Equal(t, actio.Health{Status: actio.HealthClosed}, s.Health())
}

func TestHealth_WhileHandlersFinish_IsDraining(t *testing.T) {
	s := serve(t, actio.Options{})
	started, release := make(chan struct{}), make(chan struct{})
	require.NoError(t, s.Root().Handle("hold", func(context.Context, *actio.Socket, *actio.Event) {
		close(started)
		<-release
	}))
	p := s.connect("")
	p.send(`42["hold"]`)
	<-started
	ended := make(chan error, 1)
	go func() { ended <- s.Shutdown(context.Background()) }()
	require.Eventually(t, func() bool { return s.Health().Status == actio.HealthDraining }, patience, time.Millisecond)
	close(release)
	require.NoError(t, <-ended)
	assert.Equal(t, actio.HealthClosed, s.Health().Status)
}

func TestServerSideEmit_WithoutNeighbours_DoesNothing(t *testing.T) {
	s := newServer(t, actio.Options{})
	handler := func(context.Context, *actio.ServerEvent) { assert.Fail(t, "an instance does not hear itself") }
	require.ErrorIs(t, s.ServerSideEmit("x"), actio.ErrNotConfigured)
	require.NoError(t, s.OnServerSideEmit("x", handler))
	require.ErrorIs(t, s.OnServerSideEmit("", handler), actio.ErrInvalidTopic)
	require.ErrorIs(t, s.OnServerSideEmit("x", nil), actio.ErrInvalidHandler)
	require.ErrorIs(t, s.OnServerSideEmit("connection", handler), actio.ErrReservedEvent)
	require.NoError(t, s.Configure(t.Context()))
	require.NoError(t, s.ServerSideEmit("x", 1, []byte("two")))
	require.ErrorIs(t, s.ServerSideEmit("new_namespace"), actio.ErrReservedEvent)
	require.Error(t, s.ServerSideEmit("x", make(chan int)))
	replies, err := s.ServerSideEmitWithAck(t.Context(), "x")
	require.NoError(t, err)
	assert.Empty(t, replies.Replies)
	assert.True(t, replies.Missing.None())
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.ServerSideEmitWithAck(cancelled, "x")
	require.ErrorIs(t, err, context.Canceled)
}

func TestSendToUser_EachClientOfTheUser_GetsItBeforeTheCallback(t *testing.T) {
	s := serve(t, actio.Options{Authenticate: byName, DefaultRooms: []string{}, PingInterval: -1})
	ann, ann2, bob := s.login("ann"), s.login("ann"), s.login("bob")
	called := make(chan string, 2)
	s.SendToUser("ann", actio.Message{
		Payload: actio.Payload{Topic: "news", Data: 1}, Compress: true, Callback: func() { called <- "ann" },
	})
	s.SendToUser("", actio.Message{Payload: actio.Payload{Topic: "news", Data: 2}, Callback: func() { called <- "nobody" }})
	for range 2 {
		assert.Contains(t, []string{"ann", "nobody"}, <-called)
	}
	assert.Equal(t, `42["news",1]`, ann.next())
	assert.Equal(t, `42["news",1]`, ann2.next())
	s.nothingMore(ann, ann2, bob)
}

func TestNewEmitter_WithoutAClient_IsAnError(t *testing.T) {
	_, err := actio.NewEmitter(nil, actio.EmitterOptions{})
	require.Error(t, err)
	_, err = actio.NewEmitter(deadRedis(t), actio.EmitterOptions{Adapter: actio.ShardedAdapter, SubscriptionMode: actio.StaticMode})
	require.NoError(t, err)
}
