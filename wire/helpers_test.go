package wire_test

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/wire"
)

// frame is a websocket frame as a reader independent of this package sees it.
type frame struct {
	fin, rsv1 bool
	op        wire.Opcode
	payload   []byte
}

// readFrames reads unmasked frames by RFC 6455.
func readFrames(t testing.TB, data []byte) []frame {
	t.Helper()
	var frames []frame
	for len(data) > 0 {
		require.GreaterOrEqual(t, len(data), 2)
		require.Zero(t, data[0]&0x30, "RSV2, RSV3")
		require.Zero(t, data[1]&0x80, "mask")
		f := frame{fin: data[0]&0x80 != 0, rsv1: data[0]&0x40 != 0, op: wire.Opcode(data[0] & 0xf)}
		size, rest := uint64(data[1]), data[2:]
		switch size {
		case 126:
			size, rest = uint64(binary.BigEndian.Uint16(rest)), rest[2:]
			require.Greater(t, size, uint64(125), "not minimal")
		case 127:
			size, rest = binary.BigEndian.Uint64(rest), rest[8:]
			require.Greater(t, size, uint64(65535), "not minimal")
		}
		require.LessOrEqual(t, size, uint64(len(rest)))
		f.payload, data = rest[:size], rest[size:]
		frames = append(frames, f)
	}
	return frames
}

// onlyFrame reads data that must be one final frame without extension bits.
func onlyFrame(t testing.TB, data []byte) (wire.Opcode, []byte) {
	t.Helper()
	frames := readFrames(t, data)
	require.Len(t, frames, 1)
	require.True(t, frames[0].fin)
	require.False(t, frames[0].rsv1)
	return frames[0].op, frames[0].payload
}

// decodePayload collects what DecodePayload yields.
func decodePayload(body string) ([]wire.EnginePacket, error) {
	var packets []wire.EnginePacket
	err := wire.DecodePayload([]byte(body), func(p wire.EnginePacket) error {
		packets = append(packets, p)
		return nil
	})
	return packets, err
}

// event makes a complete event of a payload and attachments.
func event(data string, attachments ...[]byte) wire.Complete {
	p := wire.Packet{Type: wire.Event, Namespace: "/", Data: []byte(data)}
	if len(attachments) > 0 {
		p.Type, p.Attachments = wire.BinaryEvent, len(attachments)
	}
	return wire.Complete{Packet: p, Attachments: attachments}
}

// parse parses an event that must be sound.
func parse(t testing.TB, data string, attachments ...[]byte) wire.Args {
	t.Helper()
	_, args, err := wire.ParseEvent(event(data, attachments...))
	require.NoError(t, err)
	return args
}

// receive takes what was prepared through the whole way of a message back to a complete packet.
func receive(t testing.TB, p *wire.Prepared) wire.Complete {
	t.Helper()
	var r wire.Reassembler
	var complete *wire.Complete
	for packet := range p.Packets() {
		require.Nil(t, complete, "a packet after the last")
		require.Equal(t, wire.EngineMessage, packet.Type)
		var err error
		if packet.Binary {
			complete, err = r.Binary(packet.Data, wire.Limits{Attachments: 1 << 20, PacketBytes: 1 << 30})
			require.NoError(t, err)
			continue
		}
		text, err := wire.DecodePacket(packet.Data, wire.Limits{Attachments: 1 << 20, PacketBytes: 1 << 30, JSONDepth: 9000})
		require.NoError(t, err)
		complete, err = r.Text(text, wire.Limits{Attachments: 1 << 20})
		require.NoError(t, err)
	}
	require.NotNil(t, complete)
	return *complete
}
