package msgpack

import (
	"bytes"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/tinylib/msgp/msgp"

	"github.com/actio-go/actio/wire/internal/lex"
)

// exactIntegers is the bound below which a float64 has every integer.
const exactIntegers = 1 << 53

// number appends a number, whose JSON is raw.
func (p *packer) number(raw []byte) {
	digits := raw
	negative := raw[0] == '-'
	if negative {
		digits = raw[1:]
	}
	if n, ok := integer(digits); ok {
		switch {
		case !negative:
			p.out = msgp.AppendUint64(p.out, n)
			return
		case n > 0 && n <= 1<<63:
			p.out = msgp.AppendInt64(p.out, -int64(n)) //nolint:gosec // of 1<<63 it is math.MinInt64, as it should be
			return
		}
	}
	p.float(raw)
}

// integer returns the value of text if that is nothing but digits and fits.
func integer(text []byte) (n uint64, ok bool) {
	const most = 20 // digits of math.MaxUint64
	if len(text) > most {
		return 0, false
	}
	for _, c := range text {
		d := uint64(c - '0')
		if d > 9 || n > (math.MaxUint64-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	return n, true
}

// float appends a number that is no integer of 64 bit.
func (p *packer) float(raw []byte) {
	f := parse(raw)
	if f == math.Trunc(f) && math.Abs(f) < exactIntegers && (f != 0 || !math.Signbit(f)) {
		n := int64(f)
		if n < 0 {
			p.out = msgp.AppendInt64(p.out, n)
		} else {
			p.out = msgp.AppendUint64(p.out, uint64(n))
		}
	} else {
		p.out = msgp.AppendFloat64(p.out, f)
	}
	var room [32]byte
	if math.IsInf(f, 0) || !equal(raw, appendFloat(room[:0], f)) {
		p.exact = false
	}
}

// parse returns the float64 that is nearest to a JSON number: an infinity when it is out of range, as in JavaScript.
func parse(raw []byte) float64 {
	const digitsKept = 780 // more than any float64, or the middle between two of them, has
	if len(raw) > digitsKept {
		// strconv takes 800 digits and loses count of those after them. One digit stands for all that do not decide.
		digits, magnitude := significand(nil, raw)
		if len(digits) > digitsKept {
			digits = append(digits[:digitsKept], '1')
		}
		short := make([]byte, 0, 2*digitsKept)
		if raw[0] == '-' {
			short = append(short, '-')
		}
		short = append(append(append(short, "0.0"...), digits...), 'e')
		raw = strconv.AppendInt(short, magnitude+1, 10)
	}
	f, _ := strconv.ParseFloat(string(raw), 64)
	return f
}

// appendFloat appends a finite f as JavaScript prints it, but for two things that make no difference to JavaScript when it
// reads the text: an integer keeps all its digits (JavaScript prints 2^64 as 18446744073709552000), because readers that
// compute with more than float64 would see another number; and negative zero keeps its sign, as it does on the way to the
// clients of one server.
func appendFloat(dst []byte, f float64) []byte {
	switch abs := math.Abs(f); {
	case f != math.Trunc(f) || abs >= 1e21:
		return jsontext.AppendFloat(dst, f, 64)
	case f == 0 && math.Signbit(f):
		return append(dst, "-0"...)
	case abs < 1<<63:
		return strconv.AppendInt(dst, int64(f), 10)
	default:
		return strconv.AppendFloat(dst, f, 'f', 0, 64)
	}
}

// equal reports whether two JSON numbers have the same value and sign.
func equal(a, b []byte) bool {
	var roomA, roomB [40]byte
	digitsA, magnitudeA := significand(roomA[:0], a)
	digitsB, magnitudeB := significand(roomB[:0], b)
	return bytes.Equal(digitsA, digitsB) && (magnitudeA == magnitudeB || len(digitsA) == 0) &&
		(a[0] == '-') == (b[0] == '-')
}

// significand appends the digits of a JSON number, without zeros at either end, to dst, which is empty. The value is
// 0.digits times ten to the power of magnitude.
func significand(dst, number []byte) (digits []byte, magnitude int64) {
	const most = 1 << 40 // makes any number an infinity or zero
	fraction := false
	for i, c := range number {
		switch {
		case c == '.':
			fraction = true
		case c|0x20 == 'e':
			exponent, _ := strconv.ParseInt(string(number[i+1:]), 10, 64) // out of range is the end of the range
			return bytes.TrimRight(dst, "0"), magnitude + min(max(exponent, -most), most)
		case !lex.IsDigit(c): // the sign
		case len(dst) > 0 || c != '0':
			dst = append(dst, c)
			if !fraction {
				magnitude++
			}
		case fraction: // a zero before the first digit that counts
			magnitude--
		}
	}
	return bytes.TrimRight(dst, "0"), magnitude
}
