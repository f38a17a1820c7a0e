package connection

import (
	"slices"
	"time"

	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/wire"
)

// claim asks for the session that a client wants to go on with; false when it is new. Until it has an answer nothing else may
// come for the namespace.
// The hold of the Entrance belongs to the claim then.
func (c *connection) claim(namespace string, auth []byte, e *Entrance, h *hold) bool {
	if !c.recovers() {
		return false
	}
	claim := claimOf(auth)
	if claim == nil {
		return false
	}
	claim.Namespace, claim.auth = namespace, slices.Clone(auth)
	claim.entrance, claim.hold = e, h
	session := c.session
	claim.answer = func(k *Kept, err error) { session.tell(&claimed{claim: claim, kept: k, err: err}) }
	claim.late = c.env.System.Clock().NewTimer("claim", func() { session.tell(&claimLate{claim: claim}) })
	claim.late.Reset(c.env.Options.RecoveryTimeout)
	c.enlist(claim)
	c.env.Recovery.Claim(claim)
	return true
}

// enlist puts a claim among those that have no answer yet.
func (c *connection) enlist(claim *Claim) {
	if c.claims == nil {
		c.claims = new(claims)
	}
	c.claims.list = append(c.claims.list, claim)
}

// recovers tells whether there are sessions for the client. One of revision 3 knows nothing of them.
func (c *connection) recovers() bool { return c.env.Recovery != nil && !c.session.revision3 }

// claims are those that have no answer yet.
type claims struct{ list []*Claim }

func (l *claims) all() []*Claim {
	if l == nil {
		return nil
	}
	return l.list
}

// alone counts those without a socket of the session.
func (l *claims) alone() (n int) {
	for _, claim := range l.all() {
		if claim.socket == nil {
			n++
		}
	}
	return n
}

// claiming tells whether a namespace waits for an answer.
func (c *connection) claiming(namespace string) bool {
	return slices.ContainsFunc(c.claims.all(), func(o *Claim) bool { return o.Namespace == namespace })
}

// settled takes a claim out; false when it was given up before.
func (c *connection) settled(claim *Claim) bool {
	i := slices.Index(c.claims.all(), claim)
	if i < 0 {
		return false
	}
	claim.late.Stop()
	if c.claims.list = slices.Delete(c.claims.list, i, i+1); len(c.claims.list) == 0 {
		c.claims = nil
	}
	return true
}

// claimed goes on with the session that was asked for: what its client missed is still to come.
func (c *connection) claimed(m *claimed) {
	if !slices.Contains(c.claims.all(), m.claim) {
		return // it was given up
	}
	if m.err != nil {
		c.afresh(m.claim, m.err)
		return
	}
	claim, k := m.claim, m.kept
	claim.kept = k
	p := k.Principal
	if p == nil && c.authOf(claim.entrance) != nil || p != nil && !p.Expires.IsZero() && !time.Now().Before(p.Expires) {
		c.afresh(claim, ErrPrincipalExpired)
		return
	}
	h := c.newHandle(k.ID, k.Namespace, claim.auth)
	h.continuity = &continuity{privateID: k.PrivateID, recovered: true, former: k.Data, Progress: k.Progress}
	if k.Former != nil {
		h.continuity.former = k.Former.bound
	}
	if !c.reconsider(claim, h) {
		c.restore(claim, h)
	}
}

// restore asks for what the client missed, and to be attached.
func (c *connection) restore(claim *Claim, h *Socket) {
	k := claim.kept
	claim.restore = &roomregistry.Restore{
		Member: h.member(), Rooms: slices.Clone(k.Rooms), Authenticated: true, Held: k.Former != nil,
		MaxBytes: max(1, c.env.Options.QueueBytes*3/4-c.out.bytes), EachBytes: entryBytes, // the rest is for what comes
	}
	if k.Principal != nil {
		claim.restore.User = k.Principal.UserID
	}
	c.env.Recovery.Restore(claim, k, claim.restore)
}

// afresh opens a new socket for a client whose session is not to be had.
func (c *connection) afresh(claim *Claim, err error) {
	if !c.settled(claim) {
		return
	}
	if claim.kept != nil {
		c.env.Recovery.Spent(claim, claim.kept)
	}
	c.env.Counters.recoveryFailed(err)
	if s := claim.socket; s != nil { // those who were asked about it are asked about the new one
		claim.socket, claim.hold, s.extra.claim, s.extra.hold = nil, s.extra.hold, nil, nil
		c.abandon(s, ReasonServerDisconnect)
	}
	if c.draining {
		claim.hold.end()
		if !c.sendOn(claim.auth) {
			c.refuse(c.session.refusal(claim.Namespace, textDraining))
		}
	} else {
		c.enter(c.newSocket(claim.Namespace, claim.auth, err), claim.entrance, claim.hold)
	}
	c.rearm()
}

// unclaim gives up a claim whose answer is of no use any more. The session stays for who comes next.
func (c *connection) unclaim(claim *Claim) {
	c.unattach(claim) // before somebody else is given the session, or nobody
	c.env.Recovery.Unclaim(claim)
}

// unattach takes back what was asked of the registry, whether it is done or not.
func (c *connection) unattach(claim *Claim) {
	if r := claim.restore; r != nil {
		r.GiveUp()
		c.env.System.Send(c.env.Registry.Shard(r.Member.SocketID).PID(), &roomregistry.Detach{
			Member: r.Member,
			Hold:   &roomregistry.Hold{Namespace: r.Member.Namespace, SocketID: r.Member.SocketID, Rooms: r.Rooms},
		})
	}
}

// withdraw gives up what a client has asked for that does not want to go on any more; false when it has not asked.
func (c *connection) withdraw(namespace string) bool {
	i := slices.IndexFunc(c.claims.all(), func(o *Claim) bool { return o.Namespace == namespace })
	if i < 0 {
		return false
	}
	claim := c.claims.list[i]
	c.settled(claim)
	c.unclaim(claim)
	claim.hold.end()
	if claim.restore != nil {
		c.awaitDetached(claim.restore.Member)
	}
	c.idle()
	c.rearm()
	return true
}

// awaitDetached has packets for the namespace of a socket wait until the registry has let go of it. Detach was sent.
func (c *connection) awaitDetached(m *roomregistry.Member) {
	namespace, system, pid := m.Namespace, c.env.System, c.self
	c.detaching = append(c.detaching, namespace)
	system.Send(c.env.Registry.Shard(m.SocketID).PID(), &roomregistry.Leave{
		Member: m, Done: func() { system.Send(pid, &detached{namespace: namespace}) },
	})
}

// unclaimAll is for the end of the session of Engine.IO.
func (c *connection) unclaimAll() {
	for _, claim := range slices.Clone(c.claims.all()) {
		if claim.socket != nil {
			continue // it ends with that
		}
		c.settled(claim)
		c.unclaim(claim)
		claim.hold.end()
	}
}

// claimLate opens a new socket in place of one that does not come.
func (c *connection) claimLate(claim *Claim) {
	if !slices.Contains(c.claims.all(), claim) {
		return
	}
	c.unclaim(claim)
	claim.kept, claim.overdue = nil, true
	if claim.restore != nil { // its socket may be attached already
		c.awaitDetached(claim.restore.Member)
		return
	}
	c.afresh(claim, ErrRecoveryTimeout)
}

// beginLate opens the socket that had to wait until the registry let go of the one that comes too late.
func (c *connection) beginLate(namespace string) {
	if slices.Contains(c.detaching, namespace) {
		return
	}
	for _, claim := range slices.Clone(c.claims.all()) {
		if claim.overdue && claim.Namespace == namespace {
			c.afresh(claim, ErrRecoveryTimeout)
		}
	}
}

// restored opens the socket of a session that goes on: CONNECT comes first, then what was missed.
func (c *connection) restored(m *roomregistry.Restored) {
	i := slices.IndexFunc(c.claims.all(), func(o *Claim) bool { return o.restore != nil && !o.overdue && o.restore.Member == m.Member })
	if i < 0 {
		return // it was given up
	}
	claim := c.claims.list[i]
	if m.Err != nil {
		c.afresh(claim, m.Err)
		return
	}
	c.settled(claim)
	h := m.Member.Handle.(*Socket) //nolint:forcetypeassert // claimed has made it
	s := claim.socket
	if s == nil {
		s = c.socketOf(h)
		s.rooms = slices.Clone(claim.kept.Rooms)
		if !claim.entrance.plain() {
			x := s.more()
			x.entrance, x.hold = claim.entrance, claim.hold
		}
	} else {
		s.extra.claim = nil
	}
	s.member = m.Member
	h.continuity.Seen = m.Position
	if m.Last > 0 {
		h.continuity.Last = m.Last
	}
	h.inbox.hold()
	c.env.Counters.Recovered.Add(1)
	c.admit(s)
	c.resume(s, claim.kept, m.Missed)
	c.env.Recovery.Opened(h)
	if claim.socket != nil {
		c.regroup(s, claim.restore.Rooms)
	}
	if f := claim.kept.Former; f != nil {
		f.inbox.push(&followJob{next: &h.inbox})
	} else {
		h.inbox.release()
	}
	c.rearm()
}

// resume takes up the state of authentication, and sends what was missed.
func (c *connection) resume(s *socket, k *Kept, missed []*wire.Prepared) {
	if c.auth(s) == nil {
		s.phase = phaseAuthenticated
		s.at[socketAuth] = 0
		c.publish(s)
		c.connected(s)
	} else {
		c.env.demand()
		c.takeOver(s, k.Principal)
		c.authenticate(s, inRestore)
	}
	for _, m := range missed {
		c.send(m, FlagNone)
	}
}

// surrendered ends the session of a client that is elsewhere by now. Should it be there as well it must not come back by itself:
// it would take the session away from the other, for ever in turns.
func (c *connection) surrendered(m *surrender) {
	if c.own(m.socket) == nil || c.stage != stageOpen {
		return
	}
	c.dismiss()
	c.close(ReasonTransportClose)
}

// keep returns what is to be kept of a socket that ends; nil when the session is over. It has not ended yet.
func (c *connection) keep(s *socket, r Reason) *Kept {
	co := s.handle.continuity
	if co == nil || !s.told || !c.recoverable(r) || s.phase.public() != Authenticated {
		return nil
	}
	k := &Kept{
		PrivateID: co.privateID, ID: s.handle.id, Namespace: s.namespace, Rooms: s.rooms, Principal: s.handle.Principal(),
		Former: s.handle, Progress: co.Progress,
	}
	if s.extra != nil {
		k.hold = s.extra.hold
	}
	return k
}

// recoverable tells whether clients may go on with sessions that end for this reason now.
func (c *connection) recoverable(r Reason) bool {
	if c.env.Recovery.Outlasts() {
		return r == ReasonServerShutdown || r.recoverable()
	}
	return !c.draining && r.recoverable()
}

// sendOn has a client go to another instance, while this one is shut down: told by a refusal official clients would not come
// back.
func (c *connection) sendOn(auth []byte) bool {
	if !c.recovers() || !c.env.Recovery.Outlasts() || claimOf(auth) == nil {
		return false
	}
	c.close(ReasonServerShutdown)
	return true
}

// holdRooms has the rooms of a socket that may come back stay present.
func (c *connection) holdRooms(k *Kept) {
	c.env.System.Send(k.Former.shard.PID(), &roomregistry.Hold{Namespace: k.Namespace, SocketID: k.ID, Rooms: k.Rooms})
}

// changed tells in which rooms a socket is.
func (c *connection) changed(s *socket) {
	if s.handle.continuity != nil {
		c.env.Recovery.Changed(s.handle, slices.Clone(s.rooms))
	}
}

// follow notes the position of what a socket is sent.
func (c *connection) follow(d *roomregistry.Delivery) {
	if s := c.find(d.Namespace); s != nil && s.handle.continuity != nil {
		s.handle.continuity.Last = d.Position
	}
}

// marked notes that a socket was sent everything that came until now: what is forgotten by then it does not miss.
func (c *connection) marked(m *roomregistry.Marked) {
	h, is := m.Member.Handle.(*Socket)
	if !is || c.own(h) == nil || h.continuity == nil {
		return
	}
	co := h.continuity
	co.Seen = max(co.Seen, m.Position)
	if !co.Marked {
		co.Marked, co.Since = true, m.Position
	}
}

// mark asks how far the shards of the sockets have come. It is asked with each heartbeat.
func (c *connection) mark() {
	if c.env.Recovery == nil {
		return
	}
	for _, s := range c.sockets {
		if !s.phase.entering() {
			c.env.System.Send(s.handle.shard.PID(), &roomregistry.Mark{Member: s.member})
		}
	}
}
