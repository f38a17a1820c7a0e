package client

import (
	"encoding/json"
	"fmt"

	"github.com/actio-go/actio/client/internal/engine"
	"github.com/actio-go/actio/wire"
)

// receiver takes the messages of one session, in its reader.
func (l *link) receiver(session *engine.Session) func(wire.EnginePacket) {
	decoder := l.manager.parser.decoder()
	return func(message wire.EnginePacket) {
		c, err := decoder.add(message)
		if err == nil && c != nil {
			err = l.receive(c)
		}
		if err != nil {
			session.Abort(fmt.Errorf("%w: %w", errParse, err))
		}
	}
}

// receive takes one packet. It may wait until the application has handled what came before. An error ends the session.
func (l *link) receive(c *wire.Complete) error {
	m := l.manager
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.link != l {
		return nil
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
		s.refused(parseRefusal(c.Packet))
		m.unlinkUnused()
	case wire.Disconnect:
		s.active = false
		s.end(ReasonServerDisconnect, fmt.Errorf("%w: %s", ErrDisconnected, ReasonServerDisconnect))
		m.unlinkUnused()
	case wire.Event, wire.BinaryEvent:
		return s.event(l, c)
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

// event takes an event into the inbox, or keeps it until the namespace is confirmed: servers may emit before, and do when they
// give back what a recovered connection missed.
func (s *Socket) event(l *link, c *wire.Complete) error {
	name, args, err := wire.ParseEvent(*c)
	if err != nil {
		return err
	}
	if !s.active {
		return nil
	}
	if s.connected {
		if connects := s.connects; !l.awaitRoom(&s.inbox) || !s.connected || s.connects != connects {
			return nil // it ended while the reader waited
		}
	}
	e := &Event{Name: name, Args: args}
	if c.Packet.HasID {
		e.reply = &reply{socket: s, id: c.Packet.ID, connects: s.connects}
		if !s.connected {
			e.reply.connects++ // of the connection that is being made
		}
	}
	s.recovery.received(args)
	job := func() { s.dispatch(e) }
	switch {
	case s.connected:
		s.manager.put(&s.inbox, job)
		if s.observer != nil {
			s.observer.arrived(name, args)
		}
	case len(s.early) < s.manager.options.InboxEventsHard:
		s.early = append(s.early, job)
	default:
		return fmt.Errorf("%w: %d events before the namespace was confirmed", ErrInboxFull, len(s.early))
	}
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
