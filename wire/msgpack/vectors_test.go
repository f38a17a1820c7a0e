package msgpack_test

import (
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/wire/msgpack"
)

// vector is MessagePack that notepack.io 3.0.1 has written, or read, and the JSON of its value. Integers keep their digits in
// the JSON, unlike in JavaScript.
type vector struct {
	Name        string
	Hex         string
	JSON        string
	Attachments []string
	ReadOnly    bool // AppendJSON gives something else
}

//go:embed testdata/notepack.json
var vectorFile []byte

func vectors(t testing.TB) []vector {
	t.Helper()
	var file struct {
		Captured []vector // messages of the Redis adapter and the emitter
		Encoded  []vector // single values
	}
	require.NoError(t, json.Unmarshal(vectorFile, &file))
	require.NotEmpty(t, file.Captured)
	require.NotEmpty(t, file.Encoded)
	return append(file.Captured, file.Encoded...)
}

func TestReadJSON_BytesOfNotepack_GiveItsValues(t *testing.T) {
	for _, v := range vectors(t) {
		text, attachments := unpack(t, unhex(t, v.Hex))
		assert.Equal(t, v.JSON, text, v.Name)
		var got []string
		for _, a := range attachments {
			got = append(got, hex.EncodeToString(a))
		}
		assert.ElementsMatch(t, v.Attachments, got, v.Name)
	}
}

func TestAppendJSON_ValuesOfNotepack_GiveItsBytes(t *testing.T) {
	for _, v := range vectors(t) {
		if v.ReadOnly {
			continue
		}
		attachments := [][]byte{}
		for _, a := range v.Attachments {
			attachments = append(attachments, unhex(t, a))
		}
		out, exact, err := msgpack.AppendJSON(nil, []byte(v.JSON), attachments)
		require.NoError(t, err, v.Name)
		assert.True(t, exact, v.Name)
		assert.Equal(t, v.Hex, hex.EncodeToString(out), v.Name)
	}
}
