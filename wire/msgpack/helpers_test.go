package msgpack_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"math/big"
	"regexp"
	"strconv"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/wire/msgpack"
)

// pack translates text that must be sound.
func pack(t testing.TB, text string, attachments ...[]byte) (out []byte, exact bool) {
	t.Helper()
	out, exact, err := msgpack.AppendJSON(nil, []byte(text), attachments)
	require.NoError(t, err, text)
	return out, exact
}

// unpack translates MessagePack that must be sound and complete.
func unpack(t testing.TB, data []byte) (text string, attachments [][]byte) {
	t.Helper()
	out, attachments, rest, err := msgpack.ReadJSON(nil, nil, data)
	require.NoError(t, err, "%x", data)
	require.Empty(t, rest)
	return string(out), attachments
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

// sameJSON reports whether two texts have the same tokens, numbers compared by value.
func sameJSON(t testing.TB, a, b []byte) bool {
	t.Helper()
	o := []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}
	one, two := jsontext.NewDecoder(bytes.NewReader(a), o...), jsontext.NewDecoder(bytes.NewReader(b), o...)
	for {
		x, errX := one.ReadToken()
		if errX != nil {
			require.ErrorIs(t, errX, io.EOF)
			_, errY := two.ReadToken()
			return errors.Is(errY, io.EOF)
		}
		kind, text := x.Kind(), x.String()
		y, errY := two.ReadToken()
		if errY != nil || kind != y.Kind() {
			return false
		}
		if other := y.String(); text != other && (kind != '0' || !sameNumber(text, other)) {
			return false
		}
	}
}

var bigExponent = regexp.MustCompile(`[eE][+-]?0*[1-9][0-9]{3,}`)

// sameNumber reports whether two numbers have the same value and sign.
func sameNumber(a, b string) bool {
	if (a[0] == '-') != (b[0] == '-') {
		return false
	}
	if bigExponent.MatchString(a) || bigExponent.MatchString(b) {
		f, _ := strconv.ParseFloat(a, 64)
		g, _ := strconv.ParseFloat(b, 64)
		return f == g
	}
	x, okX := new(big.Rat).SetString(a)
	y, okY := new(big.Rat).SetString(b)
	return okX && okY && x.Cmp(y) == 0
}
