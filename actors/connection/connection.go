package connection

import (
	"errors"
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/transport"
	"github.com/actio-go/actio/wire"
)

// stage is where a session stands in its life.
type stage uint8

const (
	stageNew     stage = iota
	stageOpen          // packets flow both ways
	stageClosing       // the farewell is on its way, nothing is accepted any more
	stageClosed        // the transport is gone; only the actor's own end is left
)

// connection is the actor of one session. See doc.go for what it owns.
//
// Most sessions begin on a websocket and have one socket. Their lane and their socket are a part of it: a broadcast to many
// thousand connections costs as many waits for memory as each has objects to go through.
type connection struct {
	guard actors.Guard
	env   *Env
	ctx   actor.Context // valid within Receive only
	self  *actor.PID

	session   *Session
	stage     stage
	draining  bool
	unwritten bool   // something was queued by the message that is being handled
	probed    bool   // the candidate's probe was answered
	notText   bool   // it closes because a text frame held something else
	toldEarly bool   // an event before authentication was logged
	lastTry   bool   // the connect timeout is over: who is on the way in is the last
	stripe    uint8  // of the tallies of what goes out
	reason    Reason // why it closes
	doomed    Reason // why it must close as soon as it has begun

	out       *lane           // the current transport's
	poll      *transport.Poll // the waiting GET
	lastWord  *wire.Prepared  // what a polling client gets last
	candidate *lane           // a websocket that probes
	readers   int32           // websockets whose reader runs
	failures  int32           // attempts to authenticate that came to nothing, since the last success

	deadlines
	pinged uint64 // stalls of the gate when the last ping left

	sockets   []*socket
	room      [1]*socket  // of sockets
	detaching []string    // namespaces whose former socket the registry still has
	deferred  []*received // and the packets for them, which wait
	authBy    moment      // when the session must have authenticated; zero: nothing is owed
	departed  []departure // namespaces that were left: their late packets are no breach
	claims    *claims     // of clients that want to go on with a session; nil: most of the time
	raw       RawHandler
	rawInbox  *inbox

	lane  lane   // of the transport that the session begins with
	first socket // taken when it has a handle
}

// Props makes the props that all connections of one server share.
func Props(env *Env) *actor.Props {
	return actor.PropsFromProducer(func() actor.Actor {
		return &connection{env: env, guard: actors.NewGuard(env.System, "connection")}
	}, actors.InlineFromStart())
}

// Receive dispatches.
func (c *connection) Receive(ctx actor.Context) {
	defer c.guard.Catch(ctx)
	c.ctx = ctx
	switch m := ctx.Message().(type) {
	case *roomregistry.Delivery:
		c.deliver(m)
	case *received:
		c.receive(m)
	case *emit:
		c.emit(m)
	case *written:
		c.written(m)
	case *due:
		c.due()
	case *pollOpened:
		c.pollOpened(m.poll)
	case *pollAborted:
		c.pollAborted(m.poll)
	case *probeOpened:
		c.probeOpened(m.ws)
	case *controlQueued:
		c.controlQueued(m)
	case *transportClosed:
		c.transportClosed(m)
	case *attachmentsAwaited:
		c.attachmentsAwaited(m.packet)
	case *protocolBroken:
		c.protocolBroken(m.reason)
	default:
		c.receiveRequest(ctx)
	}
	c.writeOut()
}

// receiveRequest dispatches what comes from the application, the supervisor and the registry.
func (c *connection) receiveRequest(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *Begin:
		c.begin(m)
	case *verdict:
		c.verdict(m)
	case *stepped:
		c.stepped(m)
	case *detached:
		c.detached(m)
	case *claimed:
		c.claimed(m)
	case *claimLate:
		c.claimLate(m.claim)
	case *roomregistry.Restored:
		c.restored(m)
	case *roomregistry.Marked:
		c.marked(m)
	case *surrender:
		c.surrendered(m)
	case *joinRooms:
		c.joinRooms(m)
	case *leaveRooms:
		c.leaveRooms(m)
	case *listRooms:
		c.listRooms(m)
	case *ackCancelled:
		c.ackCancelled(m)
	case *disconnectSocket:
		c.disconnectSocket(m)
	case *forceAuthenticated:
		c.forceAuthenticated(m)
	case *pingSocket:
		c.pingSocket(m)
	case *watchSocket:
		c.watchSocket(m)
	case *sendRaw:
		c.send(m.message, FlagKeep)
	case *closeSession:
		c.close(m.reason)
	case *roomregistry.Announce:
		c.announce(m)
	case *Drain:
		c.beginDrain()
	case *Shutdown:
		c.close(ReasonServerShutdown)
	case *Abort:
		c.abort(m.Reason)
	case *actor.Started:
		c.self = ctx.Self()
	case *actor.Stopping:
		c.stopping()
	case *actor.Stopped:
		c.stopped()
	case actor.AutoReceiveMessage, actor.SystemMessage:
	default:
		c.env.System.Logger().Error("connection: unknown message", slog.String("type", typeName(m)))
	}
}

// begin opens the session on its first transport.
func (c *connection) begin(m *Begin) {
	close(m.Begun)
	c.session = m.Session
	c.stage = stageOpen
	c.alarm.Init(c.env.System.Clock(), "connection", m.Session.address, &due{})
	c.env.Counters.Sessions.Add(1)
	c.out = &c.lane
	c.sockets = c.room[:0]
	open := wire.Open{
		SID: c.session.sid, PingInterval: c.env.Options.PingInterval, PingTimeout: c.env.Options.PingTimeout,
		MaxPayload: c.env.Options.MaxPayload,
	}
	switch link := m.Link.(type) {
	case *transport.WebSocket:
		c.out.carry(link, c.session.dialectOf(link.OnlyText()))
		c.session.speaker.Store(link)
		c.session.onSocket.Store(true)
		c.start(link)
	case *transport.Poll:
		c.poll = link
		if c.env.Options.HandshakeTimeout > 0 {
			c.arm(deadlineHandshake, c.env.Options.HandshakeTimeout)
		}
		c.out.dialect = c.session.dialectOf(c.session.handshake.OnlyText)
		open.Upgrades = c.env.Options.Upgrades
	}
	var room [160]byte // of most open packets
	c.send(wire.PrepareEngine(wire.EnginePacket{Type: wire.EngineOpen, Data: wire.AppendOpen(room[:0], open)}), FlagKeep)
	if c.session.revision3 {
		c.awaitPing()
	} else {
		c.arm(deadlinePing, c.env.firstOf(c.env.Options.PingInterval))
	}
	if c.env.App == nil {
		c.beginRaw()
	} else {
		c.arm(deadlineConnect, c.env.Options.ConnectTimeout)
	}
	if c.session.revision3 && c.env.App != nil {
		c.connect("/", nil)
	}
	c.rearm()
	if c.doomed != ReasonNone {
		c.close(c.doomed)
	}
}

func (c *connection) start(ws *transport.WebSocket) {
	c.readers++
	ws.Start(c.session, c.env.spawn)
}

// beginRaw opens the application's side of a bare session.
func (c *connection) beginRaw() {
	c.raw = c.env.Raw.NewSession(c.session)
	c.rawInbox = &inbox{workers: c.env.System.Workers()}
	c.rawInbox.push(&rawJob{session: c.session, kind: rawOpened, handler: c.raw})
}

// receive handles one packet of the client.
func (c *connection) receive(m *received) {
	if c.candidate != nil && m.from == c.candidate.ws {
		c.receiveCandidate(m)
		return
	}
	if c.stage != stageOpen || m.from != c.out.ws {
		c.leaveGate(m)
		if c.stage == stageClosing && m.from == nil && c.out.ws == nil && m.packet.Type == wire.EngineClose {
			c.lost(c.reason) // it has read what it wanted to
		}
		return
	}
	if m.err != nil {
		c.leaveGate(m)
		c.notText = m.from != nil && errors.Is(m.err, wire.ErrUTF8)
		c.hintAtParser(m)
		c.protocolBroken(ReasonParseError)
		return
	}
	switch m.packet.Type {
	case wire.EngineMessage:
		c.message(m)
	case wire.EnginePong:
		if c.session.revision3 {
			c.protocolBroken(ReasonForcedClose)
		} else {
			c.ponged()
		}
	case wire.EngineClose:
		c.closedByPeer()
	case wire.EngineUpgrade, wire.EngineNoop, wire.EnginePing, wire.EngineOpen:
		c.misplaced(m.packet.Type)
	default:
		c.misplaced(m.packet.Type)
	}
	c.rearm()
}

// misplaced handles packets that have no meaning here. Node ignores noop, upgrade and open outside their place; a ping
// of the client belongs to revision 3 of the protocol, as the server's does to revision 4, and closes other sessions.
func (c *connection) misplaced(t wire.EngineType) {
	switch {
	case t != wire.EnginePing:
	case c.session.revision3:
		c.answerPing()
	default:
		c.protocolBroken(ReasonForcedClose)
	}
}

// protocolBroken ends the session of a client that does not keep to the protocol.
func (c *connection) protocolBroken(r Reason) {
	if c.stage == stageOpen {
		c.env.Counters.ParseErrors.Add(1)
	}
	c.fail(r)
}

// message passes one message to the layer above.
func (c *connection) message(m *received) {
	if c.raw == nil {
		c.packet(m)
		return
	}
	if c.draining {
		c.env.Counters.EventsDropped.Add(1)
		c.leaveGate(m)
		return
	}
	c.rawInbox.push(&rawJob{
		session: c.session, handler: c.raw, kind: rawMessage, binary: m.packet.Binary, data: m.packet.Data, size: m.size,
	})
}

func (c *connection) leaveGate(m *received) {
	if m.size > 0 || m.packet.Type == wire.EngineMessage && m.err == nil {
		c.session.gate.leave(m.size)
	}
}
