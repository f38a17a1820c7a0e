package wire

import "github.com/actio-go/actio/wire/internal/lex"

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
func (s *scanner) quoted(i int) int { return s.word(lex.Quoted(s.data, i)) }

func (s *scanner) literal(i int, word string) int { return s.word(lex.Literal(s.data, i, word)) }

func (s *scanner) number(i int) int { return s.word(lex.Number(s.data, i)) }

// word returns end, the end of a word, which is negative when the text is malformed.
func (s *scanner) word(end int) int {
	if end < 0 {
		return s.fail(ErrPayload, ^end)
	}
	return end
}

func (s *scanner) space(i int) int { return lex.Space(s.data, i) }

// peek returns the byte at i, or zero, which no JSON holds, at the end.
func (s *scanner) peek(i int) byte { return lex.Peek(s.data, i) }

func isSpace(c byte) bool { return lex.IsSpace(c) }
func isDigit(c byte) bool { return lex.IsDigit(c) }
