package msgpack

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/tinylib/msgp/msgp"

	"github.com/actio-go/actio/wire"
	"github.com/actio-go/actio/wire/internal/lex"
)

// firstRoom bounds the room that is made for text before any of it is there.
const firstRoom = 16 << 10

// ReadJSON reads one MessagePack value, appends it to dst as JSON text, and returns what follows it in data. Each bin
// becomes a placeholder, numbered from len(attachments) on, and is appended to attachments; it shares memory with data.
//
// Integers keep all their digits. A float64 is written as JavaScript prints it, except that integers below 1e21 keep all
// their digits, too, and negative zero its sign; a float32 is the float64 of the same value. NaN and the infinities become
// null, as with JSON.stringify, and so does the undefined of notepack.io. Timestamps and the Date of notepack.io
// become strings in the form of Date.prototype.toISOString, or null out of its range. The ArrayBuffer of notepack.io is a
// bin. A key that is a number, a boolean or nil becomes the string that JavaScript makes of it, a key that is a bin its
// text. Strings that are not UTF-8 get U+FFFD for what is not. A map that looks like a placeholder is copied like any other.
//
// Time and memory are linear in what was read. Error: ErrMalformed, when data is truncated, nests deeper than 64 levels or
// holds something else. Then text is dst, atts is attachments, and rest is data.
func ReadJSON(dst []byte, attachments [][]byte, data []byte) (text []byte, atts [][]byte, rest []byte, err error) {
	text, atts, rest, err = readJSON(slices.Grow(dst, room(data)), attachments, data, math.MaxInt)
	if err != nil {
		text = dst
	}
	return text, atts, rest, err
}

// room is what the text of data takes, or a part of it.
func room(data []byte) int { return min(len(data)+len(data)/2, firstRoom) }

// readJSON is ReadJSON with at most so many attachments; more are wire.ErrTooManyAttachments.
func readJSON(dst []byte, attachments [][]byte, data []byte, most int) (text []byte, atts [][]byte, rest []byte, err error) {
	u := unpacker{out: dst, attachments: attachments, data: data, most: most}
	if err := u.value(0); err != nil {
		return dst, attachments, data, fmt.Errorf("%w: %w at byte %d", ErrMalformed, err, len(data)-len(u.data))
	}
	return u.out, u.attachments, u.data, nil
}

// unpacker appends the JSON of MessagePack.
type unpacker struct {
	out         []byte
	attachments [][]byte
	data        []byte // what was not read yet
	most        int    // attachments
}

// value reads a value inside of depth arrays and maps.
func (u *unpacker) value(depth int) error {
	switch msgp.NextType(u.data) {
	case msgp.StrType:
		return u.str()
	case msgp.IntType, msgp.UintType:
		return u.integer()
	case msgp.Float64Type, msgp.Float32Type:
		return u.float()
	case msgp.BoolType:
		return u.boolean()
	case msgp.NilType:
		u.data, u.out = u.data[1:], append(u.out, "null"...)
		return nil
	case msgp.MapType:
		return u.object(depth + 1)
	case msgp.ArrayType:
		return u.array(depth + 1)
	case msgp.BinType:
		return u.bin()
	case msgp.InvalidType:
		return u.invalid()
	default:
		return u.extension()
	}
}

// invalid says why there is no value.
func (u *unpacker) invalid() error {
	if len(u.data) == 0 {
		return errTruncated
	}
	return errType
}

func (u *unpacker) str() error {
	text, rest, err := msgp.ReadStringZC(u.data)
	if err != nil {
		return errTruncated
	}
	u.data = rest
	u.quote(text)
	return nil
}

// quote appends text as a JSON string.
func (u *unpacker) quote(text []byte) {
	if lex.Plain(text, 0) == len(text) && utf8.Valid(text) {
		u.out = append(u.out, '"')
		u.out = append(u.out, text...)
		u.out = append(u.out, '"')
		return
	}
	u.out, _ = jsontext.AppendQuote(u.out, text) // the error reports what was replaced
}

func (u *unpacker) bin() error {
	data, rest, err := msgp.ReadBytesZC(u.data)
	if err != nil {
		return errTruncated
	}
	u.data = rest
	return u.attach(data)
}

// attach appends the placeholder of data.
func (u *unpacker) attach(data []byte) error {
	if len(u.attachments) >= u.most {
		return wire.ErrTooManyAttachments
	}
	u.out = appendPlaceholder(u.out, len(u.attachments))
	u.attachments = append(u.attachments, slices.Clip(data))
	return nil
}

func (u *unpacker) integer() error {
	if msgp.NextType(u.data) == msgp.UintType {
		n, rest, err := msgp.ReadUint64Bytes(u.data)
		if err != nil {
			return errTruncated
		}
		u.data, u.out = rest, strconv.AppendUint(u.out, n, 10)
		return nil
	}
	n, rest, err := msgp.ReadInt64Bytes(u.data)
	if err != nil {
		return errTruncated
	}
	u.data, u.out = rest, strconv.AppendInt(u.out, n, 10)
	return nil
}

func (u *unpacker) float() error {
	f, err := u.readFloat()
	if err != nil {
		return err
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		u.out = append(u.out, "null"...)
	} else {
		u.out = appendFloat(u.out, f)
	}
	return nil
}

func (u *unpacker) readFloat() (float64, error) {
	f, rest, err := msgp.ReadFloat64Bytes(u.data) // reads a float32, too
	if err != nil {
		return 0, errTruncated
	}
	u.data = rest
	return f, nil
}

func (u *unpacker) boolean() error {
	b, rest, err := msgp.ReadBoolBytes(u.data)
	if err != nil {
		return errTruncated
	}
	u.data, u.out = rest, strconv.AppendBool(u.out, b)
	return nil
}

func (u *unpacker) array(depth int) error {
	n, rest, err := msgp.ReadArrayHeaderBytes(u.data)
	switch {
	case depth > maxDepth:
		return errDepth
	case err != nil || uint64(n) > uint64(len(rest)): // an element has at least one byte
		return errTruncated
	}
	u.data = rest
	u.out = append(u.out, '[')
	for i := range n {
		if i > 0 {
			u.out = append(u.out, ',')
		}
		if err := u.value(depth); err != nil {
			return err
		}
	}
	u.out = append(u.out, ']')
	return nil
}

func (u *unpacker) object(depth int) error {
	n, rest, err := msgp.ReadMapHeaderBytes(u.data)
	switch {
	case depth > maxDepth:
		return errDepth
	case err != nil || 2*uint64(n) > uint64(len(rest)): // a key and a value have at least one byte each
		return errTruncated
	}
	u.data = rest
	u.out = append(u.out, '{')
	for i := range n {
		if i > 0 {
			u.out = append(u.out, ',')
		}
		if err := u.key(); err != nil {
			return err
		}
		u.out = append(u.out, ':')
		if err := u.value(depth); err != nil {
			return err
		}
	}
	u.out = append(u.out, '}')
	return nil
}

// key reads the key of a map.
func (u *unpacker) key() (err error) {
	switch msgp.NextType(u.data) {
	case msgp.StrType:
		return u.str()
	case msgp.BinType:
		text, rest, err := msgp.ReadBytesZC(u.data)
		if err != nil {
			return errTruncated
		}
		u.data = rest
		u.quote(text)
		return nil
	case msgp.Float64Type, msgp.Float32Type:
		f, err := u.readFloat()
		if err != nil {
			return err
		}
		u.out = append(appendName(append(u.out, '"'), f), '"')
		return nil
	case msgp.IntType, msgp.UintType, msgp.BoolType, msgp.NilType:
		u.out = append(u.out, '"')
		err := u.value(0)
		u.out = append(u.out, '"')
		return err
	case msgp.InvalidType:
		return u.invalid()
	default:
		return errKey
	}
}

// appendName appends what JavaScript makes of a number that is the name of a property.
func appendName(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	case f == 0:
		return append(dst, '0')
	default:
		return jsontext.AppendFloat(dst, f, 64)
	}
}
