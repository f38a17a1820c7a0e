package roomregistry

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestHammer_EverythingAtOnce_CountsStayExact has connections come, join, leave and go, broadcasts and direct messages
// fly, and shards crash, all at once.
func TestHammer_EverythingAtOnce_CountsStayExact(t *testing.T) {
	w := newWorld(t, Options{Shards: 3, HoldLimit: 20, RebuildTimeout: time.Millisecond})
	var done atomic.Int64
	w.SetSource(w.peer("source", func(m any) {
		if r, ok := m.(*Rebuild); ok {
			w.tell(r.Shard, &Announcing{Epoch: r.Epoch, Connections: int(r.Epoch) % 3})
			w.tell(r.Shard, &Announcement{Epoch: r.Epoch})
		}
	}).pid)
	var wg sync.WaitGroup
	for g := range 4 {
		peers := make([]*peer, 20)
		for i := range peers {
			peers[i] = w.peer(fmt.Sprintf("p%d-%d", g, i), nil)
		}
		wg.Go(func() {
			for round := range 100 {
				peers[round%len(peers)].life(round, func() { done.Add(1) })
				if round%25 == 10 && g < 2 {
					w.crash(w.shards[g])
				}
			}
		})
	}
	wg.Wait()
	w.flush()
	for _, s := range w.shards {
		assert.Zero(t, s.Undelivered(), "shard %d", s.Index())
		for i := range s.busy {
			assert.Zero(t, s.busy[i].Load())
		}
	}
	assert.EqualValues(t, 400, done.Load())
	assert.Equal(t, Sizes{}, w.sizes())
}

// life is that of a socket from Attach to Detach, with some traffic.
func (p *peer) life(round int, joined func()) {
	w, room := p.w, fmt.Sprint(round%5)
	p.send(&Attach{Member: p.member})
	p.send(&Join{Member: p.member, Rooms: []string{"r", room}, Done: joined})
	p.send(&Authenticated{Member: p.member, User: fmt.Sprint(round % 3)})
	w.to("a", "r", room)
	w.Direct(p.shard, p.address, struct{}{})
	w.Broadcast(&Broadcast{Namespace: "/", Except: []string{"r"}, User: "1", Message: message("b")})
	p.send(&Leave{Member: p.member, Rooms: []string{"r"}})
	p.send(&Detach{Member: p.member})
}
