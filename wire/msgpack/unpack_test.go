package msgpack_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/actio-go/actio/wire/msgpack"
)

func TestReadJSON_Bins_AreNumberedAfterThoseThereAre(t *testing.T) {
	data := unhex(t, "92c40101c4020202ff")
	first := [][]byte{{9}}
	text, atts, rest, err := msgpack.ReadJSON([]byte("x"), first, data)
	require.NoError(t, err)
	assert.Equal(t, `x[{"_placeholder":true,"num":1},{"_placeholder":true,"num":2}]`, string(text))
	assert.Equal(t, [][]byte{{9}, {1}, {2, 2}}, atts)
	assert.Equal(t, []byte{0xff}, rest)
	assert.Equal(t, 1, cap(atts[1]), "appending to an attachment must not write into the data")
}

func TestReadJSON_AnyInput_ReturnsWhatFollows(t *testing.T) {
	for _, v := range vectors(t) {
		data := unhex(t, v.Hex)
		text, _, rest, err := msgpack.ReadJSON(nil, nil, append(data, "rest"...))
		require.NoError(t, err, v.Name)
		assert.Equal(t, v.JSON, string(text), v.Name)
		assert.Equal(t, "rest", string(rest), v.Name)
	}
}

func TestReadJSON_Truncated_IsMalformed(t *testing.T) {
	for _, v := range vectors(t) {
		data := unhex(t, v.Hex)
		for n := range data {
			text, atts, rest, err := msgpack.ReadJSON([]byte("x"), [][]byte{{1}}, data[:n:n])
			assert.ErrorIs(t, err, msgpack.ErrMalformed, "%s: %d of %d", v.Name, n, len(data))
			assert.Equal(t, "x", string(text))
			assert.Equal(t, [][]byte{{1}}, atts)
			assert.Len(t, rest, n)
		}
	}
}

func TestReadJSON_WhatHasNoJSON_IsMalformed(t *testing.T) {
	for _, s := range []string{
		"", "c1", "91c1", // no such type
		"d40100", "d5000000", "d600" + "00000000", "d800" + strings.Repeat("00", 16), // extensions
		"d4ff00", "d5ff0000", "d8ff" + strings.Repeat("00", 16), "c704ff00000000", "c708ff0000000000000000",
		"c800" + "0cff" + strings.Repeat("00", 12), "c70300", "c7030501", "c70105ff", "d703" + strings.Repeat("00", 8),
		"819001", "818001", "81d4000001", "81d6ff0000000001", "81c101", "81", "81a16", // keys
	} {
		if len(s)%2 != 0 {
			s += "1"
		}
		_, _, _, err := msgpack.ReadJSON(nil, nil, unhex(t, s))
		assert.ErrorIs(t, err, msgpack.ErrMalformed, s)
	}
}

func TestReadJSON_LengthsBeyondTheData_AreRefusedWithoutReading(t *testing.T) {
	for _, s := range []string{
		"ddffffffff", "dfffffffff", "dcffff01", "deffff01", "dbffffffff61", "c6ffffffff61", "c9ffffffff00", "df80000000" + "0102",
		"9f01", "8201020304"[:8], "c8ffff00",
	} {
		data := unhex(t, s)
		assert.LessOrEqual(t, testing.AllocsPerRun(10, func() {
			_, _, _, err := msgpack.ReadJSON(nil, nil, data)
			assert.ErrorIs(t, err, msgpack.ErrMalformed, s)
		}), 20.0)
	}
}

func TestReadJSON_Depth_IsBounded(t *testing.T) {
	for _, unit := range []string{"\x91", "\x81\xa0", "\x81\x01"} {
		data := []byte(strings.Repeat(unit, 64) + "\xc0")
		_, _, _, err := msgpack.ReadJSON(nil, nil, data)
		assert.NoError(t, err)
		_, _, _, err = msgpack.ReadJSON(nil, nil, append([]byte(unit), data...))
		assert.ErrorIs(t, err, msgpack.ErrMalformed)
		_, _, _, err = msgpack.ReadJSON(nil, nil, []byte(strings.Repeat(unit, 1_000_000)))
		assert.ErrorIs(t, err, msgpack.ErrMalformed)
	}
	// Not nested, any number.
	_, _, _, err := msgpack.ReadJSON(nil, nil, append([]byte{0xdc, 0xff, 0xff}, bytes.Repeat([]byte{0x90}, 65535)...))
	assert.NoError(t, err)
}

func TestReadJSON_Dates_AreThoseOfJavaScript(t *testing.T) {
	for s, want := range map[string]string{
		"d700" + "001eb208c2dc0000":                `"+275760-09-13T00:00:00.000Z"`, // the last
		"d700" + "001eb208c2dc0001":                `null`,
		"d700" + "ffe14df73d240000":                `"-271821-04-20T00:00:00.000Z"`, // the first
		"d700" + "ffe14df73d23ffff":                `null`,
		"c70cff" + "00000000" + "0000003afff44180": `"+010000-01-01T00:00:00.000Z"`,
		"c70cff" + "00000000" + "0000003afff4417f": `"9999-12-31T23:59:59.000Z"`,
		"c70cff" + "00000000" + "fffffff1868b8400": `"0000-01-01T00:00:00.000Z"`,
		"c70cff" + "3b9ac9ff" + "fffffff1868b83ff": `"0000-01-01T00:00:00.000Z"`, // cut off towards 1970
		"c70cff" + "3b8b87c0" + "fffffff1868b83ff": `"-000001-12-31T23:59:59.999Z"`,
		"c70cff" + "00000000" + "7fffffffffffffff": `null`,
		"c70cff" + "00000000" + "8000000000000000": `null`,
		"c70cff" + "ffffffff" + "000007dba8218000": `null`,
		"c70cff" + "001e8480" + "fffffffffffffffe": `"1969-12-31T23:59:58.002Z"`,
		"d7ff" + "0000000400000000":                `"1970-01-01T00:00:00.000Z"`, // one nanosecond
		"d7ff" + "ee6b27fc00000000":                `"1970-01-01T00:00:00.999Z"`,
	} {
		text, _ := unpack(t, unhex(t, s))
		assert.Equal(t, want, text, s)
	}
}

func TestReadJSON_InvalidUTF8_IsReplaced(t *testing.T) {
	text, _ := unpack(t, unhex(t, "81a2ff61a3ed80c0"))
	want := "{\"\ufffda\":\"\ufffd\ufffd\ufffd\"}"
	assert.Equal(t, want, text)
}

func TestReadJSON_Hostile_OutputIsLinear(t *testing.T) {
	for name, element := range map[string]string{
		"bin": "c400", "nil": "c0", "control": "a100", "invalid": "a1ff", "float32": "ca00800001", "date": "d6ff00000000",
		"key": "81" + "a0c0", "float64": "cb8010000000000001", "arraybuffer": "c70000",
	} {
		const n = 60_000
		one := unhex(t, element)
		data := append([]byte{0xdc, n >> 8, n & 0xff}, bytes.Repeat(one, n)...)
		text, atts, rest, err := msgpack.ReadJSON(nil, nil, data)
		require.NoError(t, err, name)
		assert.Empty(t, rest)
		assert.LessOrEqual(t, len(text), 17*len(data), name)
		if len(atts) > 0 {
			assert.Len(t, atts, n)
		}
		skipped, err := msgp.Skip(data)
		require.NoError(t, err)
		assert.Empty(t, skipped)
	}
}
