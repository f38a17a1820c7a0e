// Package testserver runs servers of actio on TCP ports, for tests with real clients.
package testserver

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
)

// patience bounds the end of a server.
const patience = 15 * time.Second

// Server is one that listens.
type Server struct {
	*actio.Server

	URL string
}

// Start starts a server on a free port: without authentication, unless the options say how clients authenticate. A panic in
// the application fails the test, unless the options have OnPanic. The test ends the server, and fails if anything of it is left.
func Start(t *testing.T, o actio.Options) *Server {
	t.Helper()
	o.NoAuthentication = o.Authenticate == nil
	if o.OnPanic == nil {
		o.OnPanic = func(where string, recovered any, stack []byte) {
			t.Errorf("panic in %s: %v\n%s", where, recovered, stack)
		}
	}
	server, err := actio.New(o)
	require.NoError(t, err)
	require.NoError(t, server.Configure(t.Context()))
	web := httptest.NewServer(server)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		assert.NoError(t, server.Shutdown(ctx))
		web.Close()
	})
	return &Server{Server: server, URL: web.URL}
}

// Values decodes all arguments; binary is []byte.
func Values(t *testing.T, args actio.Args) []any {
	t.Helper()
	values := make([]any, args.Len())
	for i := range values {
		assert.NoError(t, args.Decode(i, &values[i]))
	}
	return values
}

// Echo acknowledges with the event's arguments, or emits them back when no acknowledgement is asked for.
func Echo(t *testing.T) actio.HandlerFunc {
	t.Helper()
	return func(_ context.Context, s *actio.Socket, e *actio.Event) {
		if e.WantsReply() {
			assert.NoError(t, e.Reply(Values(t, e.Args)...))
			return
		}
		assert.NoError(t, s.Emit(e.Name, Values(t, e.Args)...))
	}
}
