package official

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/testserver"
)

func TestRenewal_WithAPayload_ReplacesThePrincipalOnTheSameConnection(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		renewals := make(chan bool, 10)
		var connected atomic.Int32
		s := l.serve(t, actio.Options{
			Authenticate: func(_ context.Context, h *actio.Handshake) (*actio.Principal, error) {
				renewals <- h.Renewal
				return &actio.Principal{UserID: tokenOf(h), Claims: len(tokenOf(h))}, nil
			},
			ClientConnected: func(context.Context, *actio.Socket) { connected.Add(1) },
			ValidateRooms:   all,
		})
		c := s.loginAs(t, "ann")
		other := s.loginAs(t, "ann")
		assert.False(t, await.Value(t, renewals))
		assert.False(t, await.Value(t, renewals))
		id := c.ID()
		jsclient.Ask(t, c, "join", map[string]any{"rooms": []string{"room"}})
		socket := s.socket(t, c)
		assert.Equal(t, "ann", socket.Principal().UserID)

		c.Emit("authenticate", map[string]any{"token": "bob"})
		assert.Equal(t, id, jsclient.Wait(t, c, "authenticated")[0].(map[string]any)["id"])
		assert.True(t, await.Value(t, renewals))
		assert.Equal(t, id, c.ID())
		assert.Equal(t, &actio.Principal{UserID: "bob", Claims: 3}, socket.Principal())
		assert.JSONEq(t, `{"token":"bob"}`, string(socket.Handshake().Auth))
		assert.Equal(t, []string{id, actio.RoomDefault, actio.RoomNotification, "room"}, s.rooms(t, c))
		info, _, err := s.Client(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, "bob", info.UserID)

		require.NoError(t, s.ToUser("ann").Emit("news", "for ann"))
		require.NoError(t, s.ToUser("bob").Emit("news", "for bob"))
		assert.Equal(t, []any{"for bob"}, jsclient.Wait(t, c, "news"))
		assert.Equal(t, []any{"for ann"}, jsclient.Wait(t, other, "news"))
		stats := s.stats(t)
		assert.Equal(t, 2, stats.Users)
		assert.Equal(t, uint64(2), stats.SessionsOpened)
		assert.Equal(t, int32(2), connected.Load())
	})
}

func TestRenewal_UnderWay_EventsAreHandled(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		v := newVerdicts()
		s := l.serve(t, actio.Options{Authenticate: v.authenticate})
		require.NoError(t, s.On("echo", testserver.Echo(t)))
		v.answer <- true
		c := s.login(t)
		await.Value(t, v.asked)
		c.Emit("authenticate", map[string]any{"token": "new"})
		await.Value(t, v.asked)
		assert.Equal(t, []any{"x"}, jsclient.Ask(t, c, "echo", "x"))
		assert.Equal(t, actio.Authenticated, s.state(t, c))
		v.answer <- true
		jsclient.Wait(t, c, "authenticated")
	})
}

func TestRenewal_Unsuccessful_EndsTheConnection(t *testing.T) {
	tests := map[string]struct {
		renew   func(ctx context.Context) (*actio.Principal, error)
		message string
	}{
		"refused": {func(context.Context) (*actio.Principal, error) { return nil, actio.ErrRefused }, refusedText},
		"failed":  {func(context.Context) (*actio.Principal, error) { return nil, errBroken }, failedText},
		"timed out": {func(ctx context.Context) (*actio.Principal, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, timedOutText},
	}
	overEachLink(t, func(t *testing.T, l link) {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				gone := make(chan actio.Reason, 10)
				s := l.serve(t, actio.Options{
					Authenticate: func(ctx context.Context, h *actio.Handshake) (*actio.Principal, error) {
						if h.Renewal {
							return test.renew(ctx)
						}
						return &actio.Principal{UserID: "ann"}, nil
					},
					AuthenticateTimeout: time.Second,
					ClientDisconnected:  func(_ *actio.Socket, r actio.Reason) { gone <- r },
				})
				c := s.login(t)
				c.Emit("authenticate", map[string]any{"token": "new"})
				assert.Equal(t, test.message, jsclient.Wait(t, c, "unauthenticated")[0].(map[string]any)["message"])
				assert.Equal(t, "io server disconnect", reasonOf(t, c))
				want := actio.ReasonAuthenticationFailed
				if name == "timed out" {
					want = actio.ReasonAuthenticationTimeout
				}
				assert.Equal(t, want, await.Value(t, gone))
				s.untilEmpty(t)
				await.Nothing(t, gone)
			})
		}
	})
}

func TestPrincipal_Expires_EndsTheConnectionUnlessRenewed(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		const life = time.Second
		type end struct {
			id     string
			reason actio.Reason
		}
		gone := make(chan end, 10)
		s := l.serve(t, actio.Options{
			Authenticate: func(_ context.Context, h *actio.Handshake) (*actio.Principal, error) {
				p := &actio.Principal{UserID: tokenOf(h)}
				if !h.Renewal {
					p.Expires = time.Now().Add(life)
				}
				return p, nil
			},
			PingInterval:       life / 4,
			ClientDisconnected: func(s *actio.Socket, r actio.Reason) { gone <- end{s.ID(), r} },
		})
		expiring, renewing := s.loginAs(t, "ann"), s.loginAs(t, "ann")
		renewing.Emit("authenticate", map[string]any{"token": "ann"})
		jsclient.Wait(t, renewing, "authenticated")

		farewell := jsclient.Wait(t, expiring, "unauthenticated")
		assert.Equal(t, expiredText, farewell[0].(map[string]any)["message"])
		assert.Equal(t, "io server disconnect", reasonOf(t, expiring))
		assert.False(t, expiring.Active())
		assert.Equal(t, end{expiring.ID(), actio.ReasonPrincipalExpired}, await.Value(t, gone))
		over := timeOf(t, farewell[0]).Add(life) // by then the other would be gone, too
		for timeOf(t, jsclient.Wait(t, renewing, "ping")[0]).Before(over) {
			continue
		}
		assert.Equal(t, actio.Authenticated, s.state(t, renewing))
		await.Nothing(t, gone)
		s.until(t, "one is left", func(stats actio.Stats) bool { return stats.Connections == 1 })
	})
}

func TestToUser_SeveralSockets_ReachesThemAndNobodyElse(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, actio.Options{ValidateRooms: all})
		ann, again, bob, nobody := s.loginAs(t, "ann"), s.loginAs(t, "ann"), s.loginAs(t, "bob"), s.login(t)
		// No room name is the key of a user.
		jsclient.Ask(t, bob, "join", map[string]any{"rooms": []string{"ann", "user:ann", "u:ann"}})

		require.NoError(t, s.ToUser("ann").Emit("news", 1))
		require.NoError(t, s.ToUser("ann").Except(again.ID()).Emit("news", 2))
		require.NoError(t, s.ToUser("").Emit("news", 3))
		require.NoError(t, s.ToUser("carl").Emit("news", 4))
		require.NoError(t, s.To().Emit("news", 5), "an empty list of rooms is nobody")
		for _, c := range []*jsclient.Client{ann, again, bob, nobody} {
			require.NoError(t, s.To(c.ID()).Emit("mark"))
			jsclient.Wait(t, c, "mark")
		}
		assert.Equal(t, []any{1.0}, jsclient.Wait(t, ann, "news"))
		assert.Equal(t, []any{2.0}, jsclient.Wait(t, ann, "news"))
		assert.Equal(t, []any{1.0}, jsclient.Wait(t, again, "news"))
		for _, c := range []*jsclient.Client{ann, again, bob, nobody} {
			assert.Zero(t, c.Received("news"))
		}
		ann.Disconnect()
		again.Disconnect()
		s.until(t, "a user is forgotten", func(stats actio.Stats) bool { return stats.Users == 1 })
	})
}
