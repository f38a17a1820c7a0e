package cluster

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/tests/internal/jspeer"
)

// outside is the official emitter.
type outside struct {
	*jspeer.Speaker

	title string
}

var _ speaker = outside{}

func (o outside) name() string { return o.title }

func (o outside) emit(t *testing.T, to target, event string, args ...any) {
	t.Helper()
	require.NoError(t, o.Emit(t.Context(), to, event, args...))
}

func (o outside) socketsJoin(t *testing.T, to target, rooms ...string) {
	t.Helper()
	require.NoError(t, o.SocketsJoin(t.Context(), to, rooms...))
}

func (o outside) socketsLeave(t *testing.T, to target, rooms ...string) {
	t.Helper()
	require.NoError(t, o.SocketsLeave(t.Context(), to, rooms...))
}

func (o outside) disconnect(t *testing.T, to target, whole bool) {
	t.Helper()
	require.NoError(t, o.DisconnectSockets(t.Context(), to, whole))
}

func (o outside) serverEvent(t *testing.T, event string, args ...any) {
	t.Helper()
	require.NoError(t, o.ServerSideEmit(t.Context(), "", event, args...))
}

// node is a member that runs Node.js.
type node struct {
	outside

	peer *jspeer.Peer
}

var _ member = (*node)(nil)

func newNode(p *jspeer.Peer) *node {
	return &node{outside: outside{Speaker: &p.Speaker, title: "node"}, peer: p}
}

func (n *node) uid() string               { return n.peer.UID("/") }
func (n *node) where() (url, path string) { return n.peer.URL(), n.peer.Path() }

func (n *node) join(t *testing.T, socket string, rooms ...string) {
	t.Helper()
	require.NoError(t, n.peer.Join(t.Context(), "", socket, rooms...))
}

func (n *node) setData(t *testing.T, socket, key string, value any) {
	t.Helper()
	require.NoError(t, n.peer.SetData(t.Context(), "", socket, map[string]any{key: value}))
}

func (n *node) ask(t *testing.T, to target, timeout time.Duration, event string, args ...any) asked {
	t.Helper()
	answers, err := n.peer.EmitWithAck(t.Context(), to, timeout, event, args...)
	return n.asked(t, answers.Values(), err)
}

// asked converts what Node.js returns; an error says that answers are missing.
func (n *node) asked(t *testing.T, answers []any, err error) asked {
	t.Helper()
	a := asked{answers: answers}
	if err != nil {
		require.Regexp(t, "^operation has timed out$|^timeout reached: ", err.Error())
		a.missing = 1
	}
	return a
}

func (n *node) fetch(t *testing.T, to target) fetched {
	t.Helper()
	sockets, err := n.peer.FetchSockets(t.Context(), to)
	require.NoError(t, err)
	all := make(fetched)
	for _, s := range sockets {
		found := socket{id: s.ID, rooms: slices.Sorted(slices.Values(s.Rooms)), data: s.Data}
		if auth, ok := s.Handshake["auth"].(map[string]any); ok {
			found.token = auth["token"]
		}
		assert.NotContains(t, all, s.ID, "found twice")
		all[s.ID] = found
	}
	return all
}

func (n *node) answer(t *testing.T, event string, args ...any) {
	t.Helper()
	require.NoError(t, n.peer.Answer(t.Context(), "", event, args...))
}

func (n *node) served(t *testing.T) []any {
	t.Helper()
	args, err := n.peer.WaitEvent(t.Context(), "server")
	require.NoError(t, err)
	return args.Values()
}

func (n *node) askServers(t *testing.T, event string, args ...any) asked {
	t.Helper()
	answers, err := n.peer.ServerSideEmitWithAck(t.Context(), "", event, args...)
	return n.asked(t, answers.Values(), err)
}
