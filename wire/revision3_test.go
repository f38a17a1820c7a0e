package wire_test

import (
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/wire"
	"github.com/actio-go/actio/wire/msgpack"
)

// payload3 is packets and what the parser of engine.io 6 for revision 3 makes of them. All bytes are in hex.
type payload3 struct {
	Name    string
	Packets []struct {
		Type   string
		Text   string
		Binary *string
	}
	Text, Binary       string // the forms of the payload
	Frames, TextFrames []struct{ Text, Binary string }
}

//go:embed testdata/engineio3.json
var payload3File []byte

func payloads3(t testing.TB) (all []payload3) {
	t.Helper()
	require.NoError(t, json.Unmarshal(payload3File, &all))
	require.NotEmpty(t, all)
	return all
}

func bytesOf(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

// packets gives them as this package has them.
func (v *payload3) packets(t testing.TB) (packets []wire.EnginePacket) {
	t.Helper()
	for _, p := range v.Packets {
		packet := wire.EnginePacket{Data: []byte(p.Text)}
		for packet.Type.String() != p.Type {
			packet.Type++
			require.LessOrEqual(t, packet.Type, wire.EngineNoop)
		}
		if p.Binary != nil {
			packet.Binary, packet.Data = true, bytesOf(t, *p.Binary)
		}
		packets = append(packets, packet)
	}
	return packets
}

// collected reads a payload with a decoder, and copies what it finds.
func collected(decode func([]byte, func(wire.EnginePacket) error) error, body []byte) (packets []wire.EnginePacket, err error) {
	err = decode(body, func(p wire.EnginePacket) error {
		p.Data = append([]byte{}, p.Data...)
		packets = append(packets, p)
		return nil
	})
	return packets, err
}

func TestRevision3_PayloadsOfNode_AreReadAndWritten(t *testing.T) {
	for _, v := range payloads3(t) {
		want := v.packets(t)
		got, err := collected(wire.DecodePayload3, bytesOf(t, v.Text))
		require.NoError(t, err, v.Name)
		assert.Equal(t, want, got, v.Name)
		got, err = collected(wire.DecodeBinaryPayload3, bytesOf(t, v.Binary))
		require.NoError(t, err, v.Name)
		assert.Equal(t, want, got, v.Name)

		prepared := wire.PrepareEngine(want...)
		assert.Equal(t, v.Text, hex.EncodeToString(prepared.AppendPayload3(nil)), v.Name)
		assert.Equal(t, v.Binary, hex.EncodeToString(prepared.AppendBinaryPayload3(nil)), v.Name)
	}
}

func TestRevision3_FramesOfNode_AreReadAndWritten(t *testing.T) {
	for _, v := range payloads3(t) {
		want := v.packets(t)
		prepared := wire.PrepareEngine(want...)
		for onlyText, frames := range map[bool][]struct{ Text, Binary string }{false: v.Frames, true: v.TextFrames} {
			formed := prepared.Revision3(onlyText)
			assert.Same(t, formed, prepared.Revision3(onlyText), "it is made once")
			got := readFrames(t, formed.WebSocket())
			require.Len(t, got, len(frames), v.Name)
			for i, f := range frames {
				op, content, decode := wire.Text, f.Text, wire.DecodeEngineText3
				if f.Binary != "" {
					op, content, decode = wire.Binary, f.Binary, wire.DecodeEngineBinary3
				}
				assert.Equal(t, op, got[i].op, v.Name)
				assert.Equal(t, content, hex.EncodeToString(got[i].payload), v.Name)
				p, err := decode(got[i].payload)
				require.NoError(t, err, v.Name)
				assert.Equal(t, want[i].Type, p.Type)
				assert.Equal(t, want[i].Binary, p.Binary)
				assert.Equal(t, want[i].Data, append([]byte{}, p.Data...))
			}
		}
	}
}

func TestRevision3_WithoutBinary_SharesTheFramesOfAll(t *testing.T) {
	p, err := wire.EncodeEvent("/", "e", "é")
	require.NoError(t, err)
	assert.Same(t, p, p.Revision3(false))
	assert.Same(t, p, p.Revision3(true))
	p, err = wire.EncodeEvent("/", "e", []byte{1})
	require.NoError(t, err)
	formed := p.Revision3(false)
	assert.NotSame(t, p, formed)
	array, attachments, ok := formed.Event()
	require.True(t, ok)
	assert.Equal(t, `["e",{"_placeholder":true,"num":0}]`, string(array))
	assert.Equal(t, [][]byte{{1}}, attachments)
}

func TestRevision3_FormOfAParser_HasTheTypeBeforeItsBytes(t *testing.T) {
	p, err := wire.EncodeEvent("/", "e")
	require.NoError(t, err)
	packed, err := p.With(msgpack.Parser{})
	require.NoError(t, err)
	op, usual := onlyFrame(t, packed.WebSocket())
	require.Equal(t, wire.Binary, op)
	formed := packed.Revision3(false)
	op, old := onlyFrame(t, formed.WebSocket())
	assert.Equal(t, wire.Binary, op)
	assert.Equal(t, append([]byte{4}, usual...), old)
	assert.Same(t, formed, packed.Revision3(false))
	again, err := formed.With(msgpack.Parser{})
	require.NoError(t, err)
	assert.Same(t, formed, again)
	array, _, ok := formed.Event()
	require.True(t, ok)
	assert.Equal(t, `["e"]`, string(array))
}

func TestDecodePayload3_WhatIsNone_IsRefused(t *testing.T) {
	for body, want := range map[string]error{
		"": wire.ErrLength, "2": wire.ErrLength, ":2": wire.ErrLength, "2:2": wire.ErrLength, "-1:2": wire.ErrLength, "1.0:2": wire.ErrLength,
		"99999999999999999999:2": wire.ErrLength, "1:2x": wire.ErrLength, "2:4😀": wire.ErrLength, "1:7": wire.ErrEngineType, "1:x": wire.ErrEngineType,
		"1:b": wire.ErrEngineType, "2:b2": wire.ErrEngineType, "3:b4*": wire.ErrBase64, "2:4\xe9": wire.ErrUTF8,
		"2:4a2:": wire.ErrLength,
	} {
		_, err := collected(wire.DecodePayload3, []byte(body))
		require.ErrorIs(t, err, want, "%q", body)
	}
	got, err := collected(wire.DecodePayload3, []byte("1:20:2:4a1:9"))
	require.ErrorIs(t, err, wire.ErrEngineType)
	assert.Len(t, got, 2, "what came before is there, a packet of no length is none")
	e, ok := errors.AsType[*wire.DecodeError](err)
	require.True(t, ok)
	assert.Equal(t, 11, e.Offset)
}

func TestDecodeBinaryPayload3_WhatIsNone_IsRefused(t *testing.T) {
	for name, row := range map[string]struct {
		body string
		want error
	}{
		"no length":             {"00ff", wire.ErrLength},
		"no end of a length":    {"0001", wire.ErrLength},
		"a digit that is none":  {"000aff", wire.ErrLength},
		"a length out of range": {"00" + strings.Repeat("09", 20) + "ff", wire.ErrLength},
		"less than announced":   {"0002ff34", wire.ErrLength},
		"neither text nor not":  {"0201ff34", wire.ErrLength},
		"an empty packet":       {"0000ff", wire.ErrEngineType},
		"a binary ping":         {"0101ff02", wire.ErrEngineType},
		"text that is none":     {"0002ff34ff", wire.ErrUTF8},
	} {
		_, err := collected(wire.DecodeBinaryPayload3, bytesOf(t, row.body))
		require.ErrorIs(t, err, row.want, name)
	}
	got, err := collected(wire.DecodeBinaryPayload3, nil)
	require.NoError(t, err, "as Node has it, nothing is no packet")
	assert.Empty(t, got)
	stop := errors.New("enough")
	require.ErrorIs(t, wire.DecodeBinaryPayload3(bytesOf(t, "0001ff320001ff32"), func(wire.EnginePacket) error { return stop }), stop)
	require.ErrorIs(t, wire.DecodePayload3([]byte("1:21:2"), func(wire.EnginePacket) error { return stop }), stop)
}

// FuzzDecodePayload3: whatever a body holds, its packets can be written again, in both forms, and are the same then.
func FuzzDecodePayload3(f *testing.F) {
	for _, v := range payloads3(f) {
		f.Add(bytesOf(f, v.Text))
		f.Add(bytesOf(f, v.Binary))
	}
	for _, s := range []string{"0:", "1:20:2:4a", "2:b4", "3:4😀", "99999999999:2", "\x00\x01\xff2", "\x01\x02\xff\x04"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, decode := range []func([]byte, func(wire.EnginePacket) error) error{wire.DecodePayload3, wire.DecodeBinaryPayload3} {
			packets, err := collected(decode, append([]byte{}, body...))
			if err != nil {
				requireTyped(t, err, len(body))
			}
			if len(packets) == 0 {
				continue
			}
			prepared := wire.PrepareEngine(packets...)
			again, err := collected(wire.DecodePayload3, prepared.AppendPayload3(nil))
			require.NoError(t, err)
			require.Equal(t, packets, again)
			again, err = collected(wire.DecodeBinaryPayload3, prepared.AppendBinaryPayload3(nil))
			require.NoError(t, err)
			require.Equal(t, packets, again)
		}
	})
}

// FuzzRevision3 gives the decoders of frames whatever there is: a packet that comes out goes the same way again.
func FuzzRevision3(f *testing.F) {
	for _, v := range payloads3(f) {
		for _, frame := range append(v.Frames, v.TextFrames...) {
			f.Add(bytesOf(f, frame.Text+frame.Binary))
		}
	}
	for _, s := range []string{"", "b", "b4", "b4=", "b2AA", "\x04", "\x02x", "7", "4\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, decode := range []func([]byte) (wire.EnginePacket, error){wire.DecodeEngineText3, wire.DecodeEngineBinary3} {
			p, err := decode(append([]byte{}, data...))
			if err != nil {
				requireTyped(t, err, len(data))
				continue
			}
			again, err := wire.DecodeEngineText3(wire.AppendEngineText3(nil, p))
			require.NoError(t, err)
			assertSamePacket(t, p, again)
		}
	})
}

func BenchmarkRevision3(b *testing.B) {
	event, err := wire.EncodeEvent("/", "message", "é", strings.Repeat("x", 100))
	require.NoError(b, err)
	body := event.AppendPayload3(nil)
	b.Run("append", func(b *testing.B) {
		dst := make([]byte, 0, 1024)
		b.ReportAllocs()
		for b.Loop() {
			dst = event.AppendPayload3(dst[:0])
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := wire.DecodePayload3(body, func(wire.EnginePacket) error { return nil }); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("no form of its own", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if event.Revision3(false) != event {
				b.Fatal("a copy")
			}
		}
	})
}
