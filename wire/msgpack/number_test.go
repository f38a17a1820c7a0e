package msgpack_test

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAppendJSON_Numbers_TakeTheSmallestExactForm(t *testing.T) {
	for _, tt := range []struct {
		text, hex string
		exact     bool
		back      string // "": text
	}{
		{"0", "00", true, ""},
		{"127", "7f", true, ""},
		{"128", "cc80", true, ""},
		{"65535", "cdffff", true, ""},
		{"4294967295", "ceffffffff", true, ""},
		{"4294967296", "cf0000000100000000", true, ""},
		{"-1", "ff", true, ""},
		{"-32", "e0", true, ""},
		{"-33", "d0df", true, ""},
		{"-128", "d080", true, ""},
		{"-129", "d1ff7f", true, ""},
		{"-32769", "d2ffff7fff", true, ""},
		{"-2147483649", "d3ffffffff7fffffff", true, ""},
		{"9007199254740991", "cf001fffffffffffff", true, ""},
		{"9007199254740993", "cf0020000000000001", true, ""},
		{"-9007199254740993", "d3ffdfffffffffffff", true, ""},
		{"9223372036854775807", "cf7fffffffffffffff", true, ""},
		{"-9223372036854775808", "d38000000000000000", true, ""},
		{"9223372036854775808", "cf8000000000000000", true, ""},
		{"18446744073709551615", "cfffffffffffffffff", true, ""},

		{"18446744073709551616", "cb43f0000000000000", true, ""},
		{"18446744073709551617", "cb43f0000000000000", false, "18446744073709551616"},
		{"18446744073709552000", "cb43f0000000000000", false, "18446744073709551616"},
		{"36893488147419103232", "cb4400000000000000", true, ""},
		{"-9223372036854775809", "cbc3e0000000000000", false, "-9223372036854775808"},
		{"-18446744073709551616", "cbc3f0000000000000", true, ""},
		{"100000000000000000000", "cb4415af1d78b58c40", true, ""},
		{"1e20", "cb4415af1d78b58c40", true, "100000000000000000000"},
		{"1e21", "cb444b1ae4d6e2ef50", true, "1e+21"},
		{"1000000000000000000000", "cb444b1ae4d6e2ef50", true, "1e+21"},
		{"1180591620717411303424", "cb4450000000000000", false, "1.1805916207174113e+21"},
		{"1e23", "cb44b52d02c7e14af6", true, "1e+23"},
		{"1e300", "cb7e37e43c8800759c", true, "1e+300"},
		{"1.7976931348623157e308", "cb7fefffffffffffff", true, "1.7976931348623157e+308"},
		{"1e400", "cb7ff0000000000000", false, "null"},
		{"-1e400", "cbfff0000000000000", false, "null"},

		{"0.1", "cb3fb999999999999a", true, ""},
		{"0.12345678901234567890", "cb3fbf9add3746f65f", false, "0.12345678901234568"},
		{"0.1000000000000000055511151231257827021181583404541015625", "cb3fb999999999999a", false, "0.1"},
		{"1E-7", "cb3e7ad7f29abcaf48", true, "1e-7"},
		{"0.000001", "cb3eb0c6f7a0b5ed8d", true, ""},
		{"5e-324", "cb0000000000000001", true, ""},
		{"4.9e-324", "cb0000000000000001", false, "5e-324"},
		{"1e-400", "00", false, "0"},
		{"-1e-400", "cb8000000000000000", false, "-0"},

		{"-0", "cb8000000000000000", true, ""},
		{"-0.0", "cb8000000000000000", true, "-0"},
		{"0.0", "00", true, "0"},
		{"0e999999999999999999999", "00", true, "0"},
		{"1.0", "01", true, "1"},
		{"-1.50e1", "f1", true, "-15"},
		{"12.5e1", "7d", true, "125"},
		{"9007199254740993.0", "cb4340000000000000", false, "9007199254740992"},
		{"1.5e18", "cb43b4d1120d7b1600", true, "1500000000000000000"},
	} {
		out, exact := pack(t, tt.text)
		assert.Equal(t, tt.hex, hex.EncodeToString(out), tt.text)
		assert.Equal(t, tt.exact, exact, tt.text)
		if tt.back == "" {
			tt.back = tt.text
		}
		text, _ := unpack(t, out)
		assert.Equal(t, tt.back, text, tt.text)
	}
}

func TestAppendJSON_LongNumbers_AreComparedInFull(t *testing.T) {
	zeros := strings.Repeat("0", 1000)
	for text, want := range map[string]bool{
		"1" + zeros + "e-1000":                 true,
		"0." + zeros + "1e1001":                true,
		"0.1" + zeros:                          true,
		"0.1" + zeros + "1":                    false,
		"1" + zeros + "1e-1000":                false,
		"0." + zeros + "e5":                    true,
		"1" + zeros + "e-99999999999999999999": false, // underflows
		"12345678901234567.5":                  false,
		"-0." + zeros + "1e1001":               true,
		"1" + zeros + "e99999999999999999999":  false,
	} {
		_, exact := pack(t, text)
		assert.Equal(t, want, exact, text)
	}
	for text, want := range map[string]string{
		"1" + zeros + "e-1000":                         "01",
		"-1" + zeros + "e-1000":                        "ff",
		"-0." + zeros + "0e5":                          "cb8000000000000000",
		"1" + zeros + "e-692":                          "cb7fe1ccf385ebc8a0",
		"9007199254740993" + zeros + "e-1000":          "cb4340000000000000", // the middle: to even
		"9007199254740993" + zeros + "1e-1001":         "cb4340000000000001",
		"0." + strings.Repeat("1234567890", 200):       "cb3fbf9add3746f65f",
		"1" + zeros + "1e-1001":                        "01",
		strings.Repeat("9", 400) + "." + zeros + "e-1": "cb7ff0000000000000",
	} {
		out, _ := pack(t, text)
		assert.Equal(t, want, hex.EncodeToString(out), text)
	}
}

func TestReadJSON_Floats_AreWrittenAsJavaScriptPrintsThem(t *testing.T) {
	for want, f := range map[string]float64{
		"100000000000000000000":  1e20,
		"1e+21":                  1e21,
		"-1e+21":                 -1e21,
		"1e-7":                   1e-7,
		"0.000001":               1e-6,
		"123456789.125":          123456789.125,
		"9007199254740992":       1 << 53,
		"18446744073709551616":   1 << 64, // all digits, see appendFloat
		"-18446744073709551616":  -(1 << 64),
		"9223372036854775808":    1 << 63,
		"-9223372036854775808":   -(1 << 63),
		"1.1805916207174113e+21": 1 << 70,
		"-0":                     math.Copysign(0, -1),
		"0":                      0,
		"null":                   math.NaN(),
	} {
		text, _ := unpack(t, binary.BigEndian.AppendUint64([]byte{0xcb}, math.Float64bits(f)))
		assert.Equal(t, want, text)
	}
}
