package wire_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/wire"
)

// place is the placeholder of attachment n.
func place(n int) string { return fmt.Sprintf(`{"_placeholder":true,"num":%d}`, n) }

func TestParseEvent_Name_AsJavaScriptWritesIt(t *testing.T) {
	for in, want := range map[string]string{
		`["x"]`: "x", `[""]`: "", `["a\"\u00e9\n"]`: "a\"é\n", `["\ud83d\ude00"]`: "😀", `["\ud800"]`: "\ufffd", ` [ "x" ] `: "x",
		`[0]`: "0", `[7,1]`: "7", `[-0]`: "0", `[1.0]`: "1", `[1e3]`: "1000", `[-1.50]`: "-1.5", `[1e21]`: "1e+21",
		`[123456789012345]`: "123456789012345", `[9007199254740993]`: "9007199254740992", `[1e-7]`: "1e-7",
	} {
		name, _, err := wire.ParseEvent(event(in))
		require.NoError(t, err, in)
		assert.Equal(t, want, name, in)
	}
}

func TestParseEvent_NumberOutOfRange_NoPanic(t *testing.T) {
	name, _, err := wire.ParseEvent(event(`[1e999]`))
	require.NoError(t, err)
	assert.NotEmpty(t, name)
}

func TestParseEvent_NoEvent_ErrPayload(t *testing.T) {
	for _, in := range []string{``, `{}`, `[]`, `[null]`, `[true]`, `[{}]`, `[[]]`, `["x"`, `["x",]`, `"x"`, `[x]`} {
		_, _, err := wire.ParseEvent(event(in))
		assert.ErrorIs(t, err, wire.ErrPayload, in)
	}
	_, _, err := wire.ParseEvent(wire.Complete{Packet: wire.Packet{Type: wire.Event}})
	assert.ErrorIs(t, err, wire.ErrPayload)
}

func TestParseAck_AbsentPayload_NoArguments(t *testing.T) {
	args, err := wire.ParseAck(wire.Complete{Packet: wire.Packet{Type: wire.Ack}})
	require.NoError(t, err)
	assert.Zero(t, args.Len())
}

func TestParseAck_Arguments_AllOfThem(t *testing.T) {
	args, err := wire.ParseAck(event(`[1,"a"]`))
	require.NoError(t, err)
	assert.Equal(t, 2, args.Len())
	_, err = wire.ParseAck(event(`{}`))
	assert.ErrorIs(t, err, wire.ErrPayload)
}

func TestArgs_Raw_TextAsSent(t *testing.T) {
	args := parse(t, `["x", 1 ,{"a": [1, 2]},"s,]\"" ,null]`)
	require.Equal(t, 4, args.Len())
	for i, want := range []string{`1`, `{"a": [1, 2]}`, `"s,]\""`, `null`} {
		assert.Equal(t, want, string(args.Raw(i)))
		assert.Equal(t, len(want), cap(args.Raw(i)))
	}
	assert.Nil(t, args.Raw(-1))
	assert.Nil(t, args.Raw(4))
	assert.Nil(t, wire.Args{}.Raw(0))
}

func TestArgs_MoreThanAFew_AllFound(t *testing.T) {
	args := parse(t, `["x"`+strings.Repeat(`,7`, 1000)+`]`)
	require.Equal(t, 1000, args.Len())
	assert.Equal(t, "7", string(args.Raw(999)))
}

func TestRawArgs_Values_CopiedInOrder(t *testing.T) {
	raw := []byte(`{"a":1}`)
	args := wire.RawArgs(raw, []byte(`2`), nil)
	raw[0] = 'x'
	assert.Equal(t, 3, args.Len())
	assert.Equal(t, `{"a":1}`, string(args.Raw(0)))
	assert.Equal(t, `2`, string(args.Raw(1)))
	assert.Empty(t, args.Raw(2))
	assert.Error(t, args.Decode(2, new(any)))
	assert.Zero(t, wire.RawArgs().Len())
}

func TestArgs_Decode_SemanticsOfEncodingJSON(t *testing.T) {
	type inner struct {
		Name string
		At   time.Time
		Dur  time.Duration
		Num  json.Number
		Any  any
		Raw  json.RawMessage
		Arr  [2]byte
		Data []byte
		Opt  *int `json:"opt,omitempty"`
		Str  int  `json:",string"`
	}
	const text = `{"NAME":"x","At":"2024-01-02T03:04:05Z","dur":5,"Num":1.50,"Any":{"a":[1]},"Raw":{"k": 1},` +
		`"Arr":[1,2],"Data":"AQID","opt":3,"Str":"7","unknown":[],"Name":"last"}`
	var want, got inner
	require.NoError(t, json.Unmarshal([]byte(text), &want))
	require.NoError(t, parse(t, `["x",`+text+`]`).Decode(0, &got))
	assert.Equal(t, want, got)
}

func TestArgs_Decode_DoesNotFit_ErrArgumentAndSentinels(t *testing.T) {
	args := parse(t, `["x","text",1e999,`+place(0)+`]`, []byte{1})
	assert.ErrorIs(t, args.Decode(0, new(int)), wire.ErrArgument)
	assert.ErrorIs(t, args.Decode(1, new(float64)), wire.ErrArgument)
	assert.ErrorIs(t, args.Decode(0, nil), wire.ErrArgument)
	assert.ErrorIs(t, args.Decode(0, 1), wire.ErrArgument)
	assert.ErrorIs(t, args.Decode(2, new(string)), wire.ErrArgument)
	assert.ErrorIs(t, args.Decode(2, new(map[string]any)), wire.ErrArgument)
	assert.ErrorIs(t, args.Decode(3, new(int)), wire.ErrNoArgument)
	assert.ErrorIs(t, args.Decode(-1, new(int)), wire.ErrNoArgument)
	assert.ErrorContains(t, args.Decode(2, new(string)), "argument 2: attachment into Go value of type string")
}

type blob []byte

// anything is an interface that is not the type any.
type anything any

// reencoded decodes a text of its own with the options of the decoding it is part of.
type reencoded struct{ value any }

func (r *reencoded) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if err := dec.SkipValue(); err != nil {
		return err
	}
	return jsonv2.Unmarshal([]byte(`[0,{"a":1}]`), &r.value, dec.Options())
}

// withMethods sees the text of its value.
type withMethods struct{ text string }

func (w *withMethods) UnmarshalJSON(b []byte) error {
	w.text = string(b)
	return nil
}

func TestArgs_Decode_Attachment_WhereverBytesFit(t *testing.T) {
	type all struct {
		Bytes   []byte            `json:"bytes"`
		Named   blob              `json:"named"`
		Pointer *[]byte           `json:"pointer"`
		Any     any               `json:"any"`
		Other   anything          `json:"other"`
		Map     map[string][]byte `json:"map"`
		Slice   [][]byte          `json:"slice"`
		Methods withMethods       `json:"methods"`
		Raw     json.RawMessage   `json:"raw"`
		Plain   []byte            `json:"plain"`
		Number  json.Number       `json:"number"`
	}
	args := parse(t, `["x",{"bytes":`+place(0)+`,"named" : `+place(1)+`,"pointer":`+place(0)+`,"any":[`+place(1)+`,{"k":`+
		place(0)+`}],"map":{"m":`+place(1)+`},"slice":[ `+place(0)+` , null , `+place(1)+` ],"methods":`+place(0)+
		`,"other":`+place(0)+`,"raw":`+place(1)+`,"plain":"AQID","number":1.50}]`, []byte("zero"), []byte("one"))
	var got all
	require.NoError(t, args.Decode(0, &got))
	pointer := []byte("zero")
	assert.Equal(t, all{
		Bytes: []byte("zero"), Named: blob("one"), Pointer: &pointer,
		Any:     []any{[]byte("one"), map[string]any{"k": []byte("zero")}},
		Other:   []byte("zero"),
		Map:     map[string][]byte{"m": []byte("one")},
		Slice:   [][]byte{[]byte("zero"), nil, []byte("one")},
		Methods: withMethods{place(0)}, Raw: json.RawMessage(place(1)), Plain: []byte{1, 2, 3}, Number: "1.50",
	}, got)
}

func TestArgs_Decode_AttachmentAsArgument_NotCopied(t *testing.T) {
	data := []byte("data")
	args := parse(t, `["x", `+place(0)+`,"s"]`, data)
	var bytes []byte
	var value any
	var named blob
	require.NoError(t, args.DecodeAll(&bytes, nil))
	require.NoError(t, args.Decode(0, &value))
	require.NoError(t, args.Decode(0, &named))
	assert.Same(t, &data[0], &bytes[0])
	assert.Equal(t, data, value)
	assert.Equal(t, blob(data), named)
	var text string
	require.NoError(t, args.Decode(1, &text))
	assert.Equal(t, "s", text)
}

func TestArgs_Decode_PlaceholderInTextEvent_IsOrdinaryData(t *testing.T) {
	var v any
	require.NoError(t, parse(t, `["x",{"_placeholder":true,"num":5}]`).Decode(0, &v))
	assert.Equal(t, map[string]any{"_placeholder": true, "num": 5.0}, v)
}

func TestArgs_Decode_LooksLikePlaceholderButIsNot_IsOrdinaryData(t *testing.T) {
	for _, in := range []string{
		`{"_placeholder":false,"num":9}`, `{"_placeholder":1,"num":9}`, `{"_placeholder":"true","num":9}`, `{"num":9}`,
		`{"_placeholder":true,"num":9,"_placeholder":false}`, `{}`, `{"x":{"_placeholder":null}}`,
	} {
		var want, got any
		require.NoError(t, json.Unmarshal([]byte(in), &want))
		require.NoError(t, parse(t, `["x",`+in+`,`+place(0)+`]`, []byte{1}).Decode(0, &got), in)
		assert.Equal(t, want, got, in)
	}
}

func TestArgs_Decode_UnusualPlaceholders_AreReplacedWhole(t *testing.T) {
	for _, in := range []string{
		`{"num":0,"_placeholder":true}`, `{ "_placeholder" : true , "num" : 0 }`, `{"\u005fplaceholder":true,"n\u0075m":0}`,
		`{"_placeholder":true,"num":7,"num":0}`, `{"_placeholder":true,"num":0,"more":` + place(1) + `}`,
	} {
		var got any
		require.NoError(t, parse(t, `["x",`+in+`]`, []byte("zero"), []byte("one")).Decode(0, &got), in)
		assert.Equal(t, []byte("zero"), got, in)
	}
}

func TestArgs_Decode_MethodDecodesOtherText_AttachmentsStayOut(t *testing.T) {
	var got struct{ A any }
	var own reencoded
	args := parse(t, `["x",[0,`+place(0)+`],{"A":1}]`, []byte("zero"))
	require.NoError(t, args.Decode(0, &own))
	assert.Equal(t, []any{0.0, map[string]any{"a": 1.0}}, own.value)
	require.NoError(t, args.Decode(1, &got))
}

func TestArgs_DecodeAll_MissingArguments_LeaveValues(t *testing.T) {
	args := parse(t, `["x",1,"two",3]`)
	a, b, c, d := 0, "", 0, "untouched"
	require.NoError(t, args.DecodeAll(&a, &b))
	assert.Equal(t, 1, a)
	assert.Equal(t, "two", b)
	require.NoError(t, args.DecodeAll(nil, nil, &c, &d))
	assert.Equal(t, 3, c)
	assert.Equal(t, "untouched", d)
	assert.ErrorIs(t, args.DecodeAll(&a, &c), wire.ErrArgument)
	assert.NoError(t, args.DecodeAll())
	assert.NoError(t, wire.Args{}.DecodeAll(&a))
}

func TestArgs_ConcurrentUse_Safe(t *testing.T) {
	args := parse(t, `["x",{"a":`+place(0)+`,"b":[1,2]},2]`, []byte("data"))
	done := make(chan error)
	for range 8 {
		go func() {
			var err error
			for range 50 {
				var v any
				if e := args.Decode(0, &v); e != nil {
					err = e
				}
				if args.Len() != 2 || string(args.Raw(1)) != "2" {
					err = wire.ErrArgument
				}
			}
			done <- err
		}()
	}
	for range 8 {
		assert.NoError(t, <-done)
	}
}

func TestArgs_Decode_NumbersOfJavaScript_Exact(t *testing.T) {
	var f float64
	require.NoError(t, parse(t, `["x",1.7976931348623157e308]`).Decode(0, &f))
	assert.InDelta(t, math.MaxFloat64, f, 0)
}
