package recovery

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors/connection"
)

// A client that goes on with its session is not asked about again; one that begins afresh is. A namespace that was looked for is
// given back once for each socket.
func TestSession_InAGuardedNamespace_GoesOnWithoutBeingAskedAbout(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		var asked, found int
		var released atomic.Int32 // by the keeper
		counts := func() []int {
			synctest.Wait()
			return []int{found, asked, int(released.Load())}
		}
		way := &connection.Entrance{
			Admit: func(ctx context.Context, s *connection.Socket) error {
				asked++
				return s.Join(ctx, "a")
			},
			Release: func() { released.Add(1) },
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
		assert.Equal(t, []int{1, 1, 0}, counts(), "the session still misses what is sent to the namespace")

		d := r.dial()
		_, same := d.enter(again(pid, ""))
		assert.Equal(t, pid, same)
		assert.Equal(t, []string{recovered}, r.app.told())
		assert.Equal(t, []int{2, 1, 1}, counts())
		rooms, err := r.app.last().Rooms(r.t.Context())
		require.NoError(t, err)
		assert.Contains(t, rooms, "a")
		d.cut()
		assert.Equal(t, []int{2, 1, 1}, counts())
		time.Sleep(time.Hour) // the session is forgotten
		assert.Equal(t, []int{2, 1, 2}, counts())
		e := r.dial()
		_, fresh := e.enter(again(pid, ""))
		assert.NotEqual(t, pid, fresh)
		require.ErrorIs(t, r.app.last().RecoveryFailure(), connection.ErrSessionUnknown)
		assert.Equal(t, []int{3, 2, 2}, counts())
	})
}

// What is kept holds its namespace until the keeper lets go of it, whatever the reason.
func TestSession_ThatIsKept_HoldsItsNamespaceUntilItIsOver(t *testing.T) {
	for name, end := range map[string]func(r *rig, pid string){
		"expired": func(*rig, string) { time.Sleep(11 * time.Second) },
		"went over the bound": func(r *rig, _ string) {
			c, _, _ := r.dialSession()
			c.cut()
		},
		"was of no use":    func(r *rig, pid string) { r.dial().enter(again(pid, "offset of another server")) },
		"the server stops": func(r *rig, _ string) { require.NoError(r.t, r.keeper.Stop(context.Background())) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(_ *connection.Options, o *Options) { o.MaxSessions = 1 }, func(r *rig) {
				var released atomic.Int32
				r.app.entrance.Release = func() { released.Add(1) }
				c, _, pid := r.session()
				c.cut()
				require.Equal(t, 1, r.keeper.Kept())
				require.Zero(t, released.Load())
				end(r, pid)
				synctest.Wait()
				assert.EqualValues(t, 1, released.Load())
			})
		})
	}
}
