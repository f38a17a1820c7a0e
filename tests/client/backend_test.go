package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/jspeer"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

// backend is a server that authenticates the token "good" and lets clients join rooms whose names do not begin with "deny".
type backend interface {
	url() string
	path() string
	// emit sends an event to all clients.
	emit(t *testing.T, event string, args ...any)
	// next waits for an event of a client, other than those of authentication and rooms.
	next(t *testing.T) (event string, args string)
	rooms(t *testing.T, id string) []string
	// kick sends DISCONNECT to all clients.
	kick(t *testing.T)
}

// actioBackend is a server of actio.
type actioBackend struct {
	server  *actio.Server
	address string
	events  chan [2]string
}

func startActio(t *testing.T) backend {
	t.Helper()
	b := &actioBackend{events: make(chan [2]string, 100)}
	b.server, b.address = serve(t, actio.Options{
		Authenticate: actio.AuthenticateFunc(func(ctx context.Context, h actio.Handshake) (bool, error) {
			var auth struct {
				Token string
				Delay int
			}
			_ = json.Unmarshal(h.Auth, &auth)
			if auth.Token == "never" {
				<-ctx.Done()
				return false, ctx.Err()
			}
			return auth.Token == "good", nil
		}),
		ValidateRooms: func(_ context.Context, _ *actio.Socket, rooms []string) ([]string, error) {
			return slices.DeleteFunc(rooms, func(r string) bool { return strings.HasPrefix(r, "deny") }), nil
		},
	})
	for _, event := range []string{"news", "empty"} {
		require.NoError(t, b.server.Root().Handle(event, func(_ context.Context, _ *actio.Socket, e *actio.Event) {
			b.events <- [2]string{event, string(e.Args.AppendJSON(nil))}
			if err := e.Reply("thanks"); !errors.Is(err, actio.ErrClosed) { // the client may be gone
				assert.NoError(t, err)
			}
		}))
	}
	return b
}

func (b *actioBackend) url() string  { return b.address }
func (b *actioBackend) path() string { return "/socket.io" }

func (b *actioBackend) emit(t *testing.T, event string, args ...any) {
	t.Helper()
	require.NoError(t, b.server.Emit(event, args...))
}

func (b *actioBackend) next(t *testing.T) (event, args string) {
	t.Helper()
	select {
	case e := <-b.events:
		return e[0], e[1]
	case <-time.After(patience):
		t.Fatal("no event came")
		return "", ""
	}
}

func (b *actioBackend) rooms(t *testing.T, id string) []string {
	t.Helper()
	s, err := b.server.Socket(within(t), id)
	require.NoError(t, err)
	require.NotNil(t, s)
	rooms, err := s.Rooms(within(t))
	require.NoError(t, err)
	return rooms
}

func (b *actioBackend) kick(t *testing.T) {
	t.Helper()
	require.NoError(t, b.server.DisconnectSockets(within(t), false))
}

// ignisBackend is a server with the original helper of Ignis.
type ignisBackend struct{ *jspeer.Peer }

func startIgnis(t *testing.T) backend {
	t.Helper()
	redis := redisproc.Start(t)
	return ignisBackend{jspeer.StartIgnis(t, jspeer.Redis{Nodes: []string{redis.Addr()}})}
}

func (b ignisBackend) url() string  { return b.URL() }
func (b ignisBackend) path() string { return b.Path() }

func (b ignisBackend) emit(t *testing.T, event string, args ...any) {
	t.Helper()
	require.NoError(t, b.Emit(within(t), jspeer.Target{}, event, args...))
}

func (b ignisBackend) next(t *testing.T) (event, args string) {
	t.Helper()
	for {
		got, err := b.WaitEvent(within(t), "received")
		require.NoError(t, err)
		require.NoError(t, got.Decode(1, &event))
		if event != "authenticate" && event != "join" && event != "leave" {
			raw, err := json.Marshal(got[2:])
			require.NoError(t, err)
			return event, string(raw)
		}
	}
}

func (b ignisBackend) rooms(t *testing.T, id string) []string {
	t.Helper()
	all, err := b.FetchSockets(within(t), jspeer.Target{})
	require.NoError(t, err)
	for _, s := range all {
		if s.ID == id {
			return s.Rooms
		}
	}
	t.Fatalf("no socket %s", id)
	return nil
}

func (b ignisBackend) kick(t *testing.T) {
	t.Helper()
	require.NoError(t, b.DisconnectSockets(within(t), jspeer.Target{}, false))
}

// journal keeps log lines.
type journal struct {
	mutex sync.Mutex
	lines []string
	attrs string
	root  *journal
}

func (j *journal) Enabled(context.Context, slog.Level) bool { return true }

func (j *journal) Handle(_ context.Context, r slog.Record) error {
	line := r.Level.String() + " " + r.Message + j.attrs
	r.Attrs(func(a slog.Attr) bool {
		line += " " + a.String()
		return true
	})
	root := j
	if j.root != nil {
		root = j.root
	}
	root.mutex.Lock()
	defer root.mutex.Unlock()
	root.lines = append(root.lines, line)
	return nil
}

func (j *journal) WithAttrs(attrs []slog.Attr) slog.Handler {
	root, text := j, j.attrs
	if j.root != nil {
		root = j.root
	}
	for _, a := range attrs {
		text += " " + a.String()
	}
	return &journal{attrs: text, root: root}
}

func (j *journal) WithGroup(string) slog.Handler { return j }

// has tells whether a line was logged that begins so.
func (j *journal) has(prefix string) bool {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return slices.ContainsFunc(j.lines, func(line string) bool { return strings.HasPrefix(line, prefix) })
}

func (j *journal) clear() {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	j.lines = nil
}

func (j *journal) wait(t *testing.T, prefix string) {
	t.Helper()
	if !assert.Eventually(t, func() bool { return j.has(prefix) }, patience, time.Millisecond) {
		j.mutex.Lock()
		defer j.mutex.Unlock()
		t.Fatalf("not logged: %q in\n%s", prefix, strings.Join(j.lines, "\n"))
	}
}
