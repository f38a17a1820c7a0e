package parsers

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/testserver"
	"github.com/actio-go/actio/wire/msgpack"
)

// patience bounds every wait of a test.
const patience = 15 * time.Second

// way is a parser and a transport over which a test runs.
type way struct {
	parser     actio.Parser
	name       string // of the parser in tests/js/parsers.mjs
	transports []string
	node       *jsclient.Harness
}

// parsers are those that both sides know, by their names in tests/js/parsers.mjs.
func parsers() map[string]actio.Parser {
	return map[string]actio.Parser{"msgpack": msgpack.Parser{}, "plain": plain{}}
}

// overEachWay runs a test with each parser, over each way to connect.
func overEachWay(t *testing.T, test func(t *testing.T, w way)) {
	t.Helper()
	for name := range parsers() {
		t.Run(name, func(t *testing.T) { overEachTransport(t, name, test) })
	}
}

// overEachTransport runs a test with one parser, over each way to connect.
func overEachTransport(t *testing.T, name string, test func(t *testing.T, w way)) {
	t.Helper()
	t.Parallel()
	node := jsclient.Start(t)
	for transport, transports := range map[string][]string{
		"polling": jsclient.Polling, "websocket": jsclient.WebSocket, "upgrade": jsclient.Upgrade,
	} {
		t.Run(transport, func(t *testing.T) { test(t, way{parsers()[name], name, transports, node}) })
	}
}

// stand is a server with the parser of a way.
type stand struct {
	*testserver.Server

	way way
}

// serve starts a server on a free port. The test ends it, and fails if anything of it is left then.
func (w way) serve(t *testing.T, o actio.Options) *stand {
	t.Helper()
	o.Parser = w.parser
	return &stand{testserver.Start(t, o), w}
}

// dial connects a client to a namespace.
func (s *stand) dial(t *testing.T, namespace string, o jsclient.Options) (*jsclient.Client, error) {
	t.Helper()
	o.Transports, o.Path = s.way.transports, s.Path()
	if s.way.name != "" {
		o.Extra = map[string]any{"parser": s.way.name}
	}
	return s.way.node.Dial(t.Context(), s.URL+namespace, o)
}

func (s *stand) connect(t *testing.T) *jsclient.Client {
	t.Helper()
	c, err := s.dial(t, "/", jsclient.Options{})
	require.NoError(t, err)
	return c
}
