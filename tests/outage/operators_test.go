package outage

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/rawclient"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

// counted is a connection that counts what it reads.
type counted struct {
	net.Conn

	read *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// deflating is a client that has negotiated compression.
type deflating struct {
	t      *testing.T
	socket *websocket.Conn
	read   atomic.Int64 // bytes of the network
}

func dialDeflating(t *testing.T, s *instance) *deflating {
	t.Helper()
	c := &deflating{t: t}
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		return counted{conn, &c.read}, err
	}}
	t.Cleanup(transport.CloseIdleConnections)
	var err error
	c.socket, _, err = websocket.Dial(t.Context(), "ws://"+s.address()+"/io/?EIO=4&transport=websocket", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport}, CompressionMode: websocket.CompressionNoContextTakeover,
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.socket.CloseNow() })
	c.socket.SetReadLimit(1 << 20)
	c.wait("0")
	require.NoError(t, c.socket.Write(t.Context(), websocket.MessageText, []byte("40")))
	c.wait("40")
	return c
}

// wait reads until a packet begins like this, and returns how many bytes came meanwhile.
func (c *deflating) wait(prefix string) int64 {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	before := c.read.Load()
	for {
		_, packet, err := c.socket.Read(ctx)
		require.NoError(c.t, err)
		if bytes.HasPrefix(packet, []byte(prefix)) {
			return c.read.Load() - before
		}
	}
}

func TestOperators_CompressAndVolatile_HoldAtTheOtherInstance(t *testing.T) {
	overAdapters(t, func(t *testing.T, adapter actio.Adapter) {
		r := redisproc.Start(t)
		instances := make([]*instance, 2)
		for i := range instances {
			instances[i] = serve(t, actio.Options{
				Engine: actio.EngineOptions{Compression: &actio.Compression{}},
				Redis:  actio.RedisOptions{Client: r.Client(), Adapter: adapter},
			})
		}
		acquainted(t, instances, 1)
		here := instances[0].Root().Except()

		c := dialDeflating(t, instances[1])
		const size = 100_000
		text := strings.Repeat("x", size)
		require.NoError(t, here.Emit("plain", text))
		assert.Greater(t, c.wait(`42["plain"`), int64(size))
		require.NoError(t, here.Compress().Emit("compressed", text))
		assert.Less(t, c.wait(`42["compressed"`), int64(size/10))

		// A client that polls, but not now, is not ready.
		polling, err := rawclient.Dial(instances[1].address(), rawclient.Options{Transport: rawclient.Polling})
		require.NoError(t, err)
		t.Cleanup(polling.Close)
		_, err = polling.Join("/", nil)
		require.NoError(t, err)
		require.NoError(t, here.Volatile().Emit("volatile"))
		require.NoError(t, here.Emit("kept"))
		c.wait(`42["kept"`) // both have come to that instance
		// What was emitted before it joined may come late.
		assert.NotContains(t, eventsUntil(t, polling, "kept"), "volatile")
		require.NoError(t, polling.Leave())
	})
}
