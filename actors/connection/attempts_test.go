package connection

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// crowd is a session that enters twelve namespaces with five attempts; ask is asked about each with its number.
type crowd struct {
	*rig

	running, most, asked atomic.Int32
}

func inCrowd(t *testing.T, verify func(ctx context.Context, name string) error, test func(c *crowd)) {
	t.Helper()
	c := new(crowd)
	verifier := func(ctx context.Context, h *Handshake) (*Principal, error) {
		running := c.running.Add(1)
		defer c.running.Add(-1)
		c.asked.Add(1)
		c.most.Store(max(c.most.Load(), running))
		if err := verify(ctx, h.Namespace); err != nil {
			return nil, err
		}
		return &Principal{UserID: "ann"}, nil
	}
	configure := func(o *Options) {
		onConnect(verifier)(o)
		o.MaxNamespaces, o.MaxAuthAttempts, o.InboxEvents, o.InboxEventsHard = 12, 5, 100, 200
		o.QueueBytes, o.PingInterval = 100_000, time.Hour
	}
	inBubble(t, configure, func(r *rig) {
		c.rig = r
		r.app.entrance = func(string) *Entrance { return new(Entrance) }
		test(c)
	})
}

// enter sends the CONNECTs of all twelve at once.
func (c *crowd) enter() {
	var packets []string
	for i := range 12 {
		packets = append(packets, fmt.Sprintf("40/n%d,", i))
	}
	c.post(packets...)
}

func (c *crowd) entered(packets string) int { return strings.Count(packets, `,{"sid":"~`) }

func (c *crowd) refused(packets string) int { return strings.Count(packets, textRefused) }

// pass lets time pass and what is due then happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func aSecond(ctx context.Context, _ string) error { return slowly(ctx, nil) }

func refuseAfterASecond(ctx context.Context, _ string) error {
	if err := slowly(ctx, nil); err != nil {
		return err
	}
	return ErrRefused
}

func TestAttempts_MoreNamespacesThanAttempts_AllAreEnteredAndSomeWaitForVerdicts(t *testing.T) {
	inCrowd(t, aSecond, func(c *crowd) {
		c.enter()
		pass(time.Second)
		assert.Equal(t, 5, c.entered(c.get()))
		pass(2 * time.Second)
		assert.Equal(t, 7, c.entered(c.get()))
		assert.EqualValues(t, 5, c.most.Load())
		assert.Zero(t, c.env.Counters.AuthRefused.Load())
	})
}

func TestAttempts_AllRefused_EndsTheSessionWithTheFirstThatHasNoneLeft(t *testing.T) {
	inCrowd(t, refuseAfterASecond, func(c *crowd) {
		c.enter()
		pass(time.Second)
		assert.Equal(t, 6, c.refused(c.get()))
		assert.Equal(t, "1", c.get())
		assert.True(t, c.session.ended())
		assert.EqualValues(t, 5, c.asked.Load())
	})
}

func TestAttempts_SomeRefused_FewerAreVerifiedAtOnceUntilOneSucceeds(t *testing.T) {
	refused := []string{"/n0", "/n1", "/n2", "/n3"}
	inCrowd(t, func(ctx context.Context, name string) error {
		if slices.Contains(refused, name) {
			return ErrRefused
		}
		return slowly(ctx, nil)
	}, func(c *crowd) {
		c.post("40/n0,", "40/n1,", "40/n2,", "40/n3,")
		assert.Equal(t, 4, c.refused(c.get()))
		c.post("40/n4,", "40/n5,", "40/n6,")
		pass(time.Second / 2)
		assert.EqualValues(t, 1, c.running.Load(), "one attempt is left")
		pass(time.Second)
		assert.EqualValues(t, 2, c.running.Load())
		pass(time.Second)
		assert.Equal(t, 3, c.entered(c.get()))
	})
}

func TestAttempts_TimedOut_CountAndLetTheNextTry(t *testing.T) {
	inCrowd(t, func(ctx context.Context, name string) error {
		if name == "/n11" {
			return nil
		}
		<-ctx.Done()
		return context.Cause(ctx)
	}, func(c *crowd) {
		c.post("40/n0,", "40/n1,", "40/n2,", "40/n3,")
		pass(10*time.Second + latest)
		assert.Equal(t, 4, strings.Count(c.get(), textTimedOut))
		c.post("40/n4,", "40/n11,")
		synctest.Wait()
		assert.EqualValues(t, 5, c.asked.Load(), "the last attempt that is left runs")
		c.post("41/n4,")
		assert.Equal(t, 1, c.entered(c.get()), "a client that gives up makes room")
	})
}

func TestAttempts_NeverComesToItsTurn_IsRefusedAsLate(t *testing.T) {
	inCrowd(t, func(ctx context.Context, _ string) error {
		<-ctx.Done()
		return context.Cause(ctx)
	}, func(c *crowd) {
		c.env.Options.AuthenticateTimeout = time.Hour // beyond ConnectTimeout
		c.enter()
		pass(45*time.Second + latest)
		packets := c.get()
		assert.Equal(t, 5, strings.Count(packets, textTimedOut))
		assert.Equal(t, 7, strings.Count(packets, textLate))
		assert.EqualValues(t, 5, c.asked.Load())
	})
}

func TestAttempts_SessionEndsWhileSomeWait_NoneOfThemIsVerified(t *testing.T) {
	for name, end := range map[string]func(r *rig){
		"client": func(r *rig) { r.post("1") },
		"drain":  func(r *rig) { r.system.Send(r.session.PID(), &Drain{}) },
		"abort":  func(r *rig) { r.system.Send(r.session.PID(), &Abort{Reason: ReasonServerShutdown}) },
	} {
		t.Run(name, func(t *testing.T) {
			inCrowd(t, aSecond, func(c *crowd) {
				c.enter()
				end(c.rig)
				synctest.Wait()
				assert.Zero(t, c.running.Load())
				assert.EqualValues(t, 5, c.asked.Load())
			})
		})
	}
}

// Each may authenticate by event in all of its namespaces at the same time, and renew there.
func TestAttempts_ByEventInManyNamespaces_AllAreAuthenticated(t *testing.T) {
	configure := func(o *Options) {
		with(func(ctx context.Context, _ *Handshake) (*Principal, error) {
			return &Principal{UserID: "ann"}, slowly(ctx, nil)
		})(o)
		o.MaxNamespaces, o.InboxEvents, o.InboxEventsHard, o.QueueBytes = 12, 100, 200, 100_000
	}
	inBubble(t, configure, func(r *rig) { // MaxAuthAttempts is 2
		r.app.entrance = func(string) *Entrance { return new(Entrance) }
		var connects, events, renewals []string
		for i := range 12 {
			connects = append(connects, fmt.Sprintf("40/n%d,", i))
			events = append(events, fmt.Sprintf(`42/n%d,["authenticate"]`, i))
			renewals = append(renewals, fmt.Sprintf(`42/n%d,["authenticate",{}]`, i))
		}
		r.post(connects...)
		r.get()
		for _, packets := range [][]string{events, renewals} {
			r.post(packets...)
			pass(time.Second)
			assert.Equal(t, 12, strings.Count(r.get(), `["authenticated"`))
		}
		assert.Zero(t, r.env.Counters.AuthRefused.Load())
	})
}
