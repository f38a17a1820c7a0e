package wire

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

// valid is what the scanner thinks of a text.
func valid(text string) bool {
	s := scanner{data: []byte(text), depth: maxDepth}
	return s.document(0) >= 0
}

func TestScanner_Corners_AgreesWithStandardLibrary(t *testing.T) {
	texts := []string{
		``, ` `, `1`, ` 1 `, `1 1`, `-`, `-0`, `-0.0`, `00`, `01`, `.5`, `1.`, `1.5`, `1e`, `1e+`, `1E-05`, `1e5.`, `+1`, `0x1`,
		`1_0`, `NaN`, `Infinity`, `-Infinity`,
		`true`, `tru`, `truE`, `truetrue`, `false`, `fals`, `null`, `nul`, `nulll`,
		`""`, `"`, `"\"`, `"\\"`, `"\""`, `"\x"`, `"\u"`, `"\u123"`, `"\u123g"`, `"\u12aF"`, `"\ud800"`, `"\/"`, `"\b\f\n\r\t"`,
		"\"\n\"", "\"\x1f\"", "\"\x7f\"", "\"\x00\"", "\"tab\tin\"", `'x'`,
		`[]`, `[ ]`, `[,]`, `[1,]`, `[1 2]`, `[1,,2]`, `[`, `]`, `[[]`, `[]]`, `[1}`, `[null,true,"x",{}]`,
		`{}`, `{ }`, `{,}`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":1 "b":2}`, `{a:1}`, `{1:1}`, `{"a":1,"a":2}`, `{"a":{"b":[{}]}}`,
		`{"a"`, `{"a":`, `{"a":1`, `{"`, `{"a" : 1 , "b" : 2 }`, `{]`, `/**/1`, "\ufeff1", "1\x00", "\x00", "\v1", "\u00a01",
	}
	for _, text := range texts {
		assert.Equal(t, json.Valid([]byte(text)), valid(text), "%q", text)
	}
}

func TestScanner_ByteAnywhereInString_AgreesWithStandardLibrary(t *testing.T) {
	for length := range 20 {
		for at := range length + 1 {
			for c := range 256 {
				text := `"` + strings.Repeat("a", at) + string([]byte{byte(c)}) + strings.Repeat("z", length-at) + `"`
				if json.Valid([]byte(text)) != valid(text) {
					t.Fatalf("%q", text)
				}
			}
		}
	}
}

func TestScanner_AnyText_AgreesWithStandardLibrary(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("{}[]:,\"\\untrfalse0123456789.eE+- \n\té"))).Draw(rt, "text")
		assert.Equal(rt, json.Valid([]byte(text)), valid(text))
	})
}

func TestScanner_DeepNesting_FailsWithoutRecursingFurther(t *testing.T) {
	for _, open := range []string{"[", `{"a":`} {
		s := scanner{data: []byte(strings.Repeat(open, 1<<20)), depth: 100}
		assert.Equal(t, -1, s.document(0))
		assert.Equal(t, ErrDepth, s.err)
		assert.Equal(t, 100*len(open), s.at)
	}
}

func TestReadDigits_Digits_CountedEvenWhenTooLarge(t *testing.T) {
	tests := []struct {
		in     string
		most   uint64
		n      uint64
		digits int
		ok     bool
	}{
		{"", 10, 0, 0, true},
		{"x", 10, 0, 0, true},
		{"10x", 10, 10, 2, true},
		{"11", 10, 0, 2, false},
		{"0010", 10, 10, 4, true},
		{"110", 10, 0, 3, false},
		{"0", 0, 0, 1, true},
		{"1", 0, 0, 1, false},
		{"18446744073709551615", 1<<64 - 1, 1<<64 - 1, 20, true},
	}
	for _, tt := range tests {
		n, digits, ok := readDigits([]byte(tt.in), tt.most)
		assert.Equal(t, tt.digits, digits, tt.in)
		assert.Equal(t, tt.ok, ok, tt.in)
		if tt.ok {
			assert.Equal(t, tt.n, n, tt.in)
		}
	}
}
