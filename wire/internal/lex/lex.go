// Package lex reads the words of JSON (RFC 8259): strings, numbers, literals and the space between them. It checks no UTF-8
// and builds nothing.
//
// A function takes the index at which a word begins and returns the index after it. When there is no such word the result
// is negative: its complement (^result) is the index where the text is wrong.
package lex

import (
	"encoding/binary"
	"math/bits"
)

// Quoted reads the string that begins with the quote at i.
func Quoted(text []byte, i int) int {
	for i++; ; i++ {
		i = Plain(text, i)
		switch Peek(text, i) {
		case '"':
			return i + 1
		case '\\':
			if i = escape(text, i+1); i < 0 {
				return i
			}
		default:
			return ^i
		}
	}
}

// Plain skips what may stand in a string as it is: all but quote, backslash and control characters. It looks at eight
// bytes at once, then for the exact place in the last eight.
func Plain(text []byte, i int) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	for ; i+8 <= len(text); i += 8 {
		word := binary.LittleEndian.Uint64(text[i:])
		quote := word ^ ones*'"'
		slash := word ^ ones*'\\'
		// The lowest byte marked in each term is exact; bytes above it may be marked by its borrow.
		found := ((word-ones*0x20)&^word | (quote-ones)&^quote | (slash-ones)&^slash) & highs
		if found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(text) && text[i] >= 0x20 && text[i] != '"' && text[i] != '\\' {
		i++
	}
	return i
}

// escape reads what follows a backslash and returns the index of its last byte.
func escape(text []byte, i int) int {
	switch Peek(text, i) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i
	case 'u':
		for range 4 {
			if i++; !isHex(Peek(text, i)) {
				return ^i
			}
		}
		return i
	default:
		return ^i
	}
}

// Literal reads the given word.
func Literal(text []byte, i int, word string) int {
	end := i + len(word)
	if end > len(text) || string(text[i:end]) != word {
		return ^i
	}
	return end
}

// Number reads a number.
func Number(text []byte, i int) int {
	if Peek(text, i) == '-' {
		i++
	}
	switch c := Peek(text, i); {
	case c == '0':
		i++
	case IsDigit(c):
		i = digits(text, i)
	default:
		return ^i
	}
	if Peek(text, i) == '.' {
		if !IsDigit(Peek(text, i+1)) {
			return ^(i + 1)
		}
		i = digits(text, i+1)
	}
	if Peek(text, i)|0x20 == 'e' {
		i++
		if c := Peek(text, i); c == '+' || c == '-' {
			i++
		}
		if !IsDigit(Peek(text, i)) {
			return ^i
		}
		i = digits(text, i)
	}
	return i
}

func digits(text []byte, i int) int {
	for i < len(text) && IsDigit(text[i]) {
		i++
	}
	return i
}

// Space skips space. There may be none.
func Space(text []byte, i int) int {
	for i < len(text) && IsSpace(text[i]) {
		i++
	}
	return i
}

// Peek returns the byte at i, or zero, which no JSON holds, at the end.
func Peek(text []byte, i int) byte {
	if i < len(text) {
		return text[i]
	}
	return 0
}

// IsSpace reports whether c is space of JSON.
func IsSpace(c byte) bool { return c <= ' ' && (c == ' ' || c == '\n' || c == '\r' || c == '\t') }

// IsDigit reports whether c is a decimal digit.
func IsDigit(c byte) bool { return c-'0' <= 9 }

func isHex(c byte) bool { return IsDigit(c) || (c|0x20)-'a' <= 5 }
