package client

import (
	"encoding/json"
	"fmt"

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
	c := wire.Complete{Packet: wire.Packet{Type: t, Namespace: namespace, Data: data}, Attachments: attachments}
	if id != nil {
		c.Packet.HasID, c.Packet.ID = true, *id
	}
	out, err := msgpack.AppendPacket(nil, c)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", wire.ErrEncode, err)
	}
	return wire.PrepareEngine(wire.EnginePacket{Type: wire.EngineMessage, Binary: true, Data: out}), nil
}

func (p msgpackParser) decoder() decoder {
	return msgpackDecoder{msgpack.Parser{}.NewDecoder(p.limits)}
}

type msgpackDecoder struct{ wire.MessageDecoder }

func (d msgpackDecoder) add(message wire.EnginePacket) (*wire.Complete, error) {
	return d.Decode(wire.Message{Binary: message.Binary, Data: message.Data})
}
