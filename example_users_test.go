package actio_test

import (
	"context"
	"fmt"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/client"
)

// answerWith makes a client acknowledge an event.
func answerWith(c *client.Socket, event, answer string) {
	_, err := client.On(c, event, func(context.Context, *client.Socket, client.None) (string, error) { return answer, nil })
	check(err)
}

// A client that is authenticated belongs to a user, who can be addressed wherever and how often he is connected.
func ExampleServer_ToUser() {
	d := startWith(actio.Options{
		Authenticate: func(_ context.Context, h *actio.Handshake) (*actio.Principal, error) {
			return &actio.Principal{UserID: h.Query().Get("user")}, nil
		},
	}, func(*actio.Server) {})
	defer d.stop()
	c := d.dial("/?user=ann")
	authenticated, notes := heard(c, "authenticated"), heard(c, "note")
	check(c.Emit("authenticate"))
	<-authenticated
	check(d.ToUser("bob").Emit("note", "for bob"))
	check(d.ToUser("ann").Emit("note", "for ann"))
	fmt.Println(<-notes)
	// Output: "for ann"
}

// Instances that share a Redis ask each other. An instance does not ask itself: one alone gets no replies, and misses none.
func ExampleServer_ServerSideEmitWithAck() {
	d := start(func(server *actio.Server) {
		check(server.OnServerSideEmit("load?", func(_ context.Context, e *actio.ServerEvent) { check(e.Reply(0.5)) }))
	})
	defer d.stop()
	replies, err := d.ServerSideEmitWithAck(context.Background(), "load?")
	check(err)
	fmt.Println(len(replies.Replies), "replies,", len(replies.Missing.Instances), "missing")
	// Output: 0 replies, 0 missing
}

// An engine is the layer below alone: sessions that carry messages of text or bytes, over whatever transport.
func ExampleNewEngine() {
	engine, err := actio.NewEngine(actio.EngineConfig{
		EngineOptions: actio.EngineOptions{Path: "/engine.io"},
		OnSession: func(s *actio.EngineSession) {
			s.OnMessage(func(_ bool, data []byte) { s.Send("you said " + string(data)) })
		},
	})
	check(err)
	fmt.Println("mount it at", engine.Path())
	check(engine.Shutdown(context.Background()))
	// Output: mount it at /engine.io
}
