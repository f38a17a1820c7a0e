package recovery

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsclient"
)

func TestMiddlewares_OfAServerThatRunsThem_DecideAboutClientsThatComeBack(t *testing.T) {
	t.Parallel()
	s := serve(t, actio.Options{
		AuthenticateOn: actio.OnConnect,
		Authenticate: func(context.Context, *actio.Handshake) (*actio.Principal, error) {
			return &actio.Principal{UserID: "ann"}, nil
		},
		Recovery: actio.RecoveryOptions{RunMiddlewares: true},
	})
	var banned atomic.Bool
	asked := make(chan bool, 10)
	s.Root().Use(func(_ context.Context, socket *actio.Socket) error {
		assert.Equal(t, "ann", socket.Principal().UserID)
		asked <- socket.Recovered()
		if banned.Load() {
			return &actio.ConnectError{Message: "banned", Data: map[string]int{"days": 3}}
		}
		return nil
	})
	c, was := s.connect(t, s.options(jsclient.WebSocket))
	require.False(t, await.Value(t, asked))
	require.NoError(t, s.Emit("n", 1))
	require.Equal(t, 1, numberOf(t, c, "n"))
	s.outage(t, c, func() { require.NoError(t, s.To("r").Emit("n", 2)) })
	id, recovered := again(t, c)
	assert.True(t, recovered)
	assert.Equal(t, was.ID(), id)
	assert.True(t, await.Value(t, asked))
	require.Equal(t, 2, numberOf(t, c, "n"))
	assert.Equal(t, "ann", s.join(t).Principal().UserID)

	banned.Store(true)
	s.outage(t, c, func() { require.NoError(t, s.To("r").Emit("n", 3)) })
	args, err := c.WaitEvent(t.Context(), "connect_error")
	require.NoError(t, err)
	var refusal actio.ConnectError
	require.NoError(t, args.Decode(0, &refusal))
	assert.Equal(t, actio.ConnectError{Message: "banned", Data: map[string]any{"days": 3.0}}, refusal)
	assert.True(t, await.Value(t, asked))
	s.eventually(t, func(r actio.RecoveryStats) bool { return r.Recovered == 1 && r.Kept == 0 })

	banned.Store(false)
	c.Reopen()
	_, recovered = again(t, c)
	assert.False(t, recovered, "its session is over")
	assert.False(t, await.Value(t, asked))
	require.ErrorIs(t, s.join(t).RecoveryFailure(), actio.ErrSessionUnknown)
	assert.Zero(t, c.Received("n"), "what it missed is not given to a new socket")
}
