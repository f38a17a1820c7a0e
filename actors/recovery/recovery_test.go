package recovery

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors/connection"
)

const (
	afresh    = "connected false <nil>"
	recovered = "connected true <nil>"
	cutOff    = "disconnected transport error"
)

// session is a client that has had one event.
func (r *rig) session() (c *client, answer, pid string) {
	r.t.Helper()
	c = r.dial()
	answer, pid = c.enter("40")
	require.Len(r.t, pid, 24)
	r.emit("first")
	require.Equal(r.t, `42["first"]`, c.get())
	require.Equal(r.t, []string{afresh}, r.app.told())
	return c, answer, pid
}

func TestSession_ClientComesBack_GoesOn(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		c, answer, pid := r.session()
		was := r.app.last()
		require.NoError(t, was.Join(context.Background(), "a", "b"))
		c.cut()
		require.Equal(t, []string{cutOff}, r.app.told())
		require.Equal(t, 1, r.keeper.Kept())
		r.emit("missed")
		d := r.dial()
		d.post(again(pid, c.offset))
		assert.Equal(t, answer+` 42["missed"]`, d.get(), "the same ids, then what was missed")
		assert.Equal(t, []string{recovered}, r.app.told())
		is := r.app.last()
		assert.NotSame(t, was, is)
		assert.Equal(t, "data of 2; data of 1; <nil>", is.Bound())
		assert.Nil(t, is.Former(), "nothing keeps one socket with the other")
		rooms, err := is.Rooms(context.Background())
		require.NoError(t, err)
		assert.Equal(t, []string{is.ID(), "a", "b"}, rooms)
		r.emit("next")
		assert.Equal(t, `42["next"]`, d.get())
		assert.Zero(t, r.keeper.Kept())
	})
}

func TestSession_OldConnectionIsNotKnownToBeDead_IsSurrendered(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		c, answer, pid := r.session()
		r.emit("on its way to nobody")
		d := r.dial()
		d.post(again(pid, c.offset))
		assert.Equal(t, answer+` 42["on its way to nobody"]`, d.get())
		assert.Equal(t, []string{"disconnected transport close", recovered}, r.app.told())
		assert.Equal(t, `42["on its way to nobody"] 41`, c.get(), "if it lives it must not come back by itself")
		assert.Equal(t, "1", c.get())
	})
}

func TestSession_NobodyComesInTime_IsOver(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		c, _, pid := r.session()
		c.cut()
		d, _, other := r.dialSession()
		time.Sleep(10*time.Second - time.Millisecond)
		assert.Equal(t, 1, r.keeper.Kept())
		d.cut()
		time.Sleep(2 * time.Millisecond)
		assert.Equal(t, 1, r.keeper.Kept(), "the second has time until later")
		assert.EqualValues(t, 1, r.keeper.Expired())
		r.app.told()
		e := r.dial()
		_, fresh := e.enter(again(pid, c.offset))
		assert.NotEqual(t, pid, fresh)
		assert.Equal(t, []string{"connected false actio: session unknown or expired"}, r.app.told())
		f := r.dial()
		_, same := f.enter(again(other, d.offset))
		assert.Equal(t, other, same)
		assert.False(t, r.registry.MayHave("/", r.app.sockets[0].ID()), "nobody listens for it any more")
	})
}

// dialSession is session, among other sockets.
func (r *rig) dialSession() (c *client, answer, pid string) {
	r.t.Helper()
	c = r.dial()
	answer, pid = c.enter("40")
	r.emit("x")
	require.Equal(r.t, `42["x"]`, c.get())
	r.app.told()
	return c, answer, pid
}

func TestSession_TooManyAreKept_TheOldestIsOver(t *testing.T) {
	inBubble(t, func(_ *connection.Options, o *Options) { o.MaxSessions = 2 }, func(r *rig) {
		var pids []string
		for range 3 {
			c, _, pid := r.dialSession()
			pids = append(pids, pid)
			c.cut()
		}
		assert.Equal(t, 2, r.keeper.Kept())
		assert.EqualValues(t, 1, r.keeper.Dropped())
		for i, pid := range pids {
			_, got := r.dial().enter(again(pid, ""))
			assert.Equal(t, i > 0, got == pid)
		}
	})
}

func TestSession_EndedOnPurpose_IsOver(t *testing.T) {
	for name, end := range map[string]func(c *client, s *connection.Socket){
		"by the client":             func(c *client, _ *connection.Socket) { c.post("41") },
		"by the server":             func(_ *client, s *connection.Socket) { s.Disconnect(false) },
		"with the whole connection": func(_ *client, s *connection.Socket) { s.Disconnect(true) },
		"by a packet that is none":  func(c *client, _ *connection.Socket) { c.post("4x") },
		"by the shutdown":           func(c *client, _ *connection.Socket) { c.session.Close(connection.ReasonServerShutdown) },
		"lost during the shutdown": func(c *client, _ *connection.Socket) {
			c.rig.system.Send(c.session.PID(), &connection.Drain{})
			c.cut()
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(r *rig) {
				c, _, pid := r.session()
				end(c, r.app.last())
				synctest.Wait()
				assert.Zero(t, r.keeper.Kept())
				_, fresh := r.dial().enter(again(pid, c.offset))
				assert.NotEqual(t, pid, fresh)
				require.ErrorIs(t, r.app.last().RecoveryFailure(), connection.ErrSessionUnknown)
				assert.EqualValues(t, 1, r.env.Counters.RecoveriesFailed.SessionUnknown.Load())
			})
		})
	}
}

func TestSession_OldHandlerStillRuns_NextSocketWaitsForIt(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		c, _, pid := r.session()
		r.app.block = make(chan struct{})
		c.post(`42["slow"]`)
		require.Equal(t, []string{"event slow"}, r.app.told())
		c.cut()
		d := r.dial()
		_, same := d.enter(again(pid, c.offset))
		require.Equal(t, pid, same)
		d.post(`42["later"]`)
		assert.Empty(t, r.app.told())
		close(r.app.block)
		assert.Equal(t, []string{cutOff, recovered, "event later"}, r.app.told(), "one at a time, and in order")
	})
}

func TestClaim_ConnectionIsLostBeforeItsAnswer_SessionWaitsForTheNext(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		c, _, pid := r.session()
		c.cut()
		r.emit("missed")
		for range 3 {
			d := r.dial()
			d.post(again(pid, c.offset))
			d.cut() // wherever it stands
		}
		d := r.dial()
		answer, same := d.enter(again(pid, c.offset))
		assert.Equal(t, pid, same)
		assert.Contains(t, answer, `42["missed"]`)
		assert.Equal(t, 0, r.keeper.Kept())
	})
}

// TestSession_LongWithoutEvents_GoesOn: what it got last is forgotten by then, and so is what came for others since.
func TestSession_LongWithoutEvents_GoesOn(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		c, _, pid := r.session()
		for range 12 {
			time.Sleep(25*time.Second + 100*time.Millisecond)
			require.Equal(t, "2", c.get())
			c.post("3")
			m := r.event("for somebody else")
			m.Socket = "~somebody"
			r.registry.Broadcast(m)
			m = r.event("for others")
			m.Rooms = []string{"others"}
			r.registry.Broadcast(m)
		}
		c.cut()
		r.emit("missed")
		d := r.dial()
		answer, same := d.enter(again(pid, c.offset))
		assert.Equal(t, pid, same)
		assert.Contains(t, answer, ` 42["missed"]`)
	})
}

func TestSession_NothingWasReceivedYet_GoesOnFromItsBeginning(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		r.emit("before")
		c := r.dial()
		_, pid := c.enter("40")
		c.cut()
		r.emit("missed")
		d := r.dial()
		answer, same := d.enter(again(pid, ""))
		assert.Equal(t, pid, same)
		assert.Contains(t, answer, `} 42["missed"]`)
		d.cut()
		e := r.dial()
		answer, same = e.enter(`40{"pid":"` + pid + `"}`)
		assert.Equal(t, pid, same)
		assert.Contains(t, answer, `} 42["missed"]`, "once more: nothing says that it was received")
	})
}

func authenticating(principal *connection.Principal) func(*connection.Options, *Options) {
	return func(o *connection.Options, _ *Options) {
		o.Authenticate = func(context.Context, *connection.Handshake) (*connection.Principal, error) { return principal, nil }
		o.DefaultRooms = []string{"default"}
	}
}

// login is session of a client that is authenticated.
func (r *rig) login() (c *client, pid string) {
	r.t.Helper()
	c = r.dial()
	_, pid = c.enter("40")
	c.post(`42["authenticate"]`)
	require.Contains(r.t, c.get(), `42["authenticated",{"id":"~`)
	r.app.told()
	return c, pid
}

func TestPrincipal_OfASessionThatGoesOn_ExpiresWhenItWould(t *testing.T) {
	actorsTime := 8 * time.Second
	p := &connection.Principal{UserID: "ann"}
	inBubble(t, authenticating(p), func(r *rig) {
		p.Expires = time.Now().Add(actorsTime)
		c, pid := r.login()
		c.cut()
		time.Sleep(2 * time.Second)
		d := r.dial()
		answer, _ := d.enter(again(pid, ""))
		assert.Regexp(t, `^40\S+ 42\["authenticated",\{"id":"~\S+$`, answer)
		is := r.app.last()
		assert.Same(t, p, is.Principal())
		assert.Equal(t, connection.Authenticated, is.State())
		assert.Equal(t, []string{cutOff, recovered}, r.app.told())
		time.Sleep(7 * time.Second)
		assert.Contains(t, d.get(), `42["unauthenticated",{"message":"Authentication expired!`)
		assert.Equal(t, []string{"disconnected principal expired"}, r.app.told())
		assert.Zero(t, r.keeper.Kept())
	})
}

func TestPrincipal_ExpiresMeanwhile_SessionIsOver(t *testing.T) {
	p := &connection.Principal{}
	inBubble(t, authenticating(p), func(r *rig) {
		p.Expires = time.Now().Add(5 * time.Second)
		c, pid := r.login()
		c.cut()
		time.Sleep(6 * time.Second)
		d := r.dial()
		_, fresh := d.enter(again(pid, ""))
		assert.NotEqual(t, pid, fresh)
		require.ErrorIs(t, r.app.last().RecoveryFailure(), connection.ErrPrincipalExpired)
		assert.Equal(t, connection.Unauthorized, r.app.last().State())
		assert.Zero(t, r.keeper.Kept())
		assert.False(t, r.registry.MayHave("/", "default"))
	})
}

func TestSession_NotYetAuthenticated_IsNotKept(t *testing.T) {
	inBubble(t, authenticating(&connection.Principal{}), func(r *rig) {
		c := r.dial()
		_, pid := c.enter("40")
		d := r.dial()
		_, fresh := d.enter(again(pid, ""))
		assert.NotEqual(t, pid, fresh)
		require.ErrorIs(t, r.app.last().RecoveryFailure(), connection.ErrSessionUnknown)
	})
}

func TestKeeper_DoesNotAnswer_ClientBeginsAfreshInTime(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		c, _, pid := r.session()
		c.cut()
		r.app.told()
		require.NoError(t, r.keeper.Stop(context.Background()))
		d := r.dial()
		answer, _ := d.enter(again(pid, c.offset))
		require.Equal(t, "…", answer)
		d.post(`40{"pid":"again"}`) // breaks the protocol: it has not been answered
		require.Equal(t, "1", d.get())
		e := r.dial()
		answer, _ = e.enter(again(pid, c.offset))
		require.Equal(t, "…", answer)
		time.Sleep(6 * time.Second)
		assert.Contains(t, e.get(), `40{"pid":`)
		assert.Equal(t, []string{"connected false actio: recovery took too long"}, r.app.told())
		assert.EqualValues(t, 1, r.env.Counters.RecoveriesFailed.Timeout.Load())
	})
}
