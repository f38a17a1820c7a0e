package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"
)

// MaxControlPayload is what the payload of a control frame has at most, in bytes (RFC 6455, section 5.5).
const MaxControlPayload = 125

// MaxFrameHeader is the length of the longest frame header, in bytes.
const MaxFrameHeader = 14

const (
	reservedBits = 0x30 // RSV2 and RSV3
	maskBit      = 0x80
	controlBit   = 0x8
)

// IsControl reports whether frames of this type are control frames, which may come between the fragments of a message.
func (o Opcode) IsControl() bool { return o&controlBit != 0 }

// FrameHeader is the header of a frame that was received (RFC 6455, section 5.2).
type FrameHeader struct {
	// As RFC 6455 names them.
	Fin    bool
	RSV1   bool // the message is compressed (RFC 7692)
	Masked bool
	Opcode Opcode
	Length int    // of the payload, in bytes
	Key    uint32 // to unmask it with
}

// FrameHeaderSize tells from the second byte of a frame how long its header is.
func FrameHeaderSize(second byte) int {
	size := 2
	switch second &^ maskBit {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	if second&maskBit != 0 {
		size += 4
	}
	return size
}

// DecodeFrameHeader decodes a header, of which b is the whole. ErrFrame says that no peer may send it: an unknown type,
// reserved bits, a control frame that is fragmented or too long, a length beyond 2^63. What depends on the frames before, or on
// what was negotiated, is left to the caller.
func DecodeFrameHeader(b []byte) (FrameHeader, error) {
	if len(b) < 2 || len(b) != FrameHeaderSize(b[1]) {
		return FrameHeader{}, fmt.Errorf("%w: header of %d bytes", ErrFrame, len(b))
	}
	h := FrameHeader{
		Fin: b[0]&finBit != 0, RSV1: b[0]&rsv1Bit != 0, Masked: b[1]&maskBit != 0, Opcode: Opcode(b[0] & 0x0f),
		Length: int(b[1] &^ maskBit),
	}
	switch h.Length {
	case 126:
		h.Length = int(binary.BigEndian.Uint16(b[2:]))
	case 127:
		length := binary.BigEndian.Uint64(b[2:])
		if length > math.MaxInt {
			return FrameHeader{}, fmt.Errorf("%w: length %#x", ErrFrame, length)
		}
		h.Length = int(length)
	}
	if h.Masked {
		h.Key = binary.LittleEndian.Uint32(b[len(b)-4:])
	}
	return h, h.check(b[0])
}

func (h *FrameHeader) check(first byte) error {
	switch h.Opcode {
	case Continuation, Text, Binary:
	case CloseFrame, PingFrame, PongFrame:
		if !h.Fin || h.RSV1 || h.Length > MaxControlPayload {
			return fmt.Errorf("%w: control frame of %d bytes, final %t, compressed %t", ErrFrame, h.Length, h.Fin, h.RSV1)
		}
	default:
		return fmt.Errorf("%w: type %#x", ErrFrame, byte(h.Opcode))
	}
	if first&reservedBits != 0 {
		return fmt.Errorf("%w: reserved bits %#x", ErrFrame, first&reservedBits)
	}
	return nil
}

// Unmask undoes the masking of a whole payload in place (RFC 6455, section 5.3).
func Unmask(payload []byte, key uint32) {
	if key == 0 {
		return
	}
	wide := uint64(key)<<32 | uint64(key)
	for len(payload) >= 8 {
		binary.LittleEndian.PutUint64(payload, binary.LittleEndian.Uint64(payload)^wide)
		payload = payload[8:]
	}
	for i := range payload {
		payload[i] ^= byte(wide >> (8 * i)) //nolint:gosec // the low byte is what is wanted
	}
}

// DecodeClose gives the code and reason of a close frame's payload; without one the code is NoCloseCode. ErrFrame says that the
// payload is none that a peer may send, ErrUTF8 as well that its reason is no text.
func DecodeClose(payload []byte) (code uint16, reason string, err error) {
	if len(payload) == 0 {
		return NoCloseCode, "", nil
	}
	if len(payload) == 1 {
		return 0, "", fmt.Errorf("%w: close payload of one byte", ErrFrame)
	}
	code = binary.BigEndian.Uint16(payload)
	if !sendableCode(code) {
		return 0, "", fmt.Errorf("%w: close code %d", ErrFrame, code)
	}
	if !utf8.Valid(payload[2:]) {
		return 0, "", fmt.Errorf("%w: close reason: %w", ErrFrame, ErrUTF8)
	}
	return code, string(payload[2:]), nil
}

// NoCloseCode stands for a close frame without a code (RFC 6455, section 7.4.1); no frame carries it.
const NoCloseCode = 1005

// sendableCode tells which close codes a frame may carry: those that RFC 6455, section 7.4, defines or sets aside, and what was
// registered since.
func sendableCode(code uint16) bool {
	switch {
	case code >= 3000 && code < 5000:
		return true
	case code == 1004, code == NoCloseCode, code == 1006, code == 1015:
		return false
	default:
		return code >= 1000 && code <= 1014
	}
}
