package namespaces

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsclient"
)

// answers returns a handler that acknowledges with a text.
func answers(text string) actio.HandlerFunc {
	return func(_ context.Context, _ *actio.Socket, e *actio.Event) { _ = e.Reply(text) }
}

// noting returns a handler that writes down where an event came by.
func noting(log chan<- string, where string) actio.HandlerFunc {
	return func(_ context.Context, _ *actio.Socket, e *actio.Event) { log <- where + " " + e.Name }
}

func TestOnce_SecondEvent_FindsOtherHandlersOnly(t *testing.T) {
	s := serve(t, actio.Options{})
	c := s.enter(t, "/")
	for name, target := range map[string]actio.Target{"socket": s.socket(t, c), "namespace": s.Root()} {
		_, err := target.Once(name, answers("first"))
		require.NoError(t, err)
		require.NoError(t, target.Handle(name, answers("always")))
		assert.Equal(t, []any{"first"}, jsclient.Ask(t, c, name))
		assert.Equal(t, []any{"always"}, jsclient.Ask(t, c, name))
	}
}

func TestListen_Stopped_TakesThatHandlerOffAlone(t *testing.T) {
	s := serve(t, actio.Options{})
	c := s.enter(t, "/")
	for name, target := range map[string]actio.Target{"socket": s.socket(t, c), "namespace": s.Root()} {
		same := answers("same")
		stop, err := target.Listen(name, answers("one"))
		require.NoError(t, err)
		stopSame, err := target.Listen(name, same)
		require.NoError(t, err)
		require.NoError(t, target.Handle(name, same))
		assert.Equal(t, []any{"one"}, jsclient.Ask(t, c, name))
		stop()
		stop()
		assert.Equal(t, []any{"same"}, jsclient.Ask(t, c, name))
		stopSame()
		assert.Equal(t, []any{"same"}, jsclient.Ask(t, c, name), "the same function was added once more")
	}
}

func TestListen_Impossible_SaysWhyAndStopIsHarmless(t *testing.T) {
	s := serve(t, actio.Options{})
	for _, add := range []func(string, actio.HandlerFunc) (func(), error){s.Root().Listen, s.Root().Once} {
		stop, err := add("", answers(""))
		require.ErrorIs(t, err, actio.ErrInvalidTopic)
		stop()
		_, err = add("x", nil)
		require.ErrorIs(t, err, actio.ErrInvalidHandler)
		_, err = add("connect", answers(""))
		require.ErrorIs(t, err, actio.ErrReservedEvent)
	}
	require.ErrorIs(t, actio.On[actio.None, actio.None](s.Root(), "x", nil), actio.ErrInvalidHandler)
}

func TestOff_OneEventOrAll_LeavesTheOthersAlone(t *testing.T) {
	s := serve(t, actio.Options{})
	c := s.enter(t, "/")
	socket := s.socket(t, c)
	for _, event := range []string{"a", "b"} {
		require.NoError(t, socket.Handle(event, answers("socket")))
		require.NoError(t, s.Root().Handle(event, answers("namespace")))
	}
	socket.Off("a")
	assert.Equal(t, []any{"namespace"}, jsclient.Ask(t, c, "a"))
	assert.Equal(t, []any{"socket"}, jsclient.Ask(t, c, "b"))
	socket.OffAll()
	assert.Equal(t, []any{"namespace"}, jsclient.Ask(t, c, "b"))
	s.Root().OffAll()
	require.NoError(t, s.Root().Handle("b", answers("anew")))
	assert.Equal(t, []any{"anew"}, jsclient.Ask(t, c, "b"))
}

func TestOnAny_EveryEvent_ComesBeforeMiddlewaresAndHandlers(t *testing.T) {
	s := serve(t, actio.Options{})
	c := s.enter(t, "/")
	socket := s.socket(t, c)
	log := make(chan string, 20)
	require.NoError(t, socket.Handle("x", noting(log, "handler of the socket")))
	require.NoError(t, s.Root().Handle("x", noting(log, "handler of the namespace")))
	socket.Use(func(_ context.Context, e *actio.Event) error {
		log <- "middleware " + e.Name
		return nil
	})
	s.Root().OnAny(noting(log, "namespace"))
	stop := socket.OnAny(noting(log, "socket"))
	socket.PrependAny(noting(log, "front"))
	s.Root().PrependAny(nil)()

	expect := func(event string, where ...string) {
		t.Helper()
		c.Emit(event, 1)
		for _, w := range where {
			assert.Equal(t, w+" "+event, await.Value(t, log))
		}
	}
	expect("x", "front", "socket", "namespace", "middleware", "handler of the socket", "handler of the namespace")
	expect("nobody's", "front", "socket", "namespace", "middleware")
	stop()
	expect("y", "front", "namespace", "middleware")
	socket.OffAny()
	expect("z", "namespace", "middleware")
	s.Root().OffAny()
	expect("x", "middleware", "handler of the socket", "handler of the namespace")
	require.NoError(t, socket.Handle("end", answers("ended")))
	jsclient.Ask(t, c, "end")
	stats, err := s.Stats(t.Context())
	require.NoError(t, err)
	assert.Zero(t, stats.EventsUnhandled, "somebody was called with each")
}

func TestSocketUse_Error_StopsTheEventAndIsAcknowledged(t *testing.T) {
	s := serve(t, actio.Options{})
	require.NoError(t, s.Root().Handle("secret", answers("handled")))
	require.NoError(t, s.Root().Handle("public", answers("handled")))
	s.Root().OnConnection(func(_ context.Context, socket *actio.Socket) {
		socket.Use(nil)
		socket.Use(func(_ context.Context, e *actio.Event) error {
			if e.Name == "secret" {
				return errors.New("not for you")
			}
			return nil
		})
		socket.Use(func(_ context.Context, e *actio.Event) error {
			if e.Name == "alias" {
				e.Name = "public"
			}
			return nil
		})
	})
	c := s.enter(t, "/")
	assert.Equal(t, []any{map[string]any{"error": "not for you"}}, jsclient.Ask(t, c, "secret"))
	c.Emit("secret") // without an acknowledgement there is nobody to tell
	assert.Equal(t, []any{"handled"}, jsclient.Ask(t, c, "public"))
	assert.Equal(t, []any{"handled"}, jsclient.Ask(t, c, "alias"))
}

func TestOnAnyOutgoing_EmitsAndBroadcasts_AreSeenInTheirOrder(t *testing.T) {
	s := serve(t, actio.Options{})
	c := s.enter(t, "/")
	socket := s.socket(t, c)
	log := make(chan string, 20)
	note := func(where string) func(string, actio.Args) {
		return func(event string, args actio.Args) {
			var payload []byte
			if assert.NoError(t, args.Decode(0, &payload)) {
				log <- fmt.Sprintf("%s %s %s %d", where, event, payload, args.Len())
			}
		}
	}
	emitAll := func() {
		t.Helper()
		require.NoError(t, socket.Emit("alone", []byte("1")))
		require.NoError(t, s.Emit("all", []byte("2")))
		_, err := socket.EmitWithAck(t.Context(), "asked", []byte("3"), true)
		require.NoError(t, err)
		_, err = s.EmitWithAck(t.Context(), "all asked", []byte("4"))
		require.NoError(t, err)
		require.NoError(t, s.To("elsewhere").Emit("others", []byte("5")))
		require.NoError(t, socket.Broadcast().Emit("not me", []byte("6")))
		require.NoError(t, socket.Send([]byte("7")))
	}
	require.NoError(t, socket.Handle("question", answers("acknowledgements are no events")))

	stop := socket.OnAnyOutgoing(note("first"))
	socket.PrependAnyOutgoing(note("front"))
	socket.OnAnyOutgoing(nil)()
	jsclient.Ask(t, c, "question")
	emitAll()
	for _, event := range []string{"alone 1 1", "all 2 1", "asked 3 2", "all asked 4 1", "message 7 1"} {
		assert.Equal(t, "front "+event, await.Value(t, log))
		assert.Equal(t, "first "+event, await.Value(t, log))
	}
	stop()
	require.NoError(t, s.Emit("all", []byte("8")))
	assert.Equal(t, "front all 8 1", await.Value(t, log))
	socket.OffAnyOutgoing()
	emitAll()
	socket.OnAnyOutgoing(note("again"))
	require.NoError(t, s.Emit("all", []byte("9")))
	assert.Equal(t, "again all 9 1", await.Value(t, log))
	assert.Empty(t, log)
	assert.Equal(t, []any{[]byte("1")}, jsclient.Wait(t, c, "alone"))
}

func TestSocket_OfNode_HasTheSameUnderNamesOfGo(t *testing.T) {
	s := serve(t, actio.Options{})
	a, b := s.enter(t, "/"), s.enter(t, "/")
	socket := s.socket(t, a)
	assert.True(t, socket.Connected())
	assert.Equal(t, "websocket", socket.Conn().Transport())
	assert.NotEqual(t, socket.ID(), socket.Conn().ID())
	assert.NotEmpty(t, socket.Conn().Handshake().RemoteAddr)
	all, err := s.Root().Sockets(t.Context())
	require.NoError(t, err)
	assert.ElementsMatch(t, []*actio.Socket{socket, s.socket(t, b)}, all)

	require.NoError(t, s.Root().Send("all"))
	assert.Equal(t, []any{"all"}, jsclient.Wait(t, a, "message"))
	require.NoError(t, socket.In(b.ID()).Emit("hello", 1))
	require.NoError(t, socket.Except("nowhere").Emit("hello", 2))
	require.NoError(t, socket.Except(b.ID()).Emit("hello", 3))
	require.NoError(t, s.Emit("end"))
	jsclient.Wait(t, a, "end")
	jsclient.Wait(t, b, "end")
	assert.Zero(t, a.Received("hello"), "a socket's broadcasts are for others")
	assert.Equal(t, []any{1.0}, jsclient.Wait(t, b, "hello"))
	assert.Equal(t, []any{2.0}, jsclient.Wait(t, b, "hello"))
	assert.Zero(t, b.Received("hello"))

	socket.Conn().Close()
	await.Value(t, a.Disconnected())
	<-socket.Context().Done()
	assert.False(t, socket.Connected())
}
