package lex_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/wire/internal/lex"
)

func TestQuoted_Text_EndOrPlaceOfTheMistake(t *testing.T) {
	for text, want := range map[string]int{
		`""`: 2, `"a"`: 3, `"a"b`: 3, `"\""`: 4, `"\u00e9"`: 8, `"0123456789abcdef"`: 18, "\"\x7f\"": 3,
		`"`: ^1, `"a`: ^2, `"\`: ^2, `"\x"`: ^2, `"\u12g4"`: ^5, `"\u12`: ^5, "\"0123456789\n\"": ^11, "\"\x00\"": ^1,
	} {
		assert.Equal(t, want, lex.Quoted([]byte(text), 0), "%q", text)
		assert.Equal(t, moved(want, 3), lex.Quoted([]byte("[1,"+text), 3), "%q", text)
	}
}

func TestNumber_Text_EndOrPlaceOfTheMistake(t *testing.T) {
	for text, want := range map[string]int{
		"0": 1, "-0": 2, "12": 2, "12]": 2, "01": 1, "1.5": 3, "1e5": 3, "1E+05": 5, "-1.25e-10,": 9,
		"": ^0, "-": ^1, "a": ^0, "+1": ^0, ".5": ^0, "1.": ^2, "1.e": ^2, "1e": ^2, "1e+": ^3, "-a": ^1,
	} {
		assert.Equal(t, want, lex.Number([]byte(text), 0), text)
	}
}

func TestLiteral_Text_EndOrPlaceOfTheMistake(t *testing.T) {
	assert.Equal(t, 4, lex.Literal([]byte("true"), 0, "true"))
	assert.Equal(t, 5, lex.Literal([]byte("[null]"), 1, "null"))
	assert.Equal(t, ^0, lex.Literal([]byte("tru"), 0, "true"))
	assert.Equal(t, ^1, lex.Literal([]byte("[nul]"), 1, "null"))
}

func TestPlain_SpecialByteAnywhere_IsFound(t *testing.T) {
	for size := range 40 {
		text := []byte(strings.Repeat("é", size/2) + strings.Repeat("x", size%2))
		require.Equal(t, size, lex.Plain(text, 0))
		for at := range size {
			for _, c := range []byte{'"', '\\', 0, 0x1f, '\n'} {
				changed := append([]byte(nil), text...)
				changed[at] = c
				require.Equal(t, at, lex.Plain(changed, 0))
			}
		}
	}
}

func TestSpace_Text_IsSkipped(t *testing.T) {
	assert.Equal(t, 4, lex.Space([]byte(" \t\r\nx"), 0))
	assert.Equal(t, 2, lex.Space([]byte("  "), 0))
	assert.Equal(t, 1, lex.Space([]byte("x\v"), 1))
	assert.Zero(t, lex.Peek([]byte("x"), 1))
}

// moved returns what a function returns for the same text n bytes on.
func moved(result, n int) int {
	if result < 0 {
		return result - n
	}
	return result + n
}

func FuzzWords(f *testing.F) {
	for _, s := range []string{`"a\n\u00e9"`, `-1.5e+10`, `"`, `1.`, "\"\x01\"", `0123456789`, `"0123456789abcdef\\"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) == 0 || !utf8.Valid(text) {
			return
		}
		var end int
		switch c := text[0]; {
		case c == '"':
			end = lex.Quoted(text, 0)
		case c == '-' || lex.IsDigit(c):
			end = lex.Number(text, 0)
		default:
			return
		}
		if end < 0 {
			require.LessOrEqual(t, ^end, len(text))
			require.False(t, json.Valid(text))
			return
		}
		require.True(t, json.Valid(text[:end]))
		require.Equal(t, lex.Space(text, end) == len(text), json.Valid(text))
	})
}
