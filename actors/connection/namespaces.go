package connection

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/wire"
)

// packet handles one Socket.IO packet.
func (c *connection) packet(m *received) {
	if len(c.detaching) > 0 {
		if name, _ := m.head.SplitNamespace(); slices.Contains(c.detaching, name) {
			c.deferred = append(c.deferred, m)
			return
		}
	}
	p := &m.head
	s := c.find(p.Namespace)
	if s == nil {
		c.packetOfNobody(m)
		return
	}
	if s.phase.entering() {
		c.packetOfEntering(s, m)
		return
	}
	switch p.Type {
	case wire.Event, wire.BinaryEvent:
		c.event(s, m)
		return
	case wire.Ack, wire.BinaryAck:
		c.acked(s, p.ID, m.args)
	case wire.Disconnect:
		c.depart(s, ReasonClientDisconnect)
	case wire.Connect, wire.ConnectError:
		c.broke(m)
		return
	default:
		c.broke(m)
		return
	}
	c.leaveGate(m)
}

// packetOfNobody handles a packet for a namespace without a socket: a CONNECT opens one. What else comes for a namespace
// that was left is late; for one that was never joined it breaks the protocol.
func (c *connection) packetOfNobody(m *received) {
	p := &m.head
	switch {
	case p.Type == wire.Connect:
		name, query := p.SplitNamespace()
		auth := p.Data
		if c.session.revision3 {
			auth = queryAuth(query)
		}
		c.connect(name, auth)
		c.leaveGate(m)
	case p.Type == wire.Disconnect && c.withdraw(p.Namespace):
		c.leaveGate(m)
	case p.Type == wire.Disconnect || slices.Contains(c.departed, p.Namespace):
		c.env.Counters.EventsDropped.Add(1)
		c.leaveGate(m)
	default:
		c.broke(m)
	}
}

// broke ends the session of a client that sent a packet where it must not come.
func (c *connection) broke(m *received) {
	c.leaveGate(m)
	c.protocolBroken(ReasonForcedServerClose)
}

func (c *connection) find(namespace string) *socket {
	for _, s := range c.sockets {
		if s.namespace == namespace {
			return s
		}
	}
	return nil
}

// connect opens a socket in a namespace, begins to ask about it, or says why not.
func (c *connection) connect(name string, auth []byte) {
	if c.draining {
		if !c.sendOn(auth) {
			c.refuse(c.session.refusal(name, textDraining))
		}
		return
	}
	e := c.env.App.Entrance(name)
	if e == nil {
		c.refuse(c.session.refusal(name, textInvalid))
		return
	}
	h := newHold(e)
	switch {
	case len(c.sockets)+c.claims.alone() >= c.env.Options.MaxNamespaces || len(c.departed) >= 4*c.env.Options.MaxNamespaces:
		c.env.Counters.NamespacesRefused.Add(1)
		c.refuse(c.session.refusal(name, textManySpaces))
	case c.find(name) != nil || c.claiming(name):
		c.protocolBroken(ReasonForcedServerClose)
	case len(auth) > c.env.Options.MaxAuthBytes:
		c.refuse(c.session.refusal(name, textTooLarge))
	case e.Find == nil && c.claim(name, auth, e, h):
		return
	default:
		c.enter(c.newSocket(name, auth, nil), e, h)
		return
	}
	h.end()
}

// depart ends one socket of a session that goes on. Until the registry has let go of it, packets for its namespace wait: a
// broadcast names the namespace, not the socket, and what was meant for this one must not reach the next.
func (c *connection) depart(s *socket, r Reason) {
	c.departed = append(c.departed, s.handle.namespace)
	c.endSocket(s, r)
	c.awaitDetached(s.member)
	c.idle()
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

func (c *connection) welcome(h *Socket) {
	var m *wire.Prepared
	var err error
	switch {
	case c.session.revision3:
		m, err = wire.EncodePacketJSON(wire.Connect, h.namespace, nil)
	case h.continuity != nil:
		answer := map[string]string{"sid": h.id, "pid": h.continuity.privateID}
		m, err = wire.EncodePacketJSON(wire.Connect, h.namespace, answer)
	default:
		m, err = wire.EncodeConnect(h.namespace, h.id)
	}
	if err != nil {
		panic(fmt.Sprintf("connection: own packet does not encode: %v", err))
	}
	c.send(m, FlagKeep)
}

func disconnectPacket(namespace string) *wire.Prepared {
	m, err := wire.EncodePacketJSON(wire.Disconnect, namespace, nil)
	if err != nil {
		panic(fmt.Sprintf("connection: own packet does not encode: %v", err))
	}
	return m
}

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
	c.departed = slices.DeleteFunc(c.departed, func(n string) bool { return n == s.namespace })
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

// event handles one event of a socket: the machine's own, or one for the application.
func (c *connection) event(s *socket, m *received) {
	switch {
	case c.session.rate != nil && c.exceeds(s, m):
	case m.name == eventAuthenticate && c.auth(s) != nil:
		c.authenticateEvent(s, m)
	case s.phase.public() != Authenticated || c.draining:
		c.env.Counters.EventsDropped.Add(1)
	case c.env.Options.RoomEvents && (m.name == eventJoin || m.name == eventLeave):
		m.bind(s)
		s.handle.inbox.push(&roomJob{eventJob: &m.eventJob, leave: m.name == eventLeave})
		return
	default:
		m.bind(s)
		s.handle.inbox.push(&m.eventJob)
		return
	}
	c.leaveGate(m)
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

// own returns the actor's side of a handle, nil when the socket has ended.
func (c *connection) own(h *Socket) *socket {
	for _, s := range c.sockets {
		if s.handle == h {
			return s
		}
	}
	return nil
}

// socketsDue handles the deadlines of the sockets.
func (c *connection) socketsDue(now moment) {
	for _, s := range slices.Clone(c.sockets) {
		for d := range socketDeadlines {
			if passed(s.at[d], now) {
				s.at[d] = 0
				c.socketDue(s, d)
			}
		}
	}
	c.verifyWaiting()
}

func (c *connection) socketDue(s *socket, d int) {
	switch d {
	case socketAuth:
		c.authenticate(s, inDeadline)
	case socketExpiry:
		c.expire(s)
	case socketPing:
		c.appPing(s, c.env.Options.AppPingInterval)
	}
}

// announce tells a registry shard that lost its memory about the sockets that it owns.
func (c *connection) announce(m *roomregistry.Announce) {
	a := &roomregistry.Announcement{Epoch: m.Epoch}
	for _, s := range c.sockets {
		if s.handle.shard != m.Shard || s.phase.entering() {
			continue
		}
		// A new Member: the old one may still carry what the dead shard knew.
		s.member = s.handle.member()
		ms := roomregistry.Membership{
			Member: s.member, Rooms: slices.Clone(s.rooms), Authenticated: s.phase.public() == Authenticated,
		}
		if p := s.handle.Principal(); p != nil {
			ms.User = p.UserID
		}
		a.Members = append(a.Members, ms)
	}
	c.env.System.Send(m.Shard.PID(), a)
}
