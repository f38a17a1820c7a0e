package frames

import (
	"encoding/binary"
	"fmt"
)

// The opcodes of websocket frames that are taken.
const (
	Text   = 0x1
	Binary = 0x2
	Close  = 0x8
	Ping   = 0x9
	Pong   = 0xA
)

const (
	final    = 0x80
	reserved = 0x70
	masked   = 0x80
	length16 = 126
	length64 = 127
)

// Frame is a websocket frame of a server.
type Frame struct {
	Opcode  byte
	Payload []byte // a part of the data that it was cut from
	Size    int    // of the whole frame; zero while it is not complete
}

// Next cuts the first frame off data. A frame that is in parts, masked, compressed or longer than limit is malformed.
func Next(data []byte, limit int) (Frame, error) {
	if len(data) < 2 {
		return Frame{}, nil
	}
	opcode, length := data[0]&0x0f, int(data[1])
	if data[0]&(final|reserved) != final || !known(opcode) || data[1]&masked != 0 {
		return Frame{}, fmt.Errorf("%w: frame header % x", ErrMalformed, data[:2])
	}
	header := 2
	switch length {
	case length16:
		if len(data) < 4 {
			return Frame{}, nil
		}
		header, length = 4, int(binary.BigEndian.Uint16(data[2:]))
	case length64:
		if len(data) < 10 {
			return Frame{}, nil
		}
		long := binary.BigEndian.Uint64(data[2:])
		if long > uint64(limit) {
			return Frame{}, fmt.Errorf("%w: frame of %d bytes", ErrMalformed, long)
		}
		header, length = 10, int(long)
	}
	if length > limit {
		return Frame{}, fmt.Errorf("%w: frame of %d bytes", ErrMalformed, length)
	}
	size := header + length
	if len(data) < size {
		return Frame{}, nil
	}
	return Frame{Opcode: opcode, Payload: data[header:size], Size: size}, nil
}

func known(opcode byte) bool {
	switch opcode {
	case Text, Binary, Close, Ping, Pong:
		return true
	default:
		return false
	}
}

// Append appends a frame of a client. Its mask is zero, which leaves the payload as it is.
func Append(to []byte, opcode byte, payload []byte) []byte {
	to = append(to, final|opcode)
	switch length := len(payload); {
	case length < length16:
		to = append(to, masked|byte(length))
	case length <= 0xffff:
		to = binary.BigEndian.AppendUint16(append(to, masked|length16), uint16(length))
	default:
		to = binary.BigEndian.AppendUint64(append(to, masked|length64), uint64(length))
	}
	return append(append(to, 0, 0, 0, 0), payload...)
}
