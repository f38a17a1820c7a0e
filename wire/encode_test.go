package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/actio-go/actio/wire"
)

// frames returns the messages of a packet: its text, then its attachments.
func frames(p *wire.Prepared) []string {
	var all []string
	for packet := range p.Packets() {
		all = append(all, string(packet.Data))
	}
	return all
}

func TestEncodeEvent_Arguments_AsEncodingJSONWithoutHTML(t *testing.T) {
	number := 3
	tests := []struct {
		name string
		arg  any
		want string
	}{
		{"nil", nil, `null`},
		{"string", "a\"\\\n<&>é\u2028\x1e", `"a\"\\\n<&>é` + "\u2028" + `\u001e"`},
		{"not UTF-8", "a\xff", "\"a\ufffd\""},
		{"bool", true, `true`},
		{"int", -5, `-5`},
		{"int64", int64(math.MinInt64), `-9223372036854775808`},
		{"uint64", uint64(math.MaxUint64), `18446744073709551615`},
		{"small kinds", []any{int8(1), uint16(2), float32(1.1)}, `[1,2,1.1]`},
		{"float", 1.5, `1.5`},
		{"large float", 1e21, `1e+21`},
		{"small float", 1e-7, `1e-7`},
		{"pointer", &number, `3`},
		{"nil pointer", (*int)(nil), `null`},
		{"raw", json.RawMessage(`{"a": [1]}`), `{"a": [1]}`},
		{"nil raw", json.RawMessage(nil), `null`},
		{"jsontext", jsontext.Value(`[1]`), `[1]`},
		{"nil bytes", []byte(nil), `null`},
		{"named bytes", blob("b"), `"Yg=="`},
		{"array of bytes", [2]byte{1, 2}, `[1,2]`},
		{"json.Number", json.Number("1.50"), `1.50`},
		{"empty json.Number", json.Number(""), `0`},
		{"time", time.Unix(0, 0).UTC(), `"1970-01-01T00:00:00Z"`},
		{"duration", time.Second, `1000000000`},
		{"nil map", map[string]any(nil), `null`},
		{"sorted map", map[string]int{"b": 1, "a": 2}, `{"a":2,"b":1}`},
		{"struct", struct {
			A string `json:"a"`
			B []int  `json:"b,omitempty"`
			C *int
			d int
		}{A: "<", d: 1}, `{"a":"<","C":null}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := wire.EncodeEvent("/", "x", tt.arg)
			require.NoError(t, err)
			assert.Equal(t, []string{`2["x",` + tt.want + `]`}, frames(p))
		})
	}
}

func TestEncodeEvent_Bytes_DetachedWhereverTheyAre(t *testing.T) {
	type image struct {
		Name string    `json:"name"`
		Data []byte    `json:"data"`
		None []byte    `json:"none,omitempty"`
		Ptr  *[]byte   `json:"ptr"`
		Many [2][]byte `json:"many"`
	}
	pointed := []byte("3")
	p, err := wire.EncodeEventAck("/a", 7, "x", []byte("0"),
		map[string]any{"a": []byte("1"), "b": []any{[]byte("2")}},
		image{"n", []byte("x"), nil, &pointed, [2][]byte{{}, nil}}, []byte{})
	require.NoError(t, err)
	assert.Equal(t, []string{
		`57-/a,7["x",` + place(0) + `,{"a":` + place(1) + `,"b":[` + place(2) + `]},{"name":"n","data":` + place(3) +
			`,"ptr":` + place(4) + `,"many":[` + place(5) + `,null]},` + place(6) + `]`,
		"0", "1", "2", "x", "3", "", "",
	}, frames(p))
}

func TestEncodeAck_WithAndWithoutBytes_TypeFollows(t *testing.T) {
	p, err := wire.EncodeAck("/", 0)
	require.NoError(t, err)
	assert.Equal(t, []string{`30[]`}, frames(p))
	p, err = wire.EncodeAck("/a", 5, []byte("b"), 1)
	require.NoError(t, err)
	assert.Equal(t, []string{`61-/a,5[` + place(0) + `,1]`, "b"}, frames(p))
}

func TestEncodePacketJSON_Payloads_ShapeOfTheirType(t *testing.T) {
	for _, tt := range []struct {
		typ  wire.PacketType
		v    any
		want string
	}{
		{wire.Connect, nil, `0/a,`},
		{wire.Connect, map[string]string{"sid": "<s>"}, `0/a,{"sid":"<s>"}`},
		{wire.Connect, map[string]any{"data": []byte{1, 2, 3}}, `0/a,{"data":"AQID"}`},
		{wire.Connect, json.RawMessage(`{"a":1}`), `0/a,{"a":1}`},
		{wire.Disconnect, nil, `1/a,`},
		{wire.ConnectError, "no", `4/a,"no"`},
		{wire.ConnectError, map[string]string{"message": "no"}, `4/a,{"message":"no"}`},
	} {
		p, err := wire.EncodePacketJSON(tt.typ, "/a", tt.v)
		require.NoError(t, err, tt.want)
		assert.Equal(t, []string{tt.want}, frames(p))
	}
	for _, tt := range []struct {
		typ wire.PacketType
		v   any
	}{
		{wire.Connect, "text"},
		{wire.Connect, []int{}},
		{wire.Connect, (*int)(nil)},
		{wire.Disconnect, map[string]int{}},
		{wire.ConnectError, 1},
		{wire.Event, []any{"x"}},
		{wire.BinaryAck, nil},
		{wire.Connect, make(chan int)},
	} {
		_, err := wire.EncodePacketJSON(tt.typ, "/a", tt.v)
		assert.ErrorIs(t, err, wire.ErrEncode, "%v %v", tt.typ, tt.v)
	}
}

// returns is a marshaler that returns what it is.
type returns string

func (r returns) MarshalJSON() ([]byte, error) { return []byte(r), nil }

var errOwn = errors.New("own error")

type fails struct{}

func (fails) MarshalJSON() ([]byte, error) { return nil, errOwn }

func TestEncodeEvent_Unencodable_ErrEncodeNeverPanic(t *testing.T) {
	cycle := map[string]any{}
	cycle["self"] = cycle
	list := make([]any, 1)
	list[0] = list
	for name, v := range map[string]any{
		"channel": make(chan int), "function": func() {}, "complex": complex(1, 2), "NaN": math.NaN(), "Inf": math.Inf(-1),
		"NaN inside": []float64{math.NaN()}, "map": cycle, "slice": list, "key": map[struct{}]int{{}: 1},
		"panic": struct{ P json.Marshaler }{panicking{}}, "own error": fails{},
		"raw": json.RawMessage(`{`), "empty raw": json.RawMessage{}, "two raws": json.RawMessage(`1 2`),
		"raw of a packet":     json.RawMessage(`1],"more",[2`),
		"raw that is no text": json.RawMessage("\"\xff\""), "jsontext": jsontext.Value(`nul`),
		"raw inside": []any{json.RawMessage(`]`)}, "method": returns(`1,2`), "method without text": returns("\"\xff\""),
		"nothing": returns(``), "number": json.Number("1x"), "deep": deep(20_000),
	} {
		p, err := wire.EncodeEvent("/", "x", 1, v)
		assert.ErrorIs(t, err, wire.ErrEncode, name)
		assert.ErrorContains(t, err, "argument 1", name)
		assert.Nil(t, p, name)
	}
	_, err := wire.EncodeEvent("/", "x", fails{})
	assert.ErrorIs(t, err, errOwn)
	_, err = wire.EncodeAck("/", 1, fails{})
	assert.ErrorIs(t, err, errOwn)
}

type panicking struct{}

func (panicking) MarshalJSON() ([]byte, error) { panic("own panic") }

func deep(n int) any {
	var v any
	for range n {
		v = []any{v}
	}
	return v
}

func TestEncodeEvent_AfterFailure_NextIsClean(t *testing.T) {
	for range 100 {
		_, err := wire.EncodeEvent("/", "bad", []byte("leftover"), make(chan int))
		require.Error(t, err)
		_, err = wire.EncodeEvent("/", "bad", map[string]any{"a": []byte("leftover"), "b": panicking{}})
		require.Error(t, err)
		p, err := wire.EncodeEvent("/", "good", 1)
		require.NoError(t, err)
		require.Equal(t, []string{`2["good",1]`}, frames(p))
	}
}

func TestEncodeEvent_LargeThenSmall_BothWhole(t *testing.T) {
	large := strings.Repeat("x", 200_000)
	for _, text := range []string{large, "small"} {
		p, err := wire.EncodeEvent("/", "x", text, map[string]string{"again": text})
		require.NoError(t, err)
		assert.Equal(t, []string{`2["x","` + text + `",{"again":"` + text + `"}]`}, frames(p))
	}
}

// nested encodes an event while it is encoded itself.
type nested struct{ t *testing.T }

func (n nested) MarshalJSON() ([]byte, error) {
	p, err := wire.EncodeEvent("/", "inner", map[string]any{"b": []byte("inner bytes")})
	require.NoError(n.t, err)
	return json.Marshal(strings.Join(frames(p), "|"))
}

func TestEncodeEvent_WithinEncoding_Independent(t *testing.T) {
	p, err := wire.EncodeEvent("/", "x", []any{[]byte("outer"), nested{t}})
	require.NoError(t, err)
	got := frames(p)
	require.Len(t, got, 2)
	assert.Contains(t, got[0], `51-["x",[`+place(0))
	assert.Contains(t, got[0], `inner bytes`)
	assert.Equal(t, "outer", got[1])
}

func TestEncodeEvent_Names_ReservedRefusedOthersQuoted(t *testing.T) {
	for _, name := range []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"} {
		_, err := wire.EncodeEvent("/", name)
		assert.ErrorIs(t, err, wire.ErrReservedEvent, name)
		assert.ErrorIs(t, err, wire.ErrEncode, name)
	}
	p, err := wire.EncodeEvent("/", "a\"\x1e\xff")
	require.NoError(t, err)
	assert.Equal(t, []string{"2[\"a\\\"\\u001e\ufffd\"]"}, frames(p))
}

func TestEncode_Namespaces_OnlyThoseThatArrive(t *testing.T) {
	for _, ns := range []string{"", "/"} {
		p, err := wire.EncodeEvent(ns, "x")
		require.NoError(t, err)
		assert.Equal(t, []string{`2["x"]`}, frames(p))
	}
	p, err := wire.EncodeEvent("/é?a=[1]", "x")
	require.NoError(t, err)
	assert.Equal(t, []string{`2/é?a=[1],["x"]`}, frames(p))
	for _, ns := range []string{"a", "a/", "/a,b", "/a\x1e", "/\n", "/\xff"} {
		_, err := wire.EncodeEvent(ns, "x")
		assert.ErrorIs(t, err, wire.ErrNamespace, "%q", ns)
		_, err = wire.EncodePacketJSON(wire.Disconnect, ns, nil)
		assert.ErrorIs(t, err, wire.ErrNamespace, "%q", ns)
	}
}

func TestEncodeEvent_Result_SharesNothingWithArguments(t *testing.T) {
	data, raw := []byte("data"), json.RawMessage(`[1]`)
	p, err := wire.EncodeEvent("/", "x", data, raw)
	require.NoError(t, err)
	want := bytes.Clone(p.WebSocket())
	copy(data, "xxxx")
	copy(raw, "[2]")
	_, err = wire.EncodeEvent("/", "y", strings.Repeat("overwrite ", 10))
	require.NoError(t, err)
	assert.Equal(t, want, p.WebSocket())
}

// withSomeBytes draws what an application sends: JSON values with bytes here and there.
func withSomeBytes() *rapid.Generator[any] {
	data := rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 40), func(b []byte) any { return append([]byte{}, b...) })
	return rapid.OneOf(jsonValue(), data,
		rapid.Map(rapid.MapOfN(rapid.String(), data, 0, 3), func(m map[string]any) any { return m }),
		rapid.Map(rapid.SliceOfN(rapid.OneOf(data, jsonValue()), 0, 3), func(s []any) any { return s }))
}

func TestEvent_AnyArguments_RoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		name := "x" + rapid.String().Draw(rt, "name")
		args := rapid.SliceOfN(withSomeBytes(), 0, 12).Draw(rt, "args")
		id := rapid.Uint64Range(0, 1<<53-1).Draw(rt, "id")
		p, err := wire.EncodeEventAck("/ns", id, name, args...)
		require.NoError(rt, err)

		complete := receive(t, p)
		assert.Equal(rt, "/ns", complete.Packet.Namespace)
		assert.Equal(rt, id, complete.Packet.ID)
		gotName, got, err := wire.ParseEvent(complete)
		require.NoError(rt, err)
		assert.Equal(rt, name, gotName)
		require.Equal(rt, len(args), got.Len())
		for i, want := range args {
			var v any
			require.NoError(rt, got.Decode(i, &v))
			assert.Equal(rt, want, v)
		}
		assert.Len(rt, p.AppendPayload(nil), p.PayloadSize())
		packets, err := decodePayload(string(p.AppendPayload(nil)))
		require.NoError(rt, err)
		assert.Len(rt, packets, 1+len(complete.Attachments))
	})
}

func TestAck_AnyStruct_RoundTrips(t *testing.T) {
	type file struct {
		Name string            `json:"name"`
		Data []byte            `json:"data"`
		Meta map[string][]byte `json:"meta"`
	}
	rapid.Check(t, func(rt *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 1, 20)
		want := file{
			Name: rapid.String().Draw(rt, "name"), Data: data.Draw(rt, "data"),
			Meta: rapid.MapOfN(rapid.String(), data, 1, 3).Draw(rt, "meta"),
		}
		p, err := wire.EncodeAck("/", 1, &want)
		require.NoError(rt, err)
		args, err := wire.ParseAck(receive(t, p))
		require.NoError(rt, err)
		var got file
		require.NoError(rt, args.DecodeAll(&got))
		assert.Equal(rt, want, got)
	})
}
