package roomregistry

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

const (
	// quiet is how long a shard has had no broadcast when it delivers the next one promptly. Those that follow each other
	// faster are worth a goroutine, in which they gather.
	quiet = 20 * time.Microsecond
	// promptMembers is how many members of all shards together get a broadcast promptly, as far as each shard can tell.
	promptMembers = 8
)

// prompt is a broadcast that a shard has in the goroutine of whoever sent it: nothing else was under way there.
type prompt Broadcast

// light makes broadcasts prompt, except those with a Roll: who sends one may hold a lock that the Roll takes.
func light(m any) any {
	if b, ok := m.(*Broadcast); ok && b.Roll == nil {
		return (*prompt)(b)
	}
	return nil
}

// promptly delivers a broadcast if it is for few and none came just before. Else the shard has it in its own goroutine, as what
// gathers until then. Nothing that has to come later can overtake it: who sent it has not gone on yet.
func (s *shard) promptly(ctx actor.Context, b *Broadcast) {
	now := time.Now()
	often := now.Sub(s.prompt) < quiet
	s.prompt = now
	if often || !s.rebuild.live || !s.backlog.empty() || !s.index.atMost(max(1, promptMembers/len(s.registry.shards)), b) {
		ctx.Send(ctx.Self(), b)
		return
	}
	s.backlog.push(b)
	s.drain()
}

// atMost tells whether a broadcast has an audience of n members or fewer; exceptions do not count.
func (ix *index) atMost(n int, b *Broadcast) bool {
	ns := ix.namespaces[b.Namespace]
	if ns == nil {
		return true
	}
	if len(b.Rooms) == 0 && b.User == "" {
		return ns.all.size() <= n
	}
	if b.User != "" {
		n -= ns.users[b.User].size()
	}
	for _, name := range b.Rooms {
		if n < 0 {
			return false
		}
		if n -= ns.rooms[name].size(); ns.sockets[name] != nil {
			n--
		}
	}
	return n >= 0
}

// size is how many members a group has; nil has none.
func (g *group) size() int {
	if g == nil {
		return 0
	}
	return len(g.entries)
}
