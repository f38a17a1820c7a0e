package connection

import (
	"context"
	"net"
	"net/http/httptest"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors/actortest"
	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/transport"
	"github.com/actio-go/actio/wire"
)

// tooLate finds a session that has ended meanwhile.
type tooLate struct{ session *Session }

func (l tooLate) Open(*transport.Handshake) (transport.Opening, error) {
	return nil, transport.ErrDraining
}

func (l tooLate) Find(context.Context, string) (transport.Session, bool) { return l.session, true }

func TestProbe_SessionEndedMeanwhile_ClosesTheWebsocket(t *testing.T) {
	system := actortest.NewSystem(t)
	env := NewEnv(Env{System: system, Options: testOptions(), Counters: new(Counters), App: &app{namespaces: []string{"/"}}})
	pid := system.Spawn(Props(env), "connection")
	s := NewSession(env, "sid", pid, &transport.Handshake{})
	system.Send(pid, &Begin{Session: s, Link: new(transport.Poll), Begun: make(chan struct{})})
	system.Send(pid, &Abort{Reason: ReasonTransportClose})
	<-s.Done()
	handler, err := transport.NewHandler(transport.Config{}, tooLate{s})
	require.NoError(t, err)
	server := httptest.NewServer(handler)
	defer server.Close()
	url := strings.Replace(server.URL, "http", "ws", 1) + "/io/?EIO=4&transport=websocket&sid=sid"
	client, _, err := websocket.Dial(t.Context(), url, nil)
	require.NoError(t, err)
	_, _, err = client.Read(t.Context())
	require.Error(t, err)
	_ = client.CloseNow()
}

func TestConnect_BroadcastToTheFormerSocketUnderWay_DoesNotReachTheNewOne(t *testing.T) {
	inBubble(t, with(accept), func(r *rig) {
		s := r.authenticated()
		require.NoError(t, s.Join(r.t.Context(), "secret"))
		m, err := wire.EncodeEvent("/", "classified")
		require.NoError(t, err)
		busy := make(chan struct{}) // the shard has work before it
		r.system.Send(s.shard.PID(), &roomregistry.Join{Member: s.member(), Done: func() { <-busy }})
		r.registry.Broadcast(&roomregistry.Broadcast{Namespace: "/", Rooms: []string{"secret"}, Message: m})
		synctest.Wait()
		r.post("41", "40")
		assert.Len(t, r.app.sockets, 1, "the CONNECT waits")
		close(busy)
		synctest.Wait()
		assert.Len(t, r.app.sockets, 2)
		assert.NotContains(t, r.get(), "classified")
	})
}

func TestAuthenticate_NamespaceLeftAndJoinedAgain_GainsNoTime(t *testing.T) {
	inBubble(t, with(accept), func(r *rig) {
		for range 3 {
			r.post("40")
			time.Sleep(3 * time.Second)
			r.post("41")
		}
		r.get()
		r.post("40")
		time.Sleep(time.Second)
		assert.Contains(t, r.get(), textTimedOut)
	})
}

func TestHandler_EndsItsGoroutine_TheOtherEventsAreHandled(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		s := connectFreely(r)
		r.app.onEvent = func(_ *Socket, e Event) {
			if e.Name == "a" {
				runtime.Goexit()
			}
		}
		r.post(`42["a"]`, `42["b"]`)
		s.Disconnect(true)
		assert.Equal(t, []string{"event a", "event b", "disconnected forced server close"}, r.app.told())
	})
}

func TestState_SocketEnded_StaysWhatItWas(t *testing.T) {
	inBubble(t, with(accept), func(r *rig) {
		s := r.authenticated()
		s.Disconnect(true)
		synctest.Wait()
		assert.Equal(t, Authenticated, s.State())
	})
}

func TestReasonOf_WriteBehindTheReadersEnd_IsATransportClose(t *testing.T) {
	a, b := net.Pipe()
	require.NoError(t, b.Close())
	require.NoError(t, a.Close())
	_, err := a.Write([]byte("x"))
	assert.Equal(t, ReasonTransportClose, reasonOf(err))
	assert.Equal(t, ReasonTransportClose, reasonOf(&net.OpError{Op: "write", Err: net.ErrClosed}))
	assert.Equal(t, ReasonTransportError, reasonOf(syscall.ETIMEDOUT))
}
