package roomregistry

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

const (
	// briefPause is how long a shard has had nothing to deliver, at least, when it delivers a broadcast promptly.
	briefPause = 20 * time.Microsecond
	// longPause is how long that has to be at most.
	longPause = time.Millisecond
	// promptMembers is how many members of all shards together get a broadcast promptly, as far as each shard can tell.
	promptMembers = 8
)

// pace says whether a shard is busy. Broadcasts that follow each other closely are worth a goroutine, in which they gather. What
// is close depends on how long it takes to deliver them: else a slow machine, or one with too much to do, would never gather,
// when it matters most.
type pace struct {
	rested time.Time     // when the last delivery was over, or the last broadcast came that was not delivered promptly
	pause  time.Duration // how long it should be idle from then on
}

// worked notes a delivery.
func (p *pace) worked(began time.Time) {
	p.rested = time.Now()
	p.pause = min(max(2*p.rested.Sub(began), briefPause), longPause)
}

// idle tells whether nothing was delivered for long enough.
func (p *pace) idle(now time.Time) bool { return now.Sub(p.rested) >= p.pause }

// prompt is a broadcast that a shard has in the goroutine of whoever sent it: nothing else was under way there.
type prompt Broadcast

// light makes broadcasts prompt, except those with a Roll: who sends one may hold a lock that the Roll takes.
func light(m any) any {
	if b, ok := m.(*Broadcast); ok && b.Roll == nil {
		return (*prompt)(b)
	}
	return nil
}

// promptly delivers a broadcast if it is for few and the shard was idle. Else the shard has it in its own goroutine, as what
// gathers until then. Nothing that has to come later can overtake it: who sent it has not gone on yet.
func (s *shard) promptly(ctx actor.Context, b *Broadcast) {
	now := time.Now()
	if !s.pace.idle(now) || !s.rebuild.live || !s.backlog.empty() ||
		!s.index.atMost(max(1, promptMembers/len(s.registry.shards)), b) {
		s.pace.rested = now
		ctx.Send(ctx.Self(), b)
		return
	}
	s.backlog.push(b)
	s.drain()
}

// atMost tells whether a broadcast has an audience of n members or fewer; exceptions do not count.
func (ix *index) atMost(n int, b *Broadcast) bool {
	ns := ix.namespaces[b.Namespace]
	if ns == nil || b.Socket != "" {
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
