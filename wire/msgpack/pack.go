package msgpack

import (
	"bytes"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/tinylib/msgp/msgp"

	"github.com/actio-go/actio/wire"
	"github.com/actio-go/actio/wire/internal/lex"
)

// maxDepth bounds how deep arrays and maps nest for ReadJSON.
const maxDepth = 64

// maxTextDepth bounds how deep arrays and objects nest for AppendJSON, as for the encoders of package wire.
const maxTextDepth = 10_000

// headerRoom is the size of the longest header.
const headerRoom = 5

// AppendJSON appends the MessagePack of text, one JSON value. Members of objects keep their order. When attachments is not
// nil, objects in the form of a placeholder become the bin of the attachment that they number; otherwise they are objects
// like all others.
//
// An integer that fits int64 or uint64 takes the smallest integer form, and so does what is written with a fraction or an
// exponent but is an integer below 2^53, as notepack.io does with the numbers of JavaScript. Everything else, negative
// zero included, is a float64. What is out of the range of float64 becomes an infinity, as with JSON.parse.
//
// The result is exact when ReadJSON gives an equal text back: the same numbers in value (their spelling may differ), the
// same strings, the same structure. Not exact are numbers of which float64 keeps less than they say, strings with half a
// surrogate pair, and what nests deeper than ReadJSON allows. A caller then sends the text beside the MessagePack.
//
// Nothing but dst is modified, and the result shares no memory with text and attachments. Time and output are linear in
// the input.
//
// Errors, in a *wire.DecodeError: wire.ErrUTF8; wire.ErrPayload when text is not one JSON value; wire.ErrDepth beyond
// 10 000 levels; wire.ErrPlaceholder when a placeholder names no attachment; wire.ErrTooBig when placeholders put the same
// attachments in many times, or when something has 4 GiB. After an error out is dst.
func AppendJSON(dst, text []byte, attachments [][]byte) (out []byte, exact bool, err error) {
	size := len(text)
	for _, a := range attachments {
		size += len(a) + headerRoom
	}
	switch {
	case uint64(size) > math.MaxUint32: // hence no length in it overflows its header
		return dst, false, &wire.DecodeError{Err: wire.ErrTooBig}
	case !utf8.Valid(text):
		return dst, false, &wire.DecodeError{Err: wire.ErrUTF8}
	}
	p := packer{text: text, attachments: attachments, budget: size, out: slices.Grow(dst, size), exact: true}
	i := p.value(lex.Space(text, 0), 0)
	if i >= 0 {
		if i = lex.Space(text, i); i < len(text) {
			i = p.fail(wire.ErrPayload, i)
		}
	}
	if i < 0 {
		return dst, false, &wire.DecodeError{Err: p.err, Offset: p.at}
	}
	return p.out, p.exact, nil
}

// packer appends the MessagePack of JSON. Its methods take the index at which a value begins and return the index after
// it, or -1 when the text is malformed; err and at then say why and where.
type packer struct {
	text        []byte
	attachments [][]byte // nil: there are no placeholders
	budget      int      // the bytes of attachments that may still be put in
	out         []byte
	exact       bool
	err         error
	at          int
}

func (p *packer) fail(err error, at int) int {
	p.err, p.at = err, at
	return -1
}

// value reads a value inside of depth arrays and objects.
func (p *packer) value(i, depth int) int {
	switch lex.Peek(p.text, i) {
	case '"':
		_, end := p.quoted(i)
		return end
	case '{':
		return p.object(i, depth+1)
	case '[':
		return p.array(i, depth+1)
	case 't':
		p.out = msgp.AppendBool(p.out, true)
		return p.word(lex.Literal(p.text, i, "true"))
	case 'f':
		p.out = msgp.AppendBool(p.out, false)
		return p.word(lex.Literal(p.text, i, "false"))
	case 'n':
		p.out = msgp.AppendNil(p.out)
		return p.word(lex.Literal(p.text, i, "null"))
	default:
		end := p.word(lex.Number(p.text, i))
		if end >= 0 {
			p.number(p.text[i:end])
		}
		return end
	}
}

// word returns end, the end of a word, which is negative when the text is malformed.
func (p *packer) word(end int) int {
	if end < 0 {
		return p.fail(wire.ErrPayload, ^end)
	}
	return end
}

func (p *packer) array(i, depth int) int {
	if depth > maxTextDepth {
		return p.fail(wire.ErrDepth, i)
	}
	at := p.open(depth)
	if i = lex.Space(p.text, i+1); lex.Peek(p.text, i) == ']' {
		p.close(at, 0, depth, arrays())
		return i + 1
	}
	for n := 1; ; n++ {
		if i = p.value(i, depth); i < 0 {
			return -1
		}
		i = lex.Space(p.text, i)
		switch lex.Peek(p.text, i) {
		case ',':
			i = lex.Space(p.text, i+1)
		case ']':
			p.close(at, n, depth, arrays())
			return i + 1
		default:
			return p.fail(wire.ErrPayload, i)
		}
	}
}

func (p *packer) object(begin, depth int) int {
	if depth > maxTextDepth {
		return p.fail(wire.ErrDepth, begin)
	}
	at, exact, seen := p.open(depth), p.exact, placeholder{}
	i := lex.Space(p.text, begin+1)
	if lex.Peek(p.text, i) == '}' {
		p.close(at, 0, depth, maps())
		return i + 1
	}
	for n := 1; ; n++ {
		m, start := p.name(i)
		if start < 0 {
			return -1
		}
		if i = p.value(start, depth); i < 0 {
			return -1
		}
		seen.member(m, p.text[start:i])
		i = lex.Space(p.text, i)
		switch lex.Peek(p.text, i) {
		case ',':
			i = lex.Space(p.text, i+1)
		case '}':
			if seen.is {
				p.out, p.exact = p.out[:at], exact // whatever else the placeholder holds
				return p.attachment(seen.num, begin, i+1)
			}
			p.close(at, n, depth, maps())
			return i + 1
		default:
			return p.fail(wire.ErrPayload, i)
		}
	}
}

// name reads the name of a member and the colon, and returns what it means for a placeholder and where its value begins.
func (p *packer) name(i int) (m member, value int) {
	if lex.Peek(p.text, i) != '"' {
		return 0, p.fail(wire.ErrPayload, i)
	}
	name, end := p.quoted(i)
	if end < 0 {
		return 0, -1
	}
	if i = lex.Space(p.text, end); lex.Peek(p.text, i) != ':' {
		return 0, p.fail(wire.ErrPayload, i)
	}
	if p.attachments != nil {
		m = memberOf(p.out[name:])
	}
	return m, lex.Space(p.text, i+1)
}

// quoted reads a string and returns where in the output its text begins.
func (p *packer) quoted(i int) (begin, end int) {
	if end = p.word(lex.Quoted(p.text, i)); end < 0 {
		return 0, -1
	}
	raw := p.text[i+1 : end-1]
	if bytes.IndexByte(raw, '\\') < 0 {
		p.out = msgp.AppendStringFromBytes(p.out, raw)
		return len(p.out) - len(raw), end
	}
	// It gets shorter: its header may have to, too.
	at := len(p.out)
	begin = at + stringHeader(len(raw))
	unquoted, err := jsontext.AppendUnquote(append(p.out, make([]byte, begin-at)...), p.text[i:end])
	if err != nil { // half a surrogate pair was replaced
		p.exact = false
	}
	size := len(unquoted) - begin
	if fits := at + stringHeader(size); fits < begin {
		copy(unquoted[fits:], unquoted[begin:])
		begin = fits
	}
	p.out = unquoted[:begin+size]
	putStringHeader(p.out[at:begin], size)
	return begin, end
}
