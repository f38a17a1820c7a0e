package client

import (
	"encoding/json"
	"fmt"

	"github.com/actio-go/actio/client/internal/engine"
	"github.com/actio-go/actio/wire"
)

// receiver takes the messages of one session, in its reader. An error ends the session.
func (l *link) receiver(session *engine.Session) func(wire.EnginePacket) error {
	decoder := l.manager.parser.decoder()
	return func(message wire.EnginePacket) error {
		c, err := decoder.add(message)
		if err == nil && c != nil {
			err = l.receive(session, c)
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errParse, err)
		}
		return nil
	}
}

// receive takes one packet. It may wait until the application has handled what came before.
func (l *link) receive(session *engine.Session, c *wire.Complete) error {
	m := l.manager
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.link != l || (c.Packet.Type == wire.Connect && session.Ended()) {
		return nil // the rest of an answer that was being read
	}
	s := m.sockets[c.Packet.Namespace]
	if s == nil {
		return nil
	}
	switch c.Packet.Type {
	case wire.Connect:
		answer, err := parseConnected(c.Packet)
		if err != nil {
			return err
		}
		s.confirmed(l, answer)
	case wire.ConnectError:
		s.refused(l, parseRefusal(c.Packet))
		m.unlinkUnused()
	case wire.Disconnect:
		s.thrownOut(l)
		m.unlinkUnused()
	case wire.Event, wire.BinaryEvent:
		return s.event(session, c)
	case wire.Ack, wire.BinaryAck:
		args, err := wire.ParseAck(*c)
		if err != nil {
			return err
		}
		s.acknowledged(c.Packet.ID, args)
	default:
		return fmt.Errorf("%w: packet type %s", wire.ErrPacketType, c.Packet.Type)
	}
	return nil
}

// incoming is an event of the server.
type incoming struct {
	*Event

	size     int // in bytes
	recovers bool
}

// event takes an event into the inbox, or keeps it until the namespace is confirmed: servers may emit before, and do when they
// give back what a recovered connection missed.
func (s *Socket) event(session *engine.Session, c *wire.Complete) error {
	name, args, err := wire.ParseEvent(*c)
	if err != nil {
		return err
	}
	e := &incoming{Event: &Event{Name: name, Args: args}, size: len(c.Packet.Data), recovers: !c.Packet.HasID}
	for _, a := range c.Attachments {
		e.size += len(a)
	}
	if c.Packet.HasID {
		e.reply = &reply{socket: s, id: c.Packet.ID, connects: s.connects}
		if !s.connected {
			e.reply.connects++ // of the connection that is being made
		}
	}
	switch {
	case s.connected:
		if s.awaitRoom(session) {
			s.admit(e)
		}
	case s.entering != nil && s.entering.sent:
		return s.keep(e)
	}
	return nil
}

// admit takes an event into the inbox.
func (s *Socket) admit(e *incoming) {
	if e.recovers {
		s.recovery.received(e.Args)
	}
	s.manager.put(&s.inbox, e.size, func() { s.dispatch(e.Event) })
	if s.observer != nil {
		s.observer.arrived(e.Name, e.Args)
	}
}

// keep keeps an event that came before the namespace was confirmed. Its offset does not count before it is in the inbox: the
// connection may end first. A server that wants to give back more than there is room for is not asked to again.
func (s *Socket) keep(e *incoming) error {
	o := &s.manager.options
	if len(s.early) >= o.InboxEventsHard || (s.earlyBytes > 0 && s.earlyBytes+e.size > o.InboxBytesHard) {
		s.recovery.forget()
		return fmt.Errorf("%w: %d events before the namespace was confirmed", ErrInboxFull, len(s.early))
	}
	s.early = append(s.early, e)
	s.earlyBytes += e.size
	return nil
}

// jsonArgs makes arguments of values that can be encoded.
func jsonArgs(values ...any) wire.Args {
	raws := make([][]byte, len(values))
	for i, v := range values {
		raws[i], _ = json.Marshal(v)
	}
	return wire.RawArgs(raws...)
}

// errorArgs are the arguments of connect_error: an object with a message, and the data of the server if there are.
func errorArgs(err error) wire.Args {
	var data json.RawMessage
	message := err.Error()
	if refused, ok := err.(*ConnectError); ok { //nolint:errorlint // only the server's own words are passed on
		message, data = refused.Message, refused.Data
	}
	return jsonArgs(struct {
		Message string          `json:"message"`
		Data    json.RawMessage `json:"data,omitempty"`
	}{message, data})
}
