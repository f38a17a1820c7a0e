package actors_test

import (
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/actortest"
)

// contenders are the mailboxes to compare: ours and the library's.
func contenders() []struct {
	name    string
	options []actor.PropsOption
} {
	return []struct {
		name    string
		options []actor.PropsOption
	}{
		{"inline", []actor.PropsOption{actors.Inline()}},
		{"queued", []actor.PropsOption{actors.Queued()}},
		{"library default", nil},
		{"library lockfree", []actor.PropsOption{actor.WithMailbox(actor.UnboundedLockfree())}},
		{"library synchronized lockfree", []actor.PropsOption{
			actor.WithMailbox(actor.UnboundedLockfree()), actor.WithDispatcher(actor.NewSynchronizedDispatcher(300)),
		}},
	}
}

// counter counts pings without a guard.
type counter struct{ handled *atomic.Int64 }

func (c counter) Receive(ctx actor.Context) {
	if _, ok := ctx.Message().(*ping); ok {
		c.handled.Add(1)
	}
}

func spawnCounter(b *testing.B, sys *actors.System, options ...actor.PropsOption) (*actor.PID, *atomic.Int64) {
	b.Helper()
	handled := new(atomic.Int64)
	pid := sys.Spawn(actor.PropsFromProducer(func() actor.Actor { return counter{handled} }, options...), "bench")
	b.Cleanup(func() { stop(b, sys, pid) })
	sys.Send(pid, &ping{})
	await(handled, 1)
	return pid, handled
}

func await(handled *atomic.Int64, n int64) {
	for handled.Load() < n {
		runtime.Gosched()
	}
}

// BenchmarkSend_Idle sends to an actor that is idle and waits until the message is handled.
func BenchmarkSend_Idle(b *testing.B) {
	for _, c := range contenders() {
		b.Run(c.name, func(b *testing.B) {
			sys := actortest.NewSystem(b)
			pid, handled := spawnCounter(b, sys, c.options...)
			m := &ping{}
			b.ReportAllocs()
			for n := handled.Load() + 1; b.Loop(); n++ {
				sys.Send(pid, m)
				await(handled, n)
			}
		})
	}
}

// BenchmarkSend_Guarded is BenchmarkSend_Idle for an inline actor with a guard.
func BenchmarkSend_Guarded(b *testing.B) {
	sys := actortest.NewSystem(b)
	pid, handled := spawnGuarded(b, sys, actors.Inline())
	m := &ping{}
	settleInline(sys, pid, m, handled)
	b.ReportAllocs()
	for b.Loop() {
		sys.Send(pid, m)
	}
}

// BenchmarkSend_Producers sends from several goroutines at once.
func BenchmarkSend_Producers(b *testing.B) {
	for _, producers := range []int{1, 2, 8} {
		for _, c := range contenders() {
			b.Run(c.name+"/"+strconv.Itoa(producers), func(b *testing.B) {
				sys := actortest.NewSystem(b)
				pid, handled := spawnCounter(b, sys, c.options...)
				m := &ping{}
				start, each := handled.Load(), b.N/producers+1
				b.ReportAllocs()
				b.ResetTimer()
				var wg sync.WaitGroup
				for range producers {
					wg.Go(func() {
						for range each {
							sys.Send(pid, m)
						}
					})
				}
				wg.Wait()
				await(handled, start+int64(each*producers))
			})
		}
	}
}

// BenchmarkSend_FanOut sends one message to each of 1000 idle actors.
func BenchmarkSend_FanOut(b *testing.B) {
	const members = 1000
	for _, c := range contenders() {
		b.Run(c.name, func(b *testing.B) {
			sys := actortest.NewSystem(b)
			handled := new(atomic.Int64)
			props := actor.PropsFromProducer(func() actor.Actor { return counter{handled} }, c.options...)
			var pids [members]*actor.PID
			m := &ping{}
			for i := range pids {
				pids[i] = sys.Spawn(props, "bench")
				sys.Send(pids[i], m)
			}
			await(handled, members)
			b.ReportAllocs()
			for n := handled.Load() + members; b.Loop(); n += members {
				for _, pid := range pids {
					sys.Send(pid, m)
				}
				await(handled, n)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*members), "ns/member")
			for _, pid := range pids {
				stop(b, sys, pid)
			}
		})
	}
}

// BenchmarkSpawnStop spawns an actor and waits until it has stopped.
func BenchmarkSpawnStop(b *testing.B) {
	for _, c := range contenders()[:3] {
		b.Run(c.name, func(b *testing.B) {
			sys := actortest.NewSystem(b)
			props := actor.PropsFromFunc(func(actor.Context) {}, c.options...)
			b.ReportAllocs()
			for b.Loop() {
				stop(b, sys, sys.Spawn(props, "bench"))
			}
		})
	}
}

// BenchmarkIdleActor reports the memory of an actor that has handled a message and is idle.
func BenchmarkIdleActor(b *testing.B) {
	const many = 50_000
	for _, c := range contenders() {
		b.Run(c.name, func(b *testing.B) {
			sys := actortest.NewSystem(b)
			handled := new(atomic.Int64)
			props := actor.PropsFromProducer(func() actor.Actor { return counter{handled} }, c.options...)
			pids := make([]*actor.PID, many)
			m := &ping{}
			for b.Loop() {
				handled.Store(0)
				before := heap()
				for i := range pids {
					pids[i] = sys.Spawn(props, "bench")
					sys.Send(pids[i], m)
				}
				await(handled, many)
				b.ReportMetric(float64(heap()-before)/many, "B/actor")
				for _, pid := range pids {
					stop(b, sys, pid)
				}
			}
		})
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkTimer_Reset(b *testing.B) {
	timer := actortest.NewSystem(b).Clock().NewTimer("bench", func() {})
	defer timer.Stop()
	b.ReportAllocs()
	for b.Loop() {
		timer.Reset(time.Hour)
	}
}

func BenchmarkTimer_ResetStop(b *testing.B) {
	timer := actortest.NewSystem(b).Clock().NewTimer("bench", func() {})
	b.ReportAllocs()
	for b.Loop() {
		timer.Reset(time.Hour)
		timer.Stop()
	}
}

// BenchmarkWorkers_Run hands over a task and waits for it.
func BenchmarkWorkers_Run(b *testing.B) {
	done := make(chan struct{})
	var work actors.Task = task(func() { done <- struct{}{} })
	b.Run("workers", func(b *testing.B) {
		sys := actortest.NewSystem(b)
		b.ReportAllocs()
		for b.Loop() {
			sys.Workers().Run(work)
			<-done
		}
	})
	b.Run("fresh goroutine", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			go work.Run()
			<-done
		}
	})
}

func BenchmarkSystem_Go(b *testing.B) {
	sys := actortest.NewSystem(b)
	done := make(chan struct{})
	b.ReportAllocs()
	for b.Loop() {
		sys.Go("bench", func() { done <- struct{}{} })
		<-done
	}
}

func BenchmarkInside(b *testing.B) {
	workers := actortest.NewSystem(b).Workers()
	b.ReportAllocs()
	for b.Loop() {
		workers.Inside()
	}
}
