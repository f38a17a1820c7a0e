package wire_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/actio-go/actio/wire"
)

func TestEngineType_String_NamesOfTheProtocol(t *testing.T) {
	var names []string
	for typ := wire.EngineOpen; typ <= wire.EngineNoop+1; typ++ {
		names = append(names, typ.String())
	}
	assert.Equal(t, []string{"open", "close", "ping", "pong", "message", "upgrade", "noop", "invalid"}, names)
}

func TestDecodeEngineText_Malformed_TypedErrorWithOffset(t *testing.T) {
	tests := []struct {
		name, in string
		want     error
		offset   int
	}{
		{"empty", "", wire.ErrEngineType, 0},
		{"letter", "x", wire.ErrEngineType, 0},
		{"after the last type", "7", wire.ErrEngineType, 0},
		{"before the first type", "/", wire.ErrEngineType, 0},
		{"high byte", "\xb4", wire.ErrEngineType, 0},
		{"not UTF-8", "4\xff", wire.ErrUTF8, 1},
		{"surrogate", "4\xed\xa0\x80", wire.ErrUTF8, 1},
		{"base64 alphabet", "b!!!!", wire.ErrBase64, 1},
		{"base64 of one digit", "bA", wire.ErrBase64, 1},
		{"base64 with padding of wrong length", "bAQI==", wire.ErrBase64, 1},
		{"base64 of padding", "b====", wire.ErrBase64, 1},
		{"base64 with a line break", "bAQID\r\nBA==", wire.ErrBase64, 1},
		{"base64 with four line breaks", "bAQIDBA==\n\n\n\n", wire.ErrBase64, 1},
		{"base64 of line breaks", "b\n\n\n\n", wire.ErrBase64, 1},
		{"base64 of URLs", "b__--", wire.ErrBase64, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := wire.DecodeEngineText([]byte(tt.in))
			require.ErrorIs(t, err, tt.want)
			var de *wire.DecodeError
			require.ErrorAs(t, err, &de)
			assert.Equal(t, tt.offset, de.Offset)
		})
	}
}

func TestDecodeEngineText_Base64_WithAndWithoutPadding(t *testing.T) {
	for in, want := range map[string]string{
		"b": "", "bAQ==": "\x01", "bAQ": "\x01", "bAQI=": "\x01\x02", "bAQI": "\x01\x02", "bAQID": "\x01\x02\x03",
	} {
		p, err := wire.DecodeEngineText([]byte(in))
		require.NoError(t, err, in)
		assertSamePacket(t, wire.EnginePacket{Type: wire.EngineMessage, Binary: true, Data: []byte(want)}, p, in)
	}
}

func TestDecodeEngineText_Data_AliasesInput(t *testing.T) {
	in := []byte("4abc")
	p, err := wire.DecodeEngineText(in)
	require.NoError(t, err)
	assert.Same(t, &in[1], &p.Data[0])
}

func TestDecodePayload_Malformed_YieldsWhatCameBefore(t *testing.T) {
	tests := []struct {
		name, in string
		want     error
		offset   int
		before   int
	}{
		{"empty body", "", wire.ErrEngineType, 0, 0},
		{"leading separator", "\x1e4a", wire.ErrEngineType, 0, 0},
		{"trailing separator", "4a\x1e", wire.ErrEngineType, 3, 1},
		{"unknown type in the middle", "4a\x1ex\x1e4b", wire.ErrEngineType, 3, 1},
		{"invalid UTF-8", "4a\x1e4b\x1e4\xff", wire.ErrUTF8, 7, 2},
		{"invalid base64", "4a\x1eb!!!!", wire.ErrBase64, 4, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			packets, err := decodePayload(tt.in)
			require.ErrorIs(t, err, tt.want)
			assert.Len(t, packets, tt.before)
			var de *wire.DecodeError
			require.ErrorAs(t, err, &de)
			assert.Equal(t, tt.offset, de.Offset)
		})
	}
}

func TestDecodePayload_YieldFails_StopsWithItsError(t *testing.T) {
	stop := errors.New("stop")
	n := 0
	err := wire.DecodePayload([]byte("4a\x1e4b\x1ex"), func(wire.EnginePacket) error {
		n++
		return stop
	})
	assert.Equal(t, stop, err)
	assert.Equal(t, 1, n)
}

func TestDecodePayload_PacketData_CannotGrowIntoTheNext(t *testing.T) {
	body := []byte("4a\x1e4b")
	err := wire.DecodePayload(body, func(p wire.EnginePacket) error {
		_ = append(p.Data, "overwritten"...)
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, "4a\x1e4b", string(body))
}

// enginePacket draws any packet that fits into a payload.
func enginePacket(t *rapid.T) wire.EnginePacket {
	if rapid.Bool().Draw(t, "binary") {
		return wire.EnginePacket{Type: wire.EngineMessage, Binary: true, Data: rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")}
	}
	text := strings.ReplaceAll(rapid.String().Draw(t, "text"), "\x1e", "")
	return wire.EnginePacket{Type: wire.EngineType(rapid.IntRange(0, 6).Draw(t, "type")), Data: []byte(text)}
}

func TestPayload_AnyPackets_RoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		packets := rapid.SliceOfN(rapid.Custom(enginePacket), 1, 5).Draw(rt, "packets")
		body := wire.AppendPayload([]byte("x"), packets...)[1:]
		decoded, err := decodePayload(string(body))
		require.NoError(rt, err)
		require.Len(rt, decoded, len(packets))
		for i, p := range packets {
			assert.Equal(rt, p.Type, decoded[i].Type)
			assert.Equal(rt, p.Binary, decoded[i].Binary)
			assert.Equal(rt, string(p.Data), string(decoded[i].Data))
		}
	})
}

func TestOpen_Encoded_ExactlyTheKeysOfTheProtocol(t *testing.T) {
	o := wire.Open{
		SID: "lv_VI97HAXpY6yYWAAAC", Upgrades: []string{"websocket"},
		PingInterval: 25 * time.Second, PingTimeout: 20*time.Second + 999*time.Microsecond, MaxPayload: 1e6,
	}
	for want, o := range map[string]wire.Open{
		`{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`: o,
		`{"sid":"","upgrades":[],"pingInterval":0,"pingTimeout":0,"maxPayload":0}`:                                              {},
	} {
		assert.Equal(t, want, string(wire.AppendOpen(nil, o)))
	}
	assert.Contains(t, string(wire.AppendOpen(nil, wire.Open{Upgrades: []string{"a", "b"}})), `["a","b"]`)
}

func TestOpen_AnyHandshake_RoundTrips(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ms := rapid.Int64Range(1, 1e9)
		o := wire.Open{
			SID:          rapid.StringN(1, 30, -1).Draw(rt, "sid"),
			Upgrades:     rapid.SliceOf(rapid.String()).Draw(rt, "upgrades"),
			PingInterval: time.Duration(ms.Draw(rt, "interval")) * time.Millisecond,
			PingTimeout:  time.Duration(ms.Draw(rt, "timeout")) * time.Millisecond,
			MaxPayload:   rapid.IntRange(0, 1<<40).Draw(rt, "max"),
		}
		decoded, err := wire.DecodeOpen(wire.AppendOpen(nil, o))
		require.NoError(rt, err)
		assert.Equal(rt, o, decoded)
	})
}

func TestDecodeOpen_Unusable_ErrOpen(t *testing.T) {
	for _, in := range []string{
		``, `{`, `[]`, `null`, `{}`,
		`{"sid":"","upgrades":[],"pingInterval":1,"pingTimeout":1,"maxPayload":1}`,
		`{"sid":"a","pingInterval":0,"pingTimeout":1}`,
		`{"sid":"a","pingInterval":1,"pingTimeout":-1}`,
		`{"sid":"a","pingInterval":9223372036854775807,"pingTimeout":1}`,
		`{"sid":"a","pingInterval":1,"pingTimeout":9223372036855}`,
		`{"sid":"a","pingInterval":1,"pingTimeout":1,"maxPayload":-1}`,
		`{"sid":"a","pingInterval":"1","pingTimeout":1}`,
	} {
		_, err := wire.DecodeOpen([]byte(in))
		assert.ErrorIs(t, err, wire.ErrOpen, in)
	}
}

func TestDecodeOpen_UnknownAndAbsentKeys_Ignored(t *testing.T) {
	o, err := wire.DecodeOpen([]byte(`{"sid":"a","pingInterval":1,"pingTimeout":2,"more":{}}`))
	require.NoError(t, err)
	assert.Equal(t, wire.Open{SID: "a", PingInterval: time.Millisecond, PingTimeout: 2 * time.Millisecond}, o)
}
