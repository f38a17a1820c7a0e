package wire

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// PacketType is the type of a Socket.IO packet.
type PacketType byte

// The packet types of Socket.IO protocol 5.
const (
	Connect      PacketType = iota // client: enter a namespace; server: entered
	Disconnect                     // either: leave a namespace
	Event                          // either: name and arguments
	Ack                            // either: arguments that answer an event with an id
	ConnectError                   // server: a namespace is refused
	BinaryEvent                    // an Event with attachments
	BinaryAck                      // an Ack with attachments
)

// String returns the name that the protocol gives the type, or "INVALID".
func (t PacketType) String() string {
	switch t {
	case Connect:
		return "CONNECT"
	case Disconnect:
		return "DISCONNECT"
	case Event:
		return "EVENT"
	case Ack:
		return "ACK"
	case ConnectError:
		return "CONNECT_ERROR"
	case BinaryEvent:
		return "BINARY_EVENT"
	case BinaryAck:
		return "BINARY_ACK"
	default:
		return "INVALID"
	}
}

// binary reports whether packets of the type have attachments.
func (t PacketType) binary() bool { return t == BinaryEvent || t == BinaryAck }

// Packet is the text of one Socket.IO packet. Its attachments, if any, follow as binary messages of their own.
type Packet struct {
	// Type is the packet type.
	Type PacketType
	// Namespace is the namespace as sent, query string included; "/" is the main one. Empty means "/" when encoding.
	Namespace string
	// HasID tells whether the packet has an acknowledgement id.
	HasID bool
	// ID is the acknowledgement id, if HasID.
	ID uint64
	// Data is the payload as JSON, nil when there is none. DecodePacket has validated it, and it aliases the input.
	Data []byte
	// Attachments is the number of attachments that a binary packet announces.
	Attachments int
}

// SplitNamespace returns the namespace without its query string, and the query string without the question mark. A
// client of Socket.IO 2 connects to "/admin?token=x"; later ones send no query, and a question mark is part of the name.
func (p Packet) SplitNamespace() (path, query string) {
	path, query, _ = strings.Cut(p.Namespace, "?")
	return path, query
}

// DecodePacket decodes and checks the text of one packet. What it accepts is what the official parser accepts, with
// these differences: numbers in the header are plain decimal digits, limits are bounded by l, and a namespace holds no
// control characters. Empty text is no packet: the official parser would take it for a CONNECT, but is never given it, since
// Engine.IO has no message then, and that is an error. As with the official parser the payload of an event or acknowledgement
// may be absent; ParseEvent refuses such an event.
//
// Data aliases text. Errors, in a *DecodeError: ErrPacketType, ErrAttachmentCount, ErrTooManyAttachments, ErrNamespace,
// ErrAckID, ErrPayload, ErrReservedEvent, ErrDepth, ErrUTF8, ErrTooBig.
func DecodePacket(text []byte, l Limits) (Packet, error) {
	l = l.orDefaults()
	p, i, err := decodeHead(text, l)
	if err != nil || i == len(text) {
		return p, err
	}
	if at, err := checkPayload(p.Type, text[i:], l.JSONDepth); err != nil {
		return Packet{}, &DecodeError{Err: err, Offset: i + at}
	}
	p.Data = text[i:]
	return p, nil
}

// Decoded is a packet and, if it is an event or an acknowledgement without attachments, what is in it.
type Decoded struct {
	// Packet is as it was received.
	Packet Packet
	// Name is that of the event.
	Name string
	// Args are the arguments.
	Args Args
}

// Decode does for events and acknowledgements without attachments, with one pass over the text, what DecodePacket and then
// ParseEvent or ParseAck do; other packets are but decoded.
func Decode(text []byte, l Limits) (Decoded, error) {
	if len(text) == 0 || text[0] != '0'+byte(Event) && text[0] != '0'+byte(Ack) {
		p, err := DecodePacket(text, l)
		return Decoded{Packet: p}, err
	}
	l = l.orDefaults()
	p, begin, err := decodeHead(text, l)
	if err != nil {
		return Decoded{}, err
	}
	if begin == len(text) {
		return decodedEmpty(p)
	}
	p.Data = text[begin:]
	s := scanner{data: p.Data, depth: l.JSONDepth}
	args, end, err := collect(&s, nil)
	if err != nil {
		return Decoded{}, shifted(err, begin)
	}
	if end = s.space(end); end < len(p.Data) {
		return Decoded{}, &DecodeError{Err: ErrPayload, Offset: begin + end}
	}
	d := Decoded{Packet: p, Args: args}
	if p.Type == Event {
		if d.Name, d.Args, err = splitEvent(args); err != nil {
			return Decoded{}, shifted(err, begin)
		}
		if isReserved(d.Name) {
			return Decoded{}, &DecodeError{Err: ErrReservedEvent, Offset: begin + args.spans[0].start}
		}
	}
	return d, nil
}

// decodedEmpty is a packet without payload: nothing is acknowledged, but no event has no name.
func decodedEmpty(p Packet) (Decoded, error) {
	if p.Type == Event {
		return Decoded{}, &DecodeError{Err: ErrPayload}
	}
	return Decoded{Packet: p}, nil
}

// shifted gives an error in a payload its place in the packet.
func shifted(err error, by int) error {
	if e, ok := errors.AsType[*DecodeError](err); ok {
		return &DecodeError{Err: e.Err, Offset: e.Offset + by}
	}
	return err
}

// decodeHead decodes what stands before the payload, and tells where that begins.
func decodeHead(text []byte, l Limits) (p Packet, payload int, err error) {
	if len(text) > l.PacketBytes {
		return Packet{}, 0, &DecodeError{Err: ErrTooBig, Offset: l.PacketBytes}
	}
	if len(text) == 0 {
		return Packet{}, 0, &DecodeError{Err: ErrPacketType}
	}
	if !utf8.Valid(text) {
		return Packet{}, 0, &DecodeError{Err: ErrUTF8}
	}
	p = Packet{Type: PacketType(text[0] - '0')}
	if p.Type > BinaryAck {
		return Packet{}, 0, &DecodeError{Err: ErrPacketType}
	}
	if payload, err = p.readHeader(text, l); err != nil {
		return Packet{}, 0, &DecodeError{Err: err, Offset: payload}
	}
	return p, payload, nil
}

// readHeader reads what stands between the type and the payload, and returns where the payload begins.
func (p *Packet) readHeader(text []byte, l Limits) (int, error) {
	i := 1
	if p.Type.binary() {
		n, digits, ok := readDigits(text[i:], l.Attachments)
		switch {
		case digits == 0 || !bytes.HasPrefix(text[i+digits:], []byte("-")) || ok && n == 0:
			return i, ErrAttachmentCount
		case !ok:
			return i, ErrTooManyAttachments
		}
		p.Attachments = n
		i += digits + 1
	}
	p.Namespace = "/"
	if i < len(text) && text[i] == '/' {
		end, next := len(text), len(text)
		if n := bytes.IndexByte(text[i:], ','); n >= 0 {
			end, next = i+n, i+n+1
		}
		if end-i > l.NamespaceBytes || bytes.ContainsFunc(text[i:end], isControl) {
			return i, ErrNamespace
		}
		p.Namespace, i = namespaceString(text[i:end]), next
	}
	id, digits, ok := readDigits(text[i:], l.MaxAckID)
	if !ok {
		return i, ErrAckID
	}
	p.ID, p.HasID = id, digits > 0
	return i + digits, nil
}

// namespaceString avoids an allocation for the main namespace, which some clients write out.
func namespaceString(b []byte) string {
	if len(b) == 1 {
		return "/"
	}
	return string(b)
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// readDigits reads the decimal digits at the start of text and returns how many there are; ok is false when the number is
// greater than most, which may be negative.
func readDigits[T int | uint64](text []byte, most T) (n T, digits int, ok bool) {
	ok = true
	for ; digits < len(text) && isDigit(text[digits]); digits++ {
		d := T(text[digits] - '0')
		if !ok || d > most || n > (most-d)/10 {
			ok = false
			continue
		}
		n = n*10 + d
	}
	return n, digits, ok
}

// CheckPayload checks what DecodePacket checks of a payload that came another way: that it is JSON of the shape that packets of
// type t have, and for an event that its name is not reserved. Errors: ErrPayload, ErrReservedEvent, ErrDepth.
func CheckPayload(t PacketType, data []byte, l Limits) error {
	_, err := checkPayload(t, data, l.orDefaults().JSONDepth)
	return err
}

// checkPayload checks that data is JSON of the shape that packets of type t have. It returns where it is not.
func checkPayload(t PacketType, data []byte, depth int) (at int, err error) {
	s := scanner{data: data, depth: depth}
	start := s.space(0)
	kind := s.peek(start)
	switch t {
	case Connect:
		if kind != '{' {
			return start, ErrPayload
		}
	case ConnectError:
		if kind != '{' && kind != '"' {
			return start, ErrPayload
		}
	case Ack, BinaryAck, Event, BinaryEvent:
		if kind != '[' {
			return start, ErrPayload
		}
	case Disconnect:
		return start, ErrPayload
	default:
		return start, ErrPayload
	}
	if s.document(start) < 0 {
		return s.at, s.err
	}
	if t == Event || t == BinaryEvent {
		start = s.space(start + 1)
		return start, checkEventName(&s, start)
	}
	return 0, nil
}

// checkEventName checks the first element of an argument list that is known to be JSON.
func checkEventName(s *scanner, i int) error {
	switch c := s.peek(i); {
	case c == '"':
		raw := s.data[i:s.quoted(i)]
		if bytes.IndexByte(raw, '\\') >= 0 {
			if isReserved(unquote(raw)) {
				return ErrReservedEvent
			}
		} else if isReserved(string(raw[1 : len(raw)-1])) {
			return ErrReservedEvent
		}
		return nil
	case c == '-' || isDigit(c):
		return nil
	default:
		return ErrPayload
	}
}

// isReserved reports whether name must not be the name of an event.
func isReserved(name string) bool {
	switch name {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return true
	default:
		return false
	}
}

// AppendPacket appends the text of p: its header, then p.Data as it is. It checks nothing.
func AppendPacket(dst []byte, p Packet) []byte {
	return append(appendHeader(dst, &p), p.Data...)
}

func appendHeader(dst []byte, p *Packet) []byte {
	dst = append(dst, '0'+byte(p.Type))
	if p.Type.binary() {
		dst = append(strconv.AppendInt(dst, int64(p.Attachments), 10), '-')
	}
	if p.Namespace != "" && p.Namespace != "/" {
		dst = append(append(dst, p.Namespace...), ',')
	}
	if p.HasID {
		dst = strconv.AppendUint(dst, p.ID, 10)
	}
	return dst
}
