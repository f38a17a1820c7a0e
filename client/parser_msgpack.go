package client

import (
	"encoding/json"
	"fmt"

	"github.com/tinylib/msgp/msgp"

	"github.com/actio-go/actio/wire"
	"github.com/actio-go/actio/wire/msgpack"
)

// msgpackParser speaks as socket.io-msgpack-parser does: each packet is one binary message with the MessagePack of
// {type, data, nsp, id}, binary values among the data.
type msgpackParser struct{ limits wire.Limits }

func (p msgpackParser) event(namespace, name string, args []any) (*wire.Prepared, error) {
	return p.arguments(wire.Event, namespace, nil, name, args)
}

func (p msgpackParser) eventAck(namespace string, id uint64, name string, args []any) (*wire.Prepared, error) {
	return p.arguments(wire.Event, namespace, &id, name, args)
}

func (p msgpackParser) ack(namespace string, id uint64, args []any) (*wire.Prepared, error) {
	array, attachments, err := wire.EncodeArgs(args...)
	if err != nil {
		return nil, err
	}
	return pack(wire.Ack, namespace, &id, array, attachments)
}

func (msgpackParser) control(t wire.PacketType, namespace string, payload any) (*wire.Prepared, error) {
	if payload == nil {
		return pack(t, namespace, nil, nil, nil)
	}
	// The default encoder checks the payload; its packet is the type digit, the namespace and the JSON.
	if _, err := wire.EncodePacketJSON(t, namespace, payload); err != nil {
		return nil, err
	}
	text, err := json.Marshal(payload)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", wire.ErrEncode, err)
	}
	return pack(t, namespace, nil, text, nil)
}

func (msgpackParser) arguments(t wire.PacketType, namespace string, id *uint64, name string, args []any) (*wire.Prepared, error) {
	if wire.IsReserved(name) {
		return nil, fmt.Errorf("%w: %w", wire.ErrEncode, wire.ErrReservedEvent)
	}
	array, attachments, err := wire.EncodeArgs(append([]any{name}, args...)...)
	if err != nil {
		return nil, err
	}
	return pack(t, namespace, id, array, attachments)
}

// pack writes the packet; nil data is left out.
func pack(t wire.PacketType, namespace string, id *uint64, data []byte, attachments [][]byte) (*wire.Prepared, error) {
	fields := uint32(2)
	if data != nil {
		fields++
	}
	if id != nil {
		fields++
	}
	out := msgp.AppendMapHeader(nil, fields)
	out = msgp.AppendInt(msgp.AppendString(out, "type"), int(t))
	out = msgp.AppendString(msgp.AppendString(out, "nsp"), namespace)
	if id != nil {
		out = msgp.AppendUint64(msgp.AppendString(out, "id"), *id)
	}
	if data != nil {
		var err error
		if out, _, err = msgpack.AppendJSON(msgp.AppendString(out, "data"), data, attachments); err != nil {
			return nil, fmt.Errorf("%w: %w", wire.ErrEncode, err)
		}
	}
	return wire.PrepareEngine(wire.EnginePacket{Type: wire.EngineMessage, Binary: true, Data: out}), nil
}

func (p msgpackParser) decoder() decoder { return msgpackDecoder(p) }

// mostAckID is the largest exact integer of JavaScript.
const mostAckID = 1<<53 - 1

type msgpackDecoder struct{ limits wire.Limits }

func (d msgpackDecoder) add(message wire.EnginePacket) (*wire.Complete, error) {
	text, attachments, rest, err := msgpack.ReadJSON(nil, nil, message.Data)
	switch {
	case err != nil:
		return nil, err
	case len(rest) > 0:
		return nil, fmt.Errorf("%w: %d bytes after the packet", wire.ErrPayload, len(rest))
	case len(attachments) > d.limits.Attachments:
		return nil, wire.ErrTooManyAttachments
	}
	var packet struct {
		Type      *wire.PacketType `json:"type"`
		Namespace string           `json:"nsp"`
		ID        *uint64          `json:"id"`
		Data      json.RawMessage  `json:"data"`
	}
	if err := json.Unmarshal(text, &packet); err != nil {
		return nil, fmt.Errorf("%w: %w", wire.ErrPayload, err)
	}
	switch {
	case packet.Type == nil || *packet.Type > wire.ConnectError || packet.Namespace == "":
		return nil, fmt.Errorf("%w: type or namespace is missing", wire.ErrPayload)
	case packet.ID != nil && *packet.ID > mostAckID:
		return nil, wire.ErrAckID
	case len(packet.Data) > 0 && *packet.Type != wire.Disconnect:
		if err := wire.CheckPayload(*packet.Type, packet.Data, d.limits); err != nil {
			return nil, err
		}
	}
	c := &wire.Complete{Attachments: attachments, Packet: wire.Packet{
		Type: *packet.Type, Namespace: packet.Namespace, Data: packet.Data, Attachments: len(attachments),
	}}
	if packet.ID != nil {
		c.Packet.HasID, c.Packet.ID = true, *packet.ID
	}
	if len(attachments) > 0 && c.Packet.Type == wire.Event {
		c.Packet.Type = wire.BinaryEvent
	}
	if len(attachments) > 0 && c.Packet.Type == wire.Ack {
		c.Packet.Type = wire.BinaryAck
	}
	return c, nil
}
