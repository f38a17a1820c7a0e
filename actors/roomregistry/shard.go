package roomregistry

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/actio-go/actio/actors"
)

// shard owns the index of a subset of the sockets and delivers to them.
type shard struct {
	*durable
	guard     actors.Guard
	index     *index
	rebuild   rebuild
	scheduled bool // a flush is under way to this actor
	pace      pace
}

// durable is what a shard keeps over a restart. Only the actor touches it.
type durable struct {
	registry *Registry
	handle   *Shard
	started  bool   // the first life has begun
	ended    bool   // the last life is over: the actor library may restart an actor that was stopped over its crash
	epoch    uint64 // number of restarts
	backlog  backlog
	position uint64                // of the last event that was delivered
	held     map[roomName]int      // rooms of sockets that may come back
	mine     map[roomName]struct{} // see presence
}

func shardProps(r *Registry, s *Shard) *actor.Props {
	d := &durable{registry: r, handle: s, mine: make(map[roomName]struct{}), held: make(map[roomName]int)}
	return actor.PropsFromProducer(func() actor.Actor {
		ix := newIndex()
		ix.presence = &presence{seed: r.seed, public: &s.rooms, changes: r.changes, mine: d.mine, held: d.held}
		return &shard{durable: d, guard: actors.NewGuard(r.sys, "room registry shard"), index: ix}
	}, actors.Light(light))
}

// Receive implements actor.Actor.
func (s *shard) Receive(ctx actor.Context) {
	defer s.guard.Catch(ctx)
	switch m := ctx.Message().(type) {
	case *Broadcast:
		s.broadcast(ctx, m)
	case *prompt:
		s.promptly(ctx, (*Broadcast)(m))
	case *direct, *barrier:
		s.accept(ctx, m)
	case flush:
		s.flushed()
	case *query:
		s.query(m)
	case *Attach:
		s.attach(m)
	case *Join:
		s.join(m)
	case *Leave:
		s.leave(m)
	case *Authenticated:
		s.authenticate(m)
	case *Detach:
		s.detach(m)
	case *Announcing:
		s.announcing(m)
	case *Announcement:
		s.announcement(m)
	case rebuildExpired:
		s.expired(m)
	case *actor.Started:
		s.start(ctx)
	case *actor.Restarting:
		s.handle.rooms.Store(nil)
		s.rebuild.stop()
	case *actor.Stopped:
		s.stop()
	case *actor.Stopping:
	default:
		if s.receiveRestore(ctx) {
			return
		}
		s.registry.sys.Logger().Error("room registry shard: unknown message", slog.String("type", fmt.Sprintf("%T", m)))
	}
}

func (s *shard) start(ctx actor.Context) {
	if s.ended {
		return
	}
	if !s.started {
		s.started, s.rebuild.live = true, true
		s.index.presence.complete(s.index)
		return
	}
	s.handle.rooms.Store(nil)
	s.epoch++
	s.begin(ctx)
}

// broadcast accepts a broadcast; while the shard is rebuilt only up to the limit.
func (s *shard) broadcast(ctx actor.Context, b *Broadcast) {
	if !s.rebuild.live && !s.rebuild.hold(s.registry.options.HoldLimit) {
		s.registry.dropped.Add(1)
		s.handle.broadcasts.Add(-1)
		s.registry.count(b.call, s.handle.index)
		return
	}
	s.accept(ctx, b)
}

// accept puts m into the backlog. The flush it posts comes behind everything that is in the mailbox by then, so that
// what has gathered is delivered together.
func (s *shard) accept(ctx actor.Context, m any) {
	s.backlog.push(m)
	if s.rebuild.live && !s.scheduled {
		s.scheduled = true
		ctx.Send(ctx.Self(), flush{})
	}
}

func (s *shard) flushed() {
	s.scheduled = false
	s.drain()
}

// drain delivers the backlog, unless it has to wait for the index. Everything that changes the index calls it before, so
// that a change takes effect between the broadcasts before and after it.
func (s *shard) drain() {
	if !s.rebuild.live || s.backlog.empty() {
		return
	}
	defer s.pace.worked(time.Now())
	defer s.backlog.reset()
	for !s.backlog.empty() {
		switch items := s.backlog.take(); m := items[0].(type) {
		case *Broadcast:
			s.deliver(items)
		case *direct:
			s.forward(m)
		case *barrier:
			m.pass()
		case *Replay:
			s.restore(m)
		case *query:
			m.answer(s.index)
		}
	}
}

// stop gives up what is not delivered; direct messages concern one connection each and go out late rather than never.
func (s *shard) stop() {
	s.ended = true
	s.rebuild.stop()
	defer s.registry.ended(s.handle.index)
	defer s.backlog.reset()
	for !s.backlog.empty() {
		switch items := s.backlog.take(); m := items[0].(type) {
		case *Broadcast:
			s.registry.dropped.Add(uint64(len(items)))
			s.handle.broadcasts.Add(-int64(len(items)))
		case *direct:
			s.forward(m)
		}
	}
	s.handle.rooms.Store(nil)
	s.index = nil
}

func (s *shard) attach(m *Attach) {
	if !s.owns(m.Member) {
		return
	}
	s.drain()
	s.index.attach(m.Member)
	if m.Mark {
		s.mark(m.Member)
	}
}

func (s *shard) join(m *Join) {
	defer s.tell(m.Done)
	joined := false
	defer s.doubt(&joined)
	s.drain()
	s.index.join(m.Member, m.Rooms)
	joined = true
}

// doubt makes MayHave uncertain before Done is called for a message that the shard crashed over.
func (s *shard) doubt(done *bool) {
	if !*done {
		s.handle.rooms.Store(nil)
	}
}

func (s *shard) leave(m *Leave) {
	defer s.tell(m.Done)
	s.drain()
	s.index.leave(m.Member, m.Rooms)
}

func (s *shard) authenticate(m *Authenticated) {
	s.drain()
	s.index.authenticate(m.Member, m.User)
}

func (s *shard) detach(m *Detach) {
	s.drain()
	if m.Hold != nil && m.Member.in(s.index) {
		s.hold(m.Hold)
	}
	s.index.detach(m.Member)
}

// owns refuses members that would crash or confuse the shard: without a connection, or of another shard, where they
// would get every broadcast twice.
func (s *shard) owns(m *Member) bool {
	if m != nil && m.Process != nil && s.registry.Shard(m.SocketID) == s.handle {
		return true
	}
	s.registry.sys.Logger().Error("room registry shard: member refused, it belongs elsewhere",
		slog.Int("shard", s.handle.index))
	return false
}

// tell calls a Done function of somebody else, whose panic must not harm the shard. It is called also when the shard
// crashes over the message: the rebuilt one will have it.
func (s *shard) tell(done func()) {
	if done == nil {
		return
	}
	defer func() {
		if r := recover(); r != nil {
			s.registry.sys.Report("room registry: Done", r, debug.Stack())
		}
	}()
	done()
}
