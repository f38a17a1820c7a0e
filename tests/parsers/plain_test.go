package parsers

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/actio-go/actio/wire"
)

// plain is the parser "plain" of tests/js/parsers.mjs: a packet is one text, the JSON of the whole of it.
type plain struct{}

var errBinary = errors.New("binary values cannot be sent")

type plainPacket struct {
	Type      wire.PacketType `json:"type"`
	Namespace string          `json:"nsp"`
	ID        *uint64         `json:"id,omitempty"`
	Data      json.RawMessage `json:"data,omitempty"`
}

func (plain) Encode(p wire.Complete) ([]wire.Message, error) {
	if len(p.Attachments) > 0 {
		return nil, errBinary
	}
	packet := plainPacket{Type: p.Packet.Type, Namespace: p.Packet.Namespace, Data: p.Packet.Data}
	if p.Packet.HasID {
		packet.ID = &p.Packet.ID
	}
	text, err := json.Marshal(packet)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return []wire.Message{{Data: text}}, nil
}

func (plain) NewDecoder(wire.Limits) wire.MessageDecoder { return plain{} }

func (plain) Decode(m wire.Message) (*wire.Complete, error) {
	var packet plainPacket
	if m.Binary {
		return nil, errBinary
	}
	if err := json.Unmarshal(m.Data, &packet); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	c := &wire.Complete{Packet: wire.Packet{Type: packet.Type, Namespace: packet.Namespace, Data: packet.Data}}
	if packet.ID != nil {
		c.Packet.HasID, c.Packet.ID = true, *packet.ID
	}
	return c, nil
}
