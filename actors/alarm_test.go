package actors_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/actortest"
)

// alarm makes an alarm of the clock of sys that sends m to an actor.
func alarm(sys *actors.System, to *actor.PID, m any) *actors.Alarm {
	a := new(actors.Alarm)
	a.Init(sys.Clock(), "alarm", sys.Address(to), m)
	return a
}

func TestAlarm_Set_RingsOnceAndLateByNoMoreThanLateness(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t)
		var rung []time.Time
		pid := sys.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			if ctx.Message() == "due" {
				rung = append(rung, time.Now())
			}
		}, actors.Inline()), "watch")
		a := alarm(sys, pid, "due")
		assert.Empty(t, sys.Clock().Armed(), "a new alarm is not set")
		r := rand.New(rand.NewPCG(1, 2))
		for i := range 1000 {
			d := time.Duration(1) << r.IntN(45) // to ten hours
			d += time.Duration(r.Int64N(int64(d)))
			began := time.Now()
			a.Set(d)
			require.Equal(t, map[string]int{"alarm": 1}, sys.Clock().Armed())
			time.Sleep(2 * d)
			synctest.Wait()
			require.Len(t, rung, i+1)
			late := rung[i].Sub(began) - d
			require.GreaterOrEqual(t, late, time.Duration(0), "%v", d)
			require.LessOrEqual(t, late, actors.Lateness(d), "%v", d)
			require.Empty(t, sys.Clock().Armed())
		}
	})
}

func TestAlarm_SetForNoTimeOrForEver_RingsAtOnceOrNever(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t)
		probe := actortest.NewProbe(t, sys)
		a := alarm(sys, probe.PID(), "due")
		for _, d := range []time.Duration{0, -1, math.MinInt64} {
			a.Set(d)
			synctest.Wait()
			assert.Equal(t, []any{"due"}, probe.Drain(), "%v", d)
		}
		time.Sleep(time.Second)
		a.Set(math.MaxInt64)
		actortest.ExpectNone(t, probe, 100*365*24*time.Hour)
		a.Stop()
		assert.Empty(t, sys.Clock().Armed())
	})
}

func TestAlarm_SetAgain_RingsOnlyForTheLastTime(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t)
		probe := actortest.NewProbe(t, sys)
		a := alarm(sys, probe.PID(), "due")
		for range 5 {
			a.Set(time.Minute)
			time.Sleep(time.Second)
		}
		assert.Equal(t, map[string]int{"alarm": 1}, sys.Clock().Armed(), "counted once")
		a.Set(10 * time.Second)
		actortest.ExpectNone(t, probe, 10*time.Second-1)
		assert.Equal(t, "due", actortest.Expect[string](t, probe))
		actortest.ExpectNone(t, probe, time.Hour)
	})
}

func TestAlarm_Stop_IsIdempotentAndLeavesTheOthersOfThatMoment(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t)
		probe := actortest.NewProbe(t, sys)
		var all []*actors.Alarm
		for i := range 5 {
			all = append(all, alarm(sys, probe.PID(), i))
			all[i].Stop()
			all[i].Set(time.Minute)
		}
		for _, i := range []int{0, 2, 4} { // at both ends and in the middle
			all[i].Stop()
			all[i].Stop()
		}
		assert.Equal(t, map[string]int{"alarm": 2}, sys.Clock().Armed())
		time.Sleep(time.Hour)
		synctest.Wait()
		assert.ElementsMatch(t, []any{1, 3}, probe.Drain())
		new(actors.Alarm).Set(1) // the zero alarm
		new(actors.Alarm).Stop()
	})
}

// One goroutine for all is what alarms are for.
func TestAlarms_SetWithinAShortTime_RingTogether(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		const (
			alarms   = 10_000
			interval = 25 * time.Second
		)
		sys := actortest.NewSystem(t)
		moments := map[time.Time]int{}
		pid := sys.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			if ctx.Message() == "due" {
				moments[time.Now()]++
			}
		}, actors.Inline()), "counter")
		began := time.Now()
		all := make([]*actors.Alarm, alarms)
		for i := range all {
			all[i] = alarm(sys, pid, "due")
			all[i].Set(interval)
			time.Sleep(interval / alarms)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		rung := 0
		for at, n := range moments {
			rung += n
			assert.GreaterOrEqual(t, at.Sub(began), interval)
		}
		assert.Equal(t, alarms, rung)
		assert.Less(t, len(moments), 250, "wake-ups")
	})
}

func TestAlarm_SetByTheActorThatItRingsFor_RingsAgainAndAgain(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t)
		var a actors.Alarm
		rung := 0
		pid := sys.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			if ctx.Message() == "due" {
				if rung++; rung < 100 {
					a.Set(time.Duration(rung % 2))
				}
			}
		}, actors.Inline()), "again")
		a.Init(sys.Clock(), "again", sys.Address(pid), "due")
		a.Set(0)
		time.Sleep(time.Second)
		synctest.Wait()
		assert.Equal(t, 100, rung)
		assert.Empty(t, sys.Clock().Armed())
	})
}

func TestAlarms_ActorThatEndsTheGoroutineOrPanics_CostsTheOthersNothing(t *testing.T) {
	for name, harm := range map[string]func(){"Goexit": runtime.Goexit, "panic": func() { panic("on purpose") }} {
		t.Run(name, func(t *testing.T) {
			actortest.Bubble(t, func(t *testing.T) {
				sys := actortest.NewSystem(t, func(o *actors.Options) { o.Logger = nil })
				var rung atomic.Int64
				pids := make([]*actor.PID, 10)
				alarms := make([]*actors.Alarm, len(pids))
				for i := range pids {
					pids[i] = sys.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
						if ctx.Message() != "due" {
							return
						}
						rung.Add(1)
						if i%3 == 0 {
							harm()
						}
					}, actors.Inline()), fmt.Sprint(i))
					alarms[i] = alarm(sys, pids[i], "due")
					alarms[i].Set(time.Minute)
				}
				time.Sleep(time.Hour)
				synctest.Wait()
				assert.EqualValues(t, len(pids), rung.Load())
				assert.Empty(t, sys.Clock().Armed())
			})
		})
	}
}

// hammered is an actor that does with its own alarm, and with those of others, whatever comes to its mind when it rings.
func hammered(sys *actors.System, all []*actors.Alarm, own int, calm *atomic.Bool, rung *atomic.Int64) *actor.PID {
	return sys.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch {
		case ctx.Message() != "due":
		case calm.Load():
			rung.Add(1)
		default:
			switch rand.IntN(30) {
			case 0:
				runtime.Goexit()
			case 1, 2, 3, 4, 5, 6:
				all[own].Set(time.Duration(rand.IntN(3e6)))
			case 7, 8, 9, 10, 11, 12:
				all[rand.IntN(len(all))].Set(0)
			case 13, 14, 15, 16, 17, 18:
				all[rand.IntN(len(all))].Stop()
			}
		}
	}, actors.Inline()), "hammered")
}

func TestAlarms_UsedByManyGoroutines_NoneIsLostAndTheLedgerIsExact(t *testing.T) {
	sys := actortest.NewSystem(t)
	var calm atomic.Bool
	all := make([]*actors.Alarm, 50)
	rung := make([]atomic.Int64, len(all))
	for i := range all {
		all[i] = alarm(sys, hammered(sys, all, i, &calm, &rung[i]), "due")
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20_000 {
				a := all[rand.IntN(len(all))]
				if rand.IntN(3) == 0 {
					a.Stop()
				} else {
					a.Set(time.Duration(rand.IntN(2e6)))
				}
			}
		})
	}
	wg.Wait()
	calm.Store(true)
	for _, a := range all {
		a.Stop()
	}
	for sys.Clock().Armed()["alarm"] > 0 { // one that rang meanwhile has been set again
		for _, a := range all {
			a.Stop()
		}
	}
	for i, a := range all {
		before := rung[i].Load() // a ring that has begun may still be under way
		a.Set(0)
		require.Eventually(t, func() bool { return rung[i].Load() > before }, 10*time.Second, time.Millisecond)
	}
	assert.Empty(t, sys.Clock().Armed())
}

func TestAlarm_ThatRingsWithAnother_IsSetAndStoppedWithoutAllocating(t *testing.T) {
	sys := actortest.NewSystem(t)
	pid, _ := spawnGuarded(t, sys, actors.Inline())
	for i := range 20 { // of neighbouring moments: time goes on
		other := alarm(sys, pid, &ping{})
		other.Set(time.Hour + time.Duration(i)*actors.Lateness(time.Hour)/2)
		t.Cleanup(other.Stop)
	}
	a := alarm(sys, pid, &ping{})
	allocations(t, func() {
		a.Set(time.Hour)
		a.Set(time.Hour)
		a.Stop()
	})
}
