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
)

// verdicts is an authenticate function whose answers the test gives.
type verdicts struct {
	asked  chan context.Context // of each call
	answer chan bool
	deaf   bool // it does not mind its context
}

func newVerdicts() *verdicts {
	return &verdicts{asked: make(chan context.Context, 10), answer: make(chan bool, 10)}
}

func (v *verdicts) authenticate(ctx context.Context, h *actio.Handshake) (*actio.Principal, error) {
	v.asked <- ctx
	over := ctx.Done()
	if v.deaf {
		over = nil
	}
	select {
	case yes := <-v.answer:
		if !yes {
			return nil, actio.ErrRefused
		}
	case <-over:
	}
	return &actio.Principal{UserID: tokenOf(h)}, nil
}

// strangers fails a test when a client is connected that must not be.
func strangers(t *testing.T) func(context.Context, *actio.Socket) {
	t.Helper()
	return func(context.Context, *actio.Socket) { t.Error("a client was connected that must not be") }
}

// settled waits until the server has handled what a client that is not authenticated has emitted: the events of such a
// client are dropped in their order, and counted.
func (s *stand) settled(t *testing.T, c *jsclient.Client) {
	t.Helper()
	dropped := s.stats(t).EventsDropped
	c.Emit("anything")
	s.until(t, "the events before are handled", func(stats actio.Stats) bool { return stats.EventsDropped > dropped })
}

func TestAuthenticate_AskedAgainWhileItRuns_RunsOnce(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		v := newVerdicts()
		s := l.serve(t, actio.Options{Authenticate: v.authenticate})
		c := s.connect(t)
		c.Emit("authenticate")
		ctx := await.Value(t, v.asked)
		c.Emit("authenticate")
		c.Emit("authenticate", map[string]any{"token": "other"})
		s.settled(t, c)
		assert.Equal(t, actio.Authenticating, s.state(t, c))
		require.NoError(t, ctx.Err())
		v.answer <- true
		jsclient.Wait(t, c, "authenticated")

		c.Emit("authenticate") // without a payload it means nothing now
		require.NoError(t, s.To(c.ID()).Emit("mark"))
		jsclient.Wait(t, c, "mark")
		assert.Zero(t, c.Received("authenticated"))
		await.Nothing(t, v.asked)
		assert.Equal(t, uint64(1), s.stats(t).AuthSucceeded)
	})
}

func TestAuthenticate_ClientGoesMeanwhile_IsCancelledAndWithoutEffect(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*jsclient.Client){
		"disconnects": (*jsclient.Client).Disconnect, "closes": (*jsclient.Client).Close, "is lost": (*jsclient.Client).Drop,
	} {
		t.Run(name, func(t *testing.T) {
			overEachLink(t, func(t *testing.T, l link) {
				v := newVerdicts()
				v.deaf = true
				s := l.serve(t, actio.Options{Authenticate: v.authenticate, ClientConnected: strangers(t)})
				c := s.connect(t)
				c.Emit("authenticate")
				ctx := await.Value(t, v.asked)
				leave(c)
				await.Value(t, ctx.Done())
				s.untilEmpty(t)
				v.answer <- true
				s.stop(t) // which waits for the verdict
				assert.Zero(t, c.Received("authenticated"))
				assert.Zero(t, c.Received("unauthenticated"))
			})
		})
	}
}

func TestAuthenticate_AnsweredAfterTheTimeout_HasNoEffect(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		v := newVerdicts()
		v.deaf = true
		s := l.serve(t, actio.Options{
			Authenticate: v.authenticate, AuthenticateTimeout: 500 * time.Millisecond, ClientConnected: strangers(t),
		})
		c := s.loginLater(t)
		ctx := await.Value(t, v.asked)
		farewell := jsclient.Wait(t, c, "unauthenticated")
		assert.Equal(t, timedOutText, farewell[0].(map[string]any)["message"])
		require.Error(t, ctx.Err())
		assert.Equal(t, "io server disconnect", reasonOf(t, c))
		v.answer <- true
		s.untilEmpty(t)
		assert.Zero(t, c.Received("authenticated"))
		assert.Zero(t, s.stats(t).AuthSucceeded)
	})
}

// loginLater connects a client that asks to be authenticated, and waits for nothing more.
func (s *stand) loginLater(t *testing.T) *jsclient.Client {
	t.Helper()
	return s.connectWith(t, jsclient.Options{Greet: "authenticate"})
}

func TestAuthenticate_Authenticated_OutlivesTheTimeout(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		const timeout = 500 * time.Millisecond
		s := l.serve(t, actio.Options{AuthenticateTimeout: timeout, PingInterval: timeout / 4})
		c := s.login(t)
		over := time.Now().Add(timeout)
		for timeOf(t, jsclient.Wait(t, c, "ping")[0]).Before(over) { // the pings are the clock of this test
			continue
		}
		assert.Equal(t, actio.Authenticated, s.state(t, c))
		assert.Zero(t, c.Received("unauthenticated"))
	})
}

func TestEvents_BeforeAuthentication_AreNeitherHandledNorFatal(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		handled := make(chan any, 10)
		s := l.serve(t, actio.Options{ValidateRooms: all})
		require.NoError(t, s.On("note", func(_ context.Context, _ *actio.Socket, e *actio.Event) {
			var v any
			assert.NoError(t, e.Args.Decode(0, &v))
			handled <- v
			assert.NoError(t, e.Reply())
		}))
		c := s.connect(t)
		c.Emit("note", "early")
		c.Emit("note", []byte("early"))
		c.Emit("nobody handles this")
		c.Emit("join", map[string]any{"rooms": []string{"room"}})
		c.Emit("leave", map[string]any{"rooms": []string{"room"}})
		c.Emit("authenticate")
		jsclient.Wait(t, c, "authenticated")
		jsclient.Ask(t, c, "note", "in time")
		assert.Equal(t, "in time", await.Value(t, handled))
		await.Nothing(t, handled)
		assert.Equal(t, uint64(5), s.stats(t).EventsDropped)
		assert.Equal(t, []string{c.ID(), actio.RoomDefault, actio.RoomNotification}, s.rooms(t, c))
	})
}

// A client that leaves before the verdict has used an attempt up: else it could ask for ever, one namespace after another.
func TestAuthenticate_OutOfAttempts_IsRefused(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		v := newVerdicts()
		s := l.serve(t, actio.Options{Authenticate: v.authenticate, MaxAuthAttempts: 2})
		for _, name := range []string{"/a", "/b", "/c"} {
			_, err := s.Of(name)
			require.NoError(t, err)
		}
		first := s.connect(t)
		for _, name := range []string{"/a", "/b"} {
			c, err := first.Of(t.Context(), name, nil)
			require.NoError(t, err)
			c.Emit("authenticate")
			await.Value(t, v.asked)
			c.Disconnect()
		}
		third, err := first.Of(t.Context(), "/c", nil)
		require.NoError(t, err)
		third.Emit("authenticate")
		assert.Equal(t, refusedText, jsclient.Wait(t, third, "unauthenticated")[0].(map[string]any)["message"])
		await.Nothing(t, v.asked)
		assert.Equal(t, "io server disconnect", reasonOf(t, first))
		s.untilEmpty(t)
	})
}

func TestOnClientAuthenticated_ByTheApplication_AuthenticatesOnce(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		v := newVerdicts()
		var connected atomic.Int32
		s := l.serve(t, actio.Options{
			Authenticate:    v.authenticate,
			ClientConnected: func(context.Context, *actio.Socket) { connected.Add(1) },
		})
		quiet, asking := s.connect(t), s.connect(t)
		asking.Emit("authenticate")
		ctx := await.Value(t, v.asked)
		for _, c := range []*jsclient.Client{quiet, asking} {
			socket := s.socket(t, c)
			s.OnClientAuthenticated(socket, &actio.Principal{UserID: "bob"})
			s.OnClientAuthenticated(socket, &actio.Principal{UserID: "eve"})
			assert.Equal(t, c.ID(), jsclient.Wait(t, c, "authenticated")[0].(map[string]any)["id"])
			jsclient.Wait(t, c, "ping")
			assert.Equal(t, actio.Authenticated, s.state(t, c))
			assert.Equal(t, "bob", socket.Principal().UserID)
			assert.Equal(t, []string{c.ID(), actio.RoomDefault, actio.RoomNotification}, s.rooms(t, c))
		}
		await.Value(t, ctx.Done()) // the answer of the authenticator is no longer wanted, and late
		s.until(t, "the late verdict is known", func(stats actio.Stats) bool { return stats.LateVerdicts == 1 })
		require.NoError(t, s.ToUser("bob").Emit("mark"))
		for _, c := range []*jsclient.Client{quiet, asking} {
			jsclient.Wait(t, c, "mark")
			assert.Zero(t, c.Received("authenticated"))
			assert.Zero(t, c.Received("ping"))
		}
		s.OnClientAuthenticated(nil, nil)
		s.OnClientConnect(nil)
		s.OnClientConnect(s.socket(t, quiet))
		assert.Equal(t, int32(2), connected.Load())
	})
}
