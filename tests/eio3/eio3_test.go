package eio3

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/testserver"
)

// samples are arguments of all kinds, among them 64 KiB of binary, nested.
func samples() []any {
	big := make([]byte, 64<<10)
	for i := range big {
		big[i] = byte(i * 7)
	}
	return []any{
		"text \u2028 \"quoted\" Ж 漢 🙂 10:", "", 0.0, -1.5, true, nil,
		[]any{},
		big,
		[]byte{},
		map[string]any{"deep": []any{map[string]any{"big": big}, []byte{0, 255}}},
	}
}

func TestClient2_EventsAndAcks_GoBothWays(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		connected := make(chan *actio.Socket, 1)
		s := l.serve(t, actio.Options{ClientConnected: func(_ context.Context, s *actio.Socket) { connected <- s }})
		require.NoError(t, s.On("echo", testserver.Echo(t)))
		c := s.connect(t)
		c.Emit("echo", samples()...)
		assert.Equal(t, samples(), jsclient.Wait(t, c, "echo"))
		assert.Equal(t, samples(), jsclient.Ask(t, c, "echo", samples()...))
		assert.Empty(t, jsclient.Ask(t, c, "echo"))
		for _, sample := range samples() {
			assert.Equal(t, []any{sample}, jsclient.Ask(t, c, "echo", sample))
		}

		socket := <-connected
		assert.Equal(t, socket.ID(), c.ID(), "the client makes its id of that of the session")
		args, err := socket.EmitWithAck(t.Context(), "question", samples()...)
		require.NoError(t, err)
		assert.Equal(t, samples(), testserver.Values(t, args))
		want := "websocket"
		if len(l.transports) == 1 {
			want = l.transports[0]
		} else {
			assert.Equal(t, []any{"websocket"}, jsclient.Wait(t, c, "upgrade"))
		}
		assert.Equal(t, want, c.Transport())
		assert.Equal(t, samples(), jsclient.Ask(t, c, "echo", samples()...), "after the upgrade")
	})
}

func TestClient2_Broadcasts_ReachClientsOfBothVersions(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, actio.Options{ClientConnected: func(ctx context.Context, s *actio.Socket) {
			assert.NoError(t, s.Join(ctx, "room"))
			assert.NoError(t, s.Emit("ready"))
		}})
		old, older, current := s.connect(t), s.connect(t), s.connect4(t)
		all := []*jsclient.Client{old, older, current}
		for _, c := range all {
			jsclient.Wait(t, c, "ready")
		}
		for i := range 5 { // binary between text, so that runs are joined
			require.NoError(t, s.To("room").Emit("news", i, samples()))
			require.NoError(t, s.To("room").Emit("text", i))
		}
		for i := range 5 {
			for _, c := range all {
				assert.Equal(t, []any{float64(i), samples()}, jsclient.Wait(t, c, "news"))
				assert.Equal(t, []any{float64(i)}, jsclient.Wait(t, c, "text"))
			}
		}
		require.NoError(t, s.To(old.ID()).Emit("own", "for you"))
		require.NoError(t, s.To("room").Except(older.ID()).Emit("own", "for others"))
		assert.Equal(t, []any{"for you"}, jsclient.Wait(t, old, "own"))
		assert.Equal(t, []any{"for others"}, jsclient.Wait(t, old, "own"))
		assert.Equal(t, []any{"for others"}, jsclient.Wait(t, current, "own"))
		answers, err := s.To("room").Timeout(patience).EmitWithAck(t.Context(), "question", []byte{1})
		require.NoError(t, err)
		assert.Len(t, answers.Acknowledged(), 3)
		assert.Zero(t, older.Received("own"))
	})
}

func TestClient2_Namespaces_AreJoinedWithTheirQuery(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		joined := make(chan *actio.Socket, 4)
		s := l.serve(t, actio.Options{ClientConnected: func(_ context.Context, s *actio.Socket) { joined <- s }})
		admin, err := s.Of("/admin")
		require.NoError(t, err)
		require.NoError(t, admin.Handle("echo", testserver.Echo(t)))
		main := s.connectWith(t, jsclient.Options{Extra: map[string]any{"query": map[string]any{"q": "root"}}})
		root := <-joined
		assert.Nil(t, root.Handshake().Auth, "there is no query of a namespace")
		assert.Equal(t, "root", root.Handshake().Query().Get("q"))

		c, err := main.Of(t.Context(), "/admin", map[string]any{"token": "1 é", "b": "2"})
		require.NoError(t, err)
		socket := <-joined
		assert.Equal(t, "/admin#"+root.ID(), socket.ID())
		assert.Equal(t, socket.ID(), c.ID())
		var auth map[string]string
		require.NoError(t, socket.Handshake().DecodeAuth(&auth))
		assert.Equal(t, map[string]string{"token": "1 é", "b": "2"}, auth)
		assert.Equal(t, []any{"x", []byte{1}}, jsclient.Ask(t, c, "echo", "x", []byte{1}))
		require.NoError(t, admin.To(socket.ID()).Emit("own"))
		jsclient.Wait(t, c, "own")

		c.Disconnect()
		<-socket.Context().Done()
		again, err := main.Of(t.Context(), "/admin", nil)
		require.NoError(t, err)
		assert.Equal(t, socket.ID(), again.ID(), "it is the same session")
		assert.Equal(t, []any{"y"}, jsclient.Ask(t, again, "echo", "y"))

		_, err = main.Of(t.Context(), "/unknown", nil)
		require.ErrorContains(t, err, "Invalid namespace")
	})
}

func TestClient2_Refusal_IsAString(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, actio.Options{})
		c, err := s.dial(t, "/unknown", jsclient.Options{})
		require.ErrorContains(t, err, "Invalid namespace")
		assert.Equal(t, []any{map[string]any{"message": "Invalid namespace", "data": "a string"}}, jsclient.Wait(t, c, "connect_error"))
	})
}

func TestClient2_Disconnected_LearnsWhoDidIt(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		gone := make(chan actio.Reason, 3)
		s := l.serve(t, actio.Options{ClientDisconnected: func(_ *actio.Socket, r actio.Reason) { gone <- r }})
		require.NoError(t, s.On("dismiss", func(_ context.Context, s *actio.Socket, _ *actio.Event) { s.Disconnect() }))
		dismissed, leaver, closer := s.connect(t), s.connect(t), s.connect(t)
		dismissed.Emit("dismiss")
		<-dismissed.Disconnected()
		assert.Equal(t, "io server disconnect", dismissed.DisconnectReason())
		assert.Equal(t, actio.ReasonServerDisconnect, <-gone)
		leaver.Disconnect()
		assert.Equal(t, actio.ReasonClientDisconnect, <-gone)
		closer.Close()
		assert.Equal(t, actio.ReasonTransportClose, <-gone)
	})
}

func TestClient2_AfterALoss_ConnectsAgain(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, actio.Options{})
		require.NoError(t, s.On("echo", testserver.Echo(t)))
		c := s.connectWith(t, jsclient.Options{Reconnect: true, Extra: map[string]any{"reconnectionDelay": 10, "reconnectionDelayMax": 20}})
		first := c.ID()
		jsclient.Wait(t, c, "connect")
		c.Drop()
		jsclient.Wait(t, c, "connect")
		assert.NotEqual(t, first, c.ID())
		assert.Equal(t, []any{"x"}, jsclient.Ask(t, c, "echo", "x"))
	})
}

func TestClient2_Heartbeat_IsTheClients(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		gone := make(chan actio.Reason, 1)
		s := l.serve(t, actio.Options{
			Engine:             actio.EngineOptions{PingInterval: 50 * time.Millisecond, PingTimeout: 400 * time.Millisecond},
			ClientDisconnected: func(_ *actio.Socket, r actio.Reason) { gone <- r },
		})
		c := s.connect(t)
		for range 20 { // more than interval and timeout together
			jsclient.Wait(t, c, "pong")
		}
		assert.Zero(t, s.stats(t).SessionsClosed)
		c.Silence()
		assert.Equal(t, actio.ReasonPingTimeout, <-gone)
	})
}

func TestClient2_Authentication_IsTheUsualOne(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, actio.Options{
			Authenticate: func(_ context.Context, h *actio.Handshake) (*actio.Principal, error) {
				if h.Query().Get("token") != "secret" {
					return nil, nil //nolint:nilnil // a refusal, as documented
				}
				return &actio.Principal{UserID: "ann"}, nil
			},
			ValidateRooms: func(_ context.Context, _ *actio.Socket, rooms []string) ([]string, error) { return rooms, nil },
		})
		token := map[string]any{"query": map[string]any{"token": "secret"}}
		c := s.connectWith(t, jsclient.Options{Greet: "authenticate", Extra: token})
		assert.Equal(t, c.ID(), jsclient.Wait(t, c, "authenticated")[0].(map[string]any)["id"])
		require.NoError(t, s.ToUser("ann").Emit("news", "for ann"))
		assert.Equal(t, []any{"for ann"}, jsclient.Wait(t, c, "news"))

		other := s.connectWith(t, jsclient.Options{Greet: "authenticate", Extra: token})
		jsclient.Wait(t, other, "authenticated")
		asked := map[string]any{"rooms": []any{"room", other.ID(), "/admin#" + other.ID()}}
		assert.Equal(t, []any{[]any{"room"}}, jsclient.Ask(t, c, "join", asked), "nobody joins the room of another")

		refused := s.connectWith(t, jsclient.Options{Greet: "authenticate"})
		jsclient.Wait(t, refused, "unauthenticated")
		<-refused.Disconnected()
	})
}

func TestClient2_WhereItIsNotAllowed_IsRefused(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serveAs(t, actio.Options{})
		_, err := s.dial(t, "/", jsclient.Options{})
		require.Error(t, err)
		stats := s.stats(t)
		assert.EqualValues(t, 1, stats.RequestsRefused)
		assert.Zero(t, stats.SessionsOpened)
	})
}
