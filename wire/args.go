package wire

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Args are the arguments of one event or acknowledgement. They stay JSON until Decode wants them. Args are immutable and
// safe for concurrent use; the zero value has no arguments. They share memory with the packet that they come from.
type Args struct {
	data     []byte    // the text that spans refer to
	spans    []span    // one for each argument
	enclosed *enclosed // nil when there is nothing to put in
}

// enclosed is what the arguments of a packet with attachments have beside their text.
type enclosed struct {
	marks       []mark // not empty; in the order of the text
	attachments [][]byte
}

// fewArgs is the number of arguments that are collected without growing a slice.
const fewArgs = 8

// ParseEvent splits an event into its name and its arguments. A numeric name becomes its decimal text, as in
// JavaScript. The payload of an event is mandatory.
//
// Errors: ErrPayload, and ErrPlaceholder when a binary event refers to an attachment that it does not have. After one
// the session should end.
func ParseEvent(c Complete) (name string, args Args, err error) {
	args, err = parse(c)
	if err != nil {
		return "", Args{}, err
	}
	return splitEvent(args)
}

// splitEvent takes the name of an event off its arguments.
func splitEvent(args Args) (name string, rest Args, err error) {
	if len(args.spans) == 0 {
		return "", Args{}, &DecodeError{Err: ErrPayload}
	}
	name, ok := eventName(args.Raw(0))
	if !ok {
		return "", Args{}, &DecodeError{Err: ErrPayload, Offset: args.spans[0].start}
	}
	args.spans = args.spans[1:]
	return name, args, nil
}

// ParseAck splits an acknowledgement into its arguments. An absent payload means no arguments. Errors: as ParseEvent.
func ParseAck(c Complete) (Args, error) {
	if c.Packet.Data == nil {
		return Args{}, nil
	}
	return parse(c)
}

// ArgsOf makes arguments of the elements of a JSON array that may come from anywhere. An object in the form of a
// placeholder is one only if attachments is not nil. The result shares memory with array and attachments, which must not
// be modified any more.
//
// Errors, in a *DecodeError: ErrPayload when array is not one JSON array, ErrUTF8, ErrDepth beyond 10 000 levels,
// ErrPlaceholder when a placeholder names no attachment.
func ArgsOf(array []byte, attachments [][]byte) (Args, error) {
	if !utf8.Valid(array) {
		return Args{}, &DecodeError{Err: ErrUTF8}
	}
	s := scanner{data: array, depth: maxDepth}
	if attachments != nil {
		s.marks = &markFinder{attachments: len(attachments)}
	}
	args, end, err := collect(&s, attachments)
	if err != nil {
		return Args{}, err
	}
	if end = s.space(end); end < len(array) {
		return Args{}, &DecodeError{Err: ErrPayload, Offset: end}
	}
	return args, nil
}

// parse finds the arguments, and the placeholders if c is binary.
func parse(c Complete) (Args, error) {
	s := scanner{data: c.Packet.Data, depth: maxDepth}
	if c.Packet.Type.binary() {
		s.marks = &markFinder{attachments: len(c.Attachments)}
	}
	args, _, err := collect(&s, c.Attachments)
	return args, err
}

// collect finds the elements of the array that s begins with, and returns where it ends.
func collect(s *scanner, attachments [][]byte) (args Args, end int, err error) {
	start := s.space(0)
	if s.peek(start) != '[' {
		return Args{}, 0, &DecodeError{Err: ErrPayload, Offset: start}
	}
	var few [fewArgs]span
	found := few[:0]
	i, more := s.enter(start)
	for more {
		begin := i
		if i = s.value(i); i < 0 {
			break
		}
		found = append(found, span{begin, i})
		i, more = s.next(i)
	}
	switch {
	case i < 0:
		return Args{}, 0, &DecodeError{Err: s.err, Offset: s.at}
	case s.marks != nil && s.marks.err != nil:
		return Args{}, 0, s.marks.err
	}
	args = Args{data: s.data, spans: slices.Clone(found)}
	if s.marks != nil && len(s.marks.found) > 0 {
		args.enclosed = &enclosed{marks: s.marks.found, attachments: attachments}
	}
	return args, i, nil
}

// RawArgs makes arguments of the given JSON values, which are copied but not checked.
func RawArgs(raws ...[]byte) Args {
	args := Args{data: bytes.Join(raws, []byte(",")), spans: make([]span, len(raws))}
	start := 0
	for i, raw := range raws {
		args.spans[i] = span{start, start + len(raw)}
		start += len(raw) + 1
	}
	return args
}

// Len returns the number of arguments.
func (a Args) Len() int { return len(a.spans) }

// Raw returns the JSON of argument i, placeholders included, or nil if there is no such argument. The result is shared
// and must not be modified.
func (a Args) Raw(i int) []byte {
	if i < 0 || i >= len(a.spans) {
		return nil
	}
	at := a.spans[i]
	return a.data[at.start:at.end:at.end]
}

// AppendJSON appends all arguments as a JSON array, placeholders included. It allocates only to grow dst.
func (a Args) AppendJSON(dst []byte) []byte {
	size := 2 + len(a.spans)
	for _, at := range a.spans {
		size += at.end - at.start
	}
	dst = append(slices.Grow(dst, size), '[')
	for i, at := range a.spans {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, a.data[at.start:at.end]...)
	}
	return append(dst, ']')
}

// Attachments returns the attachments that the placeholders in the arguments number, or nil when no argument has a
// placeholder. The result is shared and must not be modified.
func (a Args) Attachments() [][]byte {
	if a.enclosed == nil {
		return nil
	}
	return a.enclosed.attachments
}

// Decode decodes argument i into the value that v points to, by the rules of encoding/json. An attachment becomes a
// []byte wherever the Go value has one, or has an interface: the argument itself, a struct field, an element of a slice
// or map. It is not copied: several decodings of it share its memory. A type with its own JSON methods, json.RawMessage
// among them, sees the placeholder. A []byte where the peer sent a string is base64, as always.
//
// Errors: ErrNoArgument, ErrArgument with the reason. The value may then be half filled.
func (a Args) Decode(i int, v any) error {
	if i < 0 || i >= len(a.spans) {
		return fmt.Errorf("%w: %d of %d", ErrNoArgument, i, len(a.spans))
	}
	if err := a.decode(a.spans[i], v); err != nil {
		return fmt.Errorf("%w %d: %w", ErrArgument, i, err)
	}
	return nil
}

// DecodeAll decodes the arguments into the values that v point to, in order, as Decode does. Values without an argument
// stay as they are, arguments without a value are skipped, and so is a nil. Errors: ErrArgument, at the first argument
// that does not fit.
func (a Args) DecodeAll(v ...any) error {
	for i := range min(len(v), len(a.spans)) {
		if v[i] == nil {
			continue
		}
		if err := a.Decode(i, v[i]); err != nil {
			return err
		}
	}
	return nil
}

// eventName returns the name that raw, the first element of an event, stands for.
func eventName(raw []byte) (string, bool) {
	switch c := raw[0]; {
	case c == '"' && bytes.IndexByte(raw, '\\') < 0:
		return string(raw[1 : len(raw)-1]), true
	case c == '"':
		return unquote(raw), true
	case c == '-' || isDigit(c):
		return decimal(raw), true
	default:
		return "", false
	}
}

// unquote returns the string that raw, a JSON string, stands for. Lone surrogates become U+FFFD.
func unquote(raw []byte) string {
	b, _ := jsontext.AppendUnquote(nil, raw) // the error reports what was replaced
	return string(b)
}

// decimal returns raw, a JSON number, as JavaScript would write it.
func decimal(raw []byte) string {
	const exactDigits = 15 // every integer of so many digits is exact in a float64
	if n, digits, ok := readDigits(raw, uint64(1e15)); ok && digits == len(raw) && digits <= exactDigits {
		return strconv.FormatUint(n, 10)
	}
	f, _ := strconv.ParseFloat(string(raw), 64) // out of range is infinite, as in JavaScript
	if f == 0 {
		return "0"
	}
	return string(jsontext.AppendFloat(nil, f, 64))
}
