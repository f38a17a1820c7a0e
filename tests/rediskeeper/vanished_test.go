package rediskeeper

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/keeper"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

// silent is a client whose heartbeat fails, and whose session is written when the test says so.
type silent struct {
	*rig

	server *redisproc.Server
	data   *encoder
	client *client
	pid    string
}

func newSilent(t *testing.T) *silent {
	t.Helper()
	s := &silent{server: redisproc.Start(t), data: newEncoder()}
	var its atomic.Pointer[connection.Socket]
	s.rig = start(t, s.server, keeper.Options{Data: func(socket *connection.Socket) format.Payload {
		if its.CompareAndSwap(nil, socket) || its.Load() == socket {
			return s.data.encode(t)
		}
		return data(socket.ID())
	}})
	s.client = s.dial()
	_, _, s.pid = s.client.enter("40")
	socket := await.Value(t, s.app.sockets)
	await.Value(t, s.data.begun)
	require.NoError(t, socket.Join(t.Context(), "room"))
	s.data.be("opened")
	s.data.goOn <- struct{}{} // once as it began, whether that was before it was known to be authenticated or then
	s.goesOn()                // and once for the room
	s.until(s.pid, of(t, "opened"))
	return s
}

// goesOn lets the session be written that waits for its data.
func (s *silent) goesOn() {
	s.t.Helper()
	await.Value(s.t, s.data.begun)
	s.data.goOn <- struct{}{}
}

func (s *silent) fails() { s.client.session.Close(connection.ReasonPingTimeout) }

// TestSession_TakenOutWhileItsClientWasSilent_IsNotPutBack: the client is with who took it out.
func TestSession_TakenOutWhileItsClientWasSilent_IsNotPutBack(t *testing.T) {
	t.Parallel()
	s := newSilent(t)
	s.vanish(s.pid)
	s.fails()
	s.goesOn()
	require.NoError(t, s.keeper.Stop(t.Context()))
	require.NoError(t, s.bridge.Close(t.Context()))
	assert.Nil(t, s.stored(s.pid))
}

// TestSession_TakenOutAfterItsClientHasComeHere_IsPutBack: the client was here last, and did not get through.
func TestSession_TakenOutAfterItsClientHasComeHere_IsPutBack(t *testing.T) {
	t.Parallel()
	s := newSilent(t)
	s.data.be("second")
	s.server.Pause()
	c, answers := s.claim(s.pid, "/")
	s.keeper.Unclaim(c)
	s.server.Resume()
	s.goesOn()
	s.until(s.pid, of(t, "second"))
	s.data.be("third")
	s.vanish(s.pid)
	s.fails()
	s.goesOn()
	s.until(s.pid, of(t, "third"))
	assert.Empty(t, answers)
}
