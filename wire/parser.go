package wire

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// Message is one message of Engine.IO: what packets of Socket.IO travel in.
type Message struct {
	// Binary tells a message of bytes from one of text, which is UTF-8.
	Binary bool
	// Data is the content.
	Data []byte
}

// Parser writes and reads Socket.IO packets in a format of its own, in place of the default one; a server and its clients
// must use the same. All packets pass it, CONNECT, CONNECT_ERROR and DISCONNECT too; the heartbeat, which belongs to
// Engine.IO, does not. Package msgpack has one.
//
// Inside, packets have one form whatever the parser is: arguments are JSON, and binary values in it placeholders that number
// the attachments, see Args. With a Parser no packet is a BINARY_EVENT or BINARY_ACK: what has attachments is an EVENT or ACK
// with Attachments. Packet.Attachments means nothing.
//
// A Parser is used by many goroutines at a time. Its panics are errors.
type Parser interface {
	// Encode gives the messages that carry p, in order, at least one. Text must be UTF-8 and hold no PayloadSeparator, which
	// would end the message over polling. p is shared and must not be modified; the result may share memory with it, and
	// is copied. An error goes to whoever sends.
	Encode(p Complete) ([]Message, error)
	// NewDecoder makes the decoder of one session. l are the limits of the server: what exceeds them is refused when the
	// packet is complete, if the decoder has not refused it before.
	NewDecoder(l Limits) MessageDecoder
}

// MessageDecoder reads the messages of one session, one after another.
type MessageDecoder interface {
	// Decode takes the next message, which it then owns, and returns the packet that is complete with it; nil when more
	// messages have to come. An error ends the session.
	Decode(m Message) (*Complete, error)
}

// With returns p in the form that parser gives it. It is p itself when parser is nil, when p has such a form already, and when
// it is no packet of Socket.IO. The result remembers p: its Event is that of p. Errors: ErrEncode with the reason.
func (p *Prepared) With(parser Parser) (*Prepared, error) {
	if parser == nil || p.canonical() != p {
		return p, nil
	}
	c, ok := p.complete()
	if !ok {
		return p, nil
	}
	messages, err := encode(parser, c)
	if err != nil {
		return nil, fmt.Errorf("%w: parser: %w", ErrEncode, err)
	}
	packets := make([]EnginePacket, len(messages))
	for i, m := range messages {
		packets[i] = EnginePacket{Type: EngineMessage, Binary: m.Binary, Data: m.Data}
	}
	formed := PrepareEngine(packets...)
	formed.related.Store(&related{canonical: p})
	return formed, nil
}

// encode calls the parser, which may be anybody's, and looks at what it gives.
func encode(parser Parser, c Complete) (messages []Message, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	if messages, err = parser.Encode(c); err != nil {
		return nil, err
	}
	if len(messages) == 0 {
		return nil, ErrNoMessage
	}
	for _, m := range messages {
		if !m.Binary && !sendableText(m.Data) {
			return nil, ErrUTF8
		}
	}
	return messages, nil
}

// sendableText tells whether text can travel over both transports.
func sendableText(text []byte) bool {
	return bytes.IndexByte(text, PayloadSeparator) < 0 && utf8.Valid(text)
}

// complete returns the packet that p was made of, as a Parser gets it.
func (p *Prepared) complete() (c Complete, ok bool) {
	if len(p.frames) == 0 {
		return Complete{}, false
	}
	op, data, rest := cutFrame(p.frames)
	if op != Text || len(data) < 2 || data[0] != '0'+byte(EngineMessage) {
		return Complete{}, false
	}
	text := data[1:]
	c.Packet.Type = PacketType(text[0] - '0')
	payload, err := c.Packet.readHeader(text, noLimits())
	if err != nil || c.Packet.Type > BinaryAck {
		return Complete{}, false
	}
	if payload < len(text) {
		c.Packet.Data = text[payload:]
	}
	for len(rest) > 0 {
		_, data, rest = cutFrame(rest)
		c.Attachments = append(c.Attachments, data)
	}
	if c.Packet.Type.binary() {
		c.Packet.Type -= BinaryEvent - Event
	}
	return c, true
}
