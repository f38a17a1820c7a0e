package rediskeeper

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/keeper"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

func TestSocket_FromItsBeginningToItsEnd_IsStored(t *testing.T) {
	t.Parallel()
	r := start(t, redisproc.Start(t), keeper.Options{})
	c := r.dial()
	_, id, pid := c.enter("40")
	socket := await.Value(t, r.app.sockets)
	require.Equal(t, pid, socket.PrivateID())
	r.until(pid, there)
	require.NoError(t, socket.Join(t.Context(), "a", "b"))
	r.until(pid, func(s *format.Session) bool { return slices.Equal([]string{id, "a", "b"}, s.Rooms) })
	s := r.stored(pid)
	assert.Equal(t, id, s.ID)
	assert.Equal(t, pid, s.PID)
	assert.Equal(t, "/", s.Namespace)
	text, _, err := s.Data.JSON()
	require.NoError(t, err)
	assert.JSONEq(t, `{"of":"`+id+`"}`, string(text))
	c.post("41")
	r.until(pid, gone)
}

// TestClient_WhoseOldConnectionIsNotKnownToBeDead_GoesOnAnywhere: at the same instance, and at another.
func TestClient_WhoseOldConnectionIsNotKnownToBeDead_GoesOnAnywhere(t *testing.T) {
	t.Parallel()
	for _, elsewhere := range []bool{false, true} {
		server := redisproc.Start(t)
		one := start(t, server, keeper.Options{})
		to := one
		if elsewhere {
			to = start(t, server, keeper.Options{})
		}
		c := one.dial()
		_, id, pid := c.enter("40")
		was := await.Value(t, one.app.sockets)
		require.NoError(t, was.Join(t.Context(), "room"))
		one.until(pid, func(s *format.Session) bool { return s != nil && len(s.Rooms) == 2 })
		one.emit("first", "room")
		offset := between(c.get(), `["first","`)
		one.emit("missed", "room")
		one.emit("not for it", "another room")
		require.NoError(t, one.bridge.CatchUp(t.Context()))

		back := to.dial()
		answer, sameID, samePID := back.enter(again(pid, offset))
		assert.Equal(t, id, sameID)
		assert.Equal(t, pid, samePID)
		assert.Contains(t, answer, `42["missed","`)
		assert.NotContains(t, answer, "not for it")
		is := await.Value(t, to.app.sockets)
		assert.True(t, is.Recovered())
		if elsewhere {
			assert.Equal(t, map[string]any{"of": id}, is.Bound())
		}
		one.until(pid, there)
		one.emit("next", "room")
		assert.Contains(t, back.get(), `42["next","`)
	}
}

func TestClient_WithAnOffsetOfNobody_BeginsAfreshAndTheSessionIsOver(t *testing.T) {
	t.Parallel()
	r := start(t, redisproc.Start(t), keeper.Options{})
	r.emit("first")
	for _, offset := range []string{"1-1", "?"} {
		p := "of who says " + offset
		r.left(format.Session{PID: p, Namespace: "/"})
		_, id, pid := r.dial().enter(again(p, offset))
		assert.NotEqual(t, "id of "+p, id)
		assert.NotEqual(t, p, pid)
		require.ErrorIs(t, await.Value(t, r.app.sockets).RecoveryFailure(), connection.ErrOffsetUnknown)
		r.until(p, gone)
		r.until(pid, there)
	}
}
