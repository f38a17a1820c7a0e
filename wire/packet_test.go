package wire_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/actio-go/actio/wire"
)

func TestPacketType_String_NamesOfTheProtocol(t *testing.T) {
	var names []string
	for typ := wire.Connect; typ <= wire.BinaryAck+1; typ++ {
		names = append(names, typ.String())
	}
	assert.Equal(t, []string{
		"CONNECT", "DISCONNECT", "EVENT", "ACK", "CONNECT_ERROR", "BINARY_EVENT", "BINARY_ACK", "INVALID",
	}, names)
}

func TestDecodePacket_Sound_AllFields(t *testing.T) {
	tests := []struct {
		in   string
		want wire.Packet
	}{
		{`0`, wire.Packet{Type: wire.Connect, Namespace: "/"}},
		{`0/,{}`, wire.Packet{Type: wire.Connect, Namespace: "/", Data: []byte(`{}`)}},
		{`0/a?x={1}&y,{"t":1}`, wire.Packet{Type: wire.Connect, Namespace: "/a?x={1}&y", Data: []byte(`{"t":1}`)}},
		{`41`, wire.Packet{Type: wire.ConnectError, Namespace: "/", HasID: true, ID: 1}},
		{`1/a,`, wire.Packet{Type: wire.Disconnect, Namespace: "/a"}},
		{`2/a,0007["x",[]]`, wire.Packet{Type: wire.Event, Namespace: "/a", HasID: true, ID: 7, Data: []byte(`["x",[]]`)}},
		{`29007199254740991["x"]`, wire.Packet{Type: wire.Event, Namespace: "/", HasID: true, ID: 1<<53 - 1, Data: []byte(`["x"]`)}},
		{`2 [ "x" , 1 ] `, wire.Packet{Type: wire.Event, Namespace: "/", Data: []byte(` [ "x" , 1 ] `)}},
		{`2[""]`, wire.Packet{Type: wire.Event, Namespace: "/", Data: []byte(`[""]`)}},
		{`2[-1.5e3]`, wire.Packet{Type: wire.Event, Namespace: "/", Data: []byte(`[-1.5e3]`)}},
		{`510-["x"]`, wire.Packet{Type: wire.BinaryEvent, Namespace: "/", Attachments: 10, Data: []byte(`["x"]`)}},
		{`62-/a,3[]`, wire.Packet{Type: wire.BinaryAck, Namespace: "/a", HasID: true, ID: 3, Attachments: 2, Data: []byte(`[]`)}},
	}
	for _, tt := range tests {
		p, err := wire.DecodePacket([]byte(tt.in), wire.Limits{})
		require.NoError(t, err, tt.in)
		assert.Equal(t, tt.want, p, tt.in)
	}
}

func TestDecodePacket_Malformed_TypedErrorWithOffset(t *testing.T) {
	tests := []struct {
		in     string
		want   error
		offset int
	}{
		{``, wire.ErrPacketType, 0},
		{`a`, wire.ErrPacketType, 0},
		{`7`, wire.ErrPacketType, 0},
		{`/`, wire.ErrPacketType, 0},
		{"2[\"\xff\"]", wire.ErrUTF8, 0},
		{`5`, wire.ErrAttachmentCount, 1},
		{`5-[]`, wire.ErrAttachmentCount, 1},
		{`5-1-["x"]`, wire.ErrAttachmentCount, 1},
		{`51e0-["x"]`, wire.ErrAttachmentCount, 1},
		{`51.0-["x"]`, wire.ErrAttachmentCount, 1},
		{`599999999999999999999["x"]`, wire.ErrAttachmentCount, 1},
		{`511-["x"]`, wire.ErrTooManyAttachments, 1},
		{`599999999999999999999-["x"]`, wire.ErrTooManyAttachments, 1},
		{`29007199254740992["x"]`, wire.ErrAckID, 1},
		{`2/a,99999999999999999999999["x"]`, wire.ErrAckID, 4},
		{"2/a\n,[\"x\"]", wire.ErrNamespace, 1},
		{"2/\x00,[\"x\"]", wire.ErrNamespace, 1},
		{`2["x"`, wire.ErrPayload, 5},
		{`2["x"]]`, wire.ErrPayload, 6},
		{`2["x",]`, wire.ErrPayload, 6},
		{`2[["x"]]`, wire.ErrPayload, 2},
		{`2[`, wire.ErrPayload, 2},
		{`2-1["x"]`, wire.ErrPayload, 1},
		{`0null`, wire.ErrPayload, 1},
		{`1null`, wire.ErrPayload, 1},
		{`4null`, wire.ErrPayload, 1},
		{`4{"a":1,}`, wire.ErrPayload, 8},
		{`2["connect_error"]`, wire.ErrReservedEvent, 2},
		{`2["\u0063onnect"]`, wire.ErrReservedEvent, 2},
		{`51-["newListener",1]`, wire.ErrReservedEvent, 4},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			_, err := wire.DecodePacket([]byte(tt.in), wire.Limits{})
			require.ErrorIs(t, err, tt.want)
			var de *wire.DecodeError
			require.ErrorAs(t, err, &de)
			assert.Equal(t, tt.offset, de.Offset)
			assert.Contains(t, err.Error(), "at byte")
		})
	}
}

func TestDecodePacket_ReservedNames_AreInvalidPayloads(t *testing.T) {
	for _, name := range []string{
		"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener",
	} {
		_, err := wire.DecodePacket([]byte(`2["`+name+`"]`), wire.Limits{})
		assert.ErrorIs(t, err, wire.ErrReservedEvent)
		assert.ErrorIs(t, err, wire.ErrPayload)
	}
}

func TestDecodePacket_Limits_BindExactly(t *testing.T) {
	tests := []struct {
		name   string
		limits wire.Limits
		ok, no string
		want   error
	}{
		{"packet bytes", wire.Limits{PacketBytes: 6}, `2["x"]`, `2["xy"]`, wire.ErrTooBig},
		{"attachments", wire.Limits{Attachments: 2}, `52-["x"]`, `53-["x"]`, wire.ErrTooManyAttachments},
		{"namespace bytes", wire.Limits{NamespaceBytes: 3}, `0/ab,`, `0/abc,`, wire.ErrNamespace},
		{"depth of arrays", wire.Limits{JSONDepth: 3}, `2["x",[[]]]`, `2["x",[[[]]]]`, wire.ErrDepth},
		{"depth of objects", wire.Limits{JSONDepth: 2}, `0{"a":{}}`, `0{"a":{"b":{}}}`, wire.ErrDepth},
		{"depth is not length", wire.Limits{JSONDepth: 2}, `3[[],[1],{},{"a":1},[]]`, `3[[],[[]]]`, wire.ErrDepth},
		{"id", wire.Limits{MaxAckID: 12}, `312[]`, `313[]`, wire.ErrAckID},
		{"small id", wire.Limits{MaxAckID: 3}, `33[]`, `35[]`, wire.ErrAckID},
		{"largest id", wire.Limits{MaxAckID: 1<<64 - 1}, `318446744073709551615[]`, `318446744073709551616[]`, wire.ErrAckID},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := wire.DecodePacket([]byte(tt.ok), tt.limits)
			require.NoError(t, err)
			_, err = wire.DecodePacket([]byte(tt.no), tt.limits)
			require.ErrorIs(t, err, tt.want)
		})
	}
}

func TestLimits_ZeroValue_IsDefault(t *testing.T) {
	want := wire.Limits{PacketBytes: 1e6, Attachments: 10, NamespaceBytes: 1024, JSONDepth: 128, MaxAckID: 1<<53 - 1}
	assert.Equal(t, want, wire.DefaultLimits())
	_, err := wire.DecodePacket([]byte(`3`+strings.Repeat(`[`, 128)+strings.Repeat(`]`, 128)), wire.Limits{JSONDepth: -1})
	assert.NoError(t, err)
	_, err = wire.DecodePacket([]byte(`3`+strings.Repeat(`[`, 129)+strings.Repeat(`]`, 129)), wire.Limits{})
	assert.ErrorIs(t, err, wire.ErrDepth)
}

func TestPacket_SplitNamespace_AtTheFirstQuestionMark(t *testing.T) {
	for in, want := range map[string][2]string{
		"/": {"/", ""}, "/a": {"/a", ""}, "/a?": {"/a", ""}, "/a?b=1?c": {"/a", "b=1?c"},
	} {
		path, query := wire.Packet{Namespace: in}.SplitNamespace()
		assert.Equal(t, want, [2]string{path, query})
	}
}

func TestPacket_DataAliasesInput(t *testing.T) {
	in := []byte(`2["x"]`)
	p, err := wire.DecodePacket(in, wire.Limits{})
	require.NoError(t, err)
	assert.Same(t, &in[1], &p.Data[0])
}

// jsonValue draws what any JSON decodes to.
func jsonValue() *rapid.Generator[any] {
	leaf := rapid.OneOf(
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.String().AsAny(),
		rapid.Float64Range(-1e300, 1e300).AsAny(), rapid.SampledFrom([]any{"_placeholder", "\\\"", "\u2028<&>", 0.5}),
	)
	level := leaf
	for range 3 {
		inner := level
		level = rapid.OneOf(leaf,
			rapid.Map(rapid.SliceOfN(inner, 0, 3), func(v []any) any { return v }),
			rapid.Map(rapid.MapOfN(rapid.String(), inner, 0, 3), func(v map[string]any) any { return v }))
	}
	return level
}

func TestPacket_AnySound_RoundTrips(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := wire.Packet{
			Type:      wire.PacketType(rapid.IntRange(0, 6).Draw(rt, "type")),
			Namespace: rapid.StringMatching(`/[^,\x00-\x1f\x7f]{0,20}`).Draw(rt, "namespace"),
			HasID:     rapid.Bool().Draw(rt, "has id"),
		}
		if p.HasID {
			p.ID = rapid.Uint64Range(0, 1<<53-1).Draw(rt, "id")
		}
		var payload any
		switch p.Type {
		case wire.Connect, wire.ConnectError:
			payload = map[string]any{"v": jsonValue().Draw(rt, "value")}
		case wire.Event, wire.BinaryEvent:
			payload = []any{"x" + rapid.String().Draw(rt, "name"), jsonValue().Draw(rt, "argument")}
		case wire.Ack, wire.BinaryAck:
			payload = rapid.SliceOfN(jsonValue(), 0, 3).Draw(rt, "arguments")
			if payload.([]any) == nil {
				payload = []any{}
			}
		case wire.Disconnect:
		}
		if payload != nil {
			var err error
			p.Data, err = json.Marshal(payload)
			require.NoError(rt, err)
		}
		if p.Type >= wire.BinaryEvent {
			p.Attachments = rapid.IntRange(1, 10).Draw(rt, "attachments")
		}
		decoded, err := wire.DecodePacket(wire.AppendPacket(nil, p), wire.Limits{})
		require.NoError(rt, err)
		assert.Equal(rt, p, decoded)
	})
}
