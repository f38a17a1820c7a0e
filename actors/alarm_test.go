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

func TestAlarms_UsedByManyGoroutines_KeepTheLedgerExactAndRing(t *testing.T) {
	sys := actortest.NewSystem(t)
	pid, rung := spawnGuarded(t, sys, actors.Inline())
	all := make([]*actors.Alarm, 50)
	for i := range all {
		all[i] = alarm(sys, pid, &ping{})
	}
	var set atomic.Int64
	var wg sync.WaitGroup
	for seed := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(seed)))
			for range 5000 {
				a := all[r.IntN(len(all))]
				if r.IntN(3) == 0 {
					a.Stop()
					continue
				}
				a.Set(time.Duration(r.IntN(1e6)))
				set.Add(1)
			}
		})
	}
	wg.Wait()
	for _, a := range all {
		a.Stop()
	}
	assert.Empty(t, sys.Clock().Armed())
	assert.Positive(t, rung.Load())
	assert.LessOrEqual(t, rung.Load(), set.Load())
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
