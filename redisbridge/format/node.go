package format

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/tinylib/msgp/msgp"
)

// node is one value of a message as it came, JSON or MessagePack: exactly one of both is set, and it is a whole value. What lies
// in it is looked at when it is asked for.
type node struct {
	text   []byte
	packed []byte
}

// parse makes the node of a whole payload, by its first byte. Nothing may follow it.
func parse(payload []byte) (node, error) {
	if len(payload) == 0 {
		return node{}, malformed("empty")
	}
	if payload[0] == '{' {
		if !validJSON(payload) {
			return node{}, malformed("no JSON")
		}
		return node{text: payload}, nil
	}
	rest, err := skip(payload)
	if err != nil {
		return node{}, err
	}
	if len(rest) > 0 {
		return node{}, malformed("bytes after the value")
	}
	return node{packed: payload}, nil
}

func malformed(why string) error { return fmt.Errorf("%w: %s", ErrMalformed, why) }

// skip returns what follows the first MessagePack value. However deep that nests, it takes no more memory.
func skip(data []byte) (rest []byte, err error) {
	rest = data
	for open := 1; open > 0; open-- {
		count := uint32(0)
		switch msgp.NextType(rest) {
		case msgp.MapType:
			count, rest, err = msgp.ReadMapHeaderBytes(rest)
			open += int(count) // the keys
		case msgp.ArrayType:
			count, rest, err = msgp.ReadArrayHeaderBytes(rest)
		default:
			rest, err = msgp.Skip(rest)
		}
		if open += int(count); err != nil || open-1 > len(rest) {
			return nil, malformed("no MessagePack")
		}
	}
	return rest, nil
}

// exists tells whether there is a value.
func (n node) exists() bool { return n.text != nil || n.packed != nil }

// fields calls f with each member of a map, in order. Keys that are no strings are passed over. key is only valid in f.
func (n node) fields(f func(key []byte, value node) error) error {
	if n.packed == nil {
		return n.members(f)
	}
	count, rest, err := msgp.ReadMapHeaderBytes(n.packed)
	if err != nil {
		return malformed("no map")
	}
	for range count {
		key, after, keyErr := msgp.ReadStringZC(rest)
		if keyErr != nil {
			if after, err = skip(rest); err != nil {
				return err
			}
		}
		if rest, err = skip(after); err != nil {
			return err
		}
		if keyErr != nil {
			continue
		}
		if err := f(key, node{packed: slices.Clip(after[:len(after)-len(rest)])}); err != nil {
			return err
		}
	}
	return nil
}

func (n node) members(f func(key []byte, value node) error) error {
	if n.text[0] != '{' {
		return malformed("no object")
	}
	i := 1
	for {
		start, end, ok := nextElement(n.text, i)
		if !ok {
			return nil
		}
		key := unquoted(n.text[start:end])
		start, i, _ = nextElement(n.text, end)
		if err := f(key, node{text: n.text[start:i:i]}); err != nil {
			return err
		}
	}
}

// elements calls f with each element of an array. size is at least the number of elements, and not more than bytes.
func (n node) elements(f func(i, size int, value node) error) error {
	if n.packed == nil {
		return n.items(f)
	}
	count, rest, err := msgp.ReadArrayHeaderBytes(n.packed)
	if err != nil || int64(count) > int64(len(rest)) {
		return malformed("no array")
	}
	for i := range int(count) {
		value := rest
		if rest, err = skip(rest); err != nil {
			return err
		}
		if err := f(i, int(count), node{packed: slices.Clip(value[:len(value)-len(rest)])}); err != nil {
			return err
		}
	}
	return nil
}

func (n node) items(f func(i, size int, value node) error) error {
	if n.text[0] != '[' {
		return malformed("no array")
	}
	at := 1
	for i := 0; ; i++ {
		start, end, ok := nextElement(n.text, at)
		if !ok {
			return nil
		}
		if err := f(i, 1+i, node{text: n.text[start:end:end]}); err != nil {
			return err
		}
		at = end
	}
}

// null tells whether the value is null or, in MessagePack, undefined.
func (n node) null() bool {
	if n.packed == nil {
		return string(n.text) == "null"
	}
	return n.packed[0] == 0xc0 || len(n.packed) == 3 && n.packed[0] == 0xd4 && n.packed[1] == 0
}

func (n node) isMap() bool {
	if n.packed == nil {
		return n.text[0] == '{'
	}
	return msgp.NextType(n.packed) == msgp.MapType
}

func (n node) isArray() bool {
	if n.packed == nil {
		return n.text[0] == '['
	}
	return msgp.NextType(n.packed) == msgp.ArrayType
}

func (n node) isText() bool {
	if n.packed == nil {
		return n.text[0] == '"'
	}
	return msgp.NextType(n.packed) == msgp.StrType
}

// bytes returns a string, sharing memory with it where it can. A number stands for its text in JavaScript: rooms may be numbers.
func (n node) bytes() ([]byte, error) {
	switch {
	case !n.isText():
		f, err := n.float()
		if err != nil {
			return nil, malformed("no string")
		}
		return jsontext.AppendFloat(nil, f, 64), nil
	case n.packed == nil:
		return unquoted(n.text), nil
	default:
		s, _, err := msgp.ReadStringZC(n.packed)
		if err != nil {
			return nil, malformed("no string")
		}
		return s, nil
	}
}

func (n node) string() (string, error) {
	s, err := n.bytes()
	if len(s) == 1 && s[0] == '/' {
		return "/", err // the most frequent namespace costs nothing
	}
	return string(s), err
}

// float returns a number; it is neither infinite nor NaN.
func (n node) float() (float64, error) {
	var f float64
	var err error
	if n.packed == nil {
		if c := n.text[0]; c != '-' && (c < '0' || c > '9') {
			return 0, malformed("no number")
		}
		f, err = strconv.ParseFloat(string(n.text), 64)
	} else {
		f, err = packedFloat(n.packed)
	}
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return 0, malformed("no number")
	}
	return f, nil
}

func packedFloat(packed []byte) (float64, error) {
	switch msgp.NextType(packed) { //nolint:exhaustive // the rest are no numbers
	case msgp.UintType:
		u, _, err := msgp.ReadUint64Bytes(packed)
		return float64(u), err
	case msgp.IntType:
		i, _, err := msgp.ReadInt64Bytes(packed)
		return float64(i), err
	case msgp.Float64Type, msgp.Float32Type:
		f, _, err := msgp.ReadFloat64Bytes(packed) // reads both
		return f, err
	}
	return 0, ErrMalformed
}

// count returns a number that counts something: whole, and not below zero.
func (n node) count() (int, error) {
	f, err := n.float()
	if err != nil || f < 0 || f > math.MaxInt32 || f != math.Trunc(f) {
		return 0, malformed("no count")
	}
	return int(f), nil
}

// truth tells whether the value is true.
func (n node) truth() bool {
	if n.packed == nil {
		return string(n.text) == "true"
	}
	b, _, err := msgp.ReadBoolBytes(n.packed)
	return err == nil && b
}

// strings returns an array of strings; null is none.
func (n node) strings() ([]string, error) {
	if n.null() {
		return nil, nil
	}
	var all []string
	err := n.elements(func(_, size int, v node) error {
		s, err := v.string()
		if all == nil {
			all = make([]string, 0, size)
		}
		all = append(all, s)
		return err
	})
	return all, err
}

// payload is the value as it is.
func (n node) payload() Payload { return Payload{text: n.text, packed: n.packed} }

// alone is an array whose only element is the value.
func (n node) alone() Payload {
	if n.packed == nil {
		return Payload{text: enclose(n.text)}
	}
	return Payload{packed: append(append(make([]byte, 0, 1+len(n.packed)), 0x91), n.packed...)}
}

// enclose makes the JSON array whose only element is text.
func enclose(text []byte) []byte {
	out := append(make([]byte, 0, len(text)+2), '[')
	return append(append(out, text...), ']')
}
