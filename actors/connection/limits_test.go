package connection

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors"
)

// limited is a rig whose session may send some events, or bytes, in a second.
func limited(t *testing.T, l EventLimits, test func(r *rig)) {
	t.Helper()
	inBubble(t, func(o *Options) { o.EventLimits, o.InboxEvents, o.InboxEventsHard = l, 100, 100 }, func(r *rig) {
		r.app.onEvent = func(_ *Socket, e Event) {
			if e.Replier != nil {
				assert.NoError(r.t, e.Replier.Reply("done"))
			}
		}
		test(r)
	})
}

func times(n int, event string) []string { return slices.Repeat([]string{event}, n) }

func TestEventLimits_TooManyEvents_DropsThoseAboveTheRate(t *testing.T) {
	limited(t, EventLimits{Events: actors.Rate{PerSecond: 10, Burst: 4}}, func(r *rig) {
		s := connectFreely(r)
		r.post(times(6, `42["a"]`)...)
		assert.Equal(t, times(4, "event a"), r.app.told())
		time.Sleep(250 * time.Millisecond)
		r.post(times(6, `421["b"]`)...)
		assert.Equal(t, times(2, "event b"), r.app.told(), "two more in a quarter of a second")
		assert.Equal(t, `431["done"] 431["done"]`, r.get(), "what was dropped is not answered")
		time.Sleep(time.Hour)
		assert.True(t, s.Closed(), "the heartbeat goes on")
		assert.EqualValues(t, 6, r.env.Counters.EventsRateLimited.Load())
		assert.Zero(t, r.env.Counters.EventsDropped.Load())
	})
}

func TestEventLimits_TooManyBytes_DropsWhatDoesNotFit(t *testing.T) {
	limited(t, EventLimits{Bytes: actors.Rate{PerSecond: 10, Burst: 25}}, func(r *rig) {
		connectFreely(r)
		r.post(`42["0123456789"]`, `42["01234567890123456789"]`, `42["a"]`, `42["bcd"]`)
		assert.Equal(t, []string{"event 0123456789", "event a"}, r.app.told(), "14 and 5 bytes of 25")
		time.Sleep(2500 * time.Millisecond)
		r.post(`451-["b",{"_placeholder":true,"num":0}]`, "bAAAA")
		assert.Empty(t, r.app.told(), "never: it is larger than the burst")
		r.post(`42["c"]`)
		assert.Equal(t, []string{"event c"}, r.app.told())
		assert.EqualValues(t, 3, r.env.Counters.EventsRateLimited.Load())
	})
}

func TestEventLimits_BothGiven_TakeNothingForWhatIsDropped(t *testing.T) {
	l := EventLimits{Events: actors.Rate{PerSecond: 1, Burst: 2}, Bytes: actors.Rate{PerSecond: 1, Burst: 10}}
	limited(t, l, func(r *rig) {
		connectFreely(r)
		r.post(times(3, `42["too long for this limit"]`)...)
		r.post(times(3, `42["a"]`)...)
		assert.Equal(t, times(2, "event a"), r.app.told())
	})
}

func TestEventLimits_PolicyError_AnswersThoseWhoAsked(t *testing.T) {
	limited(t, EventLimits{Events: actors.Rate{PerSecond: 1, Burst: 1}, Policy: RateError}, func(r *rig) {
		connectFreely(r)
		r.post(`421["a"]`, `42["a"]`, `422["a"]`)
		answers := r.get()
		assert.Contains(t, answers, `431["done"]`)
		assert.Contains(t, answers, `432[{"error":"rate limit exceeded"}]`)
		assert.Equal(t, []string{"event a"}, r.app.told())
		assert.EqualValues(t, 2, r.env.Counters.EventsRateLimited.Load())
	})
}

func TestEventLimits_PolicyDisconnect_EndsTheSessionWithItsOwnReason(t *testing.T) {
	limited(t, EventLimits{Events: actors.Rate{PerSecond: 1, Burst: 1}, Policy: RateDisconnect}, func(r *rig) {
		s := connectFreely(r)
		r.post(`42["a"]`, `42["a"]`, `42["a"]`)
		assert.Equal(t, []string{"event a", "disconnected rate limit exceeded"}, r.app.told())
		assert.Equal(t, "41", r.get(), "DISCONNECT, so that an official client stays away")
		assert.Equal(t, "1", r.get())
		assert.Equal(t, ReasonRateLimited, s.Reason())
		assert.EqualValues(t, 1, r.env.Counters.EventsRateLimited.Load())
	})
}

func TestEventLimits_EventsOfTheServersOwn_Count(t *testing.T) {
	for _, event := range []string{`["authenticate"]`, `["join",{"rooms":["a"]}]`, `["leave",{"rooms":["a"]}]`, `["early"]`} {
		t.Run(event, func(t *testing.T) {
			configure := func(o *Options) {
				o.Authenticate, o.MaxAuthAttempts = accept, 100
				o.EventLimits = EventLimits{Events: actors.Rate{PerSecond: 1, Burst: 3}}
			}
			inBubble(t, configure, func(r *rig) {
				r.post("40")
				r.post(times(5, "42"+event)...)
				assert.EqualValues(t, 2, r.env.Counters.EventsRateLimited.Load())
			})
		})
	}
}

func TestEventLimits_LeftAndJoinedAgain_DoNotBeginAnew(t *testing.T) {
	limited(t, EventLimits{Events: actors.Rate{PerSecond: 1, Burst: 2}}, func(r *rig) {
		connectFreely(r)
		r.post("40/b,")
		r.post(times(2, `42["a"]`)...)
		r.post(`42/b,["a"]`, "41", "40", `42["a"]`)
		synctest.Wait()
		assert.EqualValues(t, 2, r.env.Counters.EventsRateLimited.Load())
	})
}

func TestEventLimits_Acknowledgements_DoNotCount(t *testing.T) {
	limited(t, EventLimits{Events: actors.Rate{PerSecond: 1, Burst: 1}}, func(r *rig) {
		connectFreely(r)
		r.post(times(5, "437[]")...)
		r.post(`42["a"]`)
		assert.Equal(t, []string{"event a"}, r.app.told())
		assert.EqualValues(t, 5, r.env.Counters.AcksUnknown.Load())
	})
}

func TestRatePolicy_String_IsItsName(t *testing.T) {
	names := fmt.Sprintf("%v %v %v %v", RateDrop, RateError, RateDisconnect, RatePolicy(9))
	assert.Equal(t, "drop error disconnect RatePolicy(9)", names)
}

func TestEventLimits_WithinTheLimits_AllocateNothing(t *testing.T) {
	l := &EventLimits{Events: actors.Rate{PerSecond: 1000, Burst: 10}, Bytes: actors.Rate{PerSecond: 1000, Burst: 100}}
	use, now := newRateUse(l), time.Duration(0)
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		now += time.Millisecond
		require.True(t, use.take(l, 1, now))
	}))
	require.Nil(t, newRateUse(&EventLimits{Policy: RateError}))
}

// BenchmarkEchoLimited is BenchmarkEcho of a session whose events are limited, and never too many.
func BenchmarkEchoLimited(b *testing.B) {
	never := actors.Rate{PerSecond: actors.MaxRate, Burst: actors.MaxRate}
	_, s, _ := memberOf(b, &echoing{answer: []any{"some text"}}, func(o *Options) {
		o.EventLimits = EventLimits{Events: never, Bytes: never}
	})
	event := []byte(`421["echo","some text"]`)
	b.ReportAllocs()
	for b.Loop() {
		echo(s, event)
	}
}
