package official

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsclient"
)

// flood is more than a client of these tests may send at once, and more than it may send while a test runs.
const flood = 200

func TestRateLimit_Disconnect_TheClientStaysAway(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		ended := make(chan actio.Reason, 2)
		s := l.serve(t, actio.Options{
			MaxEventsPerSecond: 1, EventBurst: 10, RatePolicy: actio.RateDisconnect,
			ClientDisconnected: func(_ *actio.Socket, r actio.Reason) { ended <- r },
		})
		require.NoError(t, s.Root().Handle("ask", func(_ context.Context, _ *actio.Socket, e *actio.Event) { _ = e.Reply("yes") }))
		neighbour := s.login(t)
		c := s.loginWith(t, jsclient.Options{Reconnect: true})
		c.EmitMany(flood, "f")
		assert.Equal(t, "io server disconnect", reasonOf(t, c), "after which it does not reconnect by itself")
		assert.False(t, c.Active())
		assert.Equal(t, actio.ReasonRateLimited, await.Value(t, ended))
		assert.EqualValues(t, 1, s.stats(t).EventsRateLimited)
		assert.Equal(t, []any{"yes"}, jsclient.Ask(t, neighbour, "ask"))
	})
}

func TestRateLimit_Error_TheClientLearnsItFromItsAcknowledgements(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, actio.Options{MaxBytesPerSecond: 1, ByteBurst: 400, RatePolicy: actio.RateError})
		require.NoError(t, s.Root().Handle("ask", func(_ context.Context, _ *actio.Socket, e *actio.Event) { _ = e.Reply("yes") }))
		neighbour, c := s.login(t), s.login(t)
		c.EmitMany(flood, "f")
		question := strings.Repeat("?", 100) // for which it had to be silent for a minute and a half
		assert.Equal(t, []any{map[string]any{"error": "rate limit exceeded"}}, jsclient.Ask(t, c, "ask", question))
		assert.GreaterOrEqual(t, s.stats(t).EventsRateLimited, uint64(flood/2))
		assert.Equal(t, []any{"yes"}, jsclient.Ask(t, neighbour, "ask", question))
	})
}

func TestAllowRequest_Refuses_TheClientGetsAConnectError(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, actio.Options{Engine: actio.EngineOptions{
			Cookie: &http.Cookie{},
			AllowRequest: func(r *http.Request) error {
				if r.URL.Query().Get("deny") != "" {
					return errors.New("not you")
				}
				return nil
			},
		}})
		c, err := l.node.Dial(t.Context(), s.url, s.options(jsclient.Options{Extra: map[string]any{"query": map[string]any{"deny": "1"}}}))
		assert.Regexp(t, "^(xhr poll|websocket) error$", err.Error())
		jsclient.Wait(t, c, "connect_error")
		s.login(t)
		assert.EqualValues(t, 1, s.stats(t).RequestsRefused)
	})
}
