package connection

import (
	"context"
	"slices"
	"time"

	"github.com/actio-go/actio/actors/roomregistry"
)

// How a socket begins and ends, for everybody who knows it: the application, the client, the supervisor and the registry.

// newSocket makes both sides of a socket that nobody knows yet. failure says why a client that wanted to go on with its session
// does not.
func (c *connection) newSocket(namespace string, auth []byte, failure error) *socket {
	handle := c.newHandle(c.session.socketID(namespace), namespace, auth)
	if c.recovers() {
		handle.continuity = &continuity{privateID: newPrivateID(), failure: failure}
	}
	return c.socketOf(handle)
}

// newHandle makes the handle of a socket that is about to be connected.
func (c *connection) newHandle(id, namespace string, auth []byte) *Socket {
	ctx, cancel := context.WithCancelCause(context.Background())
	return &Socket{
		id: id, namespace: namespace, session: c.session, opened: time.Now(), ctx: ctx, cancel: cancel,
		shard:     c.env.Registry.Shard(id),
		handshake: &Handshake{Handshake: c.session.handshake, Namespace: namespace, Auth: slices.Clone(auth)},
		inbox:     inbox{workers: c.env.System.Workers()},
	}
}

// socketOf makes the actor's side of a socket.
func (c *connection) socketOf(handle *Socket) *socket {
	s := &c.first
	if s.handle != nil {
		s = new(socket)
	}
	s.handle, s.member, s.namespace = handle, handle.member(), handle.namespace
	return s
}

// open makes the socket known: to the application, the client, the supervisor and the registry, in this order.
func (c *connection) open(s *socket) {
	handle := s.handle
	c.admit(s)
	c.env.System.Send(handle.shard.PID(), &roomregistry.Attach{Member: s.member, Mark: handle.continuity != nil})
	if handle.continuity != nil {
		c.env.Recovery.Opened(handle)
	}
	if len(s.rooms) > 0 { // joined on the way
		c.changed(s)
		c.env.System.Send(handle.shard.PID(), &roomregistry.Join{Member: s.member, Rooms: slices.Clone(s.rooms)})
	}
	if c.auth(s) == nil {
		c.openFreely(s)
		return
	}
	c.env.demand()
	c.authenticate(s, inConnect)
}

// admit makes a socket known to the application, unless that was asked about it, to the client and to the supervisor.
func (c *connection) admit(s *socket) {
	handle := s.handle
	if s.app == nil {
		s.app = c.env.App.NewSocket(handle)
	}
	if handle.continuity != nil {
		handle.continuity.former = nil
	}
	if x := s.extra; x != nil && x.entrance != nil && x.entrance.Opened != nil {
		x.entrance.Opened()
	}
	c.stripe = uint8(handle.shard.Index() % tallyCells) //nolint:gosec // small
	if s.phase.entering() {
		handle.state.Store(uint32(Unauthorized))
	} else {
		c.sockets = append(c.sockets, s)
	}
	c.arrive(s)
	c.disarm(deadlineConnect)
	c.lastTry = false
	c.welcome(handle)
	c.session.gate.hold()
	c.env.System.Send(c.env.Supervisor, &SocketOpened{Socket: handle})
}

// openFreely connects a socket of a namespace without authentication.
func (c *connection) openFreely(s *socket) {
	s.phase = phaseAuthenticated
	s.at[socketAuth] = 0
	c.announceUser(s)
	c.connected(s)
}

// connected queues the connected callback: the first job of the socket.
func (c *connection) connected(s *socket) {
	s.told = true
	c.changed(s) // authenticated, it has a session that may be stored
	c.session.gate.hold()
	s.handle.inbox.push(&lifeJob{socket: s.handle, app: s.app})
}

// disconnectSocket ends a socket by order of the application; whole ends its session.
func (c *connection) disconnectSocket(m *disconnectSocket) {
	s := c.own(m.socket)
	if s == nil {
		return
	}
	if m.whole {
		c.close(m.reason)
		return
	}
	if s.phase.entering() {
		c.deny(s, c.session.refusal(s.namespace, textSentAway), m.reason)
		c.verifyWaiting()
		c.rearm()
		return
	}
	c.send(disconnectPacket(s.handle.namespace), FlagKeep)
	c.depart(s, m.reason)
	c.rearm()
}

// depart ends one socket of a session that goes on. Until the registry has let go of it, packets for its namespace wait: a
// broadcast names the namespace, not the socket, and what was meant for this one must not reach the next.
func (c *connection) depart(s *socket, r Reason) {
	c.endSocket(s, r)
	d := departure{namespace: s.handle.namespace}
	if c.session.revision3 {
		d.rest = s.handle.rest()
	}
	c.departed = append(c.departed, d)
	c.awaitDetached(s.member)
	c.idle()
}

// departure is a namespace that was left, until it is entered again.
type departure struct {
	namespace string
	// rest runs when the application has done with the socket that left. Nil, unless the next one will have the same id: of two
	// sockets with one id the application must not hear at a time, nor of the next before the last has ended.
	rest *inbox
}

// arrive has a socket that is in begin when the last one of its id is done with. One that is refused never waits for that: so
// many may be while a handler runs.
func (c *connection) arrive(s *socket) {
	if d := c.departureFrom(s.namespace); d != nil && d.rest != nil {
		s.handle.inbox.hold()
		d.rest.push(&followJob{next: &s.handle.inbox})
	}
	c.departed = slices.DeleteFunc(c.departed, func(d departure) bool { return d.namespace == s.namespace })
}

// departureFrom is that from a namespace; nil: it was not left. It is valid until the next packet.
func (c *connection) departureFrom(namespace string) *departure {
	for i := range c.departed {
		if c.departed[i].namespace == namespace {
			return &c.departed[i]
		}
	}
	return nil
}

// rest is an inbox that runs behind that of a socket that has ended. It does not keep the socket.
func (s *Socket) rest() *inbox {
	b := &inbox{workers: s.inbox.workers}
	b.hold()
	s.inbox.push(&followJob{next: b})
	return b
}

// detached goes on with the packets that waited. They did not leave the gate, which bounds them.
func (c *connection) detached(m *detached) {
	if i := slices.Index(c.detaching, m.namespace); i >= 0 {
		c.detaching = slices.Delete(c.detaching, i, i+1)
	}
	if c.first.handle != nil && c.first.handle.Closed() {
		c.first = socket{}
	}
	c.beginLate(m.namespace)
	waited := c.deferred
	c.deferred = nil
	for _, m := range waited {
		if c.stage != stageOpen {
			c.leaveGate(m)
			continue
		}
		c.packet(m)
	}
	c.rearm()
}

// endSocket ends one socket: it is gone everywhere, exactly once. What its client sent before is still handled, then the
// application hears of the end.
func (c *connection) endSocket(s *socket, r Reason) {
	if s.phase.entering() {
		c.abandon(s, r)
		return
	}
	c.sockets = slices.DeleteFunc(c.sockets, func(o *socket) bool { return o == s })
	kept := c.keep(s, r)
	if s.phase == phaseAuthenticating || s.phase == phaseRenewing {
		c.failures++ // nobody waits for the verdict any more: who comes and goes has not any number of attempts
	}
	c.authenticate(s, inClosed)
	s.at = [socketDeadlines]moment{}
	s.handle.reason.Store(uint32(r))
	if kept != nil {
		c.holdRooms(kept)
	}
	// Before the context ends: whoever waits for that finds the socket in no room.
	c.env.System.Send(s.handle.shard.PID(), &roomregistry.Detach{Member: s.member})
	s.handle.cancel(&ended{reason: r, opened: true, rooms: s.rooms})
	for _, w := range s.acks {
		w.answer(ackResult{err: ErrClosed})
	}
	s.acks = nil
	for _, e := range c.session.gate.ended(s.handle) {
		e.settle(ackResult{err: ErrClosed})
	}
	c.env.System.Send(c.env.Supervisor, &SocketClosed{Socket: s.handle, Reason: r})
	if s.extra != nil && kept == nil {
		s.extra.hold.end()
	}
	if s.told {
		c.session.gate.hold()
		s.handle.inbox.push(&lifeJob{socket: s.handle, app: s.app, ended: true, reason: r})
	}
	if s.handle.continuity != nil { // after the last job, behind which the next socket of the session begins
		c.env.Recovery.Ended(s.handle, kept)
	}
}
