package link

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"reflect"
	"runtime"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// sentinelAddr is the address that the library writes into the options of a client that asks Sentinel.
const sentinelAddr = "FailoverClient"

// source makes the options of connections from those of the parent.
type source struct {
	single   *redis.Options        // nil for a cluster
	cluster  *redis.ClusterOptions // nil for a single server
	sentinel bool
}

// duplicate copies the options of the parent.
func duplicate(client redis.UniversalClient) (*source, error) {
	switch c := client.(type) {
	case *redis.Client:
		if c == nil {
			return nil, fmt.Errorf("%w: nil", ErrClient)
		}
		o := *c.Options()
		return &source{single: &o, sentinel: o.Addr == sentinelAddr}, nil
	case *redis.ClusterClient:
		if c == nil {
			return nil, fmt.Errorf("%w: nil", ErrClient)
		}
		o := *c.Options()
		return &source{cluster: &o}, nil
	default:
		return nil, fmt.Errorf("%w: %T", ErrClient, client)
	}
}

// options returns what a connection to addr is made with; addr is "" for a single server. The Dialer in it is the one to dial
// with, never nil, and its context is respected as far as the parent's own Dialer does.
func (s *source) options(addr, name string, timeout time.Duration) *redis.Options {
	var o *redis.Options
	if s.cluster != nil {
		o = nodeOptions(s.cluster, addr)
	} else {
		single := *s.single
		o = &single
	}
	tune(o, name, timeout)
	if o.Dialer == nil || (o.TLSConfig != nil && isDefaultDialer(o.Dialer)) {
		o.Dialer = dialerFor(o)
	}
	return o
}

// nodeOptions are those of one node. NewClient of the parent may change them, and so it is asked: the client that it makes is
// closed before it connects to anything.
func nodeOptions(c *redis.ClusterOptions, addr string) *redis.Options {
	o := &redis.Options{
		Addr: addr, Dialer: c.Dialer, OnConnect: c.OnConnect, TLSConfig: c.TLSConfig, DialTimeout: c.DialTimeout,
		Username: c.Username, Password: c.Password,
		CredentialsProvider:          c.CredentialsProvider,
		CredentialsProviderContext:   c.CredentialsProviderContext,
		StreamingCredentialsProvider: c.StreamingCredentialsProvider,
		ReadBufferSize:               c.ReadBufferSize, WriteBufferSize: c.WriteBufferSize,
		DisableIdentity: c.DisableIdentity, IdentitySuffix: c.IdentitySuffix,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if c.NewClient == nil {
		return o
	}
	client := c.NewClient(o)
	changed := *client.Options()
	_ = client.Close()
	return &changed
}

// tune turns off everything that would connect, retry, or run in the background by itself.
func tune(o *redis.Options, name string, timeout time.Duration) {
	o.ClientName = name
	o.Protocol = 2 // nothing needs RESP3, and without push notifications a connection carries what was asked for alone
	o.MaxRetries = -1
	o.DialerRetries = 1
	o.DialerRetryBackoff = nil
	if o.DialTimeout <= 0 {
		o.DialTimeout = 5 * time.Second
	}
	o.ReadTimeout, o.WriteTimeout = timeout, timeout
	o.ContextTimeoutEnabled = true
	o.PoolSize, o.MinIdleConns, o.MaxIdleConns, o.MaxActiveConns = 1, 0, 0, 0
	o.MaxConcurrentDials = 1
	o.PoolTimeout = timeout
	o.PipelinePoolSize = -1
	o.ConnMaxIdleTime, o.ConnMaxLifetime, o.ConnMaxLifetimeJitter = -1, -1, 0
	o.Limiter = nil
	o.PushNotificationProcessor = nil
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	o.ClientSideCache, o.ClientSideCacheConfig = nil, nil
	o.ClientSideCacheRefreshOnInvalidate, o.ClientSideCacheCoalesceMisses = false, false
	o.ClientSideCacheInvalidationBatchWindow = 0
	if o.Network == "" {
		o.Network = "tcp"
		if strings.HasPrefix(o.Addr, "/") {
			o.Network = "unix"
		}
	}
}

// isDefaultDialer tells whether it is the library's own, which for TLS ignores its context until DialTimeout. One that is not
// recognised is used as it is.
func isDefaultDialer(dialer func(context.Context, string, string) (net.Conn, error)) bool {
	f := runtime.FuncForPC(reflect.ValueOf(dialer).Pointer())
	if f == nil {
		return false
	}
	// The function may be inlined into its caller, as go-redis/v9.(*Options).init.NewDialer.func1.
	return strings.Contains(f.Name(), "github.com/redis/go-redis/v9.") && strings.Contains(f.Name(), "NewDialer.func")
}

// dialerFor does what the library's own does, and ends with its context.
func dialerFor(o *redis.Options) func(context.Context, string, string) (net.Conn, error) {
	dialer := &net.Dialer{
		Timeout:         o.DialTimeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 5 * time.Second, Count: 3},
	}
	if o.TLSConfig == nil {
		return dialer.DialContext
	}
	return (&tls.Dialer{NetDialer: dialer, Config: o.TLSConfig}).DialContext
}
