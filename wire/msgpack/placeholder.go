package msgpack

import (
	"strconv"

	"github.com/tinylib/msgp/msgp"

	"github.com/actio-go/actio/wire"
)

// member is what a member of an object means for a placeholder.
type member uint8

const (
	otherMember member = iota
	placeholderMember
	numMember
)

func memberOf(name []byte) member {
	switch string(name) {
	case "_placeholder":
		return placeholderMember
	case "num":
		return numMember
	default:
		return otherMember
	}
}

// placeholder is what is known of an object while its members are read: whether it is a placeholder, and for what. As in
// package wire the last of several members with one name counts, and members with other names do not matter.
type placeholder struct {
	is  bool
	num []byte
}

func (p *placeholder) member(m member, value []byte) {
	switch m {
	case placeholderMember:
		p.is = string(value) == "true"
	case numMember:
		p.num = value
	case otherMember:
	}
}

// attachment appends the attachment that the placeholder from begin to end numbers.
func (p *packer) attachment(num []byte, begin, end int) int {
	n, err := strconv.ParseUint(string(num), 10, 31)
	if err != nil || n >= uint64(len(p.attachments)) {
		return p.fail(wire.ErrPlaceholder, begin)
	}
	data := p.attachments[n]
	if p.budget -= len(data); p.budget < 0 {
		return p.fail(wire.ErrTooBig, begin)
	}
	p.out = msgp.AppendBytes(p.out, data)
	return end
}

// appendPlaceholder appends what stands for attachment num in text.
func appendPlaceholder(dst []byte, num int) []byte {
	dst = append(dst, `{"_placeholder":true,"num":`...)
	return append(strconv.AppendInt(dst, int64(num), 10), '}')
}
