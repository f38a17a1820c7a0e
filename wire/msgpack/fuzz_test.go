package msgpack_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/actio-go/actio/wire/msgpack"
)

func FuzzReadJSON(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(unhex(f, v.Hex))
	}
	for _, s := range []string{
		"c1", "ddffffffff", "dfffffffff", "c9ffffffff00", "d7ffffffffff00000000", "a2ff61", "81a16101ff", "81cb7ff80000000000" + "0001",
		"82ac5f706c616365686f6c646572c3a36e756d00", strings.Repeat("91", 70), strings.Repeat("8101", 70),
	} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		text, attachments, rest, err := msgpack.ReadJSON(nil, nil, data)
		if err != nil {
			require.ErrorIs(t, err, msgpack.ErrMalformed)
			return
		}
		require.True(t, json.Valid(text), "%s", text)
		require.True(t, utf8.Valid(text))
		skipped, err := msgp.Skip(data)
		require.NoError(t, err)
		require.Len(t, rest, len(skipped))
		used := len(data) - len(rest)
		require.LessOrEqual(t, len(text), 20*used+10)
		if bytes.Count(text, []byte("_placeholder")) > len(attachments) {
			return // a map that looks like one
		}
		packed, exact, err := msgpack.AppendJSON(nil, text, attachments)
		require.NoError(t, err)
		require.True(t, exact)
		again, attachmentsAgain, rest, err := msgpack.ReadJSON(nil, nil, packed)
		require.NoError(t, err)
		require.Empty(t, rest)
		require.Equal(t, string(text), string(again))
		require.Len(t, attachmentsAgain, len(attachments))
	})
}

func FuzzAppendJSON(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add([]byte(v.JSON), len(v.Attachments) > 0)
	}
	for _, s := range []string{
		`9007199254740993`, `18446744073709551617`, `0.12345678901234567890`, `1e400`, `-0.0`, `1e-999999999999`, `[1,`, `{"a"`,
		`"\ud800"`, "\"\xff\"", strings.Repeat("[", 70) + strings.Repeat("]", 70), `{"\u005fplaceholder":true,"num":0}`,
		`{"_placeholder":true,"num":1}`, "[" + strings.Repeat("1,", 20) + "1]", `1` + strings.Repeat("0", 900) + `e-900`,
	} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, text []byte, attach bool) {
		var attachments [][]byte
		if attach {
			attachments = [][]byte{{1, 2, 3}}
		}
		out, exact, err := msgpack.AppendJSON(nil, text, attachments)
		if err != nil {
			require.True(t, attach || !json.Valid(text) || !utf8.Valid(text), "%v", err)
			return
		}
		require.True(t, json.Valid(text))
		require.LessOrEqual(t, len(out), 5*len(text)+10)
		rest, err := msgp.Skip(out)
		require.NoError(t, err)
		require.Empty(t, rest)
		back, _, rest, err := msgpack.ReadJSON(nil, nil, out)
		if err != nil {
			require.False(t, exact, "%v", err)
			return
		}
		require.Empty(t, rest)
		if !attach && exact {
			require.True(t, sameJSON(t, text, back), "%s\n%s", text, back)
		}
	})
}
