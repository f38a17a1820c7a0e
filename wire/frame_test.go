package wire_test

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/actio-go/actio/wire"
)

func TestAppendFrameHeader_Lengths_ShortestForm(t *testing.T) {
	tests := []struct {
		length int
		want   string
	}{
		{0, "\x81\x00"},
		{125, "\x81\x7d"},
		{126, "\x81\x7e\x00\x7e"},
		{65535, "\x81\x7e\xff\xff"},
		{65536, "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, string(wire.AppendFrameHeader(nil, true, false, wire.Text, tt.length)))
	}
}

func TestAppendFrameHeader_Bits_WhereRFC6455PutsThem(t *testing.T) {
	assert.Equal(t, "\x02\x00", string(wire.AppendFrameHeader(nil, false, false, wire.Binary, 0)))
	assert.Equal(t, "\xc1\x00", string(wire.AppendFrameHeader(nil, true, true, wire.Text, 0)))
	assert.Equal(t, "\x80\x00", string(wire.AppendFrameHeader(nil, true, false, wire.Continuation, 0)))
	assert.Equal(t, "\x89\x00", string(wire.AppendFrameHeader(nil, true, false, wire.PingFrame, 0)))
	assert.Equal(t, "\x8a\x00", string(wire.AppendFrameHeader(nil, true, false, wire.PongFrame, 0)))
}

func TestAppendFrame_AnyPayload_ReadBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		size := rapid.OneOf(rapid.IntRange(0, 300), rapid.SampledFrom([]int{65535, 65536, 70000})).Draw(rt, "size")
		payload := []byte(strings.Repeat("x", size))
		op, got := onlyFrame(t, wire.AppendFrame(nil, wire.Binary, payload))
		assert.Equal(rt, wire.Binary, op)
		assert.Equal(rt, string(payload), string(got))
	})
}

func TestAppendCloseFrame_Reason_CutBetweenRunes(t *testing.T) {
	tests := []struct{ name, reason, want string }{
		{"short", "bye", "bye"},
		{"none", "", ""},
		{"as long as it may be", strings.Repeat("a", 123), strings.Repeat("a", 123)},
		{"one byte too long", strings.Repeat("a", 124), strings.Repeat("a", 123)},
		{"rune across the end", strings.Repeat("a", 122) + "é", strings.Repeat("a", 122)},
		{"rune at the end", strings.Repeat("a", 121) + "éx", strings.Repeat("a", 121) + "é"},
		{"emoji across the end", strings.Repeat("😀", 31), strings.Repeat("😀", 30)},
		{"not UTF-8", "a\xffb", "a\ufffdb"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			op, payload := onlyFrame(t, wire.AppendCloseFrame(nil, 1008, tt.reason))
			assert.Equal(t, wire.CloseFrame, op)
			assert.Equal(t, uint16(1008), binary.BigEndian.Uint16(payload))
			assert.Equal(t, tt.want, string(payload[2:]))
		})
	}
}

func TestAppendCloseFrame_AnyReason_ValidControlFrame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		reason := string(rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(rt, "reason"))
		_, payload := onlyFrame(t, wire.AppendCloseFrame(nil, 1000, reason))
		require.LessOrEqual(rt, len(payload), 125)
		require.True(rt, utf8.Valid(payload[2:]))
	})
}

func TestAppendCloseFrame_NoCode_Empty(t *testing.T) {
	assert.Equal(t, "\x88\x00", string(wire.AppendCloseFrame(nil, 0, "ignored")))
}
