package connection

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLastRooms_AreThoseOfTheEnd(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		r.post("40")
		r.get()
		s := r.app.sockets[0]
		require.NoError(t, s.Join(r.t.Context(), "a", "b", "c"))
		require.NoError(t, s.Leave(r.t.Context(), "b"))
		assert.Nil(t, s.LastRooms(), "it lives")
		r.post("41")
		assert.Equal(t, []string{"connected /", "disconnected client namespace disconnect"}, r.app.told())
		assert.Equal(t, []string{s.ID(), "a", "c"}, s.LastRooms())
		s.LastRooms()[1] = "changed"
		assert.Equal(t, []string{s.ID(), "a", "c"}, s.LastRooms())
		cause := context.Cause(s.Context())
		require.ErrorIs(t, cause, ErrClosed)
		assert.Contains(t, cause.Error(), ": client namespace disconnect")
	})
}

func TestLastRooms_OfASocketThatWasRefused_AreNone(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		r.guarded(func(ctx context.Context, s *Socket) error {
			require.NoError(t, s.Join(ctx, "a"))
			return &ConnectError{Message: "no"}
		})
		r.post("40")
		assert.Equal(t, `44{"message":"no"}`, r.get())
		assert.True(t, r.app.sockets[0].Closed())
		assert.Nil(t, r.app.sockets[0].LastRooms())
	})
}
