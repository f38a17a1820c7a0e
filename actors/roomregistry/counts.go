package roomregistry

import (
	"hash/maphash"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/actio-go/actio/actors"
)

const lanes = 256

// Shard is the handle of one shard.
type Shard struct {
	pid   *actor.PID
	index int
	seed  maphash.Seed
	rooms atomic.Pointer[slots] // what the shard has; nil: nobody knows
	_     [64]byte              // what follows changes with every message

	// Undelivered work, counted before it is sent and discounted only when it has been posted to whom it is for.
	broadcasts atomic.Int64
	directs    atomic.Int64
	// busy splits directs by destination, so that one connection's direct messages do not send everybody else's the
	// long way, which under load would keep the count from ever reaching zero again.
	busy [lanes]atomic.Int32
}

// PID is where the connections of the shard's sockets send Attach, Join, Leave, Authenticated, Detach and Announcement. It
// stays valid over restarts.
func (s *Shard) PID() *actor.PID { return s.pid }

// Index is the number of the shard, from 0.
func (s *Shard) Index() int { return s.index }

// Undelivered is the number of broadcasts and direct messages under way to members of this shard.
func (s *Shard) Undelivered() int64 { return s.broadcasts.Load() + s.directs.Load() }

// admit tells whether a direct message to `to` may go straight, else its lane.
func (s *Shard) admit(to actors.Address) (lane uint8, straight bool) {
	broadcasts := s.broadcasts.Load()
	if broadcasts == 0 && s.directs.Load() == 0 {
		return 0, true
	}
	lane = uint8(maphash.String(s.seed, to.PID().Id) % lanes)
	return lane, broadcasts == 0 && s.busy[lane].Load() == 0
}

func (s *Shard) enter(lane uint8) {
	s.busy[lane].Add(1)
	s.directs.Add(1)
}

func (s *Shard) leave(lane uint8) {
	s.directs.Add(-1)
	s.busy[lane].Add(-1)
}
