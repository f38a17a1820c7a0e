package redislink_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

func TestSubscribe_ManyChangesWhileTheConnectionBreaks_EndsAtWhatIsWanted(t *testing.T) {
	server := redisproc.Start(t)
	i := open(t, quick(server.Client()), plain("base"))
	const workers, rooms, changes = 4, 50, 3000
	var running sync.WaitGroup
	wanted := make([]map[string]bool, workers)
	for w := range workers {
		wanted[w] = map[string]bool{}
		running.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(w))) // the same each time
			for range changes {
				room := fmt.Sprintf("room-%d-%d", w, random.IntN(rooms))
				if wanted[w][room] = random.IntN(2) == 0; wanted[w][room] {
					i.Subscribe(plain(room))
				} else {
					i.Unsubscribe(plain(room))
				}
			}
		})
	}
	for range 5 {
		_, err := server.Do(t.Context(), "CLIENT", "KILL", "TYPE", "pubsub")
		require.NoError(t, err)
	}
	running.Wait()
	var want []string
	var subs []format.Subscription
	for _, of := range wanted {
		for room, is := range of {
			if is {
				want = append(want, room)
				subs = append(subs, plain(room))
			}
		}
	}
	require.NoError(t, i.Subscribed(t.Context(), subs...))
	slices.Sort(want)
	parent := server.Client()
	until(t, "not what is wanted", func() bool {
		got, err := parent.PubSubChannels(t.Context(), "room-*").Result()
		slices.Sort(got)
		return err == nil && slices.Equal(want, got)
	})
	until(t, "not up", func() bool { return i.hearer.count("subscribe up") == i.hearer.count("subscribe down") })
}

func TestClose_ByManyAndWithoutTime_IsTheSame(t *testing.T) {
	server := redisproc.Start(t)
	i := open(t, quick(server.Client()), plain("n"))
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			i.emit("n", false, 0, 500)
			assert.NoError(t, i.close(patience))
		})
	}
	running.Wait()
	require.NoError(t, i.close(0), "nothing is left to do")
	s := i.settled(t)
	assert.EqualValues(t, 4000, s.Emitted)
	until(t, "connections are left", func() bool { return len(server.ClientNames()) == 0 })

	hurried := open(t, quick(server.Client()), plain("n"))
	hurried.emit("n", false, 0, 100)
	require.NoError(t, hurried.close(0))
	hurried.settled(t)
}

func TestSentinel_MasterStalls_ComesBackToTheNewOneAndStaysThere(t *testing.T) {
	sentinels := redisproc.StartSentinel(t)
	i := open(t, quick(sentinels.Client()), plain("n"))
	old := sentinels.Master()
	old.Pause()
	defer old.Resume()
	i.emit("n", false, 0, 10)
	sentinels.WaitFailover(old)
	until(t, "not up", func() bool {
		return i.hearer.count("subscribe up") >= 1 && i.hearer.count("emitter up") >= 1 && i.hearer.count("publish up") >= 1
	})
	old.Resume()
	i.emit("n", false, 10, 20)
	heard(t, i, "n", "19")
	inOrder(t, i.hearer.messages("n"))
	i.settled(t)
}

func BenchmarkLink_EmitToReceive(b *testing.B) {
	server := redisproc.Start(b)
	r := openBench(b, server)
	b.ReportAllocs()
	start := time.Now()
	n := 0
	for b.Loop() {
		r.Emit(format.Frame{Channel: "n", Payload: r.payload}, nil)
		<-r.arrived
		n++
	}
	b.ReportMetric(float64(time.Since(start).Microseconds())/float64(n), "us/round")
}

func BenchmarkLink_EmitMany(b *testing.B) {
	server := redisproc.Start(b)
	r := openBench(b, server)
	b.ReportAllocs()
	sent := 0
	for b.Loop() {
		r.Emit(format.Frame{Channel: "n", Payload: r.payload}, nil)
		if sent++; sent%1000 == 0 {
			for range 1000 {
				<-r.arrived
			}
		}
	}
	for range sent % 1000 {
		<-r.arrived
	}
}
