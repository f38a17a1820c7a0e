package wire_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/wire"
)

// seedVectors adds every text of the golden vectors to the corpus.
func seedVectors(f *testing.F, name string) {
	f.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(f, err)
	var v any
	require.NoError(f, json.Unmarshal(data, &v))
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			f.Add([]byte(v))
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(v)
}

// requireTyped requires an error that callers can tell by its sentinel, at a place within the input.
func requireTyped(t *testing.T, err error, size int) {
	t.Helper()
	var de *wire.DecodeError
	require.ErrorAs(t, err, &de)
	require.GreaterOrEqual(t, de.Offset, 0)
	require.LessOrEqual(t, de.Offset, size)
}

func FuzzDecodeEngineText(f *testing.F) {
	seedVectors(f, "engineio.json")
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := wire.DecodeEngineText(data)
		if err != nil {
			requireTyped(t, err, len(data))
			return
		}
		again, err := wire.DecodeEngineText(wire.AppendEngineText(nil, p))
		require.NoError(t, err)
		assertSamePacket(t, p, again)
		if !p.Binary {
			require.True(t, utf8.Valid(data))
			require.Equal(t, string(data), string(wire.AppendEngineText(nil, p)))
		}
	})
}

func FuzzDecodePayload(f *testing.F) {
	seedVectors(f, "engineio.json")
	f.Fuzz(func(t *testing.T, data []byte) {
		var packets []wire.EnginePacket
		err := wire.DecodePayload(data, func(p wire.EnginePacket) error {
			packets = append(packets, p)
			return nil
		})
		if err != nil {
			requireTyped(t, err, len(data))
			return
		}
		again, err := decodePayload(string(wire.AppendPayload(nil, packets...)))
		require.NoError(t, err)
		require.Len(t, again, len(packets))
		prepared := wire.PrepareEngine(packets...)
		require.Equal(t, string(wire.AppendPayload(nil, packets...)), string(prepared.AppendPayload(nil)))
		require.Equal(t, len(prepared.AppendPayload(nil)), prepared.PayloadSize())
	})
}

func FuzzDecodeOpen(f *testing.F) {
	f.Add([]byte(`{"sid":"a","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`))
	f.Add([]byte(`{"sid":"a","pingInterval":1,"pingTimeout":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := wire.DecodeOpen(data)
		if err != nil {
			require.ErrorIs(t, err, wire.ErrOpen)
			return
		}
		again, err := wire.DecodeOpen(wire.AppendOpen(nil, o))
		require.NoError(t, err)
		require.Len(t, again.Upgrades, len(o.Upgrades))
		o.Upgrades, again.Upgrades = nil, nil
		require.Equal(t, o, again)
	})
}

// FuzzDecodePacket compares the payload check with the standard library, and follows sound packets to their arguments.
func FuzzDecodePacket(f *testing.F) {
	seedVectors(f, "socketio.json")
	for _, s := range []string{`2/a?b=1,17["x",{"a":[1.5e3,"\u00e9"]}]`, `2["a\"b"]`, `4"x"`, `62-/a,3[{"_placeholder":true,"num":1}]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		shallow := wire.Limits{JSONDepth: 2}
		p, err := wire.DecodePacket(text, shallow)
		requireDecoded(t, text, shallow, p, err)
		p, err = wire.DecodePacket(text, wire.Limits{})
		requireDecoded(t, text, wire.Limits{}, p, err)
		if err != nil {
			requireTyped(t, err, len(text))
			return
		}
		require.True(t, utf8.Valid(text))
		require.True(t, p.Data == nil || json.Valid(p.Data))
		again, err := wire.DecodePacket(wire.AppendPacket(nil, p), wire.Limits{})
		require.NoError(t, err)
		require.Equal(t, p, again)
		switch p.Type {
		case wire.Event, wire.BinaryEvent:
			_, args, err := wire.ParseEvent(withAttachments(p))
			requireArgs(t, p, args, err)
		case wire.Ack, wire.BinaryAck:
			args, err := wire.ParseAck(withAttachments(p))
			requireArgs(t, p, args, err)
		default:
		}
	})
}

// requireDecoded requires that one pass finds what two passes find.
func requireDecoded(t *testing.T, text []byte, l wire.Limits, p wire.Packet, err error) {
	t.Helper()
	d, got := wire.Decode(text, l)
	want := wire.Decoded{Packet: p}
	switch {
	case err != nil:
	case p.Type == wire.Event:
		want.Name, want.Args, err = wire.ParseEvent(wire.Complete{Packet: p})
	case p.Type == wire.Ack:
		want.Args, err = wire.ParseAck(wire.Complete{Packet: p})
	}
	if err != nil {
		requireTyped(t, got, len(text))
		require.ErrorIs(t, got, errors.Unwrap(err))
		return
	}
	require.NoError(t, got)
	require.Equal(t, want, d)
}

func withAttachments(p wire.Packet) wire.Complete {
	c := wire.Complete{Packet: p}
	for i := range p.Attachments {
		c.Attachments = append(c.Attachments, []byte{byte(i)})
	}
	return c
}

// requireArgs requires of the arguments of a decoded packet that each is JSON and decodes, or that there is a reason.
func requireArgs(t *testing.T, p wire.Packet, args wire.Args, err error) {
	t.Helper()
	if err != nil {
		require.True(t, p.Data == nil || errors.Is(err, wire.ErrPlaceholder), "%v", err)
		return
	}
	for i := range args.Len() {
		require.True(t, json.Valid(args.Raw(i)))
		var got any
		if err := args.Decode(i, &got); err != nil {
			require.ErrorIs(t, err, wire.ErrArgument)
			require.Error(t, json.Unmarshal(args.Raw(i), &got)) // a number out of range
			continue
		}
		if p.Attachments == 0 {
			var want any
			require.NoError(t, json.Unmarshal(args.Raw(i), &want))
			require.Equal(t, want, got)
		}
	}
}

// FuzzReassembler sends any sequence of announcements and attachments.
func FuzzReassembler(f *testing.F) {
	f.Add([]byte{0, 0x81, 1, 0x82, 1, 1, 1})
	f.Fuzz(func(t *testing.T, steps []byte) {
		var r wire.Reassembler
		limits := wire.Limits{PacketBytes: 500}
		for _, step := range steps {
			var c *wire.Complete
			var err error
			switch {
			case step == 0:
				c, err = r.Text(wire.Packet{Type: wire.Event}, limits)
			case step&0x80 != 0:
				c, err = r.Text(binaryEvent(int(step&0x1f)), limits)
			default:
				c, err = r.Binary(make([]byte, step), limits)
			}
			if err != nil {
				require.Nil(t, c)
				require.False(t, r.Pending())
			}
			if c == nil {
				continue
			}
			require.False(t, r.Pending())
			require.Len(t, c.Attachments, c.Packet.Attachments)
			size := 0
			for _, a := range c.Attachments {
				size += len(a)
			}
			require.LessOrEqual(t, size, limits.PacketBytes)
		}
	})
}

// FuzzDecodeArgs decodes arguments with attachments into Go values of many kinds.
func FuzzDecodeArgs(f *testing.F) {
	f.Add([]byte(`["x",{"_placeholder":true,"num":0},{"bytes":{"_placeholder":true,"num":1}},[{"_placeholder":true,"num":2}]]`))
	f.Add([]byte(`["x",{"raw":{"_placeholder":true,"num":1},"number":1e5,"next":{"any":"x"}}]`))
	seedVectors(f, "socketio.json")
	type value struct {
		Bytes  []byte          `json:"bytes"`
		Named  blob            `json:"named"`
		Any    any             `json:"any"`
		Raw    json.RawMessage `json:"raw"`
		Number json.Number     `json:"number"`
		Next   *value          `json:"next"`
		Many   [][]byte        `json:"many"`
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !utf8.Valid(data) {
			return
		}
		_, args, err := wire.ParseEvent(event(string(data), []byte("zero"), []byte("one"), []byte("two")))
		if err != nil {
			requireTyped(t, err, len(data))
			return
		}
		for i := range args.Len() {
			for _, v := range []any{new(any), new(value), new([]byte), new(string), new([]value), new(map[string]any)} {
				if err := args.Decode(i, v); err != nil {
					require.ErrorIs(t, err, wire.ErrArgument)
				}
			}
		}
	})
}

// FuzzEncodeEvent sends JSON values through an encoding and back.
func FuzzEncodeEvent(f *testing.F) {
	f.Add("/", "x", []byte(`{"a":[1,"é\u2028<"]}`), []byte("data"))
	f.Add("/a,", "connect", []byte(`]`), []byte(nil))
	f.Add("/a?b", "\xff\x1e", []byte("\"\xff\""), []byte{0xff})
	f.Fuzz(func(t *testing.T, namespace, name string, raw, data []byte) {
		var value any
		if json.Unmarshal(raw, &value) != nil {
			value = string(raw)
		}
		p, err := wire.EncodeEvent(namespace, name, value, json.RawMessage(raw), data, map[string]any{"data": data})
		if err != nil {
			require.ErrorIs(t, err, wire.ErrEncode)
			return
		}
		complete := receive(t, p)
		require.Equal(t, data != nil, complete.Packet.Type == wire.BinaryEvent)
		_, args, err := wire.ParseEvent(complete)
		if errors.Is(err, wire.ErrPlaceholder) {
			return // raw looks like a placeholder itself
		}
		require.NoError(t, err)
		require.Equal(t, 4, args.Len())
		var got []byte
		require.NoError(t, args.Decode(2, &got))
		require.Equal(t, data, got)
		require.Len(t, p.AppendPayload(nil), p.PayloadSize())
	})
}

func FuzzAppendCloseFrame(f *testing.F) {
	f.Add(uint16(1000), "going away")
	f.Add(uint16(0), "\xff")
	f.Fuzz(func(t *testing.T, code uint16, reason string) {
		op, payload := onlyFrame(t, wire.AppendCloseFrame(nil, code, reason))
		require.Equal(t, wire.CloseFrame, op)
		require.LessOrEqual(t, len(payload), 125)
		require.True(t, len(payload) == 0 || len(payload) >= 2 && utf8.Valid(payload[2:]))
	})
}

func FuzzDeflater(f *testing.F) {
	f.Add([]byte("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), []byte("b"))
	f.Add([]byte{}, []byte("\x00\x00\xff\xff"))
	d := wire.NewDeflater(1, -1)
	f.Fuzz(func(t *testing.T, first, second []byte) {
		p := wire.PrepareEngine(wire.DecodeEngineBinary(first), wire.DecodeEngineBinary(second))
		deflated := readFrames(t, p.Deflated(d))
		require.Len(t, deflated, 2)
		for i, want := range [][]byte{first, second} {
			got := string(deflated[i].payload)
			if deflated[i].rsv1 {
				got = inflate(t, deflated[i].payload)
			}
			require.Equal(t, string(want), got)
		}
	})
}
