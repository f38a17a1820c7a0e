package wire

import (
	"encoding/base64"
	"iter"
	"sync"
)

// Prepared is one Socket.IO packet, or any Engine.IO packets, in the form in which all receivers get it: encoded once,
// shared by everybody. It is immutable and safe for concurrent use. It must not be copied.
type Prepared struct {
	frames  []byte // websocket frames, final and unmasked, back to back
	payload int    // size of the polling form

	deflate  sync.Once
	deflated []byte
}

// PrepareEngine prepares Engine.IO packets, whose data is copied.
func PrepareEngine(packets ...EnginePacket) *Prepared {
	size, payload := 0, -1
	for _, p := range packets {
		n := engineFrameSize(p)
		size += frameHeaderSize(n) + n
		payload += 1 + engineTextSize(p)
	}
	frames := make([]byte, 0, size)
	for _, p := range packets {
		frames = appendEngineFrame(frames, p)
	}
	return &Prepared{frames: frames, payload: max(payload, 0)}
}

// engineFrameSize is the payload size of the frame that carries p.
func engineFrameSize(p EnginePacket) int {
	if p.binary() {
		return len(p.Data)
	}
	return 1 + len(p.Data)
}

// appendEngineFrame appends the frame that carries p.
func appendEngineFrame(dst []byte, p EnginePacket) []byte {
	if p.binary() {
		return AppendFrame(dst, Binary, p.Data)
	}
	return AppendEngineText(AppendFrameHeader(dst, true, false, Text, 1+len(p.Data)), p)
}

// prepareMessage prepares a Socket.IO packet, whose text is header and json, with its attachments.
func prepareMessage(header, json []byte, attachments [][]byte) *Prepared {
	text := 1 + len(header) + len(json)
	size, payload := frameHeaderSize(text)+text, text
	for _, a := range attachments {
		size += frameHeaderSize(len(a)) + len(a)
		payload += 2 + base64.StdEncoding.EncodedLen(len(a))
	}
	frames := AppendFrameHeader(make([]byte, 0, size), true, false, Text, text)
	frames = append(frames, '0'+byte(EngineMessage))
	frames = append(append(frames, header...), json...)
	for _, a := range attachments {
		frames = AppendFrame(frames, Binary, a)
	}
	return &Prepared{frames: frames, payload: payload}
}

// WebSocket returns the websocket frames of all its packets, unmasked as servers send them, back to back. The result is
// shared and must not be modified.
func (p *Prepared) WebSocket() []byte { return p.frames }

// Size returns the number of bytes that p counts for against the bound of a queue: the length of WebSocket.
func (p *Prepared) Size() int { return len(p.frames) }

// Packets yields its packets in order. Their data is shared and must not be modified.
func (p *Prepared) Packets() iter.Seq[EnginePacket] {
	return func(yield func(EnginePacket) bool) {
		for rest := p.frames; len(rest) > 0; {
			var packet EnginePacket
			if packet, rest = cutPacket(rest); !yield(packet) {
				return
			}
		}
	}
}

// cutPacket splits the packet off that the first of frames carries.
func cutPacket(frames []byte) (p EnginePacket, rest []byte) {
	op, data, rest := cutFrame(frames)
	if op == Binary {
		return DecodeEngineBinary(data), rest
	}
	return EnginePacket{Type: EngineType(data[0] - '0'), Data: data[1:]}, rest
}

// AppendPayload appends the polling form: its packets separated by PayloadSeparator. What is appended before or after
// needs a separator of its own.
func (p *Prepared) AppendPayload(dst []byte) []byte {
	for rest := p.frames; len(rest) > 0; {
		var packet EnginePacket
		packet, rest = cutPacket(rest)
		dst = AppendEngineText(dst, packet)
		if len(rest) > 0 {
			dst = append(dst, PayloadSeparator)
		}
	}
	return dst
}

// PayloadSize returns the number of bytes that AppendPayload appends.
func (p *Prepared) PayloadSize() int { return p.payload }

// Deflated returns the websocket frames for a receiver that has negotiated permessage-deflate without context takeover:
// those of at least the threshold of d are compressed, unless that does not make them smaller. The first call does the
// work, and its d decides for all; others wait for it. The result is shared and must not be modified. A nil d gives
// WebSocket.
func (p *Prepared) Deflated(d *Deflater) []byte {
	if d == nil {
		return p.frames
	}
	p.deflate.Do(func() { p.deflated = d.frames(p.frames) })
	return p.deflated
}
