package roomregistry

import (
	"hash/maphash"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// roomName is a room of a namespace.
type roomName struct{ namespace, room string }

// presence tells the world which rooms an index has: the filter that MayHave reads, and Options.RoomChanged. Like the index
// it belongs to one life of a shard.
type presence struct {
	seed    maphash.Seed
	public  *atomic.Pointer[slots]
	filter  *filter // nil while the index is rebuilt
	changes *changes
	held    map[roomName]int      // rooms that count although nobody may be in them; outlives a crash
	mine    map[roomName]struct{} // rooms that changes counts for this shard; outlives a crash
	holding int
	lost    []roomName // while holding
}

// gained is called when a room was made, own tells that it is that of a socket. It takes effect before the shard goes on.
func (p *presence) gained(ns *namespace, room string, own bool) {
	if p == nil {
		return
	}
	if p.filter != nil {
		p.filter.insert(hashOf(p.seed, ns.hash, room))
	}
	if p.changes != nil && (p.changes.own || !own) {
		p.changes.add(p.mine, roomName{ns.name, room})
	}
}

// gone is called after a room has vanished from the index. While that is rebuilt nothing vanishes: what is missing in the
// end is found by complete.
func (p *presence) gone(ix *index, ns *namespace, room string) {
	switch {
	case p == nil || p.filter == nil:
	case p.holding > 0:
		p.lost = append(p.lost, roomName{ns.name, room})
	default:
		p.forget(ix, ns.hash, roomName{ns.name, room})
	}
}

func (p *presence) forget(ix *index, hash uint64, r roomName) {
	p.filter.remove(hashOf(p.seed, hash, r.room))
	if p.changes != nil && !p.counts(ix, r) {
		p.changes.remove(p.mine, r)
	}
}

// counts tells whether a room counts for changes.
func (p *presence) counts(ix *index, r roomName) bool {
	return p.held[r] > 0 || p.changes.counts(ix, r)
}

// hold keeps what vanishes until release: a socket is taken out and put back, and nobody may find its rooms missing.
func (p *presence) hold() {
	if p != nil {
		p.holding++
	}
}

func (p *presence) release(ix *index) {
	if p == nil {
		return
	}
	if p.holding--; p.holding > 0 {
		return
	}
	lost := p.lost
	p.lost = nil
	for _, r := range lost {
		p.forget(ix, p.namespace(r.namespace), r)
	}
}

func (p *presence) namespace(name string) uint64 {
	if p == nil {
		return 0
	}
	return maphash.String(p.seed, name)
}

// complete is called when the index knows all that it is going to know at once.
func (p *presence) complete(ix *index) {
	var hashes []uint64
	for _, ns := range ix.namespaces {
		for room := range ns.rooms {
			hashes = append(hashes, hashOf(p.seed, ns.hash, room))
		}
		for id := range ns.sockets {
			hashes = append(hashes, hashOf(p.seed, ns.hash, id))
		}
	}
	for r := range p.held {
		hashes = append(hashes, hashOf(p.seed, p.namespace(r.namespace), r.room))
	}
	if p.changes != nil {
		p.changes.complete(ix, p.mine, p.counts)
	}
	p.filter = newFilter(p.public, hashes)
}

// changes finds out when the first shard has a room and when the last has lost it.
type changes struct {
	call    func(namespace, room string, present bool)
	own     bool
	report  func(where string, recovered any, stack []byte)
	seed    maphash.Seed
	stripes [64]stripe // by room
}

// stripe is locked while its rooms are told about: so the calls for one room come in the order in which it came and went.
type stripe struct {
	mu     sync.Mutex
	shards map[roomName]int32 // that have the room
}

func newChanges(r *Registry) *changes {
	if r.options.RoomChanged == nil {
		return nil
	}
	return &changes{call: r.options.RoomChanged, own: r.options.OwnRooms, report: r.sys.Report, seed: r.seed}
}

func (c *changes) stripe(r roomName) *stripe {
	return &c.stripes[hashOf(c.seed, maphash.String(c.seed, r.namespace), r.room)%uint64(len(c.stripes))]
}

// add counts a room for a shard, once.
func (c *changes) add(mine map[roomName]struct{}, r roomName) {
	if _, had := mine[r]; had {
		return
	}
	mine[r] = struct{}{}
	s := c.stripe(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shards == nil {
		s.shards = make(map[roomName]int32)
	}
	if s.shards[r]++; s.shards[r] == 1 {
		c.tell(r, true)
	}
}

// remove takes that back.
func (c *changes) remove(mine map[roomName]struct{}, r roomName) {
	if _, had := mine[r]; !had {
		return
	}
	delete(mine, r)
	s := c.stripe(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shards[r]--; s.shards[r] == 0 {
		delete(s.shards, r)
		c.tell(r, false)
	}
}

// tell calls a function of somebody else, whose panic must not harm the shard.
func (c *changes) tell(r roomName, present bool) {
	defer func() {
		if p := recover(); p != nil {
			c.report("room registry: RoomChanged", p, debug.Stack())
		}
	}()
	c.call(r.namespace, r.room, present)
}

// counts tells whether the index has a room that counts.
func (c *changes) counts(ix *index, r roomName) bool {
	ns := ix.namespaces[r.namespace]
	if ns == nil {
		return false
	}
	if _, is := ns.rooms[r.room]; is {
		return true
	}
	_, is := ns.sockets[r.room]
	return is && c.own
}

// complete makes what counts for a shard what its index has.
func (c *changes) complete(ix *index, mine map[roomName]struct{}, counts func(*index, roomName) bool) {
	for r := range mine {
		if !counts(ix, r) {
			c.remove(mine, r)
		}
	}
	for name, ns := range ix.namespaces {
		for room := range ns.rooms {
			c.add(mine, roomName{name, room})
		}
		if !c.own {
			continue
		}
		for id := range ns.sockets {
			c.add(mine, roomName{name, id})
		}
	}
}

// MayHave is false only when no socket of the namespace is in the room; a socket's id is a room too. It takes no lock and may
// be called anywhere, in RoomChanged too. A room counts before Join's Done, and a socket's own before a broadcast can reach
// the socket; some time after the last has left it does not count any more. It may be true for a room that nobody is in: by
// chance, which is most unlikely, and for any room while a shard is rebuilt and after the registry has stopped.
func (r *Registry) MayHave(ns, room string) bool {
	h := hashOf(r.seed, maphash.String(r.seed, ns), room)
	for _, s := range r.shards {
		if rooms := s.rooms.Load(); rooms == nil || rooms.has(h) {
			return true
		}
	}
	return false
}
