package wire

import (
	"encoding/base64"
	"unicode/utf8"
)

// EngineType is the type of an Engine.IO packet.
type EngineType byte

// The packet types of Engine.IO protocol 4.
const (
	EngineOpen    EngineType = iota // server: the handshake
	EngineClose                     // either: the transport may be closed
	EnginePing                      // server: heartbeat; client: "probe" on a transport to upgrade to
	EnginePong                      // the answer to a ping, with its data
	EngineMessage                   // either: what the layer above says
	EngineUpgrade                   // client: the probed transport takes over
	EngineNoop                      // server: ends a poll without saying anything
)

// String returns the name that the protocol gives the type, or "invalid".
func (t EngineType) String() string {
	switch t {
	case EngineOpen:
		return "open"
	case EngineClose:
		return "close"
	case EnginePing:
		return "ping"
	case EnginePong:
		return "pong"
	case EngineMessage:
		return "message"
	case EngineUpgrade:
		return "upgrade"
	case EngineNoop:
		return "noop"
	default:
		return "invalid"
	}
}

// EnginePacket is one packet of Engine.IO protocol 4.
type EnginePacket struct {
	// Type is the packet type.
	Type EngineType
	// Binary tells a message of bytes from one of text. It means something only with EngineMessage.
	Binary bool
	// Data is the content: UTF-8 unless Binary. Nil and empty are the same.
	Data []byte
}

// binary reports whether p is a binary message, which has no type digit.
func (p EnginePacket) binary() bool { return p.Binary && p.Type == EngineMessage }

// DecodeEngineText decodes one text frame of a websocket: a type digit followed by UTF-8. Like the official parser it
// also takes the form that polling gives binary messages, "b" followed by base64.
//
// Data aliases data, except for the base64 form. Errors: ErrEngineType, ErrUTF8, ErrBase64, in a *DecodeError.
func DecodeEngineText(data []byte) (EnginePacket, error) {
	if len(data) == 0 {
		return EnginePacket{}, &DecodeError{Err: ErrEngineType}
	}
	t := EngineType(data[0] - '0')
	switch {
	case t <= EngineNoop:
		if !utf8.Valid(data[1:]) {
			return EnginePacket{}, &DecodeError{Err: ErrUTF8, Offset: 1}
		}
		return EnginePacket{Type: t, Data: data[1:]}, nil
	case data[0] == 'b':
		return decodeBase64(data[1:])
	default:
		return EnginePacket{}, &DecodeError{Err: ErrEngineType}
	}
}

// DecodeEngineBinary decodes one binary frame of a websocket, which is a binary message as it is. Data aliases data.
func DecodeEngineBinary(data []byte) EnginePacket {
	return EnginePacket{Type: EngineMessage, Binary: true, Data: data}
}

// decodeBase64 decodes the binary message of a polling payload, with or without padding.
func decodeBase64(src []byte) (EnginePacket, error) {
	encoding := base64.StdEncoding
	if len(src)%4 != 0 {
		encoding = base64.RawStdEncoding
	}
	data := make([]byte, encoding.DecodedLen(len(src)))
	n, err := encoding.Decode(data, src)
	// encoding/base64 skips line breaks, which leaves the result shorter than the length of its source says.
	if err != nil || n+padding(src) < len(data) {
		return EnginePacket{}, &DecodeError{Err: ErrBase64, Offset: 1}
	}
	return EnginePacket{Type: EngineMessage, Binary: true, Data: data[:n]}, nil
}

// padding counts the trailing padding of base64, at most two bytes.
func padding(src []byte) int {
	n := 0
	for n < 2 && n < len(src) && src[len(src)-1-n] == '=' {
		n++
	}
	return n
}

// AppendEngineText appends the text form of p: type digit and data, or "b" and base64 for a binary message.
func AppendEngineText(dst []byte, p EnginePacket) []byte {
	if p.binary() {
		return base64.StdEncoding.AppendEncode(append(dst, 'b'), p.Data)
	}
	return append(append(dst, '0'+byte(p.Type)), p.Data...)
}

// engineTextSize is the number of bytes that AppendEngineText appends.
func engineTextSize(p EnginePacket) int {
	if p.binary() {
		return 1 + base64.StdEncoding.EncodedLen(len(p.Data))
	}
	return 1 + len(p.Data)
}
