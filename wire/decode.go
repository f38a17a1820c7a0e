package wire

import (
	"bytes"
	"cmp"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// decode decodes the argument at the given place.
func (a Args) decode(at span, v any) error {
	raw := a.data[at.start:at.end:at.end]
	if text, ok := v.(*string); ok && text != nil && plainText(raw) {
		*text = string(raw[1 : len(raw)-1])
		return nil
	}
	d, _ := decoders.Get().(*decoder)
	defer d.release()
	if a.enclosed == nil {
		return json.Unmarshal(raw, v, d.text)
	}
	d.raw, d.offset, d.enclosed = raw, at.start, a.enclosed
	return json.Unmarshal(raw, v, d.mixed)
}

// plainText reports whether raw, which is JSON, is a string that stands for itself: the most frequent of all arguments.
func plainText(raw []byte) bool { return raw[0] == '"' && bytes.IndexByte(raw, '\\') < 0 }

// decoders holds what decoding reuses: functions that are registered for types of Go, and what is known of these types.
//
//nolint:gochecknoglobals // a pool is a cache; nobody can tell whether it is there
var decoders = sync.Pool{New: func() any { return newDecoder() }}

// decoder carries the attachments to where the JSON library asks for a value.
type decoder struct {
	text  json.Options // for arguments without attachments
	mixed json.Options // for arguments with attachments, which raw, offset and enclosed describe

	raw      []byte
	offset   int // of raw in the text that the marks refer to
	enclosed *enclosed
	source   *jsontext.Decoder // reads raw; nil until it asks for the first value
}

func newDecoder() *decoder {
	d := &decoder{}
	numbers := json.UnmarshalFromFunc(decodeNumber)
	d.text = json.JoinOptions(jsonv1.DefaultOptionsV1(), json.WithUnmarshalers(numbers))
	d.mixed = json.JoinOptions(d.text,
		json.WithUnmarshalers(json.JoinUnmarshalers(json.UnmarshalFromFunc(d.attach), numbers)))
	return d
}

func (d *decoder) release() {
	d.raw, d.offset, d.enclosed, d.source = nil, 0, nil, nil
	decoders.Put(d)
}

// decodeNumber knows the number type of the standard library, which the JSON library in use does not.
func decodeNumber(dec *jsontext.Decoder, n *stdjson.Number) error {
	return json.UnmarshalDecode(dec, (*jsonv1.Number)(n))
}

// attach puts an attachment into v if the next value is a placeholder, and leaves all other values to the library. v
// points to any Go value that is about to be decoded.
func (d *decoder) attach(dec *jsontext.Decoder, v any) error {
	if d.source == nil {
		d.source = dec
	}
	if d.source != dec { // a method of a type decodes something else with the same options
		return errors.ErrUnsupported
	}
	b, found := d.next(int(dec.InputOffset()))
	if !found {
		return errors.ErrUnsupported
	}
	switch v := v.(type) {
	case json.Unmarshaler, json.UnmarshalerFrom:
		return errors.ErrUnsupported
	case *[]byte:
		*v = b
	case *any:
		*v = b
	default:
		if done, err := assign(reflect.ValueOf(v).Elem(), b); !done {
			return err
		}
	}
	return dec.SkipValue()
}

// next returns the attachment that stands where the value after i begins.
func (d *decoder) next(i int) ([]byte, bool) {
	for i < len(d.raw) && (isSpace(d.raw[i]) || d.raw[i] == ',' || d.raw[i] == ':') {
		i++
	}
	n, found := slices.BinarySearchFunc(d.enclosed.marks, d.offset+i, func(m mark, at int) int {
		return cmp.Compare(m.start, at)
	})
	if !found {
		return nil, false
	}
	return d.enclosed.attachments[d.enclosed.marks[n].num], true
}

// assign sets v to b if it is some slice of bytes or an interface that takes one. A pointer is left to the library,
// which makes what it points to and comes back for that.
func assign(v reflect.Value, b []byte) (done bool, err error) {
	bytes := reflect.TypeFor[[]byte]()
	switch {
	case v.Kind() == reflect.Pointer:
		return false, errors.ErrUnsupported
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		v.SetBytes(b)
		return true, nil
	case v.Kind() == reflect.Interface && bytes.AssignableTo(v.Type()):
		v.Set(reflect.ValueOf(b))
		return true, nil
	default:
		return false, fmt.Errorf("attachment into Go value of type %v", v.Type())
	}
}
