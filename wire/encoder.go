package wire

import (
	"bytes"
	stdjson "encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// keptBytes is the capacity above which the buffer of an encoder is not kept.
const keptBytes = 64 << 10

// encoders holds what encoding reuses: buffers, functions that are registered for types of Go, and what is known of
// these types.
//
//nolint:gochecknoglobals // a pool is a cache; nobody can tell whether it is there
var encoders = sync.Pool{New: func() any {
	e := &encoder{}
	numbers := json.MarshalToFunc(encodeNumber)
	e.plain = json.JoinOptions(jsonv1.DefaultOptionsV1(), jsontext.EscapeForHTML(false), jsontext.EscapeForJS(false),
		json.WithMarshalers(numbers))
	e.detaching = json.JoinOptions(e.plain,
		json.WithMarshalers(json.JoinMarshalers(json.MarshalToFunc(e.detach), numbers)))
	return e
}}

// encoder builds one packet.
type encoder struct {
	plain     json.Options // JSON without attachments
	detaching json.Options // JSON whose []byte become attachments

	json        bytes.Buffer // the payload
	scratch     []byte
	attachments [][]byte
}

func newEncoder() *encoder {
	e, _ := encoders.Get().(*encoder)
	return e
}

func (e *encoder) release() {
	if e.json.Cap() > keptBytes {
		e.json = bytes.Buffer{}
	}
	e.json.Reset()
	clear(e.attachments)
	e.attachments = e.attachments[:0]
	encoders.Put(e)
}

// finish appends args to the argument list that was begun, closes it, and prepares the packet.
func (e *encoder) finish(p *Packet, args []any) (*Prepared, error) {
	if err := e.arguments(args); err != nil {
		return nil, err
	}
	if len(e.attachments) > 0 {
		p.Type, p.Attachments = p.Type+(BinaryEvent-Event), len(e.attachments)
	}
	return e.prepare(p)
}

// arguments appends args to the argument list that was begun, and closes it.
func (e *encoder) arguments(args []any) error {
	for i, arg := range args {
		if e.json.Len() > 1 {
			e.json.WriteByte(',')
		}
		if err := e.argument(arg); err != nil {
			return fmt.Errorf("%w: argument %d: %w", ErrEncode, i, err)
		}
	}
	e.json.WriteByte(']')
	return nil
}

// copies returns copies of the payload and of the attachments, nil when there are none.
func (e *encoder) copies() (text []byte, attachments [][]byte) {
	size := e.json.Len()
	for _, a := range e.attachments {
		size += len(a)
	}
	all := append(make([]byte, 0, size), e.json.Bytes()...)
	text = slices.Clip(all)
	if len(e.attachments) == 0 {
		return text, nil
	}
	attachments = make([][]byte, len(e.attachments))
	for i, a := range e.attachments {
		start := len(all)
		all = append(all, a...)
		attachments[i] = all[start:len(all):len(all)]
	}
	return text, attachments
}

// argument appends one argument. The common types have a way of their own, which is several times faster.
func (e *encoder) argument(v any) error {
	switch v := v.(type) {
	case nil:
		e.json.WriteString("null")
	case string:
		e.quote(v)
	case bool:
		e.append(strconv.AppendBool(e.space(), v))
	case int:
		e.append(strconv.AppendInt(e.space(), int64(v), 10))
	case int64:
		e.append(strconv.AppendInt(e.space(), v, 10))
	case uint64:
		e.append(strconv.AppendUint(e.space(), v, 10))
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return fmt.Errorf("%v has no JSON", v)
		}
		e.append(jsontext.AppendFloat(e.space(), v, 64))
	case []byte:
		e.attachment(v)
	case stdjson.RawMessage:
		return e.raw(v)
	case jsontext.Value:
		return e.raw(v)
	default:
		return e.marshal(v, e.detaching)
	}
	return nil
}

// space returns room at the end of the payload for append.
func (e *encoder) space() []byte { return e.json.AvailableBuffer() }

// append appends what was put into space.
func (e *encoder) append(b []byte) { e.json.Write(b) }

func (e *encoder) quote(s string) { e.append(appendQuoted(e.space(), s)) }

// attachment appends the placeholder of b, or null if b is nil.
func (e *encoder) attachment(b []byte) {
	if b == nil {
		e.json.WriteString("null")
		return
	}
	e.append(appendPlaceholder(e.space(), len(e.attachments)))
	e.attachments = append(e.attachments, b)
}

// raw appends JSON that the caller has made.
func (e *encoder) raw(b []byte) error {
	if b == nil {
		e.json.WriteString("null")
		return nil
	}
	s := scanner{data: b, depth: maxDepth}
	switch {
	case s.document(0) < 0:
		return &DecodeError{Err: s.err, Offset: s.at}
	case !utf8.Valid(b):
		return ErrUTF8
	}
	e.json.Write(b)
	return nil
}

// marshal appends any value. What the methods of its types do wrong, panics included, ends in an error.
func (e *encoder) marshal(v any, o json.Options) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	start := e.json.Len()
	if err := json.MarshalWrite(&e.json, v, o); err != nil {
		return err
	}
	if !utf8.Valid(e.json.Bytes()[start:]) {
		return ErrUTF8
	}
	return nil
}

// detach is what the JSON library calls for a []byte.
func (e *encoder) detach(enc *jsontext.Encoder, b []byte) error {
	if b == nil {
		return enc.WriteToken(jsontext.Null)
	}
	e.scratch = appendPlaceholder(e.scratch[:0], len(e.attachments))
	e.attachments = append(e.attachments, b)
	return enc.WriteValue(e.scratch)
}

// encodeNumber knows the number type of the standard library, which the JSON library in use does not.
func encodeNumber(enc *jsontext.Encoder, n stdjson.Number) error {
	return json.MarshalEncode(enc, jsonv1.Number(n))
}

// prepare makes the packet of p, the payload and the attachments.
func (e *encoder) prepare(p *Packet) (*Prepared, error) {
	if !validNamespace(p.Namespace) {
		return nil, fmt.Errorf("%w: %w", ErrEncode, ErrNamespace)
	}
	return prepareMessage(p, e.json.Bytes(), e.attachments), nil
}

// validNamespace reports whether a packet can carry the namespace.
func validNamespace(s string) bool {
	return s == "" || s == "/" ||
		s[0] == '/' && !strings.Contains(s, ",") && !strings.ContainsFunc(s, isControl) && utf8.ValidString(s)
}
