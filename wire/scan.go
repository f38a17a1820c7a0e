package wire

import (
	"encoding/binary"
	"math/bits"
)

// scanner checks JSON (RFC 8259) and finds the values in it, without building anything. Every method takes the index at
// which to begin and returns the index after what it read, or -1 when the text is malformed; err and at then say why and
// where. It checks no UTF-8: its callers have.
type scanner struct {
	data  []byte
	depth int         // how much deeper arrays and objects may nest
	marks *markFinder // is told of objects, unless it is nil
	err   error
	at    int
}

// span is a part of a text.
type span struct{ start, end int }

func (s *scanner) fail(err error, at int) int {
	s.err, s.at = err, at
	return -1
}

// document reads one value with nothing but space around it.
func (s *scanner) document(i int) int {
	if i = s.value(s.space(i)); i < 0 {
		return -1
	}
	if i = s.space(i); i < len(s.data) {
		return s.fail(ErrPayload, i)
	}
	return i
}

func (s *scanner) value(i int) int {
	if i >= len(s.data) {
		return s.fail(ErrPayload, i)
	}
	switch s.data[i] {
	case '"':
		return s.quoted(i)
	case '{':
		return s.object(i)
	case '[':
		return s.array(i)
	case 't':
		return s.literal(i, "true")
	case 'f':
		return s.literal(i, "false")
	case 'n':
		return s.literal(i, "null")
	default:
		return s.number(i)
	}
}

func (s *scanner) array(i int) int {
	i, more := s.enter(i)
	for more {
		if i = s.value(i); i < 0 {
			return -1
		}
		i, more = s.next(i)
	}
	return i
}

// enter reads the beginning of the array at i and returns where its first element begins. Without an element it reads
// the whole array, and more is false.
func (s *scanner) enter(i int) (after int, more bool) {
	if s.depth--; s.depth < 0 {
		return s.fail(ErrDepth, i), false
	}
	if i = s.space(i + 1); s.peek(i) == ']' {
		s.depth++
		return i + 1, false
	}
	return i, true
}

// next reads what follows an element and returns where the next one begins. After the last it reads the end of the
// array, and more is false.
func (s *scanner) next(i int) (after int, more bool) {
	i = s.space(i)
	switch s.peek(i) {
	case ',':
		return s.space(i + 1), true
	case ']':
		s.depth++
		return i + 1, false
	default:
		return s.fail(ErrPayload, i), false
	}
}

// object reads an object.
func (s *scanner) object(i int) int {
	if s.depth--; s.depth < 0 {
		return s.fail(ErrDepth, i)
	}
	begin, seen := i, placeholder{}
	i = s.space(i + 1)
	if s.peek(i) == '}' {
		s.depth++
		return i + 1
	}
	for {
		name, value := s.name(i)
		if value < 0 {
			return -1
		}
		if i = s.value(value); i < 0 {
			return -1
		}
		if s.marks != nil {
			seen.member(s.data[name.start:name.end], s.data[value:i])
		}
		i = s.space(i)
		switch s.peek(i) {
		case ',':
			i = s.space(i + 1)
		case '}':
			if s.marks != nil {
				s.marks.closed(span{begin, i + 1}, seen)
			}
			s.depth++
			return i + 1
		default:
			return s.fail(ErrPayload, i)
		}
	}
}

// name reads the name of a member and the colon, and returns where its value begins.
func (s *scanner) name(i int) (name span, value int) {
	if s.peek(i) != '"' {
		return span{}, s.fail(ErrPayload, i)
	}
	end := s.quoted(i)
	if end < 0 {
		return span{}, -1
	}
	colon := s.space(end)
	if s.peek(colon) != ':' {
		return span{}, s.fail(ErrPayload, colon)
	}
	return span{i, end}, s.space(colon + 1)
}

// quoted reads a string, quotes included.
func (s *scanner) quoted(i int) int {
	for i++; ; i++ {
		i = s.plain(i)
		switch s.peek(i) {
		case '"':
			return i + 1
		case '\\':
			if i = s.escape(i + 1); i < 0 {
				return -1
			}
		default:
			return s.fail(ErrPayload, i)
		}
	}
}

// plain skips what may stand in a string as it is: all but quote, backslash and control characters. It looks at eight
// bytes at once, then for the exact place in the last eight.
func (s *scanner) plain(i int) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	for ; i+8 <= len(s.data); i += 8 {
		word := binary.LittleEndian.Uint64(s.data[i:])
		quote := word ^ ones*'"'
		slash := word ^ ones*'\\'
		// The lowest byte marked in each term is exact; bytes above it may be marked by its borrow.
		found := ((word-ones*0x20)&^word | (quote-ones)&^quote | (slash-ones)&^slash) & highs
		if found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(s.data) && s.data[i] >= 0x20 && s.data[i] != '"' && s.data[i] != '\\' {
		i++
	}
	return i
}

// escape reads what follows a backslash and returns the index of its last byte.
func (s *scanner) escape(i int) int {
	switch s.peek(i) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i
	case 'u':
		for range 4 {
			if i++; !isHex(s.peek(i)) {
				return s.fail(ErrPayload, i)
			}
		}
		return i
	default:
		return s.fail(ErrPayload, i)
	}
}

func (s *scanner) literal(i int, word string) int {
	end := i + len(word)
	if end > len(s.data) || string(s.data[i:end]) != word {
		return s.fail(ErrPayload, i)
	}
	return end
}

func (s *scanner) number(i int) int {
	if s.peek(i) == '-' {
		i++
	}
	switch c := s.peek(i); {
	case c == '0':
		i++
	case isDigit(c):
		i = s.digits(i)
	default:
		return s.fail(ErrPayload, i)
	}
	if s.peek(i) == '.' {
		if !isDigit(s.peek(i + 1)) {
			return s.fail(ErrPayload, i+1)
		}
		i = s.digits(i + 1)
	}
	if s.peek(i)|0x20 == 'e' {
		i++
		if c := s.peek(i); c == '+' || c == '-' {
			i++
		}
		if !isDigit(s.peek(i)) {
			return s.fail(ErrPayload, i)
		}
		i = s.digits(i)
	}
	return i
}

func (s *scanner) digits(i int) int {
	for i < len(s.data) && isDigit(s.data[i]) {
		i++
	}
	return i
}

func (s *scanner) space(i int) int {
	for i < len(s.data) && isSpace(s.data[i]) {
		i++
	}
	return i
}

// peek returns the byte at i, or zero, which no JSON holds, at the end.
func (s *scanner) peek(i int) byte {
	if i < len(s.data) {
		return s.data[i]
	}
	return 0
}

func isSpace(c byte) bool { return c <= ' ' && (c == ' ' || c == '\n' || c == '\r' || c == '\t') }
func isDigit(c byte) bool { return c-'0' <= 9 }
func isHex(c byte) bool   { return isDigit(c) || (c|0x20)-'a' <= 5 }
