package wire_test

import (
	"fmt"

	"github.com/actio-go/actio/wire"
)

func Example() {
	// What a client sends: an event with one attachment, as two messages.
	text, err := wire.DecodePacket([]byte(`51-/files,12["save",{"name":"a.bin","data":{"_placeholder":true,"num":0}}]`), wire.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	var r wire.Reassembler
	if _, err = r.Text(text, wire.Limits{}); err != nil {
		fmt.Println(err)
		return
	}
	complete, err := r.Binary([]byte{1, 2, 3}, wire.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	name, args, err := wire.ParseEvent(*complete)
	if err != nil {
		fmt.Println(err)
		return
	}
	var file struct {
		Name string `json:"name"`
		Data []byte `json:"data"`
	}
	err = args.DecodeAll(&file)
	fmt.Printf("%s %s %v %v\n", name, file.Name, file.Data, err)
	// Output: save a.bin [1 2 3] <nil>
}

func ExampleEncodeEvent() {
	p, err := wire.EncodeEvent("/chat", "message", "hello", map[string]any{"image": []byte{1, 2, 3}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d bytes for every websocket\n", p.Size())
	fmt.Printf("%q for every poll\n", p.AppendPayload(nil))
	// Output:
	// 76 bytes for every websocket
	// "451-/chat,[\"message\",\"hello\",{\"image\":{\"_placeholder\":true,\"num\":0}}]\x1ebAQID" for every poll
}
