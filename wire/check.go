package wire

import (
	"bytes"
	"encoding/base64"
	"unicode/utf8"
)

// noLimits are limits that bound nothing, for what this program has made itself.
func noLimits() Limits {
	const most = int(^uint(0) >> 1)
	return Limits{PacketBytes: most, Attachments: most, NamespaceBytes: most, JSONDepth: maxDepth, MaxAckID: 1<<64 - 1}
}

// jsonGrowth is how much longer than a packet its JSON may be, as other formats are denser: a null of one byte, say, has four
// letters and a comma.
const jsonGrowth = 8

// Check makes sure that a packet which a Parser has read is what DecodePacket and a Reassembler would have given: it checks
// all that they do and sets the type and the number of attachments to match. Binary values in the payload of a CONNECT, which
// travels on as JSON alone, become base64, as encoding/json has them.
//
// Limits.PacketBytes bounds the attachments; the JSON may have eight times as much. Errors: those of DecodePacket, without an
// offset.
func (c *Complete) Check(l Limits) error {
	l = l.orDefaults()
	if c.Packet.Type > BinaryAck {
		return ErrPacketType
	}
	if c.Packet.Type.binary() {
		c.Packet.Type -= BinaryEvent - Event
	}
	if err := c.checkHead(l); err != nil {
		return err
	}
	if c.Packet.Data != nil {
		if !utf8.Valid(c.Packet.Data) {
			return ErrUTF8
		}
		if _, err := checkPayload(c.Packet.Type, c.Packet.Data, l.JSONDepth); err != nil {
			return err
		}
	}
	return c.settle()
}

// checkHead checks everything but the payload.
func (c *Complete) checkHead(l Limits) error {
	p := &c.Packet
	size := 0
	for _, a := range c.Attachments {
		size += len(a)
	}
	switch {
	case len(p.Data)/jsonGrowth > l.PacketBytes || size > l.PacketBytes:
		return ErrTooBig
	case len(c.Attachments) > l.Attachments:
		return ErrTooManyAttachments
	case len(p.Namespace) > l.NamespaceBytes || !validNamespace(p.Namespace):
		return ErrNamespace
	case p.HasID && p.ID > l.MaxAckID:
		return ErrAckID
	}
	if p.Namespace == "" {
		p.Namespace = "/"
	}
	return nil
}

// settle makes type, payload and attachments match.
func (c *Complete) settle() error {
	p := &c.Packet
	if len(c.Attachments) == 0 {
		c.Attachments, p.Attachments = nil, 0
		return nil
	}
	switch p.Type {
	case Event, Ack:
		p.Type += BinaryEvent - Event
		p.Attachments = len(c.Attachments)
		return nil
	case Connect:
		text, err := inlined(p.Data, c.Attachments)
		p.Data, p.Attachments, c.Attachments = text, 0, nil
		return err
	case Disconnect, ConnectError, BinaryEvent, BinaryAck:
		return ErrPayload
	default:
		return ErrPayload
	}
}

// inlined puts attachments into the text as base64, each in the place of its placeholder.
func inlined(text []byte, attachments [][]byte) ([]byte, error) {
	finder := &markFinder{attachments: len(attachments)}
	s := scanner{data: text, depth: maxDepth, marks: finder}
	switch {
	case s.document(0) < 0:
		return nil, s.err
	case finder.err != nil:
		return nil, finder.err
	}
	var out bytes.Buffer
	from := 0
	for _, m := range finder.found {
		out.Write(text[from:m.start])
		out.WriteByte('"')
		out.Write(base64.StdEncoding.AppendEncode(out.AvailableBuffer(), attachments[m.num]))
		out.WriteByte('"')
		from = m.end
	}
	out.Write(text[from:])
	return out.Bytes(), nil
}
