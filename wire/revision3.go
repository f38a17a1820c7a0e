package wire

import (
	"encoding/base64"
	"unicode/utf8"
)

// The third revision of Engine.IO, that of Socket.IO 2, has the same packets in other forms: binary messages begin with their
// type in both, and payloads tell the length of each packet. Who pings whom is not the business of this package.

// DecodeEngineText3 is DecodeEngineText for revision 3: the base64 form of a binary message is "b4" followed by base64.
func DecodeEngineText3(data []byte) (EnginePacket, error) {
	if len(data) == 0 || data[0] != 'b' {
		return DecodeEngineText(data)
	}
	if len(data) == 1 || data[1] != '0'+byte(EngineMessage) {
		return EnginePacket{}, &DecodeError{Err: ErrEngineType, Offset: 1}
	}
	p, err := decodeBase64(data[2:])
	return p, shift(err, 1)
}

// DecodeEngineBinary3 is DecodeEngineBinary for revision 3: the first byte is the packet type, and only messages are binary. Data
// aliases data. Errors: ErrEngineType, in a *DecodeError.
func DecodeEngineBinary3(data []byte) (EnginePacket, error) {
	if len(data) == 0 || EngineType(data[0]) != EngineMessage {
		return EnginePacket{}, &DecodeError{Err: ErrEngineType}
	}
	return DecodeEngineBinary(data[1:]), nil
}

// AppendEngineText3 is AppendEngineText for revision 3.
func AppendEngineText3(dst []byte, p EnginePacket) []byte {
	if p.binary() {
		return base64.StdEncoding.AppendEncode(append(dst, 'b', '0'+byte(EngineMessage)), p.Data)
	}
	return AppendEngineText(dst, p)
}

// Revision3 returns the form of p for websockets of revision 3, which is p itself without binary messages; with onlyText binary
// messages become text, for clients that know nothing else. It is made once and shared like p. Its polling form is not theirs:
// see AppendPayload3.
func (p *Prepared) Revision3(onlyText bool) *Prepared {
	if !p.HasBinary() {
		return p
	}
	r := p.relatives()
	form := &r.revision3
	if onlyText {
		form = &r.revision3Text
	}
	form.once.Do(func() { form.prepared = p.revision3(onlyText) })
	return form.prepared
}

// HasBinary tells whether p has a binary message. What has several packets has text first, unless a Parser has made it.
func (p *Prepared) HasBinary() bool {
	for rest := p.frames; len(rest) > 0; {
		var op Opcode
		if op, _, rest = cutFrame(rest); op == Binary {
			return true
		}
	}
	return false
}

func (p *Prepared) revision3(onlyText bool) *Prepared {
	frames := make([]byte, 0, len(p.frames)+len(p.frames)/2)
	for packet := range p.Packets() {
		switch {
		case !packet.binary():
			frames = appendEngineFrame(frames, packet)
		case onlyText:
			size := 2 + base64.StdEncoding.EncodedLen(len(packet.Data))
			frames = AppendEngineText3(AppendFrameHeader(frames, true, false, Text, size), packet)
		default:
			frames = AppendFrameHeader(frames, true, false, Binary, 1+len(packet.Data))
			frames = append(append(frames, byte(EngineMessage)), packet.Data...)
		}
	}
	formed := &Prepared{frames: frames, payload: p.payload}
	formed.related.Store(&related{canonical: p.canonical()})
	return formed
}

// units counts the UTF-16 code units of text, which is UTF-8: what JavaScript calls its length.
func units(text []byte) (n int) {
	for _, b := range text {
		n += unitsOf(b)
	}
	return n
}

// unitsOf is what a byte of UTF-8 adds to the units of its text: a first byte the one or two units of its rune.
func unitsOf(b byte) int {
	switch {
	case !utf8.RuneStart(b):
		return 0
	case b >= 0xf0:
		return 2
	default:
		return 1
	}
}
