package msgpack_test

import (
	"bytes"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/wire"
	"github.com/actio-go/actio/wire/msgpack"
)

// packetVector is a packet and what socket.io-msgpack-parser 3.0.2 makes of it.
type packetVector struct {
	Packet struct {
		Type      wire.PacketType
		Namespace string `json:"nsp"`
		ID        *uint64
		Data      json.RawMessage
	}
	Frames  []struct{ Hex string }
	Corrupt bool // notepack.io has written another number than it was given: -1e21 as an int64
}

//go:embed testdata/socketio-msgpack.json
var packetVectorFile []byte

var binaryValue = regexp.MustCompile(`\{"\$bin":"([0-9a-f]*)"\}`)

// complete gives the packet in the form that it has in actio.
func (v *packetVector) complete(t testing.TB) (c wire.Complete) {
	t.Helper()
	c.Packet = wire.Packet{Type: v.Packet.Type, Namespace: v.Packet.Namespace}
	if v.Packet.ID != nil {
		c.Packet.HasID, c.Packet.ID = true, *v.Packet.ID
	}
	if v.Packet.Data != nil {
		var text bytes.Buffer
		require.NoError(t, json.Compact(&text, v.Packet.Data))
		c.Packet.Data = binaryValue.ReplaceAllFunc(text.Bytes(), func(b []byte) []byte {
			c.Attachments = append(c.Attachments, unhex(t, string(binaryValue.FindSubmatch(b)[1])))
			return fmt.Appendf(nil, `{"_placeholder":true,"num":%d}`, len(c.Attachments)-1)
		})
	}
	return c
}

func packetVectors(t testing.TB) (all []packetVector) {
	t.Helper()
	require.NoError(t, json.Unmarshal(packetVectorFile, &all))
	require.Len(t, all, 20)
	return all
}

func TestParser_PacketsOfNode_GiveItsBytes(t *testing.T) {
	for _, v := range packetVectors(t) {
		messages, err := msgpack.Parser{}.Encode(v.complete(t))
		require.NoError(t, err)
		require.Len(t, messages, 1)
		assert.True(t, messages[0].Binary)
		got, want := hex.EncodeToString(messages[0].Data), v.Frames[0].Hex
		if v.Corrupt {
			want = strings.Replace(want, "d3ca36523a21600000", "cbc44b1ae4d6e2ef50", 1)
		}
		assert.Equal(t, want, got, "%s", v.Packet.Data)
	}
}

func TestParser_BytesOfNode_GiveItsPackets(t *testing.T) {
	for _, v := range packetVectors(t) {
		want := v.complete(t)
		got, err := decode(t, v.Frames[0].Hex)
		require.NoError(t, err)
		require.NotNil(t, got)
		if v.Corrupt {
			want.Packet.Data = []byte(`["ok",1.5,-3875820019684212736]`)
		}
		if len(want.Attachments) > 0 { // as a Reassembler has it
			want.Packet.Type += wire.BinaryEvent - wire.Event
			want.Packet.Attachments = len(want.Attachments)
		}
		if want.Packet.Data != nil {
			assert.Equal(t, string(want.Packet.Data), string(got.Packet.Data))
		}
		assert.Equal(t, want, *got)
	}
}

// decode reads one message.
func decode(t testing.TB, message string) (*wire.Complete, error) {
	t.Helper()
	return msgpack.Parser{}.NewDecoder(wire.Limits{}).Decode(wire.Message{Binary: true, Data: unhex(t, message)})
}

// fields makes a map of names and values, the values in hex.
func fields(pairs ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%02x", 0x80+len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(&b, "%02x%x%s", 0xa0+len(pairs[i]), pairs[i], pairs[i+1])
	}
	return b.String()
}

const (
	main = "a12f"     // "/"
	none = "d40000"   // undefined
	name = "91a165"   // ["e"]
	deep = "92a16581" // ["e",{: a map of one pair follows
)

func TestParser_WhatJavaScriptCanSay_IsRead(t *testing.T) {
	for title, row := range map[string]struct {
		message string
		data    string
		binary  int
	}{
		"fields of no meaning":            {fields("options", "81a8636f6d7072657373c3", "type", "02", "nsp", main, "data", name), `["e"]`, 0},
		"names that are no strings":       {"84" + "01c0" + fields("type", "02", "nsp", main, "data", name)[2:], `["e"]`, 0},
		"an undefined id":                 {fields("type", "02", "nsp", main, "id", none, "data", name), `["e"]`, 0},
		"an undefined payload of CONNECT": {fields("type", "00", "nsp", main, "data", none), ``, 0},
		"the last of two payloads":        {fields("type", "02", "nsp", main, "data", "92a165c401ff", "data", "92a165c40107"), `["e",{"_placeholder":true,"num":0}]`, 1},
		"undefined, NaN and Infinity":     {fields("type", "02", "nsp", main, "data", "94a165d40000cb7ff8000000000000cb7ff0000000000000"), `["e",null,null,null]`, 0},
		"a Date":                          {fields("type", "02", "nsp", main, "data", "92a165d7000000018cc251f400"), `["e","2024-01-01T00:00:00.000Z"]`, 0},
		"the largest integers":            {fields("type", "02", "nsp", main, "data", "93a165cfffffffffffffffffd38000000000000000"), `["e",18446744073709551615,-9223372036854775808]`, 0},
		"keys that are numbers":           {fields("type", "02", "nsp", main, "data", deep+"0102"), `["e",{"1":2}]`, 0},
		"a map like a placeholder":        {fields("type", "02", "nsp", main, "data", "92a16582ac5f706c616365686f6c646572c3a36e756d05"), `["e",{"_placeholder":true,"num":5}]`, 0},
		"binary in a CONNECT":             {fields("type", "00", "nsp", main, "data", "81a16bc403010203"), `{"k":"AQID"}`, 0},
	} {
		c, err := decode(t, row.message)
		require.NoError(t, err, title)
		assert.Equal(t, row.data, string(c.Packet.Data), title)
		assert.Equal(t, row.binary, c.Packet.Attachments, title)
		assert.Len(t, c.Attachments, row.binary, title)
		assert.False(t, c.Packet.HasID, title)
	}
}

func TestParser_WhatIsNoPacket_IsRefused(t *testing.T) {
	for title, row := range map[string]struct {
		message string
		want    error
	}{
		"nothing":                      {"", msgpack.ErrMalformed},
		"no map":                       {"91a165", msgpack.ErrMalformed},
		"half a packet":                {fields("type", "02", "nsp", main, "data", "92a165"), msgpack.ErrMalformed},
		"more than a packet":           {fields("type", "02", "nsp", main, "data", name) + "c0", msgpack.ErrMalformed},
		"no type":                      {fields("nsp", main, "data", name), msgpack.ErrMalformed},
		"a type of the default parser": {fields("type", "05", "nsp", main, "data", name), msgpack.ErrMalformed},
		"a type that wraps around":     {fields("type", "cd0102", "nsp", main, "data", name), msgpack.ErrMalformed},
		"a type that is no number":     {fields("type", "a132", "nsp", main, "data", name), msgpack.ErrMalformed},
		"no namespace":                 {fields("type", "02", "data", name), msgpack.ErrMalformed},
		"a namespace of bytes":         {fields("type", "02", "nsp", "c4012f", "data", name), msgpack.ErrMalformed},
		"a namespace without slash":    {fields("type", "02", "nsp", "a161", "data", name), wire.ErrNamespace},
		"a negative id":                {fields("type", "02", "nsp", main, "id", "ff", "data", name), msgpack.ErrMalformed},
		"an id of nil":                 {fields("type", "02", "nsp", main, "id", "c0", "data", name), msgpack.ErrMalformed},
		"an id out of range":           {fields("type", "02", "nsp", main, "id", "cfffffffffffffffff", "data", name), wire.ErrAckID},
		"an event without data":        {fields("type", "02", "nsp", main), msgpack.ErrMalformed},
		"an event without name":        {fields("type", "02", "nsp", main, "data", "90"), wire.ErrPayload},
		"an event of a reserved name":  {fields("type", "02", "nsp", main, "data", "91aa646973636f6e6e656374"), wire.ErrReservedEvent},
		"an ack of undefined":          {fields("type", "03", "nsp", main, "id", "00", "data", none), msgpack.ErrMalformed},
		"a CONNECT of nil":             {fields("type", "00", "nsp", main, "data", "c0"), wire.ErrPayload},
		"a DISCONNECT with data":       {fields("type", "01", "nsp", main, "data", "80"), wire.ErrPayload},
		"a CONNECT_ERROR of bytes":     {fields("type", "04", "nsp", main, "data", "81a161c400"), wire.ErrPayload},
		"too many attachments":         {fields("type", "02", "nsp", main, "data", "9ca165"+strings.Repeat("c400", 11)), wire.ErrTooManyAttachments},
		"too deep":                     {fields("type", "02", "nsp", main, "data", "92a165"+strings.Repeat("91", 64)+"c0"), msgpack.ErrMalformed},
	} {
		c, err := decode(t, row.message)
		require.ErrorIs(t, err, row.want, title)
		assert.Nil(t, c, title)
	}
	_, err := msgpack.Parser{}.NewDecoder(wire.Limits{}).Decode(wire.Message{Data: []byte(`{"type":0,"nsp":"/"}`)})
	require.ErrorIs(t, err, msgpack.ErrMalformed, "text")
}

// What a client names twice must not cost the memory of two: a message has room for a hundred thousand empty payloads.
func TestParser_FieldsThatComeAgain_TakeTheRoomTheyHad(t *testing.T) {
	many := []byte{0xde, 0x03, 0xe8} // a map of 1000
	for range 997 {
		many = append(many, "\xa4data\x90"...)
	}
	many = append(many, "\xa4type\x02\xa3nsp\xa1/\xa4data\x91\xa1e"...)
	assert.Less(t, testing.AllocsPerRun(10, func() {
		c, err := msgpack.DecodePacket(many, wire.Limits{})
		if err != nil || string(c.Packet.Data) != `["e"]` {
			t.Error(c, err)
		}
	}), 20.0)
}

func TestParser_AttachmentsOutOfReach_AreNotEncoded(t *testing.T) {
	_, err := msgpack.Parser{}.Encode(wire.Complete{
		Packet:      wire.Packet{Type: wire.Event, Data: []byte(`["e",{"_placeholder":true,"num":1}]`)},
		Attachments: [][]byte{{1}},
	})
	require.ErrorIs(t, err, wire.ErrPlaceholder)
}

// FuzzDecodePacket: whatever bytes come, there is a packet or an error; a packet is within limits, and survives the way out and
// in again.
func FuzzDecodePacket(f *testing.F) {
	for _, v := range packetVectors(f) {
		f.Add(unhex(f, v.Frames[0].Hex))
	}
	for _, seed := range []string{
		fields("type", "02", "nsp", main, "id", none, "data", "92a165d7000000018cc251f400"),
		fields("type", "00", "nsp", main, "data", "81a16bc403010203"),
		fields("type", "02", "nsp", main, "data", "92a165c401ff", "data", deep+"01c400"), "dfffffffff",
	} {
		f.Add(unhex(f, seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		parser := msgpack.Parser{}
		c, err := parser.NewDecoder(wire.Limits{}).Decode(wire.Message{Binary: true, Data: data})
		if err != nil {
			require.Nil(t, c)
			return
		}
		require.LessOrEqual(t, len(c.Attachments), wire.DefaultLimits().Attachments)
		require.Len(t, c.Attachments, c.Packet.Attachments)
		if bytes.Count(c.Packet.Data, []byte("_placeholder")) != len(c.Attachments) {
			return // a map that looks like one
		}
		again := *c
		if len(c.Attachments) > 0 {
			again.Packet.Type -= wire.BinaryEvent - wire.Event
		}
		messages, err := parser.Encode(again)
		require.NoError(t, err)
		back, err := parser.NewDecoder(wire.Limits{}).Decode(messages[0])
		require.NoError(t, err)
		require.Equal(t, string(c.Packet.Data), string(back.Packet.Data))
		require.Equal(t, c, back)
	})
}

func BenchmarkParser_Encode(b *testing.B) {
	for title, text := range cases() {
		b.Run(title, func(b *testing.B) {
			c := wire.Complete{
				Packet: wire.Packet{Type: wire.Event, Namespace: "/", Data: []byte(text)}, Attachments: attachmentsOf(title),
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := (msgpack.Parser{}).Encode(c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParser_Decode(b *testing.B) {
	for title, text := range cases() {
		b.Run(title, func(b *testing.B) {
			messages, err := msgpack.Parser{}.Encode(wire.Complete{
				Packet: wire.Packet{Type: wire.Event, Namespace: "/", Data: []byte(text)}, Attachments: attachmentsOf(title),
			})
			require.NoError(b, err)
			d := msgpack.Parser{}.NewDecoder(wire.Limits{})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Decode(messages[0]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
