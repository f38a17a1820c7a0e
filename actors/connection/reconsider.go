package connection

import (
	"slices"

	"github.com/actio-go/actio/actors/roomregistry"
)

// The way of a socket that goes on with its session past the middlewares of its namespace, where these are asked about such
// sockets too (Options.RecoveryMiddlewares). They are asked between the claim and the restoring: the socket is on its way in
// meanwhile, and what its client missed waits where it is remembered.

// reconsider begins to ask about the socket of a session that was given; false when nobody is to be asked.
func (c *connection) reconsider(claim *Claim, h *Socket) bool {
	e := claim.entrance
	if !c.env.Options.RecoveryMiddlewares || e.Admit == nil {
		return false
	}
	c.settled(claim) // from now on its time is that of the way in
	s := c.socketOf(h)
	s.rooms = slices.Clone(claim.kept.Rooms)
	x := s.more()
	x.entrance, x.hold, x.claim = e, claim.hold, claim
	claim.hold, claim.socket = nil, s
	c.setOut(s)
	c.takeOver(s, claim.kept.Principal)
	c.authenticate(s, inRestore)
	c.proceed(s)
	c.rearm()
	return true
}

// readmit restores a socket that was let in.
func (c *connection) readmit(s *socket) {
	claim := s.extra.claim
	claim.late.Reset(c.env.Options.RecoveryTimeout)
	c.enlist(claim)
	c.restore(claim, s.handle)
}

// regroup tells the registry which rooms a socket has joined and left on its way in: it was restored in those that it had.
func (c *connection) regroup(s *socket, had []string) {
	without := func(rooms, others []string) []string {
		return slices.DeleteFunc(slices.Clone(rooms), func(r string) bool { return slices.Contains(others, r) })
	}
	left, joined := without(had, s.rooms), without(s.rooms, had)
	if len(left) > 0 {
		c.env.System.Send(s.handle.shard.PID(), &roomregistry.Leave{Member: s.member, Rooms: left})
	}
	if len(joined) > 0 {
		c.env.System.Send(s.handle.shard.PID(), &roomregistry.Join{Member: s.member, Rooms: joined})
	}
	if len(left)+len(joined) > 0 {
		c.changed(s)
	}
}

// forgo is for a socket that ends before it is in again. The session stays for who comes next when nothing but the transport was
// lost; else it is over, as that of a socket that ends for such a reason.
func (c *connection) forgo(s *socket, r Reason) {
	claim := s.extra.claim
	if claim == nil {
		return
	}
	s.extra.claim = nil
	c.settled(claim)
	if r.recoverable() {
		c.unclaim(claim)
		return
	}
	c.unattach(claim)
	c.env.Recovery.Spent(claim, claim.kept)
	if claim.restore == nil || c.stage != stageOpen {
		return
	}
	// It may be attached already: nothing that is meant for it must reach the next in its namespace.
	c.awaitDetached(claim.restore.Member)
}
