package redisbridge

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/link"
)

// TestBridges_EverythingAtOnce_EndsAndLeavesNothing has callers on every method while a neighbour comes, stalls and dies and
// the connections flap; what is left at the end is looked for by the rig.
func TestBridges_EverythingAtOnce_EndsAndLeavesNothing(t *testing.T) {
	both(t, func(r *rig, o Options) {
		o.RequestTimeout = 100 * time.Millisecond
		o.SkipUnheard = true
		a, b, c := r.add(o, "a1", "a2"), r.add(o, "b1"), r.add(o, "c1")
		ctx, stop := context.WithCancel(r.t.Context())
		var wg sync.WaitGroup
		for seed := range 6 {
			wg.Go(func() {
				random := rand.New(rand.NewPCG(7, uint64(seed)))
				from := []*testMember{a, b}[seed%2]
				for range 60 {
					callSomething(ctx, from, random)
				}
			})
		}
		wg.Go(func() {
			random := rand.New(rand.NewPCG(8, 8))
			for range 30 {
				p := link.Part(random.IntN(parts))
				handler{a.Bridge}.Changed(p, errFake)
				time.Sleep(time.Millisecond)
				handler{a.Bridge}.Changed(p, nil)
				r.deliver(a, c.UID(), &format.Message{Kind: []format.Kind{format.Hello, format.Bye}[random.IntN(2)]})
				time.Sleep(time.Duration(random.IntN(50)) * time.Millisecond)
			}
			r.kill(c)
		})
		wg.Wait()
		stop()
		time.Sleep(time.Second)
		synctest.Wait()
		for _, m := range []*testMember{a, b} {
			assert.Zero(r.t, m.Stats().Pending)
			assert.True(r.t, m.Status().Up)
		}
		assert.Zero(r.t, r.sys.Panics())
		assert.Zero(r.t, r.sys.Clock().Armed()["redis request"])
		require.Empty(r.t, r.sys.Running())
	})
}

func callSomething(ctx context.Context, m *testMember, random *rand.Rand) {
	if random.IntN(4) == 0 {
		bounded, cancel := context.WithTimeout(ctx, time.Duration(random.IntN(50))*time.Millisecond)
		defer cancel()
		ctx = bounded
	}
	switch random.IntN(6) {
	case 0:
		_, _, _ = m.Fetch(ctx, "/", Target{}, 0)
	case 1:
		_, _ = m.Ask(ctx, Question{Namespace: "/", Event: event(`["q"]`)}, 0)
	case 2:
		_, _, _ = m.ServerEvent(ctx, "/", event(`["se"]`), 0)
	case 3:
		m.Emit(&format.Message{Kind: format.Join, Namespace: "/", Rooms: []string{"r"}}, nil)
	case 4:
		m.Emit(&format.Message{Kind: format.Broadcast, Namespace: "/", Event: event(`["e"]`)}, func() {})
	default:
		m.AddNamespace("/x")
		m.RemoveNamespace("/x")
		m.AddNamespace("/x")
		m.RoomChanged("/", "r", random.IntN(2) == 0)
		_, _ = m.Stats(), m.Status()
	}
}
