package format

import (
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/tinylib/msgp/msgp"

	"github.com/actio-go/actio/wire/msgpack"
)

// writer writes maps and arrays in either form: MessagePack when packed, else JSON. Values follow each other as a reader
// meets them; whoever opens a map or an array says how many elements it has, and closes it.
type writer struct {
	out    []byte
	packed bool
	comma  bool // JSON: the next element needs a comma in front
	err    error
}

// object opens a map and returns the place of its header.
func (w *writer) object(n int) (at int) {
	if w.packed {
		at = len(w.out)
		w.out = msgp.AppendMapHeader(w.out, uint32(n)) //nolint:gosec // a number of members that fit into memory
		return at
	}
	w.open('{')
	return 0
}

func (w *writer) array(n int) {
	if w.packed {
		w.out = msgp.AppendArrayHeader(w.out, uint32(n)) //nolint:gosec // a number of elements that fit into memory
		return
	}
	w.open('[')
}

func (w *writer) open(bracket byte) {
	w.separate()
	w.out = append(w.out, bracket)
	w.comma = false
}

func (w *writer) endObject() { w.end('}') }
func (w *writer) endArray()  { w.end(']') }

func (w *writer) end(bracket byte) {
	if !w.packed {
		w.out = append(w.out, bracket)
		w.comma = true
	}
}

// separate puts the comma between two elements.
func (w *writer) separate() {
	if w.comma {
		w.out = append(w.out, ',')
	}
	w.comma = true
}

func (w *writer) key(name string) {
	w.text(name)
	if !w.packed {
		w.out = append(w.out, ':')
		w.comma = false
	}
}

func (w *writer) text(s string) {
	if w.packed {
		w.out = msgp.AppendString(w.out, s)
		return
	}
	w.separate()
	w.out, _ = jsontext.AppendQuote(w.out, s) // the error reports what was replaced: invalid UTF-8
}

func (w *writer) texts(s []string) {
	w.array(len(s))
	for _, v := range s {
		w.text(v)
	}
	w.endArray()
}

func (w *writer) number(n int) {
	if w.packed {
		w.out = appendInt(w.out, n)
		return
	}
	w.separate()
	w.out = strconv.AppendInt(w.out, int64(n), 10)
}

func appendInt(dst []byte, n int) []byte {
	if n < 0 {
		return msgp.AppendInt64(dst, int64(n))
	}
	return msgp.AppendUint64(dst, uint64(n))
}

func (w *writer) truth(b bool) {
	if w.packed {
		w.out = msgp.AppendBool(w.out, b)
		return
	}
	w.separate()
	w.out = strconv.AppendBool(w.out, b)
}

// payload writes a payload; an absent one is null. In MessagePack the result is what should stand beside it, if anything.
func (w *writer) payload(p Payload) (beside *exactly) {
	switch {
	case p.IsZero() && w.packed:
		w.out = msgp.AppendNil(w.out)
	case p.IsZero():
		w.raw([]byte("null"))
	case !w.packed:
		w.raw(p.text)
	case p.text == nil:
		w.out = append(w.out, p.packed...)
		return p.exact
	default:
		out, exact, err := msgpack.AppendJSON(w.out, p.text, p.attachments)
		w.out = out
		switch {
		case err != nil:
			w.fail(fmt.Errorf("%w: %w", ErrMalformed, err))
		case !exact:
			return exactText(p)
		}
	}
	return nil
}

// beside adds what stands beside a payload, if anything, to the map whose header is at the given place. The map must have room
// for it in its header: at most 14 members.
func (w *writer) beside(at int, name string, e *exactly) {
	if e == nil {
		return
	}
	w.out[at]++
	w.key(name)
	e.write(w)
}

// raw writes what is JSON already.
func (w *writer) raw(text []byte) {
	w.separate()
	w.out = append(w.out, text...)
}

func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}
