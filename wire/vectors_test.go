package wire_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/wire"
)

// deviations are the vectors that this package answers differently on purpose, with the reason.
var deviations = map[string]string{
	`decodePacket "b!!!!"`:                   "the official parser drops what is not base64; here it is an error",
	`decode "2999999999999999999999[\"x\"]"`: "the official parser rounds the id to a float; here ids are bounded",
	`decode ""`:                              "the official parser makes a CONNECT of it, but is never given it: Engine.IO has no message then",
	`encode [1,"numeric event"]`:             "events that this package sends have names; numeric ones are only received",
}

// deviates reports whether a vector is among the deviations.
func deviates(kind string, in any) bool {
	_, found := deviations[fmt.Sprint(kind, " ", in)]
	return found
}

// bytesOrText is a string, or bytes written as {"$bin": hex} or {"hex": hex}.
type bytesOrText struct {
	data   []byte
	binary bool
}

func (b *bytesOrText) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		*b = bytesOrText{data: []byte(text)}
		return nil
	}
	var object struct {
		Bin *string `json:"$bin"`
		Hex *string `json:"hex"`
	}
	if err := json.Unmarshal(raw, &object); err != nil {
		return err
	}
	digits := object.Bin
	if digits == nil {
		digits = object.Hex
	}
	if digits == nil {
		return errors.New("neither text nor bytes")
	}
	data, err := hex.DecodeString(*digits)
	*b = bytesOrText{data: data, binary: true}
	return err
}

func load(t *testing.T, name string, v any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, v))
}

type enginePacketVector struct {
	Type string      `json:"type"`
	Data bytesOrText `json:"data"`
}

func (v enginePacketVector) packet(t *testing.T) wire.EnginePacket {
	t.Helper()
	for typ := wire.EngineOpen; typ <= wire.EngineNoop; typ++ {
		if typ.String() == v.Type {
			return wire.EnginePacket{Type: typ, Binary: v.Data.binary, Data: v.Data.data}
		}
	}
	t.Fatalf("no such type: %s", v.Type)
	return wire.EnginePacket{}
}

type engineVectors struct {
	Packets []struct {
		Packet enginePacketVector `json:"packet"`
		WS     bytesOrText        `json:"ws"`
		Base64 string             `json:"base64"`
	} `json:"packets"`
	Payloads []struct {
		Packets []enginePacketVector `json:"packets"`
		Payload string               `json:"payload"`
	} `json:"payloads"`
	DecodePacket []struct {
		In  string             `json:"in"`
		Out enginePacketVector `json:"out"`
	} `json:"decodePacket"`
	DecodePayload []struct {
		In  string               `json:"in"`
		Out []enginePacketVector `json:"out"`
	} `json:"decodePayload"`
}

func assertSamePacket(t *testing.T, want, got wire.EnginePacket, msg ...any) {
	t.Helper()
	assert.Equal(t, want.Type, got.Type, msg...)
	assert.Equal(t, want.Binary, got.Binary, msg...)
	assert.Equal(t, string(want.Data), string(got.Data), msg...)
}

func TestEngineVectors_Packets_EncodeAndDecode(t *testing.T) {
	var v engineVectors
	load(t, "engineio.json", &v)
	require.NotEmpty(t, v.Packets)
	for _, c := range v.Packets {
		p := c.Packet.packet(t)
		assert.Equal(t, c.Base64, string(wire.AppendEngineText(nil, p)))

		op, payload := onlyFrame(t, wire.PrepareEngine(p).WebSocket())
		assert.Equal(t, c.WS.binary, op == wire.Binary)
		assert.Equal(t, string(c.WS.data), string(payload))

		if c.WS.binary {
			assertSamePacket(t, p, wire.DecodeEngineBinary(c.WS.data))
		}
		decoded, err := wire.DecodeEngineText([]byte(c.Base64))
		require.NoError(t, err, c.Base64)
		assertSamePacket(t, p, decoded)
	}
}

func TestEngineVectors_Payloads_EncodeAndDecode(t *testing.T) {
	var v engineVectors
	load(t, "engineio.json", &v)
	require.NotEmpty(t, v.Payloads)
	for _, c := range v.Payloads {
		var packets []wire.EnginePacket
		for _, p := range c.Packets {
			packets = append(packets, p.packet(t))
		}
		assert.Equal(t, c.Payload, string(wire.AppendPayload(nil, packets...)))
		prepared := wire.PrepareEngine(packets...)
		assert.Equal(t, c.Payload, string(prepared.AppendPayload(nil)))
		assert.Equal(t, len(c.Payload), prepared.PayloadSize())
	}
}

func TestEngineVectors_DecodePacket(t *testing.T) {
	var v engineVectors
	load(t, "engineio.json", &v)
	require.NotEmpty(t, v.DecodePacket)
	for _, c := range v.DecodePacket {
		p, err := wire.DecodeEngineText([]byte(c.In))
		if c.Out.Type == "error" || deviates("decodePacket", strconv.Quote(c.In)) {
			assert.Error(t, err, "%q", c.In)
			continue
		}
		require.NoError(t, err, "%q", c.In)
		assertSamePacket(t, c.Out.packet(t), p, "%q", c.In)
	}
}

func TestEngineVectors_DecodePayload(t *testing.T) {
	var v engineVectors
	load(t, "engineio.json", &v)
	require.NotEmpty(t, v.DecodePayload)
	for _, c := range v.DecodePayload {
		packets, err := decodePayload(c.In)
		want := c.Out
		if want[len(want)-1].Type == "error" {
			require.ErrorIs(t, err, wire.ErrEngineType, "%q", c.In)
			want = want[:len(want)-1]
		} else {
			require.NoError(t, err, "%q", c.In)
		}
		require.Len(t, packets, len(want), "%q", c.In)
		for i := range want {
			assertSamePacket(t, want[i].packet(t), packets[i], "%q", c.In)
		}
	}
}

type packetVector struct {
	Type wire.PacketType `json:"type"`
	NSP  string          `json:"nsp"`
	ID   *float64        `json:"id"`
	Data json.RawMessage `json:"data"`
}

type socketVectors struct {
	Encode []struct {
		Packet packetVector  `json:"packet"`
		Frames []bytesOrText `json:"frames"`
	} `json:"encode"`
	Decode []struct {
		In            string        `json:"in"`
		OK            *packetVector `json:"ok"`
		Error         string        `json:"error"`
		PendingBinary bool          `json:"pendingBinary"`
	} `json:"decode"`
}

// encode sends the packet of a vector through the public encoders.
func (v packetVector) encode(t *testing.T) *wire.Prepared {
	t.Helper()
	var prepared *wire.Prepared
	var err error
	switch v.Type {
	case wire.Event, wire.Ack:
		args := plainArgs(t, v.Data)
		switch {
		case v.Type == wire.Ack:
			require.NotNil(t, v.ID)
			prepared, err = wire.EncodeAck(v.NSP, uint64(*v.ID), args...)
		case v.ID != nil:
			prepared, err = wire.EncodeEventAck(v.NSP, uint64(*v.ID), args[0].(string), args[1:]...)
		default:
			prepared, err = wire.EncodeEvent(v.NSP, args[0].(string), args[1:]...)
		}
	default:
		var payload any
		if v.Data != nil {
			payload = v.Data
		}
		prepared, err = wire.EncodePacketJSON(v.Type, v.NSP, payload)
	}
	require.NoError(t, err)
	return prepared
}

// plainArgs decodes an argument list, with bytes for {"$bin": hex}.
func plainArgs(t *testing.T, data []byte) []any {
	t.Helper()
	var raws []json.RawMessage
	require.NoError(t, json.Unmarshal(data, &raws))
	args := make([]any, len(raws))
	for i, raw := range raws {
		var v any
		require.NoError(t, json.Unmarshal(raw, &v))
		args[i] = withBytes(t, v)
	}
	return args
}

func withBytes(t *testing.T, v any) any {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		if digits, ok := v["$bin"].(string); ok {
			data, err := hex.DecodeString(digits)
			require.NoError(t, err)
			return data
		}
		for k := range v {
			v[k] = withBytes(t, v[k])
		}
	case []any:
		for i := range v {
			v[i] = withBytes(t, v[i])
		}
	}
	return v
}

func TestSocketVectors_Encode(t *testing.T) {
	var v socketVectors
	load(t, "socketio.json", &v)
	require.NotEmpty(t, v.Encode)
	for _, c := range v.Encode {
		var compact bytes.Buffer
		if c.Packet.Data != nil {
			require.NoError(t, json.Compact(&compact, c.Packet.Data))
		}
		if deviates("encode", compact.String()) {
			continue
		}
		var got []bytesOrText
		for p := range c.Packet.encode(t).Packets() {
			assert.Equal(t, wire.EngineMessage, p.Type)
			got = append(got, bytesOrText{data: p.Data, binary: p.Binary})
		}
		require.Len(t, got, len(c.Frames))
		for i, want := range c.Frames {
			assert.Equal(t, want.binary, got[i].binary)
			assert.Equal(t, string(want.data), string(got[i].data))
		}
	}
}

func TestSocketVectors_EncodedFrames_DecodeToTheirPacket(t *testing.T) {
	var v socketVectors
	load(t, "socketio.json", &v)
	for _, c := range v.Encode {
		var r wire.Reassembler
		var complete *wire.Complete
		for _, f := range c.Frames {
			require.Nil(t, complete)
			if f.binary {
				var err error
				complete, err = r.Binary(f.data, wire.Limits{})
				require.NoError(t, err)
				continue
			}
			p, err := wire.DecodePacket(f.data, wire.Limits{})
			require.NoError(t, err)
			complete, err = r.Text(p, wire.Limits{})
			require.NoError(t, err)
		}
		require.NotNil(t, complete)
		assert.False(t, r.Pending())
		assert.Equal(t, c.Packet.NSP, complete.Packet.Namespace)
		assert.Equal(t, c.Packet.ID != nil, complete.Packet.HasID)
		assert.Len(t, complete.Attachments, len(c.Frames)-1)
		assert.Equal(t, string(c.Frames[0].data), string(wire.AppendPacket(nil, complete.Packet)))
		assertSameArgs(t, c.Packet, *complete)
	}
}

// assertSameArgs compares the arguments of an event or acknowledgement with those of its vector.
func assertSameArgs(t *testing.T, want packetVector, got wire.Complete) {
	t.Helper()
	if want.Type != wire.Event && want.Type != wire.Ack {
		return
	}
	wantArgs := plainArgs(t, want.Data)
	var args wire.Args
	var err error
	if want.Type == wire.Event {
		var name string
		name, args, err = wire.ParseEvent(got)
		assert.Equal(t, fmt.Sprint(wantArgs[0]), name)
		wantArgs = wantArgs[1:]
	} else {
		args, err = wire.ParseAck(got)
	}
	require.NoError(t, err)
	require.Equal(t, len(wantArgs), args.Len())
	for i := range wantArgs {
		var v any
		require.NoError(t, args.Decode(i, &v))
		assert.Equal(t, wantArgs[i], v)
	}
}

func TestSocketVectors_Decode(t *testing.T) {
	var v socketVectors
	load(t, "socketio.json", &v)
	require.NotEmpty(t, v.Decode)
	kinds := map[string]error{
		"invalid payload":      wire.ErrPayload,
		"Illegal attachments":  wire.ErrAttachmentCount,
		"too many attachments": wire.ErrTooManyAttachments,
	}
	refused := map[string]error{"": wire.ErrPacketType, `2999999999999999999999["x"]`: wire.ErrAckID}
	for _, c := range v.Decode {
		p, err := wire.DecodePacket([]byte(c.In), wire.Limits{})
		switch {
		case deviates("decode", strconv.Quote(c.In)):
			require.Error(t, refused[c.In])
			assert.ErrorIs(t, err, refused[c.In], c.In)
		case c.Error != "":
			want, known := kinds[c.Error]
			if !known {
				want = wire.ErrPacketType
			}
			assert.ErrorIs(t, err, want, c.In)
		case c.PendingBinary:
			assert.NoError(t, err, c.In)
			assert.Equal(t, 1, p.Attachments, c.In)
		default:
			assert.NoError(t, err, c.In)
			assertPacket(t, *c.OK, p, c.In)
		}
	}
}

func assertPacket(t *testing.T, want packetVector, got wire.Packet, in string) {
	t.Helper()
	assert.Equal(t, want.Type, got.Type, in)
	assert.Equal(t, want.NSP, got.Namespace, in)
	assert.Equal(t, want.ID != nil, got.HasID, in)
	if want.ID != nil {
		assert.Equal(t, uint64(*want.ID), got.ID, in)
	}
	if want.Data == nil {
		assert.Nil(t, got.Data, in)
		return
	}
	assert.JSONEq(t, string(want.Data), string(got.Data), in)
}
