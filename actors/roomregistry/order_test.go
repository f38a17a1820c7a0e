package roomregistry

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shardCounts are the two shapes of a registry: the shard as its own sequencer, and a sequencer before several.
var shardCounts = []int{1, 3}

func eachShape(t *testing.T, test func(t *testing.T, shards int)) {
	for _, n := range shardCounts {
		t.Run(fmt.Sprintf("%d shards", n), func(t *testing.T) { test(t, n) })
	}
}

func TestBroadcast_TwoBroadcasters_AllMembersSeeOneOrder(t *testing.T) {
	eachShape(t, func(t *testing.T, shards int) {
		const each = 2000
		w := newWorld(t, Options{Shards: shards})
		var members []*peer
		for i := range 3 * shards {
			members = append(members, w.joinActor(w.idOf(i%shards, fmt.Sprint(i)), "r"))
		}
		var wg sync.WaitGroup
		for _, name := range []string{"a", "b"} {
			wg.Go(func() {
				for i := range each {
					w.to(name+strconv.Itoa(i), "r")
				}
			})
		}
		wg.Wait()
		order := make([]string, 2*each)
		next := map[string]int{}
		for i := range order {
			order[i] = <-members[0].got
			name, number := order[i][:1], order[i][1:]
			require.Equal(t, strconv.Itoa(next[name]), number, "the order of one goroutine is broken")
			next[name]++
		}
		for _, m := range members[1:] {
			m.expect(order...)
			m.expectNone()
		}
	})
}

func TestDirect_AfterBroadcast_NeverOvertakes(t *testing.T) {
	eachShape(t, func(t *testing.T, shards int) {
		const rounds = 10_000
		w := newWorld(t, Options{Shards: shards})
		p := w.joinActor(w.idOf(shards-1, "p"), "r")
		noisy := w.joinActor(w.idOf(shards-1, "noisy"), "noise")
		stop := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() { w.noise(noisy, stop) })
		var pending []string
		for i := range rounds {
			n := strconv.Itoa(i)
			w.to("bye "+n, "r")
			w.Direct(p.shard, p.address, "disconnect "+n)
			w.Direct(p.shard, p.address, "really "+n)
			pending = append(pending, "bye "+n, "disconnect "+n, "really "+n)
			if i%7 == 0 { // let the way become straight now and then
				p.expect(pending...)
				pending = pending[:0]
			}
		}
		p.expect(pending...)
		close(stop)
		wg.Wait()
		w.flush()
		assert.Zero(t, p.shard.Undelivered())
	})
}

// noise keeps the way to a peer busy until stop is closed, without running ahead of the shard.
func (w *world) noise(p *peer, stop <-chan struct{}) {
	for {
		for range 32 {
			w.to("noise", "noise")
			w.Direct(p.shard, p.address, struct{}{})
		}
		if w.Flush(w.ctx) != nil {
			return
		}
		drainOf(p)
		select {
		case <-stop:
			return
		default:
		}
	}
}

func drainOf(p *peer) {
	for {
		select {
		case <-p.got:
		default:
			return
		}
	}
}

func TestDirect_WithoutWaiting_NeverOvertakes(t *testing.T) {
	eachShape(t, func(t *testing.T, shards int) {
		const rounds = 10_000
		w := newWorld(t, Options{Shards: shards})
		p := w.joinActor(w.idOf(shards-1, "p"), "r")
		var want []string
		for i := range rounds {
			n := strconv.Itoa(i)
			w.to("bye "+n, "r")
			w.Direct(p.shard, p.address, "disconnect "+n)
			want = append(want, "bye "+n, "disconnect "+n)
		}
		p.expect(want...)
		w.flush()
		assert.Zero(t, p.shard.Undelivered())
	})
}

func TestDirect_ShardBusy_WaitsForItsBroadcasts(t *testing.T) {
	eachShape(t, func(t *testing.T, shards int) {
		w := newWorld(t, Options{Shards: shards})
		p := w.join(w.idOf(0, "p"), "r")
		release := w.hold(p.shard)
		w.to("bye", "r")
		w.Direct(p.shard, p.address, "disconnect")
		assert.EqualValues(t, 2, p.shard.Undelivered())
		assert.Empty(t, p.got)
		release()
		p.expect("bye", "disconnect")
		w.flush()
		assert.Zero(t, p.shard.Undelivered())
	})
}

func TestDirect_OtherShardBusy_GoesStraight(t *testing.T) {
	w := newWorld(t, Options{Shards: 2})
	p := w.join(w.idOf(0, "p"))
	release := w.hold(w.shards[1])
	w.to("a", "r")
	for p.shard.Undelivered() > 0 {
		w.in(p.shard, func(*index) {}) // shard 0 goes on while shard 1 is held
	}
	w.Direct(p.shard, p.address, "b")
	assert.Len(t, p.got, 1)
	assert.EqualValues(t, 1, w.shards[1].Undelivered())
	release()
	w.flush()
}

func TestDirect_OnlyOthersUnderWay_GoesStraight(t *testing.T) {
	w := newWorld(t, Options{Shards: 1})
	p := w.join("p")
	others := make([]*peer, 3)
	for i := range others {
		for others[i] = w.join(fmt.Sprint("o", i)); lane(others[i]) == lane(p); {
			others[i] = w.peer(fmt.Sprint("o", i), nil)
		}
	}
	release := w.hold(p.shard)
	w.to("x", "nobody")
	for _, o := range others {
		w.Direct(o.shard, o.address, "slow")
	}
	w.shards[0].broadcasts.Add(-1) // as if the broadcast were delivered and the direct messages not yet
	w.Direct(p.shard, p.address, "fast")
	assert.Len(t, p.got, 1, "other connections' direct messages held it up")
	w.Direct(others[0].shard, others[0].address, "second")
	assert.Empty(t, others[0].got)
	w.shards[0].broadcasts.Add(1)
	release()
	others[0].expect("slow", "second")
	w.flush()
	assert.Zero(t, p.shard.Undelivered())
}

func lane(p *peer) uint8 {
	p.shard.broadcasts.Add(1)
	defer p.shard.broadcasts.Add(-1)
	lane, _ := p.shard.admit(p.address)
	return lane
}

func TestUndelivered_WhileDelivering_IsCounted(t *testing.T) {
	w := newWorld(t, Options{Shards: 1})
	var seen []int64
	var peers []*peer
	for i := range 3 {
		var p *peer
		p = w.peer(fmt.Sprint(i), func(m any) {
			if _, ok := m.(*Delivery); ok {
				seen = append(seen, p.shard.Undelivered())
			}
		})
		p.send(&Attach{Member: p.member})
		p.joins("r")
		peers = append(peers, p)
	}
	release := w.hold(w.shards[0])
	w.to("a", "r")
	w.to("b", "r")
	release()
	w.flush()
	for _, p := range peers {
		p.expect("a", "b")
	}
	assert.Equal(t, []int64{2, 2, 2}, seen, "discounted before all members had it")
	assert.Zero(t, w.shards[0].Undelivered())
}

func TestUndelivered_WhileADirectMessageIsForwarded_IsCounted(t *testing.T) {
	w := newWorld(t, Options{Shards: 1})
	var seen []int64
	var p *peer
	p = w.peer("p", func(m any) { seen = append(seen, p.shard.Undelivered(), int64(p.shard.busy[lane(p)].Load())) })
	release := w.hold(p.shard)
	w.to("nobody", "nowhere")
	w.Direct(p.shard, p.address, "direct")
	release()
	w.flush()
	assert.Equal(t, []int64{1, 1}, seen, "discounted before the connection had it")
}

func TestBroadcast_EmittedByAMemberInReceive_ComesAfter(t *testing.T) {
	eachShape(t, func(t *testing.T, shards int) {
		w := newWorld(t, Options{Shards: shards})
		var p *peer
		p = w.peer(w.idOf(0, "p"), func(m any) {
			if d, ok := m.(*Delivery); ok && texts(d)[0] == "ping" {
				w.to("pong", "r")
				w.Direct(p.shard, p.address, "after pong")
			}
		})
		p.send(&Attach{Member: p.member})
		p.joins("r")
		w.to("ping", "r")
		p.expect("ping", "pong", "after pong")
	})
}

func TestMembership_BetweenBroadcasts_TakesEffectInPlace(t *testing.T) {
	w := newWorld(t, Options{Shards: 1})
	p := w.join("p", "r")
	var told []string
	note := func(what string) func() { return func() { told = append(told, fmt.Sprint(what, len(p.got))) } }
	release := w.hold(p.shard)
	w.to("1", "r")
	p.send(&Leave{Member: p.member, Rooms: []string{"r"}, Done: note("left after ")})
	w.to("2", "r")
	p.send(&Join{Member: p.member, Rooms: []string{"r"}, Done: note("joined after ")})
	w.to("3", "r")
	w.Broadcast(&Broadcast{Namespace: "/", AuthenticatedOnly: true, Message: message("4")})
	p.send(&Authenticated{Member: p.member, User: "u"})
	w.Broadcast(&Broadcast{Namespace: "/", AuthenticatedOnly: true, Message: message("5")})
	w.Broadcast(&Broadcast{Namespace: "/", User: "u", Message: message("6")})
	p.send(&Detach{Member: p.member})
	w.to("7")
	release()
	w.flush()
	p.expect("1", "3", "5", "6")
	p.expectNone()
	assert.Equal(t, "left after 1 joined after 1", strings.Join(told, " "))
}
