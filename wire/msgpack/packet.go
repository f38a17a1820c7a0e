package msgpack

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/tinylib/msgp/msgp"

	"github.com/actio-go/actio/wire"
)

// Parser is the parser of socket.io-msgpack-parser 3: each packet is one binary message with the MessagePack of
// {type, nsp, id, data}, binary values among the data. The zero value is ready.
type Parser struct{}

var _ wire.Parser = Parser{}

// Encode implements [wire.Parser]. Errors: those of AppendJSON.
func (Parser) Encode(p wire.Complete) ([]wire.Message, error) {
	data, err := AppendPacket(nil, p)
	if err != nil {
		return nil, err
	}
	return []wire.Message{{Binary: true, Data: data}}, nil
}

// NewDecoder implements [wire.Parser].
func (Parser) NewDecoder(l wire.Limits) wire.MessageDecoder { return packetDecoder{limits: l} }

type packetDecoder struct{ limits wire.Limits }

// Decode implements [wire.MessageDecoder]. Text is no packet.
func (d packetDecoder) Decode(m wire.Message) (*wire.Complete, error) {
	if !m.Binary {
		return nil, fmt.Errorf("%w: text", ErrMalformed)
	}
	c, err := DecodePacket(m.Data, d.limits)
	if err != nil {
		return nil, err
	}
	if err := c.Check(d.limits); err != nil {
		return nil, err
	}
	return c, nil
}

// AppendPacket appends a packet. Its type is none of the binary ones, its data JSON with placeholders for its attachments;
// without data it has none. Numbers are those that JavaScript would read. Errors: those of AppendJSON.
func AppendPacket(dst []byte, p wire.Complete) ([]byte, error) {
	fields := uint32(2)
	if p.Packet.HasID {
		fields++
	}
	if p.Packet.Data != nil {
		fields++
	}
	dst = slices.Grow(dst, packetRoom+len(p.Packet.Namespace)+len(p.Packet.Data)+size(p.Attachments))
	dst = msgp.AppendMapHeader(dst, fields)
	dst = msgp.AppendInt(msgp.AppendString(dst, "type"), int(p.Packet.Type))
	namespace := p.Packet.Namespace
	if namespace == "" {
		namespace = "/"
	}
	dst = msgp.AppendString(msgp.AppendString(dst, "nsp"), namespace)
	if p.Packet.HasID {
		dst = msgp.AppendUint64(msgp.AppendString(dst, "id"), p.Packet.ID)
	}
	if p.Packet.Data == nil {
		return dst, nil
	}
	dst, _, err := AppendJSON(msgp.AppendString(dst, "data"), p.Packet.Data, p.Attachments)
	return dst, err
}

// packetRoom is what a packet has beside its namespace and data, at most.
const packetRoom = 40

func size(attachments [][]byte) (n int) {
	for _, a := range attachments {
		n += len(a) + 5
	}
	return n
}

// DecodePacket reads a packet, by the rules of socket.io-msgpack-parser: type is a number from CONNECT to CONNECT_ERROR, nsp a
// string, id a number if it is there, data what the type asks for. What else there is does not matter; of several fields with
// one name the last counts. Whether the data is an event's, and whether the packet is within limits, is for Complete.Check.
//
// Of the limits only that of the attachments counts here, as they cost the most memory for each byte; a field that comes again
// takes the memory that it had. The attachments share memory with data. Errors: ErrMalformed, wire.ErrTooManyAttachments.
func DecodePacket(data []byte, l wire.Limits) (*wire.Complete, error) {
	if l.Attachments <= 0 {
		l.Attachments = wire.DefaultLimits().Attachments
	}
	n, rest, err := msgp.ReadMapHeaderBytes(data)
	if err != nil {
		return nil, fmt.Errorf("%w: no map", ErrMalformed)
	}
	r := packetReader{rest: rest, most: l.Attachments}
	for range n {
		if err := r.field(); err != nil {
			return nil, err
		}
	}
	if len(r.rest) > 0 {
		return nil, fmt.Errorf("%w: %d bytes after the packet", ErrMalformed, len(r.rest))
	}
	return r.packet()
}

// packetReader reads the fields of a packet.
type packetReader struct {
	rest     []byte
	complete wire.Complete
	typed    bool
	named    bool
	text     []byte // the room of the payload
	scratch  []byte
	most     int // attachments
}

// undefined is how notepack.io writes it.
func undefined(data []byte) bool { return bytes.HasPrefix(data, []byte{fixext1, 0, 0}) }

// field reads one name and its value.
func (r *packetReader) field() (err error) {
	if msgp.NextType(r.rest) != msgp.StrType {
		if err = r.skip(); err != nil { // a name of no field
			return err
		}
		return r.skip()
	}
	name, rest, err := msgp.ReadStringZC(r.rest)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, errTruncated)
	}
	r.rest = rest
	p := &r.complete.Packet
	switch string(name) {
	case "type":
		var n uint64
		n, r.typed, err = r.number()
		p.Type = wire.PacketType(min(n, math.MaxUint8))
	case "id":
		p.ID, p.HasID, err = r.number()
	case "nsp":
		p.Namespace, err = r.string()
		r.named = true
	case "data":
		err = r.data()
	default:
		err = r.skip()
	}
	return err
}

// skip reads a value that does not matter.
func (r *packetReader) skip() (err error) {
	r.scratch, _, r.rest, err = readJSON(r.scratch[:0], nil, r.rest, r.most)
	return err
}

// number reads a whole number; one that is undefined is not there.
func (r *packetReader) number() (n uint64, there bool, err error) {
	if undefined(r.rest) {
		return 0, false, r.skip()
	}
	if err = r.skip(); err != nil {
		return 0, false, err
	}
	if n, err = strconv.ParseUint(string(r.scratch), 10, 64); err != nil {
		return 0, false, fmt.Errorf("%w: type or id is no whole number", ErrMalformed)
	}
	return n, true, nil
}

func (r *packetReader) string() (string, error) {
	text, rest, err := msgp.ReadStringBytes(r.rest)
	if err != nil {
		return "", fmt.Errorf("%w: nsp is no string", ErrMalformed)
	}
	r.rest = rest
	return text, nil
}

// data reads the payload; one that is undefined is not there.
func (r *packetReader) data() (err error) {
	r.complete.Packet.Data, r.complete.Attachments = nil, nil
	if undefined(r.rest) {
		return r.skip()
	}
	if r.text == nil {
		r.text = make([]byte, 0, room(r.rest))
	}
	r.text, r.complete.Attachments, r.rest, err = readJSON(r.text[:0], nil, r.rest, r.most)
	r.complete.Packet.Data = r.text
	return err
}

// packet looks at all fields together.
func (r *packetReader) packet() (*wire.Complete, error) {
	p := &r.complete.Packet
	switch {
	case !r.typed || p.Type > wire.ConnectError:
		return nil, fmt.Errorf("%w: type", ErrMalformed)
	case !r.named || p.Namespace == "":
		return nil, fmt.Errorf("%w: nsp", ErrMalformed)
	case p.Data == nil && p.Type != wire.Connect && p.Type != wire.Disconnect:
		return nil, fmt.Errorf("%w: no data", ErrMalformed)
	}
	return &r.complete, nil
}
