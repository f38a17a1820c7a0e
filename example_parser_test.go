package actio_test

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/wire"
	"github.com/actio-go/actio/wire/msgpack"
)

// Clients that are made with socket.io-msgpack-parser need a server that speaks MessagePack, too.
func ExampleParser() {
	server, err := actio.New(actio.Options{NoAuthentication: true, Parser: msgpack.Parser{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("clients connect to", server.Path())
	// Output: clients connect to /io
}

// wholePacket writes a packet as the JSON of the whole of it, as the JavaScript of its clients does:
//
//	encode(packet) { return [JSON.stringify(packet)]; }
type wholePacket struct{}

type packet struct {
	Type wire.PacketType `json:"type"`
	Nsp  string          `json:"nsp"`
	ID   *uint64         `json:"id,omitempty"`
	Data json.RawMessage `json:"data,omitempty"`
}

func (wholePacket) Encode(p wire.Complete) ([]wire.Message, error) {
	if len(p.Attachments) > 0 {
		return nil, errors.New("binary values cannot be sent")
	}
	out := packet{Type: p.Packet.Type, Nsp: p.Packet.Namespace, Data: p.Packet.Data}
	if p.Packet.HasID {
		out.ID = &p.Packet.ID
	}
	text, err := json.Marshal(out)
	return []wire.Message{{Data: text}}, err
}

func (p wholePacket) NewDecoder(wire.Limits) wire.MessageDecoder { return p }

func (wholePacket) Decode(m wire.Message) (*wire.Complete, error) {
	var in packet
	if err := json.Unmarshal(m.Data, &in); err != nil {
		return nil, err
	}
	c := &wire.Complete{Packet: wire.Packet{Type: in.Type, Namespace: in.Nsp, Data: in.Data}}
	if in.ID != nil {
		c.Packet.HasID, c.Packet.ID = true, *in.ID
	}
	return c, nil
}

// An own parser writes complete packets and reads messages; what it reads is checked like everything that clients send.
func ExampleParser_own() {
	server, err := actio.New(actio.Options{NoAuthentication: true, Parser: wholePacket{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("clients connect to", server.Path())

	messages, err := wholePacket{}.Encode(wire.Complete{
		Packet: wire.Packet{Type: wire.Event, Namespace: "/", Data: []byte(`["hello","world"]`)},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", messages[0].Data)
	// Output:
	// clients connect to /io
	// {"type":2,"nsp":"/","data":["hello","world"]}
}
