package client

import (
	"encoding/json"
	"fmt"

	"github.com/actio-go/actio/client/internal/engine"
	"github.com/actio-go/actio/wire"
)

// parser writes and reads the packets of Socket.IO.
type parser interface {
	event(namespace, name string, args []any) (*wire.Prepared, error)
	eventAck(namespace string, id uint64, name string, args []any) (*wire.Prepared, error)
	ack(namespace string, id uint64, args []any) (*wire.Prepared, error)
	// control writes CONNECT, with an object or nil, and DISCONNECT.
	control(t wire.PacketType, namespace string, payload any) (*wire.Prepared, error)
	// decoder reads the messages of one session.
	decoder() decoder
}

// decoder returns a packet when it is complete. After an error the session has to end.
type decoder interface {
	add(message wire.EnginePacket) (*wire.Complete, error)
}

func (o *Options) parser() parser {
	limits := wire.Limits{
		PacketBytes: o.MaxMessage, Attachments: o.MaxAttachments, JSONDepth: maxDepth,
	}
	if o.Parser == MsgPack {
		return msgpackParser{limits: limits}
	}
	return jsonParser{limits: limits}
}

// maxDepth bounds how deep JSON of the server nests.
const maxDepth = 1000

// jsonParser is the default parser.
type jsonParser struct{ limits wire.Limits }

func (jsonParser) event(namespace, name string, args []any) (*wire.Prepared, error) {
	return wire.EncodeEvent(namespace, name, args...)
}

func (jsonParser) eventAck(namespace string, id uint64, name string, args []any) (*wire.Prepared, error) {
	return wire.EncodeEventAck(namespace, id, name, args...)
}

func (jsonParser) ack(namespace string, id uint64, args []any) (*wire.Prepared, error) {
	return wire.EncodeAck(namespace, id, args...)
}

func (jsonParser) control(t wire.PacketType, namespace string, payload any) (*wire.Prepared, error) {
	return wire.EncodePacketJSON(t, namespace, payload)
}

func (p jsonParser) decoder() decoder { return &jsonDecoder{limits: p.limits} }

type jsonDecoder struct {
	limits    wire.Limits
	assembler wire.Reassembler
}

func (d *jsonDecoder) add(message wire.EnginePacket) (*wire.Complete, error) {
	if message.Binary {
		return d.assembler.Binary(message.Data, d.limits)
	}
	p, err := wire.DecodePacket(message.Data, d.limits)
	if err != nil {
		return nil, err
	}
	return d.assembler.Text(p, d.limits)
}

// connected is the payload of the server's CONNECT.
type connected struct {
	SID string `json:"sid"`
	PID string `json:"pid"` // with connection state recovery
}

func parseConnected(p wire.Packet) (connected, error) {
	var c connected
	if err := json.Unmarshal(p.Data, &c); err != nil || c.SID == "" {
		return c, fmt.Errorf("%w: a CONNECT without sid: is the server older than Socket.IO 3?", engine.ErrProtocol)
	}
	return c, nil
}

// parseRefusal reads a CONNECT_ERROR: an object, or with old servers a string.
func parseRefusal(p wire.Packet) *ConnectError {
	e := &ConnectError{Namespace: p.Namespace}
	var object struct {
		Message string          `json:"message"`
		Data    json.RawMessage `json:"data"`
	}
	if json.Unmarshal(p.Data, &object) == nil {
		e.Message, e.Data = object.Message, object.Data
	} else {
		_ = json.Unmarshal(p.Data, &e.Message)
	}
	return e
}
