package connection

import (
	"fmt"
	"slices"

	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/wire"
)

// packet handles one Socket.IO packet.
func (c *connection) packet(m *received) {
	p := &m.head
	name := c.session.addressed(p)
	if len(c.detaching) > 0 && slices.Contains(c.detaching, name) {
		c.deferred = append(c.deferred, m)
		return
	}
	s := c.find(name)
	if s == nil {
		c.packetOfNobody(m, name)
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
func (c *connection) packetOfNobody(m *received, name string) {
	p := &m.head
	switch {
	case p.Type == wire.Connect:
		auth := p.Data
		if c.session.revision3 {
			_, query := p.SplitNamespace()
			auth = queryAuth(query)
		}
		c.connect(name, auth)
		c.leaveGate(m)
	case p.Type == wire.Disconnect && c.withdraw(name):
		c.leaveGate(m)
	case p.Type == wire.Disconnect || c.departureFrom(name) != nil:
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

// event handles one event of a socket: the machine's own, or one for the application.
func (c *connection) event(s *socket, m *received) {
	switch {
	case c.session.rate != nil && c.exceeds(s, m):
	case m.name == eventAuthenticate && c.auth(s) != nil:
		c.authenticateEvent(s, m)
	case s.phase.public() != Authenticated || c.draining:
		c.dropped(s, m)
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
