package wire

import (
	"bytes"
	"fmt"
)

// EncodeEvent encodes an event without acknowledgement. Arguments become JSON by the rules of encoding/json, except
// that HTML is not escaped and that a []byte anywhere inside becomes an attachment, unless it is nil. Named types of
// []byte are base64 as ever; json.RawMessage and jsontext.Value pass through when they are JSON. More than ten
// attachments are sent, but official clients refuse them unless configured otherwise.
//
// The result shares no memory with the arguments. Errors: ErrEncode with the reason; with ErrReservedEvent for a name that
// peers would refuse, with ErrNamespace for a namespace that is not "", does not begin with "/", or holds a comma or
// control characters. A panic in a method of an argument is such an error, too.
func EncodeEvent(namespace, name string, args ...any) (*Prepared, error) {
	return encodeEvent(&Packet{Type: Event, Namespace: namespace}, name, args)
}

// EncodeEventAck encodes an event that asks for an acknowledgement with the given id. Otherwise it is EncodeEvent.
func EncodeEventAck(namespace string, id uint64, name string, args ...any) (*Prepared, error) {
	return encodeEvent(&Packet{Type: Event, Namespace: namespace, HasID: true, ID: id}, name, args)
}

// EncodeAck encodes the acknowledgement of the event with the given id. Arguments and errors are those of EncodeEvent.
func EncodeAck(namespace string, id uint64, args ...any) (*Prepared, error) {
	e := newEncoder()
	defer e.release()
	e.json.WriteByte('[')
	return e.finish(&Packet{Type: Ack, Namespace: namespace, HasID: true, ID: id}, args)
}

// EncodeArgs encodes values as the JSON array of arguments that EncodeEvent makes of them, without a name before them: a
// []byte becomes a placeholder in the array and an attachment. The attachments are nil when there are none. The result
// shares no memory with the values. Errors: ErrEncode with the reason.
func EncodeArgs(args ...any) (array []byte, attachments [][]byte, err error) {
	e := newEncoder()
	defer e.release()
	e.json.WriteByte('[')
	if err := e.arguments(args); err != nil {
		return nil, nil, err
	}
	array, attachments = e.copies()
	return array, attachments, nil
}

// PrepareEvent prepares an event whose JSON array, name and arguments, is made already, with placeholders for the
// attachments, which ArgsOf accepts. With attachments it is a BINARY_EVENT. It asks for the acknowledgement id when hasID.
// Array and attachments are copied but not checked: neither the JSON, nor the name, nor the placeholders.
//
// Errors: ErrEncode with ErrNamespace, as EncodeEvent.
func PrepareEvent(namespace string, hasID bool, id uint64, array []byte, attachments [][]byte) (*Prepared, error) {
	if !validNamespace(namespace) {
		return nil, fmt.Errorf("%w: %w", ErrEncode, ErrNamespace)
	}
	p := Packet{Type: Event, Namespace: namespace, HasID: hasID, ID: id}
	if len(attachments) > 0 {
		p.Type, p.Attachments = BinaryEvent, len(attachments)
	}
	return prepareMessage(&p, array, attachments), nil
}

// EncodePacketJSON encodes a Connect, Disconnect or ConnectError packet whose payload is v as JSON; nil means none. The
// payload of a Connect is an object, of a ConnectError an object or a string; a Disconnect has none. Nothing in v becomes
// an attachment. Errors: as EncodeEvent.
func EncodePacketJSON(t PacketType, namespace string, v any) (*Prepared, error) {
	if t != Connect && t != Disconnect && t != ConnectError {
		return nil, fmt.Errorf("%w: %v is not a packet without arguments", ErrEncode, t)
	}
	e := newEncoder()
	defer e.release()
	if v != nil {
		if err := e.payload(t, v); err != nil {
			return nil, err
		}
	}
	return e.prepare(&Packet{Type: t, Namespace: namespace})
}

// EncodeConnect encodes the answer of a server to a client that has joined a namespace as the socket sid. Errors: ErrEncode with
// ErrNamespace.
func EncodeConnect(namespace, sid string) (*Prepared, error) {
	e := newEncoder()
	defer e.release()
	e.json.WriteString(`{"sid":`)
	e.quote(sid)
	e.json.WriteByte('}')
	return e.prepare(&Packet{Type: Connect, Namespace: namespace})
}

// EncodePayload encodes v as the JSON that EncodePacketJSON makes of it. The result shares no memory with v. Errors: as there.
func EncodePayload(t PacketType, v any) ([]byte, error) {
	e := newEncoder()
	defer e.release()
	if err := e.payload(t, v); err != nil {
		return nil, err
	}
	return bytes.Clone(e.json.Bytes()), nil
}

// payload appends the payload of a packet without arguments.
func (e *encoder) payload(t PacketType, v any) error {
	if err := e.marshal(v, e.plain); err != nil {
		return fmt.Errorf("%w: payload of %v: %w", ErrEncode, t, err)
	}
	if at, err := checkPayload(t, e.json.Bytes(), maxDepth); err != nil {
		return fmt.Errorf("%w: payload of %v: %w", ErrEncode, t, &DecodeError{Err: err, Offset: at})
	}
	return nil
}

func encodeEvent(p *Packet, name string, args []any) (*Prepared, error) {
	if isReserved(name) {
		return nil, fmt.Errorf("%w: %w", ErrEncode, ErrReservedEvent)
	}
	e := newEncoder()
	defer e.release()
	e.json.WriteByte('[')
	e.quote(name)
	return e.finish(p, args)
}
