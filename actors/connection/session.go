package connection

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/transport"
	"github.com/actio-go/actio/wire"
)

// Session is the handle of one Engine.IO session: what the transports and a bare engine's application hold. It owns the
// reading side, which belongs to whoever reads at the moment and not to the actor: decoding happens in the reader's
// goroutine, so that a flood costs nobody else, and stops at the gate.
//
// All methods are safe for concurrent use, before, during and after the end of the session.
type Session struct {
	env       *Env
	sid       string
	address   actors.Address // of the actor
	handshake *transport.Handshake
	gate      gate
	handed    handedOver  // ends when the actor has stopped
	onSocket  atomic.Bool // a websocket is the transport: set by the actor
	blamed    atomic.Bool // a misuse by this client was logged
	posting   atomic.Bool
	returned  atomic.Bool // there was a request beside the handshake
	pong      pong
	stripe    uint8    // of the tallies of what comes in
	revision3 bool     // of the protocol: see revision3.go
	rate      *rateUse // of the actor alone; nil: events are not limited

	speaker     atomic.Pointer[transport.WebSocket] // the websocket whose messages count: not one that still probes
	reading     sync.Mutex                          // one reader at a time decodes messages
	reassembler wire.Reassembler
	parsing     *parsing      // nil: the default parser; under reading
	begun       uint64        // binary packets; under reading
	completed   atomic.Uint64 // the last of them that is complete
}

var (
	_ transport.Session  = (*Session)(nil)
	_ transport.Receiver = (*Session)(nil)
)

// ServedBy names the actor of a session that was made without one. It is called once, before anybody else has the session.
func (s *Session) ServedBy(pid *actor.PID) { s.address = s.env.System.Address(pid) }

// NewSession makes the handle of a session that the actor pid will serve; nil: see ServedBy.
func NewSession(env *Env, sid string, pid *actor.PID, h *transport.Handshake) *Session {
	s := &Session{
		env: env, sid: sid, handshake: h, gate: gate{bounds: &env.inbox}, revision3: h.Revision3,
		rate: newRateUse(&env.Options.EventLimits),
	}
	if sid != "" {
		s.stripe = sid[0]
	}
	if p := env.Options.Parser; p != nil && env.App != nil {
		s.parsing = newParsing(p, env.Options.Limits)
	}
	if pid != nil {
		s.ServedBy(pid)
	}
	return s
}

// ID is the Engine.IO session id.
func (s *Session) ID() string { return s.sid }

// PID is the address of the connection's actor.
func (s *Session) PID() *actor.PID { return s.address.PID() }

// Handshake is the first request of the session.
func (s *Session) Handshake() *transport.Handshake { return s.handshake }

// OnWebSocket tells whether a websocket is the transport by now; else it is polling.
func (s *Session) OnWebSocket() bool { return s.onSocket.Load() }

// Done is closed when nothing of the session is left.
func (s *Session) Done() <-chan struct{} { return s.handed.done() }

func (s *Session) ended() bool { return s.handed.isOver() }

// Send queues one message of a bare engine. After the end it does nothing.
func (s *Session) Send(m *wire.Prepared) { s.tell(&sendRaw{message: m}) }

// Close ends the session after what is queued. Idempotent.
func (s *Session) Close(r Reason) { s.tell(&closeSession{reason: r}) }

// Listed says that the supervisor knows of a socket that was opened. Until then the socket counts at the gate: a client that
// joins and leaves in a loop goes no faster than the supervisor.
func (s *Session) Listed() { s.gate.leave(0) }

// Blame is the level at which something that the client can cause is logged: once for each session at Warn, then at Debug,
// so that no client can flood the log.
func (s *Session) Blame() slog.Level {
	if s.blamed.CompareAndSwap(false, true) {
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

func (s *Session) tell(m any) { s.address.Send(m) }

// Poll hands a waiting GET to the session.
func (s *Session) Poll(p *transport.Poll) {
	s.returned.Store(true)
	if s.handed.poll(p) {
		s.tell(&pollOpened{poll: p})
	}
}

// PollAborted says that the client of a waiting GET went away.
func (s *Session) PollAborted(p *transport.Poll) { s.tell(&pollAborted{poll: p}) }

// Probe hands over a websocket that wants to take over from polling.
func (s *Session) Probe(ws *transport.WebSocket) {
	s.returned.Store(true)
	if s.handed.candidate(ws) {
		s.tell(&probeOpened{ws: ws})
	}
}

// Post takes the packets of one POST in, and answers it when the handlers of its packets have run, when one of them
// awaits an acknowledgement, or after PostWait: so that the next GET carries all replies. POSTs that overlap break the
// protocol and end the session.
func (s *Session) Post(ctx context.Context, p *transport.Post) {
	s.returned.Store(true)
	switch {
	case s.ended():
		p.Reject(transport.UnknownSID())
		return
	case s.onSocket.Load():
		p.Reject(transport.BadRequest())
		return
	case !s.posting.CompareAndSwap(false, true):
		p.Reject(transport.BadRequest())
		s.tell(&protocolBroken{reason: ReasonForcedClose})
		return
	}
	defer s.posting.Store(false)
	if !s.readPost(p) {
		p.Reject(transport.BadRequest())
		return
	}
	s.settle(ctx)
	p.Done()
}

// readPost reports false when the body was not what the protocol wants; the session is told, unless the body was merely too
// large.
func (s *Session) readPost(p *transport.Post) bool {
	p.Revision3 = s.revision3
	if !p.Read() {
		return false
	}
	for _, packet := range p.Packets {
		if !s.read(nil, packet) {
			return false
		}
	}
	if p.Err != nil {
		s.tell(&protocolBroken{reason: ReasonParseError})
		return false
	}
	return true
}

// settle waits until the handlers had their chance to answer.
func (s *Session) settle(ctx context.Context) {
	changed := s.gate.quiet()
	if changed == nil {
		return
	}
	ctx, cancel := s.env.System.Clock().Context(ctx, "post", s.env.Options.PostWait)
	defer cancel()
	for changed != nil {
		select {
		case <-changed:
			changed = s.gate.quiet()
		case <-ctx.Done():
			return
		}
	}
}

// Message is called by the reader of a websocket.
func (s *Session) Message(ws *transport.WebSocket, binary bool, data []byte) {
	if s.revision3 {
		s.message3(ws, binary, data)
		return
	}
	if binary {
		s.read(ws, wire.DecodeEngineBinary(data))
		return
	}
	packet, err := wire.DecodeEngineText(data)
	if err != nil {
		if !utf8.Valid(data) { // whatever else is wrong with it
			err = wire.ErrUTF8
		}
		s.tell(&received{from: ws, err: err})
		return
	}
	s.read(ws, packet)
}

// Control is called by the reader with a control frame to be written in order.
func (s *Session) Control(ws *transport.WebSocket, frame []byte) {
	s.tell(&controlQueued{ws: ws, frame: frame})
}

// Closed is called by the reader at its end.
func (s *Session) Closed(ws *transport.WebSocket, err error) {
	s.tell(&transportClosed{ws: ws, err: err})
}

// read decodes one packet and hands it to the actor, except most pongs. A message waits at the gate first; everything else
// passes, for a pong must never wait behind an event. It reports false when the packet breaks the session. A message that comes
// after the end is dropped without a word: a refusal would keep an official client from reading the farewell.
func (s *Session) read(ws *transport.WebSocket, p wire.EnginePacket) bool {
	switch {
	case p.Type == wire.EnginePong && s.speaker.Load() == ws && !s.revision3 && !s.pong.came():
		return true
	case p.Type == wire.EngineUpgrade && ws != nil:
		s.speaker.Store(ws)
	}
	m := &received{from: ws, packet: p}
	if p.Type != wire.EngineMessage {
		s.tell(m)
		return true
	}
	if ws != nil && s.speaker.Load() != ws {
		m.err = errNotUpgraded // it must not mix with what comes over polling
		s.tell(m)
		return false
	}
	s.reading.Lock()
	defer s.reading.Unlock()
	s.env.Counters.PacketsIn.Add(s.stripe, 1)
	s.env.Counters.BytesIn.Add(s.stripe, len(p.Data))
	if s.env.App == nil {
		s.enter(m, len(p.Data))
		return true
	}
	size, whole, err := s.decode(m)
	switch {
	case err != nil:
		m.err = err
		s.tell(m)
		return false
	case !whole:
		if s.begins(p) {
			s.begun++
			s.tell(&attachmentsAwaited{packet: s.begun})
		}
		return true // more to come
	}
	if p.Binary || s.parsing != nil {
		s.completed.Store(s.begun)
	}
	s.enter(m, size)
	return true
}

func (s *Session) enter(m *received, size int) {
	if s.gate.enter(size) {
		m.size = size
		s.tell(m)
	}
}

// begins tells whether a message that was not the last of its packet is the first.
func (s *Session) begins(p wire.EnginePacket) bool {
	if s.parsing != nil {
		return s.parsing.messages == 1
	}
	return !p.Binary
}

// decode fills in a whole packet, or reports that attachments are still to come. It returns what a whole one weighs at the gate.
func (s *Session) decode(m *received) (size int, whole bool, err error) {
	var complete *wire.Complete
	if s.parsing != nil {
		complete, err = s.parsing.decode(m.packet)
	} else if m.packet.Binary {
		complete, err = s.reassembler.Binary(m.packet.Data, s.env.Options.Limits)
	} else {
		var d wire.Decoded
		if d, err = wire.Decode(m.packet.Data, s.env.Options.Limits); err != nil {
			return 0, false, err
		}
		if d.Packet.Type < wire.BinaryEvent && !s.reassembler.Pending() { // nearly all
			m.head, m.name, m.args = d.Packet, d.Name, d.Args
			return len(d.Packet.Data), true, nil
		}
		complete, err = s.reassembler.Text(d.Packet, s.env.Options.Limits)
	}
	if err != nil || complete == nil {
		return 0, false, err
	}
	m.head = complete.Packet
	m.name, m.args, err = arguments(complete)
	return weight(complete), err == nil, err
}

func arguments(c *wire.Complete) (name string, args wire.Args, err error) {
	switch c.Packet.Type {
	case wire.Event, wire.BinaryEvent:
		return wire.ParseEvent(*c)
	case wire.Ack, wire.BinaryAck:
		args, err = wire.ParseAck(*c)
		return "", args, err
	case wire.Connect, wire.Disconnect, wire.ConnectError:
		return "", wire.Args{}, nil
	default:
		return "", wire.Args{}, nil
	}
}

func weight(c *wire.Complete) int {
	n := len(c.Packet.Data)
	for _, a := range c.Attachments {
		n += len(a)
	}
	return n
}
