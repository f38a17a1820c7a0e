package wire

import (
	"encoding/base64"
	"iter"
	"sync"
	"sync/atomic"
)

// headerRoom is the size of most headers. A longer one costs an allocation.
const headerRoom = 64

// fewAttachments is the number of attachments that are collected without growing a slice.
const fewAttachments = 2

// Prepared is one Socket.IO packet, or any Engine.IO packets, in the form in which all receivers get it: encoded once,
// shared by everybody. It is immutable and safe for concurrent use. It must not be copied.
type Prepared struct {
	frames  []byte // websocket frames, final and unmasked, back to back
	payload int    // size of the polling form
	array   span   // the JSON of an event in frames; empty when it is none

	deflate  sync.Once
	deflated []byte

	related atomic.Pointer[related] // nil until it has a relative
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

// prepareMessage prepares the packet p, whose JSON and attachments are given.
func prepareMessage(p *Packet, json []byte, attachments [][]byte) *Prepared {
	var room [headerRoom]byte
	header := appendHeader(room[:0], p)
	text := 1 + len(header) + len(json)
	size, payload := frameHeaderSize(text)+text, text
	for _, a := range attachments {
		size += frameHeaderSize(len(a)) + len(a)
		payload += 2 + base64.StdEncoding.EncodedLen(len(a))
	}
	frames := AppendFrameHeader(make([]byte, 0, size), true, false, Text, text)
	frames = append(frames, '0'+byte(EngineMessage))
	frames = append(append(frames, header...), json...)
	var array span
	if p.Type == Event || p.Type == BinaryEvent {
		array = span{len(frames) - len(json), len(frames)}
	}
	for _, a := range attachments {
		frames = AppendFrame(frames, Binary, a)
	}
	return &Prepared{frames: frames, payload: payload, array: array}
}

// Event returns the JSON array of an event, its name and arguments, and the attachments that placeholders in it refer to;
// ok is false when p is something else. The attachments are nil when it has none. Both are shared and must not be
// modified.
func (p *Prepared) Event() (array []byte, attachments [][]byte, ok bool) {
	p = p.canonical()
	if p.array.end == 0 {
		return nil, nil, false
	}
	rest := p.frames[p.array.end:]
	if len(rest) > 0 {
		attachments = make([][]byte, 0, fewAttachments)
	}
	for len(rest) > 0 {
		var data []byte
		_, data, rest = cutFrame(rest)
		attachments = append(attachments, data)
	}
	return p.frames[p.array.start:p.array.end:p.array.end], attachments, true
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
