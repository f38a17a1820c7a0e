package roomregistry

import (
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// Roll learns who gets a broadcast. Its methods are called in different goroutines, at the same time too, and must neither
// block nor panic. A Roll is for one call of Registry.Broadcast.
type Roll interface {
	// Begin is called once, in the goroutine of Registry.Broadcast, before anything else. So many calls of Counted follow.
	Begin(shards int)
	// Expect is called by a shard for each member of the audience, before the member's Delivery is sent.
	Expect(m *Member)
	// Counted is called once for each shard, when all its calls of Expect are made. It comes in any case, whatever
	// becomes of the broadcast: of a shard that dropped it, crashed over it or stopped, Expect may have been called for
	// none or some of the members, and those may never get their Delivery.
	Counted()
}

// rollCall is a Roll under way. It knows which shards have counted: one that ends takes what is in its mailbox with it.
type rollCall struct {
	roll    Roll
	counted []atomic.Bool // by shard
	missing atomic.Int32
}

// rolls are the calls under way. Broadcasts without a Roll never come here.
type rolls struct {
	mu   sync.Mutex
	open map[*rollCall]struct{}
	over []bool // by shard: it handles nothing any more
}

// begin keeps a call until all shards have counted. Those that are over count at once.
func (r *Registry) begin(roll Roll) *rollCall {
	n := len(r.shards)
	c := &rollCall{roll: roll, counted: make([]atomic.Bool, n)}
	c.missing.Store(int32(n)) //nolint:gosec // a number of shards
	roll.Begin(n)
	r.rolls.mu.Lock()
	if r.rolls.open == nil {
		r.rolls.open = make(map[*rollCall]struct{})
	}
	r.rolls.open[c] = struct{}{}
	var over []int
	for i, ended := range r.rolls.over {
		if ended {
			over = append(over, i)
		}
	}
	r.rolls.mu.Unlock()
	for _, i := range over {
		r.count(c, i)
	}
	return c
}

// count says that a shard has counted: the first call for each shard counts. A nil call is that of a broadcast without a
// Roll.
func (r *Registry) count(c *rollCall, shard int) {
	if c == nil || !c.counted[shard].CompareAndSwap(false, true) {
		return
	}
	if c.missing.Add(-1) == 0 {
		r.rolls.mu.Lock()
		delete(r.rolls.open, c)
		r.rolls.mu.Unlock()
	}
	r.counted(c.roll)
}

// counted calls Counted. A panic of it must not harm a shard.
func (r *Registry) counted(roll Roll) {
	defer func() {
		if p := recover(); p != nil {
			r.sys.Report("room registry: Counted", p, debug.Stack())
		}
	}()
	roll.Counted()
}

// refuse is for a broadcast that no shard will see.
func (r *Registry) refuse(roll Roll) {
	if roll == nil {
		return
	}
	roll.Begin(len(r.shards))
	for range r.shards {
		r.counted(roll)
	}
}

// ended counts for a shard that handles nothing any more, now and later.
func (r *Registry) ended(shard int) {
	r.rolls.mu.Lock()
	if r.rolls.over == nil {
		r.rolls.over = make([]bool, len(r.shards))
	}
	r.rolls.over[shard] = true
	open := make([]*rollCall, 0, len(r.rolls.open))
	for c := range r.rolls.open {
		open = append(open, c)
	}
	r.rolls.mu.Unlock()
	for _, c := range open {
		r.count(c, shard)
	}
}
