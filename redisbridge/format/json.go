package format

import (
	"bytes"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// validJSON reports whether text is one JSON value in UTF-8. Halves of surrogate pairs may stand in escapes: JavaScript writes
// them. Only what was found valid here goes to the functions below.
func validJSON(text []byte) bool {
	return utf8.Valid(text) &&
		jsontext.Value(text).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// afterSpace returns the index of the first byte from i on that is no white space.
func afterSpace(text []byte, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\t' || text[i] == '\n' || text[i] == '\r') {
		i++
	}
	return i
}

// afterValue returns the index after the value at i.
func afterValue(text []byte, i int) int {
	switch text[i] {
	case '"':
		return afterString(text, i)
	case '{', '[':
		return afterBrackets(text, i)
	}
	for ; i < len(text); i++ {
		switch text[i] {
		case ',', ']', '}', ' ', '\t', '\n', '\r':
			return i
		}
	}
	return i
}

// afterBrackets returns the index after the object or array at i.
func afterBrackets(text []byte, i int) int {
	for depth := 0; ; {
		switch text[i] {
		case '"':
			i = afterString(text, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if i++; depth == 0 {
			return i
		}
	}
}

// afterString returns the index after the string at i.
func afterString(text []byte, i int) int {
	for i++; ; i++ {
		i += bytes.IndexByte(text[i:], '"')
		escapes := i
		for text[escapes-1] == '\\' {
			escapes--
		}
		if (i-escapes)%2 == 0 {
			return i + 1
		}
	}
}

// nextElement returns the bounds of the next element of the object or array in which i is the index after the opening bracket,
// or after the element before; ok is false when there is none. Of an object the name and the value are elements.
func nextElement(text []byte, i int) (start, end int, ok bool) {
	i = afterSpace(text, i)
	if text[i] == ',' || text[i] == ':' {
		i = afterSpace(text, i+1)
	}
	if text[i] == ']' || text[i] == '}' {
		return i, i, false
	}
	return i, afterValue(text, i), true
}

// unquoted returns what a JSON string stands for; it shares memory with it where it can. Half a surrogate pair becomes U+FFFD.
func unquoted(text []byte) []byte {
	if bytes.IndexByte(text, '\\') < 0 {
		return text[1 : len(text)-1]
	}
	out, _ := jsontext.AppendUnquote(nil, text) // the error reports what was replaced
	return out
}
