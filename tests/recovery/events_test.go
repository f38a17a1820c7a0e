package recovery

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/jsclient"
)

// values are all arguments of an event but its offset.
func values(t *testing.T, c *jsclient.Client, event string) []any {
	t.Helper()
	args, err := c.WaitEvent(t.Context(), event)
	require.NoError(t, err)
	all := args.Values()
	require.NotEmpty(t, all)
	assert.IsType(t, "", all[len(all)-1], "its offset")
	return all[:len(all)-1]
}

func TestEvents_OfEveryKind_AreGivenAgainAsTheyWere(t *testing.T) {
	t.Parallel()
	s := serve(t, actio.Options{})
	c, socket := s.connect(t, s.options(jsclient.WebSocket))
	s.outage(t, c, func() {
		require.NoError(t, s.To(socket.ID(), "r", "other").Emit("once"))
		require.NoError(t, s.To("other").Emit("elsewhere"))
		require.NoError(t, s.Except("r").Emit("not for r"))
		require.NoError(t, s.Volatile().Emit("volatile"))
		require.NoError(t, s.Emit("binary", []byte{1, 2}, map[string]any{"deep": []byte{3}}))
		_, err := s.To("r").EmitWithAck(t.Context(), "asked")
		require.NoError(t, err)
		require.NoError(t, s.Compress().Emit("compressed", "text"))
	})
	_, recovered := again(t, c)
	require.True(t, recovered)
	assert.Empty(t, values(t, c, "once"))
	assert.Equal(t, []any{[]byte{1, 2}, map[string]any{"deep": []byte{3}}}, values(t, c, "binary"))
	assert.Equal(t, []any{"text"}, values(t, c, "compressed"))
	require.NoError(t, s.Emit("last"))
	assert.Empty(t, values(t, c, "last"))
	assert.Equal(t, []string{"connect", "disconnect", "connect", "once", "binary", "compressed", "last"},
		withoutAttempts(c.Events()))
}

// withoutAttempts leaves out how often a client has tried to reconnect.
func withoutAttempts(events []string) (rest []string) {
	for _, e := range events {
		if e != "reconnect_attempt" && e != "connect_error" {
			rest = append(rest, e)
		}
	}
	return rest
}

// TestEvent_ThatMayBeLost_HasAnOffsetToo: official clients take the last string of an event for its offset, and the name of an
// event without arguments as well.
func TestEvent_ThatMayBeLost_HasAnOffsetToo(t *testing.T) {
	t.Parallel()
	s := serve(t, actio.Options{})
	c, socket := s.connect(t, s.options(jsclient.WebSocket))
	for _, volatile := range []func() error{
		func() error { return s.Volatile().Emit("v") },
		func() error { return s.Volatile().Emit("v", "text") },
		func() error { return socket.EmitVolatile("v") },
		func() error { return socket.EmitVolatile("v", "text") },
	} {
		require.NoError(t, volatile())
		_ = values(t, c, "v")
		s.outage(t, c, func() { require.NoError(t, s.Emit("n", 7)) })
		_, recovered := again(t, c)
		require.True(t, recovered)
		assert.Equal(t, 7, numberOf(t, c, "n"))
		socket = s.join(t)
	}
}

func TestEvent_ThatWantsAnAcknowledgement_HasNoOffsetAndHarmsNone(t *testing.T) {
	t.Parallel()
	s := serve(t, actio.Options{})
	c, socket := s.connect(t, s.options(jsclient.WebSocket))
	args, err := socket.EmitWithAck(t.Context(), "asked", "text")
	require.NoError(t, err)
	assert.Equal(t, 1, args.Len())
	_, err = s.EmitWithAck(t.Context(), "asked", "text")
	require.NoError(t, err)
	s.outage(t, c, func() { require.NoError(t, s.Emit("n", 7)) })
	_, recovered := again(t, c)
	require.True(t, recovered)
	assert.Equal(t, 7, numberOf(t, c, "n"))
}

// TestSession_ThatBeganAfterAnother_GivesNothingOfThatAgain: official clients keep the offset of a session that is over.
func TestSession_ThatBeganAfterAnother_GivesNothingOfThatAgain(t *testing.T) {
	t.Parallel()
	s := serve(t, actio.Options{})
	c, socket := s.connect(t, s.options(jsclient.WebSocket))
	require.NoError(t, s.Emit("n", 1))
	require.Equal(t, 1, numberOf(t, c, "n"))
	socket.Disconnect()
	_, err := c.WaitEvent(t.Context(), "disconnect")
	require.NoError(t, err)
	require.NoError(t, s.Emit("n", 2))
	c.Reopen()
	_, recovered := again(t, c)
	require.False(t, recovered)
	s.join(t)
	s.outage(t, c, func() { require.NoError(t, s.Emit("n", 3)) })
	_, recovered = again(t, c)
	require.True(t, recovered, "although it has got no event of this session")
	assert.Equal(t, 3, numberOf(t, c, "n"))
}

func TestNamespaces_OfOneConnection_AreRecoveredEach(t *testing.T) {
	t.Parallel()
	s := serve(t, actio.Options{})
	chat, err := s.Of("/chat")
	require.NoError(t, err)
	c, _ := s.connect(t, s.options(jsclient.WebSocket))
	other, err := c.Of(t.Context(), "/chat", nil)
	require.NoError(t, err)
	id, _ := again(t, other)
	require.NoError(t, chat.To(id).Emit("n", 1))
	require.Equal(t, 1, numberOf(t, other, "n"))
	s.outage(t, c, func() {
		require.NoError(t, chat.Emit("n", 2))
		require.NoError(t, s.Emit("n", 3))
	})
	for _, client := range []*jsclient.Client{c, other} {
		_, recovered := again(t, client)
		require.True(t, recovered)
	}
	assert.Equal(t, 2, numberOf(t, other, "n"))
	assert.Equal(t, 3, numberOf(t, c, "n"))
}
