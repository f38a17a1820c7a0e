package recovery

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors/connection"
)

// asksAlways has middlewares asked about sockets that go on with their session, too.
func asksAlways(o *connection.Options, _ *Options) { o.RecoveryMiddlewares = true }

// door is a namespace whose middleware does what the test wants.
type door struct {
	ask      func(ctx context.Context, s *connection.Socket) error
	asked    int
	released atomic.Int32 // also by the keeper
}

// lost returns the private id of a session that is kept, and the door of the namespace that it is in.
func (r *rig) lost() (d *door, c *client, pid string) {
	r.t.Helper()
	d = &door{}
	r.app.entrance = connection.Entrance{
		Admit: func(ctx context.Context, s *connection.Socket) error {
			d.asked++
			if d.ask == nil {
				return s.Join(ctx, "a", "b")
			}
			return d.ask(ctx, s)
		},
		Release: func() { d.released.Add(1) },
	}
	c, _, pid = r.session()
	c.cut()
	require.Equal(r.t, []string{cutOff}, r.app.told())
	require.Equal(r.t, []int{1, 0}, []int{d.asked, int(d.released.Load())}, "what is kept holds its namespace")
	return d, c, pid
}

func TestMiddlewares_LetInWhoComesBack_GoesOnWithWhatItMissedMeanwhile(t *testing.T) {
	inBubble(t, asksAlways, func(r *rig) {
		door, c, pid := r.lost()
		r.emit("missed")
		door.ask = func(ctx context.Context, s *connection.Socket) error {
			assert.True(t, s.Recovered())
			assert.False(t, s.Connected())
			rooms, err := s.Rooms(ctx)
			require.NoError(t, err)
			assert.Equal(t, []string{s.ID(), "a", "b"}, rooms)
			require.NoError(t, s.Leave(ctx, "a"))
			require.NoError(t, s.Join(ctx, "c"))
			time.Sleep(20 * time.Second) // longer than a session is waited for, and than it is kept
			return nil
		}
		d := r.dial()
		d.post(again(pid, c.offset))
		synctest.Wait()
		r.emit("missed, too")
		time.Sleep(20 * time.Second)
		assert.Regexp(t, `^40\{"pid":"`+pid+`","sid":"`+r.app.last().ID()+`"\} 42\["missed"\] 42\["missed, too"\]$`, d.get())
		assert.Equal(t, []string{recovered}, r.app.told())
		assert.Equal(t, 2, door.asked)
		rooms, err := r.app.last().Rooms(r.t.Context())
		require.NoError(t, err)
		assert.Equal(t, []string{r.app.last().ID(), "b", "c"}, rooms)
		for room, there := range map[string]bool{"a": false, "b": true, "c": true} {
			members, err := r.registry.Members(r.t.Context(), "/", []string{room}, nil)
			require.NoError(t, err)
			assert.Equal(t, there, len(members) == 1, room)
		}
		d.cut()
		assert.EqualValues(t, 1, door.released.Load())
		assert.Equal(t, 1, r.keeper.Kept())
	})
}

func TestMiddlewares_RefuseWhoComesBack_SessionIsSpent(t *testing.T) {
	inBubble(t, asksAlways, func(r *rig) {
		door, c, pid := r.lost()
		door.ask = func(context.Context, *connection.Socket) error { return errors.New("no more") }
		d := r.dial()
		d.post(again(pid, c.offset))
		assert.Equal(t, `44{"message":"no more"}`, d.get())
		assert.Empty(t, r.app.told())
		assert.True(t, r.app.last().Closed())
		assert.Zero(t, r.keeper.Kept())
		assert.False(t, r.registry.MayHave("/", "a"), "its rooms are free")
		assert.EqualValues(t, 2, door.released.Load())
		door.ask = nil
		d.post(again(pid, c.offset))
		assert.Contains(t, d.get(), `"sid":"~`)
		require.ErrorIs(t, r.app.last().RecoveryFailure(), connection.ErrSessionUnknown)
		assert.Equal(t, 3, door.asked)
	})
}

// What ends a socket before it is in again ends its session, unless nothing but its transport was lost.
func TestMiddlewares_EndOfWhoIsAskedAbout_DecidesAboutTheSession(t *testing.T) {
	for name, test := range map[string]struct {
		end    func(r *rig, d *client)
		stays  bool
		answer string
	}{
		"transport lost":  {end: func(_ *rig, d *client) { d.cut() }, stays: true},
		"client gives up": {end: func(_ *rig, d *client) { d.post("41") }},
		"sent away": {
			end:    func(r *rig, _ *client) { r.app.last().Disconnect(false) },
			answer: `44{"message":"Disconnected by the server"}`,
		},
		"too slow": {end: func(*rig, *client) { time.Sleep(45 * time.Second) }, answer: `2 44{"message":"Connection timed out"}`},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, asksAlways, func(r *rig) {
				door, c, pid := r.lost()
				door.ask = func(ctx context.Context, _ *connection.Socket) error {
					<-ctx.Done()
					return nil
				}
				d := r.dial()
				d.post(again(pid, c.offset))
				synctest.Wait()
				test.end(r, d)
				synctest.Wait()
				if test.answer != "" {
					assert.Equal(t, test.answer, d.get())
				}
				released := 2 // what was kept, and who was asked about
				if test.stays {
					released = 1
				}
				assert.EqualValues(t, released, door.released.Load())
				assert.Empty(t, r.app.told())
				assert.Equal(t, test.stays, r.keeper.Kept() == 1)
				assert.Equal(t, test.stays, r.registry.MayHave("/", "a"))
				door.ask = func(context.Context, *connection.Socket) error { return nil }
				_, same := r.dial().enter(again(pid, c.offset))
				assert.Equal(t, test.stays, same == pid)
				assert.Equal(t, test.stays, r.app.last().Recovered())
			})
		})
	}
}

func TestMiddlewares_HistoryIsForgottenMeanwhile_AreAskedAboutTheNewSocket(t *testing.T) {
	inBubble(t, func(o *connection.Options, ko *Options) {
		asksAlways(o, ko)
		o.ConnectTimeout, o.PingInterval = time.Hour, time.Hour
	}, func(r *rig) {
		door, c, pid := r.lost()
		r.emit("missed")
		var came []*connection.Socket
		door.ask = func(_ context.Context, s *connection.Socket) error {
			if came = append(came, s); s.Recovered() {
				time.Sleep(2 * time.Minute) // a minute is remembered
			}
			return nil
		}
		d := r.dial()
		d.post(again(pid, c.offset))
		time.Sleep(3 * time.Minute)
		answer := d.get()
		assert.Contains(t, answer, `"sid":"~`)
		assert.NotContains(t, answer, pid)
		require.Len(t, came, 2)
		assert.True(t, came[0].Closed())
		assert.True(t, came[1].Connected())
		require.ErrorIs(t, came[1].RecoveryFailure(), connection.ErrHistoryLost)
		assert.EqualValues(t, 1, door.released.Load())
		assert.False(t, r.registry.MayHave("/", "a"))
	})
}

func TestMiddlewares_KnowWhoComesBack_WhichMayExpireMeanwhile(t *testing.T) {
	inBubble(t, func(o *connection.Options, ko *Options) {
		asksAlways(o, ko)
		o.AuthenticateOnConnect = true
		o.Authenticate = func(context.Context, *connection.Handshake) (*connection.Principal, error) {
			return &connection.Principal{UserID: "ann", Expires: time.Now().Add(10 * time.Second)}, nil
		}
	}, func(r *rig) {
		door, c, pid := r.lost()
		door.ask = func(_ context.Context, s *connection.Socket) error {
			assert.Equal(t, "ann", s.Principal().UserID)
			assert.Equal(t, connection.Unauthorized, s.State())
			return nil
		}
		d := r.dial()
		answer, same := d.enter(again(pid, c.offset))
		assert.Equal(t, pid, same)
		assert.Contains(t, answer, `42["authenticated",`)
		assert.Equal(t, []string{recovered}, r.app.told())
		assert.Equal(t, connection.Authenticated, r.app.last().State())
		d.cut()
		door.ask = func(ctx context.Context, _ *connection.Socket) error {
			<-ctx.Done()
			return nil
		}
		e := r.dial()
		e.post(again(pid, d.offset))
		time.Sleep(10 * time.Second)
		assert.Contains(t, e.get(), `44{"message":"Authentication expired! Please login again!"}`)
		assert.Zero(t, r.keeper.Kept())
		assert.EqualValues(t, 3, door.released.Load())
	})
}

// While they are asked about one client, another that says the same waits.
func TestMiddlewares_SessionClaimedTwice_GoesToOne(t *testing.T) {
	inBubble(t, asksAlways, func(r *rig) {
		door, c, pid := r.lost()
		door.ask = func(_ context.Context, s *connection.Socket) error {
			if s.Recovered() {
				time.Sleep(time.Second)
			}
			return nil
		}
		d, e := r.dial(), r.dial()
		d.post(again(pid, c.offset))
		synctest.Wait()
		e.post(again(pid, c.offset))
		time.Sleep(2 * time.Second)
		assert.Contains(t, d.get(), pid)
		answer := e.get()
		assert.Contains(t, answer, `"sid":"~`)
		assert.NotContains(t, answer, pid)
		require.ErrorIs(t, r.app.last().RecoveryFailure(), connection.ErrSessionTaken)
	})
}
