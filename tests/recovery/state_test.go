package recovery

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/wire"
)

// connect connects an official client.
func (s *stand) connect(t *testing.T, o jsclient.Options) (*jsclient.Client, *actio.Socket) {
	t.Helper()
	c, err := jsclient.Start(t).Dial(t.Context(), s.proxy.URL(), o)
	require.NoError(t, err)
	_, recovered := again(t, c)
	require.False(t, recovered)
	socket := s.join(t)
	require.NoError(t, socket.RecoveryFailure())
	return c, socket
}

func TestSocket_WhoseClientComesBack_HasRoomsDataAndPrincipal(t *testing.T) {
	t.Parallel()
	expires := time.Now().Add(time.Hour)
	asked := make(chan struct{}, 10)
	s := serve(t, actio.Options{Authenticate: func(context.Context, *actio.Handshake) (*actio.Principal, error) {
		asked <- struct{}{}
		return &actio.Principal{UserID: "ann", Claims: "c", Expires: expires}, nil
	}})
	o := s.options(jsclient.WebSocket)
	o.Greet = "authenticate"
	c, was := s.connect(t, o)
	await.Value(t, asked)
	_, err := c.WaitEvent(t.Context(), "authenticated")
	require.NoError(t, err)
	was.Data().Store("key", "value")
	s.outage(t, c, func() {
		assert.Equal(t, actio.ReasonTransportClose, await.Value(t, s.ended))
		require.ErrorIs(t, was.Emit("late"), actio.ErrClosed)
	})
	is := s.join(t)
	assert.NotSame(t, was, is)
	assert.Equal(t, was.ID(), is.ID())
	assert.True(t, is.Recovered())
	assert.Equal(t, actio.Authenticated, is.State())
	assert.Equal(t, "ann", is.Principal().UserID)
	assert.Equal(t, expires, is.Principal().Expires)
	rooms, err := is.Rooms(t.Context())
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{is.ID(), actio.RoomDefault, actio.RoomNotification, "r"}, rooms)
	value, _ := is.Data().Load("key")
	assert.Equal(t, "value", value)
	_, err = c.WaitEvent(t.Context(), "authenticated")
	require.NoError(t, err, "programs wait for it each time that they connect")
	assert.Empty(t, asked, "it was authenticated all the while")
	require.NoError(t, s.ToUser("ann").Emit("to his sockets"))
	_, err = c.WaitEvent(t.Context(), "to his sockets")
	require.NoError(t, err)
}

func TestData_WrittenByTheLastHandlersOfTheOldSocket_IsThere(t *testing.T) {
	t.Parallel()
	s := serve(t, actio.Options{})
	started, finish := make(chan struct{}), make(chan struct{})
	require.NoError(t, s.Root().Handle("work", func(_ context.Context, socket *actio.Socket, _ *actio.Event) {
		close(started)
		<-finish
		socket.Data().Store("key", "value")
	}))
	c, i, offset := s.greet(t)
	require.NoError(t, c.Send(`42["work"]`))
	await.Value(t, started)
	c.Reset()
	s.eventually(t, func(r actio.RecoveryStats) bool { return r.Kept == 1 })
	d := s.dial(t)
	require.Equal(t, i, enter(t, d, connectWith(i.PID, offset)))
	close(finish)
	value, _ := s.join(t).Data().Load("key")
	assert.Equal(t, "value", value)
}

func TestClient_ThatStaysAwayTooLong_BeginsAfreshAndTheApplicationSeesWhy(t *testing.T) {
	t.Parallel()
	s := serve(t, actio.Options{Recovery: actio.RecoveryOptions{MaxDisconnectionDuration: 50 * time.Millisecond}})
	c, was := s.connect(t, s.options(jsclient.WebSocket))
	s.outage(t, c, func() {
		require.NoError(t, s.Emit("missed"))
		s.eventually(t, func(r actio.RecoveryStats) bool { return r.Expired == 1 && r.Kept == 0 })
	})
	id, recovered := again(t, c)
	assert.False(t, recovered)
	is := s.join(t)
	assert.Equal(t, is.ID(), id)
	assert.NotEqual(t, was.ID(), id)
	assert.False(t, is.Recovered())
	require.ErrorIs(t, is.RecoveryFailure(), actio.ErrSessionUnknown)
	require.NoError(t, is.Emit("welcome"))
	_, err := c.WaitEvent(t.Context(), "welcome")
	require.NoError(t, err)
	assert.Zero(t, c.Received("missed"))
	s.eventually(t, func(r actio.RecoveryStats) bool { return r.SessionUnknown == 1 && r.Recovered == 0 })
}

// eventually waits until the statistics are so.
func (s *stand) eventually(t *testing.T, are func(actio.RecoveryStats) bool) {
	t.Helper()
	require.Eventually(t, func() bool {
		st, err := s.Stats(t.Context())
		return err == nil && are(st.Recovery)
	}, patience, time.Millisecond)
}

func TestClient_ThatComesBackBeforeItsEndIsKnown_TakesTheSessionOver(t *testing.T) {
	overEach(t, func(t *testing.T, transports []string, node *jsclient.Harness) {
		s := serve(t, actio.Options{})
		c, err := node.Dial(t.Context(), s.proxy.URL(), s.options(transports))
		require.NoError(t, err)
		id, _ := again(t, c)
		s.join(t)
		require.NoError(t, s.Emit("n", 1))
		require.Equal(t, 1, numberOf(t, c, "n"))
		upgraded(t, c, transports)
		s.proxy.Lose()
		_, err = c.WaitEvent(t.Context(), "disconnect")
		require.NoError(t, err)
		require.NoError(t, s.Emit("n", 2))
		require.NoError(t, s.To(id).Emit("n", 3))
		require.Empty(t, s.ended, "the server takes it for alive")
		s.proxy.Up()
		was, recovered := again(t, c)
		assert.True(t, recovered)
		assert.Equal(t, id, was)
		assert.Equal(t, actio.ReasonTransportClose, await.Value(t, s.ended))
		require.NoError(t, s.join(t).Emit("n", 4))
		for n := 2; n <= 4; n++ {
			require.Equal(t, n, numberOf(t, c, "n"))
		}
	})
}

func TestClient_ThatMissedMoreThanIsRemembered_BeginsAfreshAndTheApplicationSeesWhy(t *testing.T) {
	t.Parallel()
	s := serve(t, actio.Options{Recovery: actio.RecoveryOptions{MaxBytes: 100_000}})
	c, _ := s.connect(t, s.options(jsclient.WebSocket))
	require.NoError(t, s.Emit("n", 1))
	require.Equal(t, 1, numberOf(t, c, "n"))
	s.outage(t, c, func() {
		for range 200 {
			require.NoError(t, s.Emit("missed", make([]byte, 1000)))
		}
	})
	_, recovered := again(t, c)
	assert.False(t, recovered)
	require.ErrorIs(t, s.join(t).RecoveryFailure(), actio.ErrHistoryLost)
	s.eventually(t, func(r actio.RecoveryStats) bool { return r.HistoryLost == 1 && r.EventsForgotten > 100 })
}

func TestClient_ThatMissedMoreThanMayWaitForIt_BeginsAfreshAndTheApplicationSeesWhy(t *testing.T) {
	t.Parallel()
	s := serve(t, actio.Options{Engine: actio.EngineOptions{QueueBytes: 1 << 20}})
	c, _ := s.connect(t, s.options(jsclient.WebSocket))
	require.NoError(t, s.Emit("n", 1))
	require.Equal(t, 1, numberOf(t, c, "n"))
	s.outage(t, c, func() {
		for range 20 {
			require.NoError(t, s.Emit("missed", make([]byte, 100_000)))
		}
	})
	_, recovered := again(t, c)
	assert.False(t, recovered)
	require.ErrorIs(t, s.join(t).RecoveryFailure(), actio.ErrHistoryTooMuch)
}

func TestClient_ThatWasSentAway_BeginsAfresh(t *testing.T) {
	t.Parallel()
	s := serve(t, actio.Options{})
	c, was := s.connect(t, s.options(jsclient.WebSocket))
	was.Disconnect()
	_, err := c.WaitEvent(t.Context(), "disconnect")
	require.NoError(t, err)
	assert.Equal(t, actio.ReasonServerDisconnect, await.Value(t, s.ended))
	c.Reopen()
	_, recovered := again(t, c)
	assert.False(t, recovered)
	require.ErrorIs(t, s.join(t).RecoveryFailure(), actio.ErrSessionUnknown)
}

func TestSocket_WithoutPrincipalWhereOneIsDemandedNow_BeginsAfresh(t *testing.T) {
	t.Parallel()
	s := serve(t, actio.Options{})
	i, offset := s.lose(t)
	require.NoError(t, s.Root().Authenticate(actio.NamespaceAuth{
		On: actio.OnConnect,
		Authenticate: func(context.Context, *actio.Handshake) (*actio.Principal, error) {
			return nil, actio.ErrRefused
		},
	}))
	d := s.dial(t)
	require.NoError(t, d.Send(connectWith(i.PID, offset)))
	m, err := d.Next()
	require.NoError(t, err)
	assert.Equal(t, wire.ConnectError, m.Type)
	s.eventually(t, func(r actio.RecoveryStats) bool { return r.PrincipalExpired == 1 && r.Kept == 0 })
}
