package recovery

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

// ownHome is an instance of this process, which is not killed.
type ownHome struct{ *stand }

func (h ownHome) address() string { return h.stand.address }

func (h ownHome) entered(t *testing.T) {
	t.Helper()
	h.join(t)
}

func (h ownHome) kill(t *testing.T) {
	t.Helper()
	h.end(t)
}

// vanish has the client leave without a word, so that its instance takes it for alive, and come back to a home as who it was.
func (j *journey) vanish(t *testing.T, to home) {
	t.Helper()
	j.proxy.Lose()
	_, err := j.client.WaitEvent(t.Context(), "disconnect")
	require.NoError(t, err)
	j.proxy.To(to.address())
	j.arrive(t)
	j.at = to
}

// storedIn waits until Redis has the session with this room.
func (j *journey) storedIn(t *testing.T, room string) {
	t.Helper()
	require.Eventually(t, func() bool {
		keys, err := j.look.Keys(t.Context(), "sio:session:*").Result()
		if err != nil || len(keys) != 1 {
			return false
		}
		text, err := j.look.Get(t.Context(), keys[0]).Bytes()
		if err != nil {
			return false
		}
		s, err := format.DecodeSession(text)
		return err == nil && slices.Contains(s.Rooms, room)
	}, patience, time.Millisecond)
}

// roomsAtNode are those of the client's socket.
func (j *journey) roomsAtNode(t *testing.T, node nodeHome) []string {
	t.Helper()
	sockets, err := node.Clients(t.Context(), "/")
	require.NoError(t, err)
	for _, s := range sockets {
		if s.ID == j.id {
			return slices.Sorted(slices.Values(slices.DeleteFunc(s.Rooms, func(room string) bool { return room == j.id })))
		}
	}
	require.FailNow(t, "the client is not there")
	return nil
}

func roomsOf(t *testing.T, s *actio.Socket) []string {
	t.Helper()
	rooms, err := s.Rooms(t.Context())
	require.NoError(t, err)
	return slices.Sorted(slices.Values(slices.DeleteFunc(rooms, func(room string) bool { return room == s.ID() })))
}

// TestStreams_ClientGoesToNodeAndBackWithoutAWord_IsWhoItWasLast: Node.js reads a session that names its holder, takes it, and
// gives it back in other rooms, while the instance that had it before takes the client for alive, and does what it likes.
func TestStreams_ClientGoesToNodeAndBackWithoutAWord_IsWhoItWasLast(t *testing.T) {
	t.Parallel()
	server := redisproc.Start(t)
	here, node := serve(t, onStreams(server.Client())), startNode(t, server)
	j := depart(t, server, ownHome{here}, jsclient.WebSocket)
	zombie := socketOf(t, here, j.id)
	require.NoError(t, zombie.Join(t.Context(), "mine"))
	require.NoError(t, j.emit(3))
	j.got(t, 3)
	j.stored(t)

	j.vanish(t, node)
	assert.Equal(t, []string{"mine", "r"}, j.roomsAtNode(t, node))
	require.NoError(t, node.Join(t.Context(), "", j.id, "of Node"))
	require.NoError(t, node.Leave(t.Context(), "", j.id, "mine"))
	require.NoError(t, zombie.Join(t.Context(), "of a zombie"))
	j.proxy.Down()
	_, err := j.client.WaitEvent(t.Context(), "disconnect")
	require.NoError(t, err)
	j.storedIn(t, "of Node")
	require.NoError(t, j.emit(3))
	j.proxy.To(here.address)
	j.arrive(t)
	j.at = ownHome{here}

	socket := here.join(t)
	assert.NotSame(t, zombie, socket)
	assert.Equal(t, []string{"of Node", "r"}, roomsOf(t, socket))
	assert.Equal(t, actio.ReasonTransportClose, await.Value(t, here.ended), "the zombie")
	j.storedIn(t, "of Node")
	j.leg(t, 40, node, jsclient.WebSocket, j.proxy.Down)
	assert.Equal(t, []string{"of Node", "r"}, j.roomsAtNode(t, node))
	j.end(t)
}

// TestStreams_ClientIsWithNode_HeartbeatHereFails_NothingIsLeftInRedis: Node.js has taken the session out, and says nothing
// when it ends.
func TestStreams_ClientIsWithNode_HeartbeatHereFails_NothingIsLeftInRedis(t *testing.T) {
	t.Parallel()
	server := redisproc.Start(t)
	o := onStreams(server.Client())
	o.Engine.PingInterval, o.Engine.PingTimeout = 200*time.Millisecond, 4*time.Second
	here, node := serve(t, o), startNode(t, server)
	j := depart(t, server, ownHome{here}, jsclient.WebSocket)
	zombie := socketOf(t, here, j.id)
	require.NoError(t, j.emit(3))
	j.got(t, 3)
	j.stored(t)

	j.vanish(t, node)
	require.NoError(t, zombie.Join(t.Context(), "of a zombie"))
	require.Equal(t, actio.ReasonPingTimeout, await.Value(t, here.ended))
	here.end(t) // what it writes of its sessions is written then
	keys, err := j.look.Keys(t.Context(), "sio:session:*").Result()
	require.NoError(t, err)
	assert.Empty(t, keys)
	require.NoError(t, j.emit(3))
	j.end(t)
}

func socketOf(t *testing.T, s *stand, id string) *actio.Socket {
	t.Helper()
	socket, err := s.Socket(t.Context(), id)
	require.NoError(t, err)
	return socket
}
