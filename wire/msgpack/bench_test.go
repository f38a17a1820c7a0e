package msgpack_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/wire/msgpack"
)

const chat = `["message",{"room":"general","user":"ada","text":"Hello, how are you today?","at":1795381405124,"tags":["a","b"]}]`

// cases are texts for benchmarks, with attachments of 1 KiB as they need.
func cases() map[string]string {
	return map[string]string{
		"chat":    chat,
		"escapes": `["message",{"text":"\"Hello\",\nhow are you\t\u00e9\ud83d\ude00?"}]`,
		"numbers": "[" + strings.Repeat(`12345,-7,0.25,3.141592653589793,1e-7,`, 20) + "0]",
		"binary":  `["file",{"name":"a.png","data":{"_placeholder":true,"num":0}}]`,
		"text4k":  `["text","` + strings.Repeat("All human beings are born free. ", 128) + `"]`,
	}
}

func attachmentsOf(name string) [][]byte {
	if name == "binary" {
		return [][]byte{make([]byte, 1024)}
	}
	return nil
}

func BenchmarkAppendJSON(b *testing.B) {
	for name, text := range cases() {
		b.Run(name, func(b *testing.B) {
			in, attachments := []byte(text), attachmentsOf(name)
			dst := make([]byte, 0, 8<<10)
			b.ReportAllocs()
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				if _, _, err := msgpack.AppendJSON(dst, in, attachments); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReadJSON(b *testing.B) {
	for name, text := range cases() {
		b.Run(name, func(b *testing.B) {
			in, _, err := msgpack.AppendJSON(nil, []byte(text), attachmentsOf(name))
			require.NoError(b, err)
			dst, attachments := make([]byte, 0, 8<<10), make([][]byte, 0, 4)
			b.ReportAllocs()
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				if _, _, _, err := msgpack.ReadJSON(dst, attachments, in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestAllocations_BothWays_AreTheOutputAlone(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	dst, room := make([]byte, 0, 8<<10), make([][]byte, 0, 4)
	for name, text := range cases() {
		in, attachments := []byte(text), attachmentsOf(name)
		packed, _, err := msgpack.AppendJSON(nil, in, attachments)
		require.NoError(t, err)
		most := 1.0
		if name == "binary" {
			most = 2 // the list of attachments
		}
		for _, tt := range []struct {
			what string
			most float64
			run  func()
		}{
			{"AppendJSON, room", 0, func() { _, _, _ = msgpack.AppendJSON(dst, in, attachments) }},
			{"AppendJSON", 1, func() { _, _, _ = msgpack.AppendJSON(nil, in, attachments) }},
			{"ReadJSON, room", 0, func() { _, _, _, _ = msgpack.ReadJSON(dst, room, packed) }},
			{"ReadJSON", most, func() { _, _, _, _ = msgpack.ReadJSON(nil, nil, packed) }},
		} {
			assert.LessOrEqual(t, testing.AllocsPerRun(100, tt.run), tt.most, "%s: %s", name, tt.what)
		}
	}
}
