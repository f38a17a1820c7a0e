package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/actio-go/actio/wire"
)

func TestPrepareEvent_MadeOfWhatEventReturns_IsTheSamePacket(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		namespace := rapid.SampledFrom([]string{"", "/", "/chat", "/" + strings.Repeat("n", 200)}).Draw(rt, "namespace")
		args := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) any {
			return rapid.SampledFrom([]any{"text", 1.5, nil, []byte{}, []byte("data"), map[string]any{"b": []byte("x")}}).Draw(rt, "arg")
		}), 0, 5).Draw(rt, "args")
		hasID, id := rapid.Bool().Draw(rt, "has id"), rapid.Uint64Max(1<<53-1).Draw(rt, "id")
		var p *wire.Prepared
		var err error
		if hasID {
			p, err = wire.EncodeEventAck(namespace, id, "event", args...)
		} else {
			p, err = wire.EncodeEvent(namespace, "event", args...)
		}
		require.NoError(rt, err)

		array, attachments, ok := p.Event()
		require.True(rt, ok)
		assert.True(rt, json.Valid(array))
		again, err := wire.PrepareEvent(namespace, hasID, id, array, attachments)
		require.NoError(rt, err)
		assert.Equal(rt, p.WebSocket(), again.WebSocket())
		assert.Equal(rt, p.PayloadSize(), again.PayloadSize())
		assert.Equal(rt, cap(again.WebSocket()), again.Size(), "one exact buffer")

		_, parsed, err := wire.ParseEvent(receive(t, p))
		require.NoError(rt, err)
		rest, attachmentsOfArgs, err := wire.EncodeArgs(args...)
		require.NoError(rt, err)
		assert.Equal(rt, string(rest), string(parsed.AppendJSON(nil)))
		assert.Equal(rt, attachments, parsed.Attachments())
		assert.Equal(rt, attachments, attachmentsOfArgs)
		assert.Equal(rt, attachments == nil, attachmentsOfArgs == nil)
	})
}

func TestPrepareEvent_Packet_HasItsParts(t *testing.T) {
	for want, prepare := range map[string]func() (*wire.Prepared, error){
		`42["e",1]`:                 func() (*wire.Prepared, error) { return wire.PrepareEvent("/", false, 7, []byte(`["e",1]`), nil) },
		`42/a,7["e"]`:               func() (*wire.Prepared, error) { return wire.PrepareEvent("/a", true, 7, []byte(`["e"]`), [][]byte{}) },
		`4218446744073709551615[0]`: func() (*wire.Prepared, error) { return wire.PrepareEvent("", true, math.MaxUint64, []byte(`[0]`), nil) },
		"451-[\"e\"," + place(0) + "]\x1ebAQI=": func() (*wire.Prepared, error) {
			return wire.PrepareEvent("/", false, 0, []byte(`["e",`+place(0)+`]`), [][]byte{{1, 2}})
		},
	} {
		p, err := prepare()
		require.NoError(t, err)
		assert.Equal(t, want, string(p.AppendPayload(nil)))
	}
}

func TestPrepareEvent_Arguments_AreCopied(t *testing.T) {
	array, data := []byte(`["e",`+place(0)+`]`), []byte{1}
	p, err := wire.PrepareEvent("/", false, 0, array, [][]byte{data})
	require.NoError(t, err)
	before := bytes.Clone(p.WebSocket())
	array[2], data[0] = 'x', 9
	assert.Equal(t, before, p.WebSocket())
}

func TestPrepareEvent_NamespaceThatNoPacketCarries_IsRefused(t *testing.T) {
	for _, namespace := range []string{"a", "/a,b", "/\n", "/\xff"} {
		_, err := wire.PrepareEvent(namespace, false, 0, []byte(`["e"]`), nil)
		assert.ErrorIs(t, err, wire.ErrEncode)
		assert.ErrorIs(t, err, wire.ErrNamespace)
	}
}

func TestPreparedEvent_SomethingElse_IsNone(t *testing.T) {
	ack, err := wire.EncodeAck("/", 1, "x", []byte{1})
	require.NoError(t, err)
	connect, err := wire.EncodePacketJSON(wire.Connect, "/", map[string]string{"sid": "x"})
	require.NoError(t, err)
	for _, p := range []*wire.Prepared{
		ack, connect, wire.PrepareEngine(), wire.PrepareEngine(wire.EnginePacket{Type: wire.EngineMessage, Data: []byte(`2["e"]`)}),
	} {
		array, attachments, ok := p.Event()
		assert.False(t, ok)
		assert.Nil(t, array)
		assert.Nil(t, attachments)
	}
}

func TestPreparedEvent_Result_CannotBeAppendedInto(t *testing.T) {
	p, err := wire.EncodeEvent("/", "e", []byte{1}, []byte{2}, []byte{})
	require.NoError(t, err)
	before := bytes.Clone(p.WebSocket())
	array, attachments, ok := p.Event()
	require.True(t, ok)
	assert.Equal(t, `["e",`+place(0)+`,`+place(1)+`,`+place(2)+`]`, string(array))
	assert.Equal(t, [][]byte{{1}, {2}, {}}, attachments)
	_ = append(array, "xxxx"...)
	for _, a := range attachments {
		_ = append(a, "xxxx"...)
	}
	assert.Equal(t, before, p.WebSocket())
}

func TestEncodeArgs_Values_AsEncodeEvent(t *testing.T) {
	array, attachments, err := wire.EncodeArgs()
	require.NoError(t, err)
	assert.Equal(t, `[]`, string(array))
	assert.Nil(t, attachments)

	data := []byte{1, 2}
	array, attachments, err = wire.EncodeArgs("a<b", data, map[string]any{"x": []byte{}}, nil, []byte(nil), json.RawMessage(`{"r":1}`))
	require.NoError(t, err)
	data[0] = 9
	assert.Equal(t, `["a<b",`+place(0)+`,{"x":`+place(1)+`},null,null,{"r":1}]`, string(array))
	assert.Equal(t, [][]byte{{1, 2}, {}}, attachments)
	_ = append(array, "xxxx"...)
	_ = append(attachments[0], "xxxx"...)
	assert.Equal(t, [][]byte{{1, 2}, {}}, attachments)
}

func TestEncodeArgs_WhatHasNoJSON_ErrEncode(t *testing.T) {
	for _, v := range []any{math.NaN(), make(chan int), json.RawMessage(`{`), func() {}} {
		_, _, err := wire.EncodeArgs(1, v)
		assert.ErrorIs(t, err, wire.ErrEncode)
		assert.ErrorContains(t, err, "argument 1")
	}
}

func TestArgsOf_Array_IsSplit(t *testing.T) {
	args, err := wire.ArgsOf([]byte(` [ "a" , {"b":[1,2]} , null ] `), nil)
	require.NoError(t, err)
	require.Equal(t, 3, args.Len())
	assert.Len(t, args.Raw(1), len(`{"b":[1,2]}`))
	assert.Equal(t, `["a",{"b":[1,2]},null]`, string(args.AppendJSON(nil)))
	assert.Equal(t, `x["a",{"b":[1,2]},null]`, string(args.AppendJSON([]byte("x"))))
	assert.Nil(t, args.Attachments())

	args, err = wire.ArgsOf([]byte(`[]`), nil)
	require.NoError(t, err)
	assert.Zero(t, args.Len())
	assert.Equal(t, `[]`, string(args.AppendJSON(nil)))
	assert.Equal(t, `[]`, string(wire.Args{}.AppendJSON(nil)))
}

func TestArgsOf_Placeholders_OnlyWithAttachments(t *testing.T) {
	array := []byte(`["x",` + place(1) + `,{"in":` + place(0) + `}]`)
	attachments := [][]byte{{1}, {2, 2}}
	args, err := wire.ArgsOf(array, attachments)
	require.NoError(t, err)
	var one []byte
	var two struct{ In any }
	require.NoError(t, args.DecodeAll(nil, &one, &two))
	assert.Equal(t, []byte{2, 2}, one)
	assert.Equal(t, []byte{1}, two.In)
	assert.Equal(t, attachments, args.Attachments())
	assert.Equal(t, string(array), string(args.AppendJSON(nil)))

	args, err = wire.ArgsOf(array, nil)
	require.NoError(t, err)
	var plain map[string]any
	require.NoError(t, args.Decode(1, &plain))
	assert.Equal(t, map[string]any{"_placeholder": true, "num": 1.0}, plain)
	assert.Nil(t, args.Attachments())

	_, err = wire.ArgsOf(array, [][]byte{{1}})
	assert.ErrorIs(t, err, wire.ErrPlaceholder)
	_, err = wire.ArgsOf(array, [][]byte{})
	assert.ErrorIs(t, err, wire.ErrPlaceholder)

	args, err = wire.ArgsOf([]byte(`["none"]`), attachments)
	require.NoError(t, err)
	assert.Nil(t, args.Attachments(), "no placeholder, no attachment")
}

func TestArgsOf_Malformed_TypedError(t *testing.T) {
	for text, want := range map[string]error{
		``: wire.ErrPayload, `{}`: wire.ErrPayload, `"x"`: wire.ErrPayload, `[1`: wire.ErrPayload, `[1,]`: wire.ErrPayload,
		`[1] 2`: wire.ErrPayload, `[1]]`: wire.ErrPayload, "[\"\xff\"]": wire.ErrUTF8,
		strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001): wire.ErrDepth,
	} {
		_, err := wire.ArgsOf([]byte(text), nil)
		assert.ErrorIs(t, err, want, "%.20s", text)
		var de *wire.DecodeError
		assert.ErrorAs(t, err, &de)
	}
}

func FuzzArgsOf(f *testing.F) {
	seedVectors(f, "socketio.json")
	for _, s := range []string{`["e",` + place(0) + `]`, `["e",` + place(1) + `]`, ` [ 1 ] `, `[[]] x`, "[\"\xff\"]", `[`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, array []byte) {
		plain, errPlain := wire.ArgsOf(array, nil)
		isArray := json.Valid(array) && bytes.TrimLeft(array, " \t\r\n")[0] == '['
		require.Equal(t, isArray && utf8.Valid(array), errPlain == nil)
		mixed, err := wire.ArgsOf(array, [][]byte{[]byte("data")})
		if err != nil {
			requireTyped(t, err, len(array))
			require.True(t, errPlain != nil || errors.Is(err, wire.ErrPlaceholder))
			return
		}
		text := mixed.AppendJSON(nil)
		require.Equal(t, string(text), string(plain.AppendJSON(nil)))
		again, err := wire.ArgsOf(text, mixed.Attachments())
		require.NoError(t, err)
		require.Equal(t, mixed.Len(), again.Len())
		for i := range mixed.Len() {
			var one, two any
			require.NoError(t, mixed.Decode(i, &one))
			require.NoError(t, again.Decode(i, &two))
			require.Equal(t, one, two)
		}
	})
}
