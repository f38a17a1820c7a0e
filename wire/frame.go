package wire

import (
	"encoding/binary"
	"math"
	"strings"
	"unicode/utf8"
)

// Opcode is the type of a websocket frame (RFC 6455, section 5.2).
type Opcode byte

// The opcodes of RFC 6455.
const (
	Continuation Opcode = 0x0
	Text         Opcode = 0x1
	Binary       Opcode = 0x2
	CloseFrame   Opcode = 0x8
	PingFrame    Opcode = 0x9
	PongFrame    Opcode = 0xa
)

const (
	finBit  = 0x80
	rsv1Bit = 0x40
	// maxCloseReason is what a control frame of 125 bytes leaves beside the close code.
	maxCloseReason = 123
)

// AppendFrameHeader appends the header of an unmasked frame, as servers send it, with a payload of length bytes. It
// does not check that control frames are final and have at most 125 bytes.
func AppendFrameHeader(dst []byte, fin, rsv1 bool, op Opcode, length int) []byte {
	first := byte(op)
	if fin {
		first |= finBit
	}
	if rsv1 {
		first |= rsv1Bit
	}
	switch {
	case length < 126:
		return append(dst, first, byte(length)) //nolint:gosec // lengths are not negative
	case length <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, first, 126), uint16(length))
	default:
		return binary.BigEndian.AppendUint64(append(dst, first, 127), uint64(length))
	}
}

// frameHeaderSize is the number of bytes that AppendFrameHeader appends.
func frameHeaderSize(length int) int {
	switch {
	case length < 126:
		return 2
	case length <= math.MaxUint16:
		return 4
	default:
		return 10
	}
}

// AppendFrame appends one complete unmasked frame.
func AppendFrame(dst []byte, op Opcode, payload []byte) []byte {
	return append(AppendFrameHeader(dst, true, false, op, len(payload)), payload...)
}

// AppendCloseFrame appends a close frame. The reason is made valid UTF-8 and cut at 123 bytes, between two runes. Code 0
// gives a close frame without code and reason.
func AppendCloseFrame(dst []byte, code uint16, reason string) []byte {
	if code == 0 {
		return AppendFrameHeader(dst, true, false, CloseFrame, 0)
	}
	reason = strings.ToValidUTF8(reason, string(utf8.RuneError))
	if len(reason) > maxCloseReason {
		end := maxCloseReason
		for !utf8.RuneStart(reason[end]) {
			end--
		}
		reason = reason[:end]
	}
	dst = AppendFrameHeader(dst, true, false, CloseFrame, 2+len(reason))
	return append(binary.BigEndian.AppendUint16(dst, code), reason...)
}

// cutFrame splits the first frame off frames, which this package has built: complete, final and unmasked. The whole
// frame, header included, is frames[:len(frames)-len(rest)].
func cutFrame(frames []byte) (op Opcode, payload, rest []byte) {
	op = Opcode(frames[0] & 0x0f)
	start, length := 2, int(frames[1])
	switch length {
	case 126:
		start, length = 4, int(binary.BigEndian.Uint16(frames[2:]))
	case 127:
		start, length = 10, int(binary.BigEndian.Uint64(frames[2:])) //nolint:gosec // it was an int
	}
	end := start + length
	return op, frames[start:end:end], frames[end:]
}
