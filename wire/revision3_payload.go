package wire

import (
	"math"
	"strconv"
)

// The bytes of binary payloads of revision 3.
const (
	payloadText   = 0    // before the length of text
	payloadBinary = 1    // before the length of a binary message
	payloadEnd    = 0xff // after a length
)

// DecodePayload3 is DecodePayload for revision 3: before each packet stands its length in UTF-16 code units and a colon. A packet
// of no length is skipped, as Node does. Errors: those of DecodeEngineText3, and ErrLength.
func DecodePayload3(body []byte, yield func(EnginePacket) error) error {
	if len(body) == 0 {
		return &DecodeError{Err: ErrLength}
	}
	for i := 0; i < len(body); {
		n, digits, ok := readDigits(body[i:], math.MaxInt32)
		if digits == 0 || !ok || i+digits == len(body) || body[i+digits] != ':' {
			return &DecodeError{Err: ErrLength, Offset: i}
		}
		start := i + digits + 1
		size, ok := sizeOf(body[start:], n)
		if !ok {
			return &DecodeError{Err: ErrLength, Offset: i}
		}
		i = start + size
		if size == 0 {
			continue
		}
		p, err := DecodeEngineText3(body[start:i:i])
		if err != nil {
			return shift(err, start)
		}
		if err := yield(p); err != nil {
			return err
		}
	}
	return nil
}

// sizeOf returns how many bytes the first n code units of text have. It is false when there are less, or when half a character
// would be left.
func sizeOf(text []byte, n int) (size int, ok bool) {
	for ; size < len(text); size++ {
		unit := unitsOf(text[size])
		if unit > 0 && unit > n {
			break
		}
		n -= unit
	}
	return size, n == 0
}

// DecodeBinaryPayload3 decodes a payload of revision 3 that is binary: before each packet stand a byte that tells text from
// binary, the digits of its length in bytes, as numbers, and 0xff. Otherwise it is DecodePayload3. Data aliases body.
func DecodeBinaryPayload3(body []byte, yield func(EnginePacket) error) error {
	for i := 0; i < len(body); {
		kind := body[i]
		size, start, ok := binaryLength(body, i+1)
		if !ok || kind > payloadBinary || size > len(body)-start {
			return &DecodeError{Err: ErrLength, Offset: i}
		}
		i = start + size
		p, err := decodeOf(kind, body[start:i:i])
		if err != nil {
			return shift(err, start)
		}
		if err := yield(p); err != nil {
			return err
		}
	}
	return nil
}

func decodeOf(kind byte, data []byte) (EnginePacket, error) {
	if kind == payloadBinary {
		return DecodeEngineBinary3(data)
	}
	return DecodeEngineText3(data)
}

// binaryLength reads a length and returns where its packet begins.
func binaryLength(body []byte, i int) (n, start int, ok bool) {
	for begin := i; i < len(body); i++ {
		switch digit := body[i]; {
		case digit == payloadEnd:
			return n, i + 1, i > begin
		case digit > 9 || n > math.MaxInt32/10:
			return 0, 0, false
		default:
			n = n*10 + int(digit)
		}
	}
	return 0, 0, false
}

// AppendPayload3 appends the polling form of revision 3, as text. It needs no separators.
func (p *Prepared) AppendPayload3(dst []byte) []byte {
	for packet := range p.Packets() {
		length := 1 + units(packet.Data)
		if packet.binary() {
			length = 1 + engineTextSize(packet)
		}
		dst = append(strconv.AppendInt(dst, int64(length), 10), ':')
		dst = AppendEngineText3(dst, packet)
	}
	return dst
}

// AppendBinaryPayload3 appends the binary polling form of revision 3, which a payload has that holds binary messages.
func (p *Prepared) AppendBinaryPayload3(dst []byte) []byte {
	for packet := range p.Packets() {
		kind, first := byte(payloadText), '0'+byte(packet.Type)
		if packet.binary() {
			kind, first = payloadBinary, byte(packet.Type)
		}
		at := len(dst) + 1
		dst = strconv.AppendInt(append(dst, kind), int64(1+len(packet.Data)), 10)
		for i := at; i < len(dst); i++ {
			dst[i] -= '0'
		}
		dst = append(append(dst, payloadEnd, first), packet.Data...)
	}
	return dst
}
