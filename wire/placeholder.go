package wire

import (
	"bytes"
	"strconv"
)

// maxDepth bounds the nesting of JSON that is not a peer's, or that was checked before.
const maxDepth = 10_000

// mark is a placeholder in a text, and the attachment that it stands for.
type mark struct {
	span

	num int
}

// markFinder collects the placeholders that a scanner comes across, in the order of the text. All of them must name one
// of the attachments: official clients send no others, so a peer that does is up to something.
type markFinder struct {
	attachments int
	found       []mark
	err         error
}

// placeholder is what is known of an object while its members are read: whether it is a placeholder, and for what. As in
// JavaScript the last of several members with one name counts, and members with other names do not matter.
type placeholder struct {
	is  bool
	num []byte
}

func (p *placeholder) member(name, value []byte) {
	if bytes.IndexByte(name, '\\') >= 0 {
		name = appendQuoted(nil, unquote(name))
	}
	switch string(name) {
	case `"_placeholder"`:
		p.is = string(value) == "true"
	case `"num"`:
		p.num = value
	}
}

// closed notes the object at at, all of whose members p has seen.
func (f *markFinder) closed(at span, p placeholder) {
	if !p.is || f.err != nil {
		return
	}
	num, digits, ok := readDigits(p.num, f.attachments-1)
	if digits == 0 || digits < len(p.num) || !ok {
		f.err = &DecodeError{Err: ErrPlaceholder, Offset: at.start}
		return
	}
	for n := len(f.found); n > 0 && f.found[n-1].start > at.start; n-- {
		f.found = f.found[:n-1] // inside of this one, which is replaced as a whole
	}
	f.found = append(f.found, mark{span: at, num: num})
}

// appendPlaceholder appends what stands for attachment num in the text of a binary packet.
func appendPlaceholder(dst []byte, num int) []byte {
	dst = append(dst, `{"_placeholder":true,"num":`...)
	return append(strconv.AppendInt(dst, int64(num), 10), '}')
}
