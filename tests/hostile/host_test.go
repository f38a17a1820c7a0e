package hostile

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
)

// patience bounds every wait of a test.
var patience = time.Duration(sized(30, 600)) * time.Second

// host is a server under attack.
type host struct {
	*actio.Server

	web     *httptest.Server
	address string
	secure  bool
	log     *logbook
	ended   chan ending
}

// ending is one call of the disconnect callback.
type ending struct {
	id     string
	reason actio.Reason
}

// serve starts a server without authentication, unless o asks for it. Its client events are "echo", which it sends back, and
// "ask", which it acknowledges. The test ends it, and fails if anything of it is left then.
func serve(t *testing.T, o actio.Options) *host {
	t.Helper()
	return serveOver(t, o, false)
}

func serveOver(t *testing.T, o actio.Options, secure bool) *host {
	t.Helper()
	h := &host{secure: secure, log: newLogbook(), ended: make(chan ending, 1<<14)}
	o.NoAuthentication = o.Authenticate == nil
	o.Logger = slog.New(h.log)
	o.ClientDisconnected = func(s *actio.Socket, r actio.Reason) { h.ended <- ending{s.ID(), r} }
	if o.OnPanic == nil {
		o.OnPanic = func(where string, recovered any, stack []byte) {
			t.Errorf("panic in %s: %v\n%s", where, recovered, stack)
		}
	}
	server, err := actio.New(o)
	require.NoError(t, err)
	h.Server = server
	require.NoError(t, server.Configure(t.Context()))
	h.handle(t, "echo", func(_ context.Context, s *actio.Socket, e *actio.Event) {
		var v any
		if e.Args.Decode(0, &v) == nil {
			_ = s.Emit("echo", v)
		}
	})
	h.handle(t, "ask", func(_ context.Context, _ *actio.Socket, e *actio.Event) { _ = e.Reply("answer") })
	h.web = httptest.NewUnstartedServer(server)
	h.web.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // of TLS handshakes that clients break off
	if secure {
		h.web.StartTLS()
	} else {
		h.web.Start()
	}
	h.address = h.web.Listener.Addr().String()
	t.Cleanup(func() { h.stop(t) })
	return h
}

func (h *host) stop(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	assert.NoError(t, h.Shutdown(ctx))
	h.web.CloseClientConnections()
	h.web.Close()
}

func (h *host) handle(t *testing.T, event string, f actio.HandlerFunc) {
	t.Helper()
	require.NoError(t, h.Root().Handle(event, f))
}

func (h *host) stats(t *testing.T) actio.Stats {
	t.Helper()
	st, err := h.Stats(t.Context())
	require.NoError(t, err)
	return st
}

// reasonOf waits for the disconnect callback of a socket. It forgets those of others.
func (h *host) reasonOf(t *testing.T, id string) actio.Reason {
	t.Helper()
	for {
		if e := await.Value(t, h.ended); e.id == id {
			return e.reason
		}
	}
}

// dial opens a connection to the server.
func (h *host) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := h.tryDial(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	return conn
}

// logbook keeps what was logged.
type logbook struct {
	mu      sync.Mutex
	lines   []string
	changed chan struct{}
}

func newLogbook() *logbook { return &logbook{changed: make(chan struct{}, 1)} }

// Enabled takes everything from Info on.
func (*logbook) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }

// Handle keeps a line.
func (l *logbook) Handle(_ context.Context, r slog.Record) error {
	line := fmt.Sprintf("%s %s", r.Level, r.Message)
	r.Attrs(func(a slog.Attr) bool {
		line += " " + a.String()
		return true
	})
	l.mu.Lock()
	l.lines = append(l.lines, line)
	l.mu.Unlock()
	select {
	case l.changed <- struct{}{}:
	default:
	}
	return nil
}

// WithAttrs keeps them in a derived handler.
func (l *logbook) WithAttrs(attrs []slog.Attr) slog.Handler { return &derived{l, attrs} }

// WithGroup is not used by the server.
func (l *logbook) WithGroup(string) slog.Handler { return l }

type derived struct {
	book  *logbook
	attrs []slog.Attr
}

func (d *derived) Enabled(ctx context.Context, l slog.Level) bool { return d.book.Enabled(ctx, l) }

func (d *derived) Handle(ctx context.Context, r slog.Record) error {
	r.AddAttrs(d.attrs...)
	return d.book.Handle(ctx, r)
}

func (d *derived) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &derived{d.book, slices.Concat(d.attrs, attrs)}
}

func (d *derived) WithGroup(string) slog.Handler { return d }

// await waits for a line with all of these parts.
func (l *logbook) await(t *testing.T, parts ...string) {
	t.Helper()
	for !l.has(parts) {
		await.Value(t, l.changed)
	}
}

func (l *logbook) has(parts []string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.lines, func(line string) bool { return containsAll(line, parts) })
}
