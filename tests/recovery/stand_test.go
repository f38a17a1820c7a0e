package recovery

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/wirecutter"
)

// patience bounds every wait of a test.
const patience = 30 * time.Second

// stand is a server with recovery behind a proxy.
type stand struct {
	*actio.Server
	address   string // past the proxy
	proxy     *wirecutter.Proxy
	connected chan *actio.Socket
	ended     chan actio.Reason
}

// serve starts a server whose every socket joins room "r". The test ends it, and fails if anything of it is left then.
func serve(t *testing.T, o actio.Options) *stand {
	t.Helper()
	o.Recovery.Enabled = true
	o.NoAuthentication = o.Authenticate == nil
	o.OnPanic = func(where string, recovered any, stack []byte) {
		t.Errorf("panic in %s: %v\n%s", where, recovered, stack)
	}
	server, err := actio.New(o)
	require.NoError(t, err)
	s := &stand{Server: server, connected: make(chan *actio.Socket, 100), ended: make(chan actio.Reason, 100)}
	s.Root().OnConnection(func(ctx context.Context, socket *actio.Socket) {
		if !socket.Recovered() {
			assert.NoError(t, socket.Join(ctx, "r"))
		}
		s.connected <- socket
	})
	s.Root().OnDisconnect(func(_ *actio.Socket, r actio.Reason) { s.ended <- r })
	s.host(t)
	return s
}

// host has the server serve.
func (s *stand) host(t *testing.T) {
	t.Helper()
	require.NoError(t, s.Configure(t.Context()))
	web := httptest.NewServer(s.Server)
	s.address = web.Listener.Addr().String()
	s.proxy = wirecutter.Start(t, s.address)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		s.proxy.Down()
		assert.NoError(t, s.Shutdown(ctx))
		web.Close()
	})
}

// end shuts the server down.
func (s *stand) end(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, s.Shutdown(ctx))
}

// options are those of an official client that reconnects soon.
func (s *stand) options(transports []string) jsclient.Options {
	return jsclient.Options{
		Path: s.Path(), Transports: transports, Reconnect: true,
		Extra: map[string]any{"reconnectionDelay": 5, "reconnectionDelayMax": 50, "randomizationFactor": 0},
	}
}

// join waits for a socket to be connected.
func (s *stand) join(t *testing.T) *actio.Socket {
	t.Helper()
	return await.Value(t, s.connected)
}

// again waits until a client has connected once more, and returns its id and whether it was recovered.
func again(t *testing.T, c *jsclient.Client) (id string, recovered bool) {
	t.Helper()
	args, err := c.WaitEvent(t.Context(), "connect")
	require.NoError(t, err)
	require.NoError(t, args.Decode(0, &id))
	require.NoError(t, args.Decode(2, &recovered))
	return id, recovered
}

// upgraded waits until a client that upgrades has done so. One that loses its connections while it changes from one to the other
// finds out by its heartbeat only.
func upgraded(t *testing.T, c *jsclient.Client, transports []string) {
	t.Helper()
	if len(transports) > 1 {
		_, err := c.WaitEvent(t.Context(), "upgrade")
		require.NoError(t, err)
	}
}

// outage takes the network down until a client has noticed, and does something meanwhile.
func (s *stand) outage(t *testing.T, c *jsclient.Client, meanwhile func()) {
	t.Helper()
	s.proxy.Down()
	_, err := c.WaitEvent(t.Context(), "disconnect")
	require.NoError(t, err)
	meanwhile()
	s.proxy.Up()
}

// numberOf is the next number that a client gets with an event.
func numberOf(t *testing.T, c *jsclient.Client, event string) (n int) {
	t.Helper()
	args, err := c.WaitEvent(t.Context(), event)
	require.NoError(t, err)
	require.NoError(t, args.Decode(0, &n))
	return n
}

// overEach runs a test with each transport.
func overEach(t *testing.T, test func(t *testing.T, transports []string, node *jsclient.Harness)) {
	t.Helper()
	t.Parallel()
	node := jsclient.Start(t)
	for _, transports := range [][]string{jsclient.WebSocket, jsclient.Polling, jsclient.Upgrade} {
		t.Run(strings.Join(transports, "-"), func(t *testing.T) { test(t, transports, node) })
	}
}

// note tells of a socket that is connected.
func (s *stand) note(_ context.Context, socket *actio.Socket) { s.connected <- socket }
