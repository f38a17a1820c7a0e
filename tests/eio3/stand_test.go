package eio3

import (
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/testserver"
)

// patience bounds every wait of a test.
const patience = 15 * time.Second

// link is a way in which clients connect.
type link struct {
	transports []string
	node       *jsclient.Harness
}

// overEachLink runs a test over each way to connect.
func overEachLink(t *testing.T, test func(t *testing.T, l link)) {
	t.Helper()
	t.Parallel()
	node := jsclient.Start(t)
	for name, transports := range map[string][]string{
		"polling": jsclient.Polling, "websocket": jsclient.WebSocket, "upgrade": jsclient.Upgrade,
	} {
		t.Run(name, func(t *testing.T) { test(t, link{transports, node}) })
	}
}

// stand is a server that lets clients of Socket.IO 2 in.
type stand struct {
	*testserver.Server

	link link
}

// serve starts a server on a free port. The test ends it, and fails if anything of it is left then.
func (l link) serve(t *testing.T, o actio.Options) *stand {
	t.Helper()
	o.Engine.AllowEIO3 = true
	return l.serveAs(t, o)
}

// serveAs starts a server with these options.
func (l link) serveAs(t *testing.T, o actio.Options) *stand {
	t.Helper()
	return &stand{testserver.Start(t, o), l}
}

// dial connects a client of Socket.IO 2 to a namespace.
func (s *stand) dial(t *testing.T, namespace string, o jsclient.Options) (*jsclient.Client, error) {
	t.Helper()
	extra := map[string]any{"version": 2}
	maps.Copy(extra, o.Extra)
	o.Transports, o.Path, o.Extra = s.link.transports, s.Path(), extra
	return s.link.node.Dial(t.Context(), s.URL+namespace, o)
}

// connect connects one to the main namespace.
func (s *stand) connect(t *testing.T) *jsclient.Client {
	t.Helper()
	return s.connectWith(t, jsclient.Options{})
}

func (s *stand) connectWith(t *testing.T, o jsclient.Options) *jsclient.Client {
	t.Helper()
	c, err := s.dial(t, "/", o)
	require.NoError(t, err)
	return c
}

// connect4 connects a client of Socket.IO 4.
func (s *stand) connect4(t *testing.T) *jsclient.Client {
	t.Helper()
	return s.connectWith(t, jsclient.Options{Extra: map[string]any{"version": 4}})
}

// stats is a snapshot.
func (s *stand) stats(t *testing.T) actio.Stats {
	t.Helper()
	stats, err := s.Stats(t.Context())
	require.NoError(t, err)
	return stats
}
