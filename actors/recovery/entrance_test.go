package recovery

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors/connection"
)

// A client that goes on with its session is not asked about again; one that begins afresh is. A namespace that was looked for is
// given back once for each socket.
func TestSession_InAGuardedNamespace_GoesOnWithoutBeingAskedAbout(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		var asked, found, released int
		way := &connection.Entrance{
			Admit: func(ctx context.Context, s *connection.Socket) error {
				asked++
				return s.Join(ctx, "a")
			},
			Release: func() { released++ },
		}
		r.app.entrance.Find = func(context.Context, string, *connection.Handshake) (*connection.Entrance, error) {
			found++
			return way, nil
		}
		c := r.dial()
		_, pid := c.enter("40")
		require.NotEmpty(t, pid)
		r.app.told()
		c.cut()
		assert.Equal(t, []string{cutOff}, r.app.told())
		assert.Equal(t, []int{1, 1, 1}, []int{found, asked, released})

		d := r.dial()
		_, same := d.enter(again(pid, ""))
		assert.Equal(t, pid, same)
		assert.Equal(t, []string{recovered}, r.app.told())
		assert.Equal(t, []int{2, 1, 1}, []int{found, asked, released})
		rooms, err := r.app.last().Rooms(r.t.Context())
		require.NoError(t, err)
		assert.Contains(t, rooms, "a")
		d.cut()
		time.Sleep(time.Hour) // the session is forgotten
		e := r.dial()
		_, fresh := e.enter(again(pid, ""))
		assert.NotEqual(t, pid, fresh)
		require.ErrorIs(t, r.app.last().RecoveryFailure(), connection.ErrSessionUnknown)
		assert.Equal(t, []int{3, 2, 2}, []int{found, asked, released})
	})
}
