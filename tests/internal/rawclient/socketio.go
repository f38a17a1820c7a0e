package rawclient

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/actio-go/actio/wire"
)

// Message is one Socket.IO packet of the server.
type Message struct {
	wire.Packet

	// Event is the name, if the packet is an event.
	Event string
	// Args are the arguments of an event or an acknowledgement.
	Args wire.Args
}

// Next returns the next Socket.IO packet. Binary ones are not understood.
func (c *Client) Next() (Message, error) {
	for {
		p, err := c.Receive()
		if err != nil {
			return Message{}, err
		}
		switch p.Type {
		case wire.EngineMessage:
			return decode(p)
		case wire.EngineClose:
			return Message{}, &EndError{End{ClosePacket: true}}
		case wire.EngineOpen, wire.EnginePing, wire.EnginePong, wire.EngineUpgrade, wire.EngineNoop:
		}
	}
}

func decode(p wire.EnginePacket) (m Message, err error) {
	if p.Binary {
		return m, errors.New("rawclient: a binary message")
	}
	if m.Packet, err = wire.DecodePacket(p.Data, wire.Limits{}); err != nil {
		return m, fmt.Errorf("rawclient: %q: %w", p.Data, err)
	}
	complete := wire.Complete{Packet: m.Packet}
	switch m.Type {
	case wire.Event:
		m.Event, m.Args, err = wire.ParseEvent(complete)
	case wire.Ack:
		m.Args, err = wire.ParseAck(complete)
	case wire.Connect, wire.Disconnect, wire.ConnectError, wire.BinaryEvent, wire.BinaryAck:
	}
	return m, err
}

// Await returns the next event of that name and drops what comes before it.
func (c *Client) Await(event string) (Message, error) {
	for {
		m, err := c.Next()
		if err != nil {
			return m, fmt.Errorf("rawclient: await %q: %w", event, err)
		}
		if m.Type == wire.Event && m.Event == event {
			return m, nil
		}
	}
}

// Join enters a namespace and returns the socket id. auth is whatever encoding/json takes; nil: none.
func (c *Client) Join(namespace string, auth any) (string, error) {
	p := wire.Packet{Type: wire.Connect, Namespace: namespace}
	if auth != nil {
		data, err := json.Marshal(auth)
		if err != nil {
			return "", err
		}
		p.Data = data
	}
	if err := c.Send(text(p)); err != nil {
		return "", err
	}
	for {
		m, err := c.Next()
		switch {
		case err != nil:
			return "", fmt.Errorf("rawclient: join %s: %w", namespace, err)
		case m.Type == wire.ConnectError:
			return "", fmt.Errorf("rawclient: join %s: refused: %s", namespace, m.Data)
		case m.Type == wire.Connect:
			var answer struct{ SID string }
			return answer.SID, json.Unmarshal(m.Data, &answer)
		}
	}
}

// Login enters the default namespace, authenticates, and returns the socket id when the server has said all that it says
// to a new client.
func (c *Client) Login(auth any) (string, error) {
	id, err := c.Join("/", auth)
	if err != nil {
		return "", err
	}
	if err := c.Emit("authenticate"); err != nil {
		return "", err
	}
	_, err = c.Await("authenticated")
	return id, err
}

// Emit sends an event to the default namespace.
func (c *Client) Emit(event string, args ...any) error {
	packet, err := Event(event, args...)
	if err != nil {
		return err
	}
	return c.Send(packet)
}

// Ask sends an event to the default namespace and returns its acknowledgement; it drops what comes before that. Ids of
// acknowledgements are the caller's to choose.
func (c *Client) Ask(id uint64, event string, args ...any) (wire.Args, error) {
	packet, err := Question(id, event, args...)
	if err != nil {
		return wire.Args{}, err
	}
	if err := c.Send(packet); err != nil {
		return wire.Args{}, err
	}
	for {
		m, err := c.Next()
		if err != nil {
			return wire.Args{}, fmt.Errorf("rawclient: ask %q: %w", event, err)
		}
		if m.Type == wire.Ack && m.ID == id {
			return m.Args, nil
		}
	}
}

// Event is an event of the default namespace as an Engine.IO packet, for [Client.Send].
func Event(event string, args ...any) (string, error) { return encode(wire.Packet{}, event, args) }

// Question is Event with an acknowledgement asked for.
func Question(id uint64, event string, args ...any) (string, error) {
	return encode(wire.Packet{HasID: true, ID: id}, event, args)
}

func encode(p wire.Packet, event string, args []any) (string, error) {
	data, err := json.Marshal(append([]any{event}, args...))
	if err != nil {
		return "", err
	}
	p.Type, p.Data = wire.Event, data
	return text(p), nil
}

// text is a Socket.IO packet as an Engine.IO packet.
func text(p wire.Packet) string { return string(wire.AppendPacket([]byte{'4'}, p)) }
