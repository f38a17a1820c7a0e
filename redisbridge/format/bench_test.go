package format_test

import (
	"errors"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
)

// chat is a broadcast of the size of a line in a chat.
func chat() *format.Message {
	return &format.Message{
		Kind: format.Broadcast, Sender: foreignUID, Namespace: "/",
		Target: format.Target{Rooms: []string{"room:4711"}, Except: []string{"9K3V6JwqsILRvSaTAAAA"}},
		Event: event(`["chat message",{"id":123456,"room":"room:4711","user":"somebody","at":1795381408142,` +
			`"text":"Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor"}]`),
	}
}

// dialects are both, and what they are called.
func dialects() map[string]format.Dialect {
	return map[string]format.Dialect{"classic": classic(), "sharded": sharded()}
}

func BenchmarkEncode_Chat(b *testing.B) {
	for name, d := range dialects() {
		b.Run(name, func(b *testing.B) {
			m := chat()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Encode(m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode_Chat(b *testing.B) {
	for name, d := range dialects() {
		f := encode(b, d, chat())
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Decode(f.Channel, f.Payload); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+" with event", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m, err := d.Decode(f.Channel, f.Payload)
				if err != nil {
					b.Fatal(err)
				}
				if _, _, err := m.Event.JSON(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode_OwnEcho(b *testing.B) {
	for name, d := range dialects() {
		f := echo(b, name, d)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Decode(f.Channel, f.Payload); !errors.Is(err, format.ErrOwn) {
					b.Fatal(err)
				}
			}
		})
	}
}

// echo is a message of the dialect's own instance.
func echo(t testing.TB, name string, d format.Dialect) format.Frame {
	t.Helper()
	m := chat()
	m.Sender = classicUID
	if name == "sharded" {
		m.Sender = shardedUID
	}
	return encode(t, d, m)
}

func TestAllocations_Chat(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector empties pools at random")
	}
	for name, d := range dialects() {
		m := chat()
		f := encode(t, d, m)
		own := echo(t, name, d)
		binary := chat()
		binary.Sender, binary.Event = shardedUID, event(`["e",`+zero+`]`, make([]byte, 100))
		shards := sharded()
		ownBinary := encode(t, shards, binary)
		for what, tt := range map[string]struct {
			most float64
			run  func()
		}{
			"room":       {0, func() { d.Room(f.Channel) }},
			"own":        {0, func() { _, _ = d.Decode(own.Channel, own.Payload) }},
			"own binary": {1, func() { _, _ = shards.Decode(ownBinary.Channel, ownBinary.Payload) }}, // what it is read into
			// The message, its sender, two lists of one string each; what a message of the sharded adapter is read into.
			"decode": {7, func() { _, _ = d.Decode(f.Channel, f.Payload) }},
			"encode": {2, func() { _, _ = d.Encode(m) }}, // the payload and the name of the channel
		} {
			assert.LessOrEqual(t, testing.AllocsPerRun(200, tt.run), tt.most, "%s: %s", name, what)
		}
	}
}

func TestAllocations_Memory_IsInProportion(t *testing.T) {
	if raceEnabled {
		t.Skip("memory is measured without it")
	}
	const size = 1 << 20
	for name, tt := range map[string]struct {
		channel string
		payload []byte
	}{
		"rooms that are numbers": {"socket.io#/#", growing(t, "93 'o' 82'type'02'data'91'e' 81'rooms'", "01", "", size)},
		"event of numbers":       {"socket.io#/#", growing(t, "93 'o' 82'type'02'data'", "01", "81'rooms'90", size)},
		"sockets":                {classicAnswers, growing(t, "82'requestId''q' 'sockets'", "83'id''s''handshake'80'rooms'90", "", size)},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, err := classic().Decode(tt.channel, tt.payload)
		require.NoError(t, err, name)
		_, _, err = m.Event.JSON()
		require.NoError(t, err, name)
		runtime.ReadMemStats(&after)
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(32*size), name)
	}
}

// growing makes MessagePack with an array of as many equal elements as make the size.
func growing(t testing.TB, before, element, after string, size int) []byte {
	t.Helper()
	e := pack(t, element)
	n := size / len(e)
	out := append(pack(t, before), 0xdd, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	for range n {
		out = append(out, e...)
	}
	return append(out, pack(t, after)...)
}
