package client

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/wire"
)

func parsers() map[string]parser {
	json, pack := Options{}.withDefaults(), Options{Parser: MsgPack}.withDefaults()
	return map[string]parser{"json": json.parser(), "msgpack": pack.parser()}
}

// read gives all messages of a packet to a decoder.
func read(t *testing.T, p parser, packet *wire.Prepared) *wire.Complete {
	t.Helper()
	d := p.decoder()
	for message := range packet.Packets() {
		c, err := d.add(message)
		require.NoError(t, err)
		if c != nil {
			return c
		}
	}
	t.Fatal("the packet is not complete")
	return nil
}

func TestParser_WhatIsWritten_IsRead(t *testing.T) {
	for name, p := range parsers() {
		t.Run(name, func(t *testing.T) {
			packet, err := p.eventAck("/a", 7, "e", []any{"é", []byte{0, 1}, map[string]any{"deep": []byte{2}}, nil, 1.5})
			require.NoError(t, err)
			c := read(t, p, packet)
			assert.Equal(t, wire.BinaryEvent, c.Packet.Type)
			assert.Equal(t, "/a", c.Packet.Namespace)
			assert.True(t, c.Packet.HasID)
			assert.EqualValues(t, 7, c.Packet.ID)
			event, args, err := wire.ParseEvent(*c)
			require.NoError(t, err)
			assert.Equal(t, "e", event)
			var text string
			var data []byte
			require.NoError(t, args.DecodeAll(&text, &data))
			assert.Equal(t, "é", text)
			assert.Equal(t, []byte{0, 1}, data)

			packet, err = p.ack("/", 3, []any{map[string]int{"n": 1}})
			require.NoError(t, err)
			c = read(t, p, packet)
			assert.Equal(t, wire.Ack, c.Packet.Type)

			packet, err = p.control(wire.Connect, "/", map[string]string{"token": "x"})
			require.NoError(t, err)
			c = read(t, p, packet)
			assert.Equal(t, wire.Connect, c.Packet.Type)
			assert.JSONEq(t, `{"token":"x"}`, string(c.Packet.Data))

			packet, err = p.control(wire.Disconnect, "/b", nil)
			require.NoError(t, err)
			assert.Equal(t, "/b", read(t, p, packet).Packet.Namespace)

			_, err = p.event("/", "disconnect", nil)
			require.ErrorIs(t, err, wire.ErrReservedEvent)
			_, err = p.event("/", "e", []any{make(chan int)})
			require.ErrorIs(t, err, wire.ErrEncode)
			_, err = p.control(wire.Connect, "/", "no object")
			require.ErrorIs(t, err, wire.ErrEncode)
		})
	}
}

// FuzzDecoder gives a server's messages to the decoders: whatever they are, there is a packet or an error, and what looks like
// a packet can be taken apart.
func FuzzDecoder(f *testing.F) {
	for _, p := range parsers() {
		packet, err := p.eventAck("/a", 7, "e", []any{"x", []byte{0, 1}})
		if err != nil {
			f.Fatal(err)
		}
		for message := range packet.Packets() {
			f.Add(message.Binary, message.Data)
		}
	}
	for _, text := range []string{`0{"sid":"a","pid":"b"}`, `4{"message":"no"}`, `4"no"`, `41`, `3/a,7[]`, `51-["e",{"_placeholder":true,"num":0}]`} {
		f.Add(false, []byte(text))
	}
	f.Fuzz(func(t *testing.T, binary bool, data []byte) {
		for _, p := range parsers() {
			d := p.decoder()
			c, err := d.add(wire.EnginePacket{Type: wire.EngineMessage, Binary: binary, Data: append([]byte(nil), data...)})
			if err != nil || c == nil {
				continue
			}
			_, _, _ = wire.ParseEvent(*c)
			_, _ = wire.ParseAck(*c)
			_, _ = parseConnected(c.Packet)
			if parseRefusal(c.Packet) == nil {
				t.Fatal("no error")
			}
		}
	})
}

func TestRecovery_OffsetBelongsToItsSession(t *testing.T) {
	var r recovery
	r.received(jsonArgs("x", "offset"))
	assert.Empty(t, r.offset, "without a private id there are no offsets")
	r.confirmed("p1")
	assert.False(t, r.recovered)
	r.received(jsonArgs("x", "o1"))
	r.received(jsonArgs("x", 7))
	amended, err := r.amend(json.RawMessage(`{"token":"t"}`))
	require.NoError(t, err)
	packet, err := jsonParser{}.control(wire.Connect, "/", amended)
	require.NoError(t, err)
	assert.JSONEq(t, `{"token":"t","pid":"p1","offset":"o1"}`, string(read(t, jsonParser{}, packet).Packet.Data))
	r.confirmed("p1")
	assert.True(t, r.recovered)
	r.confirmed("p2")
	assert.False(t, r.recovered)
	assert.Empty(t, r.offset)
	_, err = r.amend(json.RawMessage(`[1]`))
	require.ErrorIs(t, err, wire.ErrEncode)
}

func TestMsgPack_WhatTheDefaultParserRefuses_IsRefused(t *testing.T) {
	parser := msgpackParser{limits: wire.Limits{Attachments: 10, JSONDepth: 8}}
	for name, row := range map[string]struct {
		array string
		id    *uint64
		want  error
	}{
		"a reserved name":  {`["disconnect"]`, nil, wire.ErrReservedEvent},
		"no name":          {`[]`, nil, wire.ErrPayload},
		"too deep":         {`["e",[[[[[[[[]]]]]]]]]`, nil, wire.ErrDepth},
		"an id of no size": {`["e"]`, new(uint64(1 << 60)), wire.ErrAckID},
	} {
		t.Run(name, func(t *testing.T) {
			packet, err := pack(wire.Event, "/", row.id, []byte(row.array), nil)
			require.NoError(t, err)
			for message := range packet.Packets() {
				_, err = parser.decoder().add(message)
				require.ErrorIs(t, err, row.want)
			}
		})
	}
}
