package wire_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/wire"
)

// The ceilings below are what a message costs. A pool that the garbage collector has emptied, as it does at random under
// the race detector, adds to the encoders; their ceilings are checked without it.

func TestAllocations_Decoding(t *testing.T) {
	text := []byte("4" + chatText)
	packet, err := wire.DecodePacket(text[1:], wire.Limits{})
	require.NoError(t, err)
	complete := wire.Complete{Packet: packet}
	payload := []byte("4a\x1e4b\x1e2")
	yield := func(wire.EnginePacket) error { return nil }
	var r wire.Reassembler
	for name, tt := range map[string]struct {
		most float64
		run  func()
	}{
		"DecodeEngineText": {0, func() { _, _ = wire.DecodeEngineText(text) }},
		"DecodePayload":    {0, func() { _ = wire.DecodePayload(payload, yield) }},
		"DecodePacket":     {0, func() { _, _ = wire.DecodePacket(text[1:], wire.Limits{}) }},
		"Reassembler.Text": {1, func() { _, _ = r.Text(packet, wire.Limits{}) }},
		"ParseEvent":       {2, func() { _, _, _ = wire.ParseEvent(complete) }},  // name, places of arguments
		"ArgsOf":           {1, func() { _, _ = wire.ArgsOf(packet.Data, nil) }}, // places of arguments
	} {
		assert.LessOrEqual(t, testing.AllocsPerRun(200, tt.run), tt.most, name)
	}
}

func TestAllocations_Encoding(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector empties pools at random")
	}
	raw := json.RawMessage(`{"a":1}`)
	data := make([]byte, 100)
	args := []any{"text", 1, true, nil, 1.5, raw}
	bytesArgs := []any{"text", data}
	attachments := [][]byte{data}
	values := []any{&chat{Room: "r"}}
	for name, tt := range map[string]struct {
		most float64
		run  func()
	}{ // the Prepared and its one buffer
		"common kinds":  {2, func() { _, _ = wire.EncodeEvent("/", "x", args...) }},
		"acknowledge":   {2, func() { _, _ = wire.EncodeAck("/", 1, args...) }},
		"bytes":         {2, func() { _, _ = wire.EncodeEvent("/a", "x", bytesArgs...) }},
		"struct":        {3, func() { _, _ = wire.EncodeEvent("/", "x", values...) }},
		"prepare event": {2, func() { _, _ = wire.PrepareEvent("/", true, 1, raw, attachments) }},
		"arguments":     {1, func() { _, _, _ = wire.EncodeArgs(args...) }},
		"bytes of args": {2, func() { _, _, _ = wire.EncodeArgs(bytesArgs...) }},
		"engine packet": {2, func() { _ = wire.PrepareEngine(wire.EnginePacket{Type: wire.EnginePing}) }},
	} {
		assert.LessOrEqual(t, testing.AllocsPerRun(200, tt.run), tt.most, name)
	}
}

func TestAllocations_PreparedForms(t *testing.T) {
	p, err := wire.EncodeEvent("/", "x", make([]byte, 2000))
	require.NoError(t, err)
	d := wire.NewDeflater(1, 0)
	_ = p.Deflated(d)
	dst := make([]byte, 0, p.PayloadSize())
	plain, err := wire.EncodeEvent("/", "x", 1)
	require.NoError(t, err)
	args := parse(t, chatText[1:])
	for name, run := range map[string]func(){
		"Event":         func() { _, _, _ = plain.Event() },
		"AppendJSON":    func() { _ = args.AppendJSON(dst) },
		"WebSocket":     func() { _ = p.WebSocket() },
		"Deflated":      func() { _ = p.Deflated(d) },
		"AppendPayload": func() { _ = p.AppendPayload(dst) },
		"AppendFrame":   func() { _ = wire.AppendFrame(dst, wire.Text, []byte("x")) },
		"close frame":   func() { _ = wire.AppendCloseFrame(dst, 1000, "bye") },
		"Packets": func() {
			for range p.Packets() {
				continue
			}
		},
	} {
		assert.Zero(t, testing.AllocsPerRun(200, run), name)
	}
}
