package roomregistry

import (
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/actio-go/actio/actors"
)

// rebuild is the state of a shard between a restart and its first delivery after it.
type rebuild struct {
	live      bool // the index is complete, or as complete as it gets
	asked     int  // connections that were sent an Announce, unknown while it is negative
	announced int  // connections that have answered
	held      int  // broadcasts in the backlog
	timer     *actors.Timer
}

// begin asks the source for the connections.
func (s *shard) begin(ctx actor.Context) {
	source := s.registry.source.Load()
	if source == nil {
		s.goLive("no source")
		return
	}
	sys, self, late := s.registry.sys, ctx.Self(), rebuildExpired{s.epoch}
	s.rebuild = rebuild{asked: -1, held: s.backlog.broadcasts()}
	s.rebuild.timer = sys.Clock().NewTimer("registry rebuild", func() { sys.Send(self, late) })
	s.rebuild.timer.Reset(s.registry.options.RebuildTimeout)
	sys.Logger().Warn("room registry shard restarted", slog.Int("shard", s.handle.index), slog.Uint64("epoch", s.epoch))
	sys.Send(source, &Rebuild{Shard: s.handle, Epoch: s.epoch})
}

// hold counts a broadcast that comes meanwhile; false = it is over the limit.
func (r *rebuild) hold(limit int) bool {
	if r.held >= limit {
		return false
	}
	r.held++
	return true
}

func (r *rebuild) stop() {
	if r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
}

func (s *shard) announcing(m *Announcing) {
	if m.Epoch != s.epoch {
		return
	}
	s.rebuild.asked = m.Connections
	s.complete()
}

// announcement restores the sockets of one connection. One of this epoch that comes too late is still right: nothing the
// connection sent overtook it.
func (s *shard) announcement(m *Announcement) {
	if m.Epoch != s.epoch || s.epoch == 0 {
		return
	}
	s.drain()
	for _, ms := range m.Members {
		if s.owns(ms.Member) {
			s.index.restore(ms)
		}
	}
	s.rebuild.announced++
	s.complete()
}

func (s *shard) expired(m rebuildExpired) {
	if m.epoch == s.epoch && !s.rebuild.live {
		s.goLive("timeout")
	}
}

func (s *shard) complete() {
	if !s.rebuild.live && s.rebuild.asked >= 0 && s.rebuild.announced >= s.rebuild.asked {
		s.goLive("all connections announced")
	}
}

// goLive ends the rebuild and delivers what was held.
func (s *shard) goLive(why string) {
	s.rebuild.stop()
	s.rebuild.live = true
	s.index.presence.complete(s.index)
	s.registry.sys.Logger().Warn("room registry shard rebuilt",
		slog.Int("shard", s.handle.index), slog.Uint64("epoch", s.epoch), slog.String("why", why),
		slog.Int("members", s.index.sizes().Members), slog.Int("connections", s.rebuild.announced),
		slog.Int("asked", s.rebuild.asked))
	s.drain()
}
