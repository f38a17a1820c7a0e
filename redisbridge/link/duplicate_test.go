package link

import (
	"context"
	"crypto/tls"
	"net"
	"reflect"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDuplicate_KindsOfClient_AreRecognised(t *testing.T) {
	single := redis.NewClient(&redis.Options{Addr: "h:1", Password: "p", DB: 3})
	defer func() { _ = single.Close() }()
	src, err := duplicate(single)
	require.NoError(t, err)
	assert.False(t, src.sentinel)
	o := src.options("", "n", time.Second)
	assert.Equal(t, "h:1", o.Addr)
	assert.Equal(t, "p", o.Password)
	assert.Equal(t, "n", o.ClientName)
	assert.Equal(t, -1, o.MaxRetries)
	assert.NotSame(t, single.Options(), o)
	assert.Empty(t, single.Options().ClientName, "the parent's are not touched")

	sentinel := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "m", SentinelAddrs: []string{"h:2"}})
	defer func() { _ = sentinel.Close() }()
	src, err = duplicate(sentinel)
	require.NoError(t, err)
	assert.True(t, src.sentinel)
	assert.Equal(t, reflect.ValueOf(sentinel.Options().Dialer).Pointer(),
		reflect.ValueOf(src.options("", "n", time.Second).Dialer).Pointer(), "that knows where the master is")

	cluster := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: []string{"h:3"}, Username: "u", Password: "p",
		NewClient: func(o *redis.Options) *redis.Client {
			o.Addr = "through-a-tunnel" + o.Addr
			return redis.NewClient(o)
		},
	})
	defer func() { _ = cluster.Close() }()
	src, err = duplicate(cluster)
	require.NoError(t, err)
	o = src.options("h:4", "n", time.Second)
	assert.Equal(t, "through-a-tunnelh:4", o.Addr)
	assert.Equal(t, "u", o.Username)
	assert.Equal(t, -1, o.PipelinePoolSize)
}

func TestDuplicate_OtherOrNil_IsRefused(t *testing.T) {
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"a": "h:1"}})
	defer func() { _ = ring.Close() }()
	var single *redis.Client
	var cluster *redis.ClusterClient
	for _, c := range []redis.UniversalClient{nil, ring, single, cluster} {
		_, err := duplicate(c)
		require.ErrorIs(t, err, ErrClient)
	}
}

func TestIsDefaultDialer_LibrarysOwn_IsReplacedByOneThatEndsWithItsContext(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never says a word of TLS
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	client := redis.NewClient(&redis.Options{
		Addr: listener.Addr().String(), TLSConfig: &tls.Config{InsecureSkipVerify: true}, DialTimeout: time.Minute,
	})
	defer func() { _ = client.Close() }()
	assert.True(t, isDefaultDialer(client.Options().Dialer))
	src, err := duplicate(client)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	o := src.options("", "n", time.Second)
	_, err = o.Dialer(ctx, o.Network, o.Addr)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	own := func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed }
	assert.False(t, isDefaultDialer(own))
}
