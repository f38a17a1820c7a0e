package wire_test

import (
	"bytes"
	"encoding/binary"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/actio-go/actio/wire"
)

// masked makes a client's frame of a server's header.
func masked(header []byte, key uint32) []byte {
	header[1] |= 0x80
	return binary.LittleEndian.AppendUint32(header, key)
}

func TestDecodeFrameHeader_WhatWasEncoded_ComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length := rapid.OneOf(rapid.IntRange(0, 200), rapid.IntRange(0, 1<<17), rapid.Just(1<<40)).Draw(t, "length")
		fin, rsv1 := rapid.Bool().Draw(t, "fin"), rapid.Bool().Draw(t, "rsv1")
		op := rapid.SampledFrom([]wire.Opcode{wire.Continuation, wire.Text, wire.Binary}).Draw(t, "op")
		key := rapid.Uint32().Draw(t, "key")
		plain := wire.AppendFrameHeader(nil, fin, rsv1, op, length)
		require.Equal(t, len(plain), wire.FrameHeaderSize(plain[1]))
		h, err := wire.DecodeFrameHeader(plain)
		require.NoError(t, err)
		want := wire.FrameHeader{Fin: fin, RSV1: rsv1, Opcode: op, Length: length}
		require.Equal(t, want, h)
		want.Masked, want.Key = true, key
		h, err = wire.DecodeFrameHeader(masked(plain, key))
		require.NoError(t, err)
		require.Equal(t, want, h)
	})
}

func TestDecodeFrameHeader_WhatNoPeerMaySend_IsAnError(t *testing.T) {
	for name, header := range map[string]string{
		"empty":                  "",
		"cut":                    "\x81\xfe\x00",
		"too long":               "\x81\x00\x00",
		"second reserved bit":    "\xa1\x00",
		"third reserved bit":     "\x91\x00",
		"unknown data frame":     "\x83\x00",
		"unknown control frame":  "\x8b\x00",
		"fragmented ping":        "\x09\x00",
		"compressed ping":        "\xc9\x00",
		"long pong":              "\x8a\x7e\x00\x7e",
		"length of 2^63":         "\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00",
		"fragmented close frame": "\x08\x00",
	} {
		_, err := wire.DecodeFrameHeader([]byte(header))
		assert.ErrorIs(t, err, wire.ErrFrame, name)
	}
}

func TestUnmask_AnyPayload_IsXoredWithTheKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		payload := rapid.SliceOf(rapid.Byte()).Draw(t, "payload")
		key := rapid.OneOf(rapid.Just(uint32(0)), rapid.Uint32()).Draw(t, "key")
		var bits [4]byte
		binary.LittleEndian.PutUint32(bits[:], key)
		want := bytes.Clone(payload)
		for i := range want {
			want[i] ^= bits[i%4]
		}
		wire.Unmask(payload, key)
		require.Equal(t, want, payload)
	})
}

func TestDecodeClose_Payloads_AsRFC6455HasThem(t *testing.T) {
	code, reason, err := wire.DecodeClose(nil)
	require.NoError(t, err)
	assert.EqualValues(t, wire.NoCloseCode, code)
	assert.Empty(t, reason)
	code, reason, err = wire.DecodeClose([]byte("\x03\xe9bye"))
	require.NoError(t, err)
	assert.EqualValues(t, 1001, code)
	assert.Equal(t, "bye", reason)
	for _, code := range []uint16{1000, 1003, 1007, 1014, 3000, 4999} {
		_, _, err := wire.DecodeClose(binary.BigEndian.AppendUint16(nil, code))
		assert.NoError(t, err, code)
	}
	code, reason, err = wire.DecodeClose([]byte("\x03\xe8tschü\u00df"))
	require.NoError(t, err)
	assert.EqualValues(t, 1000, code)
	assert.Equal(t, "tschüß", reason)
	_, _, err = wire.DecodeClose([]byte("\x03\xe8tsch\xfc"))
	require.ErrorIs(t, err, wire.ErrFrame)
	require.ErrorIs(t, err, wire.ErrUTF8)
	_, _, err = wire.DecodeClose([]byte{3})
	assert.ErrorIs(t, err, wire.ErrFrame)
	for _, code := range []uint16{0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000} {
		_, _, err := wire.DecodeClose(binary.BigEndian.AppendUint16(nil, code))
		assert.ErrorIs(t, err, wire.ErrFrame, code)
	}
}

func FuzzDecodeClose(f *testing.F) {
	for _, payload := range []string{"", "\x03", "\x03\xe8", "\x03\xe9bye", "\x03\xe8tsch\xfc", "\x03\xee", "\x0f\xa0\xed\xa0\x80"} {
		f.Add([]byte(payload))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		code, reason, err := wire.DecodeClose(payload)
		if err != nil {
			require.ErrorIs(t, err, wire.ErrFrame)
			return
		}
		require.True(t, utf8.ValidString(reason))
		if len(payload) > 0 {
			require.Equal(t, payload, append(binary.BigEndian.AppendUint16(nil, code), reason...))
		}
	})
}

func FuzzDecodeFrameHeader(f *testing.F) {
	for _, header := range []string{"\x81\x85abcd", "\x82\xfe\x01\x00abcd", "\x89\x80abcd", "\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00", "\x00"} {
		f.Add([]byte(header))
	}
	f.Fuzz(func(t *testing.T, header []byte) {
		h, err := wire.DecodeFrameHeader(header)
		if err != nil {
			require.ErrorIs(t, err, wire.ErrFrame)
			return
		}
		again := wire.AppendFrameHeader(nil, h.Fin, h.RSV1, h.Opcode, h.Length)
		if h.Masked {
			again = masked(again, h.Key)
		}
		if len(again) == len(header) { // the length may have been written longer than it had to be
			require.Equal(t, again, header)
		}
	})
}
