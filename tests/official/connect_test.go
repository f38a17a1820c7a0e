package official

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsclient"
)

// tokenOf is the token in the payload of a handshake, empty when there is none.
func tokenOf(h *actio.Handshake) string {
	var auth struct{ Token string }
	if h.Auth == nil {
		return ""
	}
	if err := json.Unmarshal(h.Auth, &auth); err != nil {
		return ""
	}
	return auth.Token
}

// timeOf is the time in the payload of one of the server's own events.
func timeOf(t *testing.T, payload any) time.Time {
	t.Helper()
	fields, ok := payload.(map[string]any)
	require.True(t, ok, "%v", payload)
	text, ok := fields["time"].(string)
	require.True(t, ok, "%v", payload)
	at, err := time.Parse("2006-01-02T15:04:05.000Z", text)
	require.NoError(t, err)
	return at
}

// without leaves the events out that tell of the transport.
func without(events []string, names ...string) []string {
	return slices.DeleteFunc(events, func(e string) bool { return slices.Contains(names, e) })
}

func TestAuthenticate_Accepted_AuthenticatedComesFirstThenPings(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		const interval = 50 * time.Millisecond
		s := l.serve(t, actio.Options{
			PingInterval: interval,
			ClientConnected: func(_ context.Context, s *actio.Socket) {
				assert.NoError(t, s.Emit("welcome", s.ID()))
				assert.NoError(t, s.Namespace().To(actio.RoomDefault).Emit("arrival", s.ID()))
			},
		})
		c := s.connectWith(t, jsclient.Options{Auth: map[string]any{"token": "ann"}})
		assert.Equal(t, actio.Unauthorized, s.state(t, c))
		assert.Len(t, c.ID(), 20)
		assert.Equal(t, 1, s.stats(t).Unauthenticated)

		before := time.Now().Add(-time.Millisecond) // the wire knows milliseconds only
		c.Emit("authenticate")
		authenticated := jsclient.Wait(t, c, "authenticated")
		require.Len(t, authenticated, 1)
		assert.Equal(t, map[string]any{"id": c.ID(), "time": authenticated[0].(map[string]any)["time"]}, authenticated[0])
		at := timeOf(t, authenticated[0])
		assert.WithinRange(t, at, before, time.Now())

		for i := range 4 {
			ping := jsclient.Wait(t, c, "ping")
			require.Len(t, ping, 1)
			assert.Len(t, ping[0], 1)
			next := timeOf(t, ping[0])
			if i > 1 { // the second comes at random within the interval
				assert.GreaterOrEqual(t, next.Sub(at), interval-time.Millisecond)
			}
			at = next
		}
		assert.Equal(t, []any{c.ID()}, jsclient.Wait(t, c, "welcome"))
		assert.Equal(t, []any{c.ID()}, jsclient.Wait(t, c, "arrival"))
		events := without(c.Events(), "upgrade")
		assert.Equal(t, []string{"connect", "authenticated"}, events[:2])

		info, found, err := s.Client(t.Context(), c.ID())
		require.NoError(t, err)
		require.True(t, found)
		assert.Equal(t, actio.Authenticated, info.State)
		assert.Equal(t, "ann", info.UserID)
		assert.Equal(t, []string{c.ID(), actio.RoomDefault, actio.RoomNotification}, s.rooms(t, c))
		stats := s.stats(t)
		assert.Equal(t, 1, stats.Authenticated)
		assert.Zero(t, stats.Unauthenticated)
		assert.Equal(t, 1, stats.Users)
		assert.Equal(t, uint64(1), stats.AuthSucceeded)

		c.Disconnect()
		s.untilEmpty(t)
	})
}

func TestConnect_EachLink_UsesItsTransport(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, actio.Options{})
		c := s.login(t)
		if l.name != "upgrade" {
			assert.Equal(t, l.name, c.Transport())
			assert.Zero(t, s.stats(t).Upgrades)
			return
		}
		assert.Equal(t, []any{"websocket"}, jsclient.Wait(t, c, "upgrade"))
		assert.Equal(t, "websocket", c.Transport())
		s.until(t, "the server has upgraded", func(stats actio.Stats) bool { return stats.Upgrades == 1 })
		assert.Equal(t, 1, s.stats(t).Connections)
	})
}

func TestHandshake_OfficialClient_ReachesTheAuthenticator(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		seen := make(chan actio.Handshake, 1)
		s := l.serve(t, actio.Options{
			Authenticate: actio.AuthenticateFunc(func(_ context.Context, h actio.Handshake) (bool, error) {
				seen <- h
				return true, nil
			}),
		})
		s.loginWith(t, jsclient.Options{
			Auth: map[string]any{"token": "secret", "deep": []any{1, nil}},
			Extra: map[string]any{
				"extraHeaders": map[string]any{"Authorization": "Bearer abc"},
				"query":        map[string]any{"room": "a&b =?ä"},
			},
		})
		h := await.Value(t, seen)
		assert.JSONEq(t, `{"token":"secret","deep":[1,null]}`, string(h.Auth))
		assert.Equal(t, "Bearer abc", h.Header().Get("Authorization"))
		assert.Equal(t, "a&b =?ä", h.Query().Get("room"))
		assert.Equal(t, "4", h.Query().Get("EIO"))
		assert.Equal(t, "/", h.Namespace)
		assert.False(t, h.Renewal)
		assert.Equal(t, s.address(), h.Host)
		assert.Contains(t, h.RemoteAddr, "127.0.0.1:")
	})
}

func TestDefaultRooms_OfTheOptions_ReceiveBroadcasts(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, actio.Options{DefaultRooms: []string{"hall"}})
		inside, outside := s.login(t), s.connect(t)
		assert.Equal(t, []string{inside.ID(), "hall"}, s.rooms(t, inside))
		assert.Equal(t, []string{outside.ID()}, s.rooms(t, outside))

		require.NoError(t, s.To("hall").Emit("news", 1))
		require.NoError(t, s.To(outside.ID(), inside.ID()).Emit("mark"))
		assert.Equal(t, []any{1.0}, jsclient.Wait(t, inside, "news"))
		jsclient.Wait(t, outside, "mark")
		assert.Zero(t, outside.Received("news"))
	})
}

func TestNamespaces_TwoOnOneConnection_AreApart(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, actio.Options{ValidateRooms: all})
		chat, err := s.Of("/chat")
		require.NoError(t, err)
		answer := func(where string) actio.HandlerFunc {
			return func(_ context.Context, _ *actio.Socket, e *actio.Event) { assert.NoError(t, e.Reply(where)) }
		}
		require.NoError(t, s.On("where", answer("/")))
		require.NoError(t, chat.Handle("where", answer("/chat")))

		first := s.login(t)
		second, err := first.Of(t.Context(), "/chat", map[string]any{"token": "bob"})
		require.NoError(t, err)
		assert.NotEqual(t, first.ID(), second.ID())
		second.Emit("authenticate")
		jsclient.Wait(t, second, "authenticated")
		stats := s.stats(t)
		assert.Equal(t, 1, stats.Connections)
		assert.Equal(t, 2, stats.Authenticated)

		assert.Equal(t, []any{"/"}, jsclient.Ask(t, first, "where"))
		assert.Equal(t, []any{"/chat"}, jsclient.Ask(t, second, "where"))
		assert.Equal(t, []any{[]any{"room"}}, jsclient.Ask(t, first, "join", map[string]any{"rooms": []string{"room"}}))
		require.NoError(t, s.To("room").Emit("news", "/"))
		require.NoError(t, chat.To("room").Emit("news", "nobody"))
		require.NoError(t, chat.Emit("news", "/chat"))
		assert.Equal(t, []any{"/"}, jsclient.Wait(t, first, "news"))
		assert.Equal(t, []any{"/chat"}, jsclient.Wait(t, second, "news"))
		assert.Zero(t, first.Received("news"))

		first.Disconnect()
		assert.Equal(t, []any{"/chat"}, jsclient.Ask(t, second, "where"))
		assert.Equal(t, 1, s.stats(t).Sockets)
		require.NoError(t, chat.Emit("news", "still here"))
		assert.Equal(t, []any{"still here"}, jsclient.Wait(t, second, "news"))

		_, err = second.Of(t.Context(), "/nowhere", nil)
		require.EqualError(t, err, "Invalid namespace")
		assert.Equal(t, []any{"/chat"}, jsclient.Ask(t, second, "where"))
	})
}

func TestNamespaces_RefusedInOne_EndsTheSession(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, actio.Options{
			Authenticate: func(_ context.Context, h *actio.Handshake) (*actio.Principal, error) {
				if h.Namespace == "/admin" {
					return nil, actio.ErrRefused
				}
				return &actio.Principal{}, nil
			},
		})
		_, err := s.Of("/admin")
		require.NoError(t, err)
		first := s.login(t)
		second, err := first.Of(t.Context(), "/admin", nil)
		require.NoError(t, err)
		second.Emit("authenticate")
		jsclient.Wait(t, second, "unauthenticated")
		assert.Equal(t, "io server disconnect", reasonOf(t, second))
		assert.Equal(t, "io server disconnect", reasonOf(t, first))
		s.untilEmpty(t)
	})
}
