package namespaces

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/testserver"
)

// patience bounds every wait of a test.
const patience = 15 * time.Second

// stand is a server on a TCP port, and Node.js with clients for it.
type stand struct {
	*testserver.Server

	node *jsclient.Harness
}

// serve starts a plain server, unless the options say how clients authenticate. The test ends it, and fails if anything of
// it is left then.
func serve(t *testing.T, o actio.Options) *stand {
	t.Helper()
	return &stand{Server: testserver.Start(t, o), node: jsclient.Start(t)}
}

// dial connects a client to a namespace, or fails with its connect_error.
func (s *stand) dial(t *testing.T, namespace string, auth any) (*jsclient.Client, error) {
	t.Helper()
	return s.node.Dial(t.Context(), s.URL+namespace, s.options(auth))
}

func (s *stand) options(auth any) jsclient.Options {
	return jsclient.Options{Path: s.Path(), Auth: auth, Transports: jsclient.WebSocket}
}

// enter connects a client to a namespace that lets it in.
func (s *stand) enter(t *testing.T, namespace string) *jsclient.Client {
	t.Helper()
	c, err := s.dial(t, namespace, nil)
	require.NoError(t, err)
	return c
}

// socket is the server's side of a client.
func (s *stand) socket(t *testing.T, c *jsclient.Client) *actio.Socket {
	t.Helper()
	socket, err := s.Socket(t.Context(), c.ID())
	require.NoError(t, err)
	require.NotNil(t, socket)
	return socket
}

// of is a static namespace.
func (s *stand) of(t *testing.T, name string) *actio.Namespace {
	t.Helper()
	n, err := s.Of(name)
	require.NoError(t, err)
	return n
}
