package cluster

import (
	"context"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
)

// instance is a member that runs actio.
type instance struct {
	*actio.Server

	title  string
	url    string
	events chan []any // of other servers
}

var _ member = (*instance)(nil)

// startInstance starts an instance. The test ends it, and fails if anything of it is left then.
func startInstance(t *testing.T, title string, redis actio.RedisOptions) *instance {
	t.Helper()
	server, err := actio.New(actio.Options{
		Identifier: title,
		Redis:      redis,
		Authenticate: func(_ context.Context, h *actio.Handshake) (*actio.Principal, error) {
			var auth struct{ Token, User string }
			if err := h.DecodeAuth(&auth); err != nil || auth.Token != "good" {
				return nil, err
			}
			return &actio.Principal{UserID: auth.User}, nil
		},
		DefaultRooms: []string{},
		PingInterval: 1000 * time.Hour, // the tests look at all that clients get: none but the first
		OnPanic: func(where string, recovered any, stack []byte) {
			t.Errorf("panic in %s: %v\n%s", where, recovered, stack)
		},
	})
	require.NoError(t, err)
	_, err = server.Of("/custom")
	require.NoError(t, err)
	require.NoError(t, server.Configure(t.Context()))
	web := httptest.NewServer(server)
	i := &instance{Server: server, title: title, url: web.URL, events: make(chan []any, 1000)}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		assert.NoError(t, server.Shutdown(ctx))
		web.Close()
	})
	return i
}

func (i *instance) name() string              { return i.title }
func (i *instance) uid() string               { return i.ID() }
func (i *instance) where() (url, path string) { return i.url, i.Path() }

// address is the host and port.
func (i *instance) address() string { return strings.TrimPrefix(i.url, "http://") }

// to makes the operator of a target.
func (i *instance) to(to target) actio.Broadcast {
	n := i.Root()
	if to.Namespace != "" {
		n, _ = i.Of(to.Namespace) // it exists
	}
	b := n.Except(to.Except...)
	if len(to.Rooms) > 0 {
		b = b.To(to.Rooms...)
	}
	if to.Local {
		b = b.Local()
	}
	if to.Volatile {
		b = b.Volatile()
	}
	return b
}

func (i *instance) emit(t *testing.T, to target, event string, args ...any) {
	t.Helper()
	require.NoError(t, i.to(to).Emit(event, args...))
}

func (i *instance) socketsJoin(t *testing.T, to target, rooms ...string) {
	t.Helper()
	require.NoError(t, i.to(to).SocketsJoin(t.Context(), rooms...))
}

func (i *instance) socketsLeave(t *testing.T, to target, rooms ...string) {
	t.Helper()
	require.NoError(t, i.to(to).SocketsLeave(t.Context(), rooms...))
}

func (i *instance) disconnect(t *testing.T, to target, whole bool) {
	t.Helper()
	require.NoError(t, i.to(to).DisconnectSockets(t.Context(), whole))
}

func (i *instance) serverEvent(t *testing.T, event string, args ...any) {
	t.Helper()
	require.NoError(t, i.ServerSideEmit(event, args...))
}

// socketOf is one of its own sockets.
func (i *instance) socketOf(t *testing.T, id string) *actio.Socket {
	t.Helper()
	s, err := i.Socket(t.Context(), id)
	require.NoError(t, err)
	require.NotNil(t, s)
	return s
}

func (i *instance) join(t *testing.T, socket string, rooms ...string) {
	t.Helper()
	require.NoError(t, i.socketOf(t, socket).Join(t.Context(), rooms...))
}

func (i *instance) setData(t *testing.T, socket, key string, value any) {
	t.Helper()
	i.socketOf(t, socket).Data().Store(key, value)
}

func (i *instance) ask(t *testing.T, to target, timeout time.Duration, event string, args ...any) asked {
	t.Helper()
	r, err := i.to(to).Timeout(timeout).EmitWithAck(t.Context(), event, args...)
	require.NoError(t, err)
	assert.True(t, r.Missing.None(), "%+v", r.Missing)
	a := asked{missing: r.Unanswered}
	for _, answer := range r.Answers {
		if answer.Err != nil {
			require.ErrorIs(t, answer.Err, actio.ErrTimeout)
			require.NotEmpty(t, answer.SocketID)
			a.missing++
			continue
		}
		a.answers = append(a.answers, firstOf(t, answer.Args))
	}
	return a
}

// firstOf decodes the first argument.
func firstOf(t *testing.T, args actio.Args) any {
	t.Helper()
	if args.Len() == 0 {
		return nil
	}
	var v any
	require.NoError(t, args.Decode(0, &v))
	return v
}

func (i *instance) fetch(t *testing.T, to target) fetched {
	t.Helper()
	f, err := i.to(to).FetchSockets(t.Context())
	require.NoError(t, err)
	assert.True(t, f.Missing.None(), "%+v", f.Missing)
	return i.known(t, f)
}

// known converts what was found.
func (i *instance) known(t *testing.T, f actio.Fetched) fetched {
	t.Helper()
	all := make(fetched)
	for _, s := range f.Sockets {
		var auth struct{ Token any }
		require.NoError(t, s.Handshake.DecodeAuth(&auth))
		found := socket{id: s.ID, rooms: slices.Sorted(slices.Values(s.Rooms)), token: auth.Token, user: s.UserID}
		require.NoError(t, s.Data(&found.data))
		assert.NotContains(t, all, s.ID, "found twice")
		all[s.ID] = found
	}
	return all
}

func (i *instance) answer(t *testing.T, event string, args ...any) {
	t.Helper()
	require.NoError(t, i.OnServerSideEmit(event, func(_ context.Context, e *actio.ServerEvent) {
		got := make([]any, e.Args.Len())
		for k := range got {
			assert.NoError(t, e.Args.Decode(k, &got[k]))
		}
		i.events <- append([]any{e.Name}, got...)
		assert.NoError(t, e.Reply(args...))
	}))
}

func (i *instance) served(t *testing.T) []any {
	t.Helper()
	return await.Value(t, i.events)
}

func (i *instance) askServers(t *testing.T, event string, args ...any) asked {
	t.Helper()
	r, err := i.ServerSideEmitWithAck(t.Context(), event, args...)
	return i.asked(t, r, err)
}

// asked converts what the other servers answered.
func (*instance) asked(t *testing.T, r actio.ServerReplies, err error) asked {
	t.Helper()
	require.NoError(t, err)
	a := asked{missing: len(r.Missing.Instances) + r.Missing.Unnamed}
	for _, reply := range r.Replies {
		a.answers = append(a.answers, firstOf(t, reply.Args))
	}
	return a
}
