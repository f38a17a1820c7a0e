package msgpack_test

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/actio-go/actio/wire"
	"github.com/actio-go/actio/wire/msgpack"
)

func TestAppendJSON_Strings_AreUnescapedWithTheSmallestHeader(t *testing.T) {
	for text, want := range map[string]string{
		`""`:                              "a0",
		`"é\u00e9"`:                       "a4c3a9c3a9",
		`"\"\\\/\b\f\n\r\t\u0000"`:        "a9225c2f080c0a0d0900",
		`"\ud83d\ude00"`:                  "a4f09f9880",
		`{"a\u0062":"\u0031"}`:            "81a26162a131",
		`"` + strings.Repeat("x", 31):     "bf",
		`"` + strings.Repeat("x", 32):     "d920",
		`"` + strings.Repeat("x", 255):    "d9ff",
		`"` + strings.Repeat("x", 256):    "da0100",
		`"` + strings.Repeat("x", 65535):  "daffff",
		`"` + strings.Repeat("x", 65536):  "db00010000",
		`"\n` + strings.Repeat("x", 30):   "bf0a",
		`"\n` + strings.Repeat("x", 31):   "d9200a",
		`"\n` + strings.Repeat("x", 255):  "da01000a",
		`"\n` + strings.Repeat("x", 7e4):  "db000111710a",
		`"` + strings.Repeat(`\u0061`, 5): "a56161616161",
	} {
		if !strings.HasSuffix(text, `"`) && !strings.HasSuffix(text, `}`) || text == `"` {
			text += `"`
		}
		out, exact := pack(t, text)
		assert.True(t, exact)
		assert.Equal(t, want, hex.EncodeToString(out[:len(want)/2]), "%.40s", text)
		rest, err := msgp.Skip(out)
		assert.NoError(t, err)
		assert.Empty(t, rest)
	}
}

func TestAppendJSON_HalfSurrogatePair_IsReplacedAndNotExact(t *testing.T) {
	for _, text := range []string{`"\ud800"`, `"\ude00x"`, `"\ud800\n"`, `{"\ud800":1}`} {
		out, exact := pack(t, text)
		assert.False(t, exact, text)
		assert.Contains(t, string(out), "\ufffd", text)
	}
}

func TestAppendJSON_Containers_TakeTheSmallestHeaderAndKeepOrder(t *testing.T) {
	for n, want := range map[int][2]string{
		0: {"90", "80"}, 1: {"91", "81"}, 15: {"9f", "8f"}, 16: {"dc0010", "de0010"},
		65535: {"dcffff", "deffff"}, 65536: {"dd00010000", "df00010000"},
	} {
		list := "[" + strings.TrimSuffix(strings.Repeat("1 ,", n), ",") + " ]"
		out, _ := pack(t, list)
		assert.Equal(t, want[0]+strings.Repeat("01", n), hex.EncodeToString(out))
		object := "{ " + strings.TrimSuffix(strings.Repeat(`"a": 1,`, n), ",") + "}"
		out, _ = pack(t, object)
		assert.Equal(t, want[1]+strings.Repeat("a16101", n), hex.EncodeToString(out))
	}
	out, _ := pack(t, ` { "z" : [ true , false ] , "a" : null } `)
	assert.Equal(t, "82a17a92c3c2a161c0", hex.EncodeToString(out))
}

func TestAppendJSON_Appends_AndLeavesItsArgumentsAlone(t *testing.T) {
	dst := append(make([]byte, 0, 100), "before"...)
	text := []byte(`["e",{"_placeholder":true,"num":0}]`)
	data := []byte{1, 2}
	out, exact, err := msgpack.AppendJSON(dst, text, [][]byte{data})
	require.NoError(t, err)
	assert.True(t, exact)
	assert.Equal(t, "before\x92\xa1e\xc4\x02\x01\x02", string(out))
	text[2], data[0] = 'x', 9
	assert.Equal(t, "before\x92\xa1e\xc4\x02\x01\x02", string(out))

	out, _, err = msgpack.AppendJSON(dst, []byte(`[1,`), nil)
	require.Error(t, err)
	assert.Equal(t, "before", string(out))
}

func TestAppendJSON_Placeholders_BecomeBinWhenThereAreAttachments(t *testing.T) {
	one, two := []byte{1}, []byte{2, 2}
	for text, want := range map[string]string{
		`{"_placeholder":true,"num":1}`:                                            "c4020202",
		`{"num":0,"x":[1.5,{"y":2}],"_placeholder":true}`:                          "c40101",
		`[{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]`:            "92c4020202c40101",
		`{"\u005fplaceholder":true,"n\u0075m":0}`:                                  "c40101",
		`{"_placeholder":false,"_placeholder":true,"num":9,"num":0}`:               "c40101",
		`{"_placeholder":true,"num":0,"x":{"_placeholder":true,"num":1}}`:          "c40101",
		`{"_placeholder":false,"num":7}`:                                           "82ac5f706c616365686f6c646572c2a36e756d07",
		`{"_placeholder":1,"num":7}`:                                               "82ac5f706c616365686f6c64657201a36e756d07",
		`{"_placeholder":true,"num":0,"lost":0.12345678901234567890,"s":"\ud800"}`: "c40101",
	} {
		out, exact := pack(t, text, one, two)
		assert.Equal(t, want, hex.EncodeToString(out), text)
		assert.True(t, exact, text)
	}
	out, _ := pack(t, `{"_placeholder":true,"num":1}`)
	assert.Equal(t, "82ac5f706c616365686f6c646572c3a36e756d01", hex.EncodeToString(out), "no attachments, no placeholders")
}

func TestAppendJSON_BadPlaceholder_IsRefused(t *testing.T) {
	for _, num := range []string{"2", "-1", "-0", "1.0", "1e0", `"1"`, "null", "true", "99999999999999999999", "[0]"} {
		_, _, err := msgpack.AppendJSON(nil, []byte(`["e",{"_placeholder":true,"num":`+num+`}]`), [][]byte{{1}, {2}})
		assert.ErrorIs(t, err, wire.ErrPlaceholder, num)
	}
	_, _, err := msgpack.AppendJSON(nil, []byte(`{"_placeholder":true}`), [][]byte{{1}})
	assert.ErrorIs(t, err, wire.ErrPlaceholder)
	_, _, err = msgpack.AppendJSON(nil, []byte(`{"_placeholder":true,"num":0}`), [][]byte{})
	assert.ErrorIs(t, err, wire.ErrPlaceholder)
}

func TestAppendJSON_OneAttachmentManyTimes_IsBounded(t *testing.T) {
	text := []byte("[" + strings.TrimSuffix(strings.Repeat(`{"_placeholder":true,"num":0},`, 1000), ",") + "]")
	_, _, err := msgpack.AppendJSON(nil, text, [][]byte{make([]byte, 1000)})
	assert.ErrorIs(t, err, wire.ErrTooBig)
	out, _, err := msgpack.AppendJSON(nil, text, [][]byte{make([]byte, 20)})
	assert.NoError(t, err)
	assert.Less(t, len(out), len(text))
}

func TestAppendJSON_MalformedText_IsRefused(t *testing.T) {
	for text, want := range map[string]error{
		``: wire.ErrPayload, ` `: wire.ErrPayload, `[1,]`: wire.ErrPayload, `[1 2]`: wire.ErrPayload, `{"a"}`: wire.ErrPayload,
		`{"a":}`: wire.ErrPayload, `{"a":1,}`: wire.ErrPayload, `{a:1}`: wire.ErrPayload, `"a`: wire.ErrPayload,
		`"\x"`: wire.ErrPayload, "\"\n\"": wire.ErrPayload, `01`: wire.ErrPayload, `1.`: wire.ErrPayload, `-`: wire.ErrPayload,
		`1e`: wire.ErrPayload, `tru`: wire.ErrPayload, `[1] 2`: wire.ErrPayload, `[`: wire.ErrPayload, `{`: wire.ErrPayload,
		`{"a":1`: wire.ErrPayload, `{"a`: wire.ErrPayload, `nulll`: wire.ErrPayload, `]`: wire.ErrPayload, "\"\xff\"": wire.ErrUTF8,
		strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001):    wire.ErrDepth,
		strings.Repeat(`{"":`, 10_001) + strings.Repeat("}", 10_001): wire.ErrDepth,
		strings.Repeat("[", 1_000_000):                               wire.ErrDepth,
	} {
		out, exact, err := msgpack.AppendJSON([]byte("x"), []byte(text), nil)
		assert.ErrorIs(t, err, want, "%.40s", text)
		var decode *wire.DecodeError
		require.ErrorAs(t, err, &decode)
		assert.False(t, exact)
		assert.Equal(t, "x", string(out))
	}
}

func TestAppendJSON_DeeperThanReadJSON_IsNotExact(t *testing.T) {
	for depth, want := range map[int]bool{1: true, 64: true, 65: false, 10_000: false} {
		inner := strings.TrimSuffix(strings.Repeat("1,", 20), ",")
		out, exact := pack(t, strings.Repeat("[", depth)+inner+strings.Repeat("]", depth))
		assert.Equal(t, want, exact, depth)
		rest, err := msgp.Skip(out)
		assert.NoError(t, err)
		assert.Empty(t, rest)
		_, _, _, err = msgpack.ReadJSON(nil, nil, out)
		assert.Equal(t, want, err == nil, depth)
	}
	out, _ := pack(t, strings.Repeat("[", 66)+"7"+strings.Repeat("]", 66))
	assert.Equal(t, append(bytes.Repeat([]byte{0x91}, 64), 0xdd, 0, 0, 0, 1, 0xdd, 0, 0, 0, 1, 7), out)
	out, _ = pack(t, strings.Repeat(`{"":`, 65)+"7"+strings.Repeat("}", 65))
	assert.Equal(t, append(bytes.Repeat([]byte{0x81, 0xa0}, 64), 0xdf, 0, 0, 0, 1, 0xa0, 7), out)
}
