package parsers

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/testserver"
	"github.com/actio-go/actio/wire"
)

// samples are arguments that every parser can carry.
func samples() []any {
	return []any{
		"text \u2028 \"quoted\" Ж 漢 🙂", "", 0.0, -1.5, 0.1, true, nil, []any{}, map[string]any{"a": []any{1.0, map[string]any{}}},
	}
}

func TestParser_EventsAndAcks_GoBothWays(t *testing.T) {
	overEachWay(t, func(t *testing.T, w way) {
		connected := make(chan *actio.Socket, 1)
		s := w.serve(t, actio.Options{ClientConnected: func(_ context.Context, s *actio.Socket) { connected <- s }})
		require.NoError(t, s.On("echo", testserver.Echo(t)))
		c := s.connect(t)
		assert.Len(t, c.ID(), 20)
		c.Emit("echo", samples()...)
		assert.Equal(t, samples(), jsclient.Wait(t, c, "echo"))
		assert.Equal(t, samples(), jsclient.Ask(t, c, "echo", samples()...))
		assert.Empty(t, jsclient.Ask(t, c, "echo"))

		args, err := (<-connected).EmitWithAck(t.Context(), "question", samples()...)
		require.NoError(t, err)
		assert.Equal(t, samples(), testserver.Values(t, args))
	})
}

func TestParser_Broadcasts_ReachRoomsAndNamespaces(t *testing.T) {
	overEachWay(t, func(t *testing.T, w way) {
		s := w.serve(t, actio.Options{ClientConnected: func(ctx context.Context, s *actio.Socket) {
			assert.NoError(t, s.Join(ctx, "room"))
			assert.NoError(t, s.Emit("ready"))
		}})
		admin, err := s.Of("/admin")
		require.NoError(t, err)
		a, b := s.connect(t), s.connect(t)
		jsclient.Wait(t, a, "ready")
		jsclient.Wait(t, b, "ready")
		ofAdmin, err := a.Of(t.Context(), "/admin", map[string]any{"token": "x"})
		require.NoError(t, err)
		jsclient.Wait(t, ofAdmin, "ready")

		require.NoError(t, s.To("room").Except(a.ID()).Emit("news", "for b"))
		require.NoError(t, s.To("room").Emit("news", 1))
		require.NoError(t, admin.To("room").Emit("news", "for admins"))
		assert.Equal(t, []any{"for b"}, jsclient.Wait(t, b, "news"))
		assert.Equal(t, []any{1.0}, jsclient.Wait(t, b, "news"))
		assert.Equal(t, []any{1.0}, jsclient.Wait(t, a, "news"))
		assert.Equal(t, []any{"for admins"}, jsclient.Wait(t, ofAdmin, "news"))

		answers, err := s.To("room").Timeout(patience).EmitWithAck(t.Context(), "question", "x")
		require.NoError(t, err)
		assert.Len(t, answers.Acknowledged(), 2)
	})
}

func TestParser_RefusedAndDisconnectedClients_LearnIt(t *testing.T) {
	overEachWay(t, func(t *testing.T, w way) {
		gone := make(chan actio.Reason, 2)
		s := w.serve(t, actio.Options{ClientDisconnected: func(_ *actio.Socket, r actio.Reason) { gone <- r }})
		require.NoError(t, s.On("dismiss", func(_ context.Context, s *actio.Socket, _ *actio.Event) { s.Disconnect() }))
		_, err := s.dial(t, "/unknown", jsclient.Options{})
		require.ErrorContains(t, err, "Invalid namespace")

		dismissed, leaver := s.connect(t), s.connect(t)
		dismissed.Emit("dismiss")
		<-dismissed.Disconnected()
		assert.Equal(t, "io server disconnect", dismissed.DisconnectReason())
		assert.Equal(t, actio.ReasonServerDisconnect, <-gone)
		leaver.Disconnect()
		assert.Equal(t, actio.ReasonClientDisconnect, <-gone)
	})
}

func TestParser_Authentication_PassesTheParser(t *testing.T) {
	overEachWay(t, func(t *testing.T, w way) {
		s := w.serve(t, actio.Options{Authenticate: func(_ context.Context, h *actio.Handshake) (*actio.Principal, error) {
			var auth struct{ Token string }
			if err := h.DecodeAuth(&auth); err != nil || auth.Token != "secret" {
				return nil, err
			}
			return &actio.Principal{UserID: "ann"}, nil
		}})
		c, err := s.dial(t, "/", jsclient.Options{Greet: "authenticate", Auth: map[string]any{"token": "secret"}})
		require.NoError(t, err)
		assert.Equal(t, c.ID(), jsclient.Wait(t, c, "authenticated")[0].(map[string]any)["id"])
		jsclient.Wait(t, c, "ping")

		refused, err := s.dial(t, "/", jsclient.Options{Greet: "authenticate"})
		require.NoError(t, err)
		jsclient.Wait(t, refused, "unauthenticated")
		<-refused.Disconnected()
	})
}

func TestMsgPack_BinaryValues_ComeBackAsTheyWere(t *testing.T) {
	overEachTransport(t, "msgpack", func(t *testing.T, w way) {
		s := w.serve(t, actio.Options{ClientConnected: func(ctx context.Context, s *actio.Socket) {
			assert.NoError(t, s.Join(ctx, "room"))
		}})
		require.NoError(t, s.On("echo", testserver.Echo(t)))
		c := s.connect(t)
		args := []any{make([]byte, 64<<10), []byte{}, map[string]any{"deep": []any{[]byte{0, 255}, "x"}}}
		c.Emit("echo", args...)
		assert.Equal(t, args, jsclient.Wait(t, c, "echo"))
		assert.Equal(t, args, jsclient.Ask(t, c, "echo", args...))
		require.NoError(t, s.To("room").Emit("news", args...))
		assert.Equal(t, args, jsclient.Wait(t, c, "news"))
	})
}

func TestPlain_ValuesThatTheParserRefuses_FailWhereTheyAreSent(t *testing.T) {
	overEachTransport(t, "plain", func(t *testing.T, w way) {
		s := w.serve(t, actio.Options{})
		problems := make(chan error, 5)
		require.NoError(t, s.On("try", func(ctx context.Context, s *actio.Socket, e *actio.Event) {
			problems <- s.Emit("e", []byte{1})
			_, err := s.EmitWithAck(ctx, "e", []byte{1})
			problems <- err
			problems <- s.Namespace().To("room").Emit("e", []byte{1})
			_, err = s.Namespace().To("room").EmitWithAck(ctx, "e", []byte{1})
			problems <- err
			problems <- e.Reply([]byte{1})
			assert.NoError(t, e.Reply("instead"))
		}))
		c := s.connect(t)
		assert.Equal(t, []any{"instead"}, jsclient.Ask(t, c, "try"))
		for i := range cap(problems) {
			err := <-problems
			assert.ErrorIs(t, err, errBinary, i)
			assert.ErrorIs(t, err, wire.ErrEncode, i)
		}
	})
}
