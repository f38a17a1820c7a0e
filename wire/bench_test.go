package wire_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/actio-go/actio/wire"
)

const chatText = `2["message",{"room":"general","from":"alice","text":"how are you today?","at":1712345678901}]`

type chat struct {
	Room string `json:"room"`
	From string `json:"from"`
	Text string `json:"text"`
	At   int64  `json:"at"`
}

func BenchmarkDecodeEngineText(b *testing.B) {
	data := []byte("4" + chatText)
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := wire.DecodeEngineText(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodePayload(b *testing.B) {
	inputs := map[string]string{
		"text x10": strings.TrimSuffix(strings.Repeat("4"+chatText+"\x1e", 10), "\x1e"),
		"base64":   "4" + chatText + "\x1eb" + strings.Repeat("AQIDBA", 200),
	}
	for name, body := range inputs {
		b.Run(name, func(b *testing.B) {
			data := []byte(body)
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if err := wire.DecodePayload(data, func(wire.EnginePacket) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendPayload(b *testing.B) {
	p := wire.EnginePacket{Type: wire.EngineMessage, Data: []byte(chatText)}
	raw := wire.EnginePacket{Type: wire.EngineMessage, Binary: true, Data: make([]byte, 1000)}
	dst := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		dst = wire.AppendPayload(dst[:0], p, raw)
	}
}

func BenchmarkOpen(b *testing.B) {
	o := wire.Open{SID: "~abcdefghijklmnopqrs", Upgrades: []string{"websocket"}, PingInterval: 25e9, PingTimeout: 20e9, MaxPayload: 1e6}
	b.Run("Append", func(b *testing.B) {
		dst := make([]byte, 0, 256)
		b.ReportAllocs()
		for b.Loop() {
			dst = wire.AppendOpen(dst[:0], o)
		}
	})
	b.Run("Decode", func(b *testing.B) {
		data := wire.AppendOpen(nil, o)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := wire.DecodeOpen(data); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDecodePacket(b *testing.B) {
	inputs := []struct{ name, text string }{
		{"ack", `37[]`},
		{"chat", chatText},
		{"namespace", `2/admin,17` + chatText[1:]},
		{"text4k", `2["note","` + strings.Repeat("plain text, ", 340) + `"]`},
		{"utf8-4k", `2["note","` + strings.Repeat("текст ", 370) + `"]`},
	}
	for _, in := range inputs {
		b.Run(in.name, func(b *testing.B) {
			data := []byte(in.text)
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := wire.DecodePacket(data, wire.Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParseEvent(b *testing.B) {
	inputs := []struct {
		name string
		in   wire.Complete
	}{
		{"chat", event(chatText[1:])},
		{"binary", event(`["image",{"name":"a.png","data":{"_placeholder":true,"num":0}}]`, make([]byte, 1000))},
	}
	for _, in := range inputs {
		b.Run(in.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := wire.ParseEvent(in.in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReassembler(b *testing.B) {
	p, err := wire.DecodePacket([]byte(`51-["image",{"_placeholder":true,"num":0}]`), wire.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	data := make([]byte, 1000)
	var r wire.Reassembler
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Text(p, wire.Limits{}); err != nil {
			b.Fatal(err)
		}
		if c, err := r.Binary(data, wire.Limits{}); err != nil || c == nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkArgsDecode(b *testing.B) {
	text := parse(b, chatText[1:])
	word := parse(b, `["x","hello"]`)
	mixed := parse(b, `["image",{"name":"a.png","data":{"_placeholder":true,"num":0}},{"_placeholder":true,"num":0}]`, make([]byte, 1000))
	type image struct {
		Name string `json:"name"`
		Data []byte `json:"data"`
	}
	run := func(name string, args wire.Args, i int, v func() any) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := args.Decode(i, v()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("struct", text, 0, func() any { return new(chat) })
	run("any", text, 0, func() any { return new(any) })
	run("string", word, 0, func() any { return new(string) })
	run("binary struct", mixed, 0, func() any { return new(image) })
	run("binary bytes", mixed, 1, func() any { return new([]byte) })
	b.Run("struct by encoding-json", func(b *testing.B) {
		raw := text.Raw(0)
		b.ReportAllocs()
		for b.Loop() {
			if err := json.Unmarshal(raw, new(chat)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkEncodeEvent(b *testing.B) {
	message := chat{"general", "alice", "how are you today?", 1712345678901}
	inputs := []struct {
		name string
		args []any
	}{
		{"string", []any{"hello"}},
		{"raw", []any{json.RawMessage(chatText[12 : len(chatText)-1])}},
		{"struct", []any{message}},
		{"map", []any{map[string]any{"room": "general", "from": "alice", "at": 1.5}}},
		{"binary", []any{"a.png", make([]byte, 1000)}},
		{"binary in map", []any{map[string]any{"data": make([]byte, 1000)}}},
	}
	for _, in := range inputs {
		b.Run(in.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := wire.EncodeEvent("/", "message", in.args...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncodeAck(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wire.EncodeAck("/", 7, "ok"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodePacketJSON(b *testing.B) {
	v := map[string]string{"sid": "~abcdefghijklmnopqrs"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wire.EncodePacketJSON(wire.Connect, "/", v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPrepareEngine(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_ = wire.PrepareEngine(wire.EnginePacket{Type: wire.EnginePing})
	}
}

func BenchmarkPrepared_AppendPayload(b *testing.B) {
	p, err := wire.EncodeEvent("/", "image", "a.png", make([]byte, 1000))
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		dst = p.AppendPayload(dst[:0])
	}
}

func BenchmarkPrepared_Deflated(b *testing.B) {
	for _, level := range []int{1, 6} {
		b.Run("level "+string(rune('0'+level)), func(b *testing.B) {
			d := wire.NewDeflater(level, 0)
			text := wire.EnginePacket{Type: wire.EngineMessage, Data: bytes.Repeat([]byte(chatText), 22)}
			b.SetBytes(int64(len(text.Data)))
			b.ReportAllocs()
			for b.Loop() {
				_ = wire.PrepareEngine(text).Deflated(d)
			}
		})
	}
}

func BenchmarkAppendFrame(b *testing.B) {
	payload := make([]byte, 200)
	dst := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		dst = wire.AppendFrame(dst[:0], wire.Text, payload)
	}
}

func BenchmarkAppendCloseFrame(b *testing.B) {
	dst := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		dst = wire.AppendCloseFrame(dst[:0], 1000, "going away")
	}
}

func BenchmarkPrepareEvent(b *testing.B) {
	array := []byte(chatText[1:])
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wire.PrepareEvent("/", false, 0, array, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeArgs(b *testing.B) {
	args := []any{"text", 1, true, nil, 1.5}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := wire.EncodeArgs(args...); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkArgsOf(b *testing.B) {
	array := []byte(chatText[1:])
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wire.ArgsOf(array, nil); err != nil {
			b.Fatal(err)
		}
	}
}
