package format

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/tinylib/msgp/msgp"

	"github.com/actio-go/actio/wire"
	"github.com/actio-go/actio/wire/msgpack"
)

// exactly is the JSON text of a value with numbers that MessagePack cannot carry, which goes beside the MessagePack for instances
// of actio. The attachments are those of the MessagePack.
type exactly struct {
	text  []byte
	order []int // which placeholder each binary part of the MessagePack belongs to; nil: they are numbered as they come
	event bool  // the value is one
}

// maxSpare bounds how many attachments of a text no placeholder may refer to.
const maxSpare = 1024

// exactText is what goes beside the MessagePack of p; nil when too many of its attachments are of no use.
func exactText(p Payload) *exactly {
	e := &exactly{text: p.text}
	if len(p.attachments) == 0 {
		return e
	}
	numbers := make([][]byte, len(p.attachments))
	for i := range numbers {
		numbers[i] = binary.AppendUvarint(nil, uint64(i))
	}
	out, _, err := msgpack.AppendJSON(nil, p.text, numbers)
	if err != nil {
		return nil
	}
	found := binaries(out)
	plain := true
	for i, b := range found {
		n, _ := binary.Uvarint(b)
		if n >= uint64(len(found)+maxSpare) {
			return nil
		}
		e.order = append(e.order, int(n)) //nolint:gosec // checked
		plain = plain && int(n) == i      //nolint:gosec // checked
	}
	if plain {
		e.order = nil
	}
	return e
}

// binaries returns the binary parts of MessagePack in their order.
func binaries(packed []byte) (found [][]byte) {
	for rest := packed; len(rest) > 0; {
		var err error
		switch msgp.NextType(rest) {
		case msgp.MapType:
			_, rest, err = msgp.ReadMapHeaderBytes(rest)
		case msgp.ArrayType:
			_, rest, err = msgp.ReadArrayHeaderBytes(rest)
		case msgp.BinType:
			var b []byte
			if b, rest, err = msgp.ReadBytesZC(rest); err == nil {
				found = append(found, slices.Clip(b))
			}
		default:
			rest, err = msgp.Skip(rest)
		}
		if err != nil {
			return found
		}
	}
	return found
}

// write appends the text, with the order of the binary parts when it has to be said.
func (e *exactly) write(w *writer) {
	if e.order == nil {
		w.out = msgp.AppendStringFromBytes(w.out, e.text)
		return
	}
	w.array(1 + len(e.order))
	w.out = msgp.AppendStringFromBytes(w.out, e.text)
	for _, n := range e.order {
		w.number(n)
	}
	w.endArray()
}

// exactly reads such a text.
func (n node) exactly() (*exactly, error) {
	e := &exactly{}
	var err error
	if n.isText() {
		e.text, err = n.bytes()
		return e, err
	}
	err = n.elements(func(i, size int, v node) (err error) {
		if i == 0 {
			e.text, err = v.bytes()
			e.order = make([]int, 0, size-1)
			return err
		}
		number, err := v.count()
		e.order = append(e.order, number)
		return err
	})
	return e, err
}

// json returns the text and its attachments, the binary parts of packed, when both fit to each other.
func (e *exactly) json(packed []byte) (text []byte, attachments [][]byte, err error) {
	found := binaries(packed)
	attachments = found
	if e.order != nil {
		if len(e.order) != len(found) {
			return nil, nil, malformed("text of another value")
		}
		attachments = nil
		for i, n := range e.order {
			if n >= len(found)+maxSpare {
				return nil, nil, malformed("number of an attachment")
			}
			if n >= len(attachments) {
				attachments = append(attachments, make([][]byte, n+1-len(attachments))...)
			}
			attachments[n] = found[i]
		}
	}
	args, err := wire.ArgsOf(enclose(e.text), attachments)
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	case args.Len() != 1:
		return nil, nil, malformed("text of several values")
	}
	text = args.Raw(0)
	if e.event && !(node{text: text}).event() {
		return nil, nil, malformed("text of no event")
	}
	return text, attachments, nil
}
