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
	"github.com/actio-go/actio/actors/roomregistry"
)

// slow is the keeper, but that it restores when it is told to.
type slow struct {
	*Keeper

	restore   func()
	unclaimed func() // happens before a claim is given up
}

func (s *slow) Restore(c *connection.Claim, k *connection.Kept, r *roomregistry.Restore) {
	s.restore = func() { s.Keeper.Restore(c, k, r) }
}

func (s *slow) Unclaim(c *connection.Claim) {
	if s.unclaimed != nil {
		s.unclaimed()
	}
	s.Keeper.Unclaim(c)
}

func (r *rig) slowly() *slow {
	s := &slow{Keeper: r.keeper}
	r.env.Recovery = s
	return s
}

func TestClaim_ClientGivesUpBeforeItsAnswer_MayEnterAnew(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		var released atomic.Int32
		r.app.entrance.Release = func() { released.Add(1) }
		require.NoError(t, r.keeper.Stop(context.Background()))
		d := r.dial()
		answer, _ := d.enter(again("pid", ""))
		require.Equal(t, "…", answer)
		d.post("41")
		synctest.Wait()
		assert.EqualValues(t, 1, released.Load())
		d.post("40")
		assert.Contains(t, d.get(), `40{"pid":`)
		time.Sleep(6 * time.Second)
		assert.Equal(t, "…", d.get(), "nothing comes of the claim")
		assert.Equal(t, []string{afresh}, r.app.told())
		assert.Zero(t, r.env.Counters.ParseErrors.Load())
	})
}

func TestClaim_ClientGivesUpWhileItsSocketIsRestored_SessionStaysAndNothingOfItReachesTheNext(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		k, offset, pid := r.lostToUnclaim()
		d := r.dial()
		d.enter(again(pid, offset))
		d.post("41", "40")
		time.Sleep(time.Millisecond)
		answer := d.get()
		assert.Contains(t, answer, `40{"pid":`)
		assert.NotContains(t, answer, pid)
		assert.Equal(t, []string{afresh}, r.app.told())
		assert.Equal(t, "…", d.get())
		assert.Equal(t, 1, r.keeper.Kept())
		k.unclaimed = nil
		e := r.dial()
		e.post(again(pid, offset))
		synctest.Wait()
		k.restore()
		assert.Contains(t, e.get(), pid)
	})
}

// lostToUnclaim has a client lose its connection. When the claim of its session is given up, the socket that is to be restored
// has been attached, and sent something, a moment before.
func (r *rig) lostToUnclaim() (k *slow, offset, pid string) {
	k = r.slowly()
	c, _, pid := r.session()
	was := r.app.last()
	c.cut()
	r.app.told()
	k.unclaimed = func() { r.attachAndEmit(k, was) }
	return k, c.offset, pid
}

// attachAndEmit attaches the socket that is to be restored, and sends it something. Both are on their way to the connection.
func (r *rig) attachAndEmit(k *slow, was *connection.Socket) {
	k.restore()
	synctest.Wait()
	m := r.event("for the former")
	m.Socket = was.ID()
	r.registry.Broadcast(m)
	synctest.Wait()
}

func TestClaim_IsLateWhileItsSocketIsRestored_NothingOfItReachesTheNext(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		_, offset, pid := r.lostToUnclaim()
		d := r.dial()
		answer, _ := d.enter(again(pid, offset))
		require.Equal(t, "…", answer)
		time.Sleep(6 * time.Second)
		assert.Regexp(t, `^40\{"pid":\S+$`, d.get())
		assert.Equal(t, []string{"connected false actio: recovery took too long"}, r.app.told())
		assert.Equal(t, "…", d.get(), "what was for the former is not for the next")
	})
}

func TestClaim_IsPendingWhenTheConnectTimeoutIsOver_IsTheLastTry(t *testing.T) {
	for name, test := range map[string]struct {
		more []string
		want string
	}{
		"nothing comes of it but a new socket": {nil, `"sid":"~`},
		"one of two is given up":               {[]string{"41/x,"}, `"sid":"~`},
		"both are given up":                    {[]string{"41", "41/x,"}, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(o *connection.Options, _ *Options) { o.ConnectTimeout = 2 * time.Second }, func(r *rig) {
				require.NoError(t, r.keeper.Stop(context.Background()))
				d := r.dial()
				d.post(again("pid", ""), `40/x,{"pid":"pid of x"}`)
				time.Sleep(3 * time.Second)
				require.Equal(t, "…", d.get())
				if test.more != nil {
					d.post(test.more...)
				}
				time.Sleep(3 * time.Second)
				assert.Contains(t, d.get(), test.want)
			})
		})
	}
}
