package roomregistry

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors"
)

// sink is a connection that only counts.
type sink struct{ messages *atomic.Int64 }

func (s *sink) Receive(ctx actor.Context) {
	if d, ok := ctx.Message().(*Delivery); ok {
		s.messages.Add(int64(len(d.Messages)))
	}
}

// crowd attaches n sinks to room "r" and returns what they count.
func (w *world) crowd(n int) *atomic.Int64 {
	messages := new(atomic.Int64)
	props := actor.PropsFromProducer(func() actor.Actor { return &sink{messages} }, actors.Inline())
	pids := make([]*actor.PID, n)
	for i := range n {
		pids[i] = w.sys.Spawn(props, "sink")
		m := &Member{Process: w.sys.Address(pids[i]).Process(), Namespace: "/", SocketID: fmt.Sprint("~", i)}
		w.sys.Send(w.Shard(m.SocketID).PID(), &Attach{Member: m})
		w.sys.Send(w.Shard(m.SocketID).PID(), &Join{Member: m, Rooms: []string{"r"}})
	}
	w.t.Cleanup(func() {
		for _, pid := range pids {
			require.NoError(w.t, w.sys.Stop(w.ctx, pid))
		}
	})
	w.flush()
	return messages
}

func TestDeliver_ThousandMembers_AllocatesPerRunOnly(t *testing.T) {
	eachShape(t, func(t *testing.T, shards int) {
		w := newWorld(t, Options{Shards: shards})
		messages := w.crowd(1000)
		b := cast("hello", "r")
		var rounds int64
		got := testing.AllocsPerRun(50, func() {
			rounds += 10
			for range 10 {
				w.Broadcast(b)
			}
			w.flush()
		})
		require.Eventually(t, func() bool { return messages.Load() == rounds*1000 }, time.Minute, time.Millisecond)
		assert.Less(t, got, 40.0, "allocations for 10 broadcasts to 1000 members")
	})
}

func TestDirect_StraightWay_AllocatesNothing(t *testing.T) {
	w := newWorld(t, Options{Shards: 1})
	p := w.peer("p", nil)
	var m any = &Delivery{}
	assert.Zero(t, testing.AllocsPerRun(100, func() { w.Direct(p.shard, p.address, m) }))
}

func BenchmarkBroadcast(b *testing.B) {
	for _, shards := range []int{1, 2} {
		for _, members := range []int{1, 1000, 10_000} {
			for _, queued := range []int{1, 10} {
				b.Run(fmt.Sprintf("shards=%d/members=%d/queued=%d", shards, members, queued), func(b *testing.B) {
					w := newWorld(b, Options{Shards: shards})
					w.crowd(members)
					m := cast("a message of usual length, as chats have them", "r")
					b.ReportAllocs()
					for b.Loop() {
						for range queued {
							w.Broadcast(m)
						}
						w.flush()
					}
					perDelivery := float64(b.Elapsed().Nanoseconds()) / float64(b.N*members*queued)
					b.ReportMetric(perDelivery, "ns/delivery")
				})
			}
		}
	}
}

func BenchmarkBroadcast_Parallel(b *testing.B) {
	w := newWorld(b, Options{Shards: 2})
	w.crowd(10)
	m := cast("a message of usual length, as chats have them", "r")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 1; pb.Next(); i++ {
			w.Broadcast(m)
			if i%100 == 0 {
				w.flush()
			}
		}
	})
}

func BenchmarkDirect(b *testing.B) {
	for _, way := range []string{"straight", "behind a broadcast"} {
		b.Run(way, func(b *testing.B) {
			w := newWorld(b, Options{Shards: 2})
			p := w.peer("p", nil)
			b.ReportAllocs()
			for b.Loop() {
				if way != "straight" {
					p.shard.broadcasts.Add(1)
				}
				w.Direct(p.shard, p.address, struct{}{})
				if way != "straight" {
					p.shard.broadcasts.Add(-1)
				}
			}
			w.flush()
		})
	}
}

func BenchmarkIndex_JoinLeave(b *testing.B) {
	for _, rooms := range []int{1, 10, 1000} {
		b.Run(fmt.Sprintf("rooms=%d", rooms), func(b *testing.B) {
			ix := newIndex()
			m := newMember("a")
			ix.attach(m)
			for i := range rooms {
				ix.join(m, []string{fmt.Sprint(i)})
			}
			other := newMember("b")
			ix.attach(other)
			r := []string{"r"}
			ix.join(other, r)
			b.ReportAllocs()
			for b.Loop() {
				ix.join(m, r)
				ix.leave(m, r)
			}
		})
	}
}

func BenchmarkIndex_Each(b *testing.B) {
	ix := newIndex()
	for i := range 10_000 {
		m := newMember(fmt.Sprint(i))
		ix.attach(m)
		ix.join(m, []string{"r", fmt.Sprint("s", i%2)})
	}
	for name, a := range map[string]*audience{
		"room":               {rooms: []string{"r"}},
		"two rooms":          {rooms: []string{"r", "s0"}},
		"room less room":     {rooms: []string{"r"}, except: []string{"s1"}},
		"authenticated only": {rooms: []string{"r"}, authenticated: true},
	} {
		a.namespace = "/"
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				for range ix.each(a) {
					n++
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*10_000), "ns/member")
		})
	}
}

// BenchmarkIndex_Memory reports what a member costs: in its namespace only, and in rooms that it shares with others.
func BenchmarkIndex_Memory(b *testing.B) {
	for _, rooms := range []int{0, 1, 4} {
		b.Run(fmt.Sprintf("rooms=%d", rooms), func(b *testing.B) {
			const members = 10_000
			names := make([]string, rooms)
			for i := range names {
				names[i] = fmt.Sprint("r", i)
			}
			ids := make([]string, members)
			for i := range ids {
				ids[i] = fmt.Sprint("~", i)
			}
			var before, after runtime.MemStats
			for b.Loop() {
				runtime.GC()
				runtime.ReadMemStats(&before)
				ix := newIndex()
				for _, id := range ids {
					m := newMember(id)
					ix.attach(m)
					ix.join(m, names)
				}
				runtime.GC()
				runtime.ReadMemStats(&after)
				runtime.KeepAlive(ix)
			}
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/members, "B/member")
		})
	}
}
