package actio_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/actio-go/actio"
)

// join lets clients into whatever room they ask for.
func join(server *actio.Server) {
	check(actio.On(server.Root(), "enter", func(ctx context.Context, s *actio.Socket, room string) (actio.None, error) {
		return actio.None{}, s.Join(ctx, room)
	}))
}

// The server decides who is in which room. What a socket sends to a room reaches the others there.
func ExampleSocket_Join() {
	d := start(func(server *actio.Server) {
		check(actio.On(server.Root(), "enter", func(ctx context.Context, s *actio.Socket, _ actio.None) (string, error) {
			return "welcome", s.Join(ctx, "lobby")
		}))
		check(actio.On(server.Root(), "say", func(_ context.Context, s *actio.Socket, text string) (actio.None, error) {
			return actio.None{}, s.To("lobby").Emit("said", text)
		}))
	})
	defer d.stop()
	ann, bob := d.dial("/"), d.dial("/")
	toAnn, toBob := heard(ann, "said"), heard(bob, "said")
	fmt.Println(ask(ann, "enter"), ask(bob, "enter"))
	ask(ann, "say", "hello")
	ask(bob, "say", "hello ann")
	fmt.Println("bob hears", <-toBob)
	fmt.Println("ann hears", <-toAnn)
	// Output:
	// "welcome" "welcome"
	// bob hears "hello"
	// ann hears "hello ann"
}

// A broadcast is for whoever is in one of its rooms and in none of those that it leaves out.
func ExampleBroadcast_Except() {
	d := start(join)
	defer d.stop()
	ann, bob := d.dial("/"), d.dial("/")
	for _, room := range []string{"red", "blue"} {
		ask(ann, "enter", room)
	}
	ask(bob, "enter", "blue")
	toAnn, toBob := heard(ann, "news"), heard(bob, "news")
	check(d.To("red", "blue").Emit("news", "for both, once"))
	check(d.To("blue").Except("red").Emit("news", "for bob"))
	check(d.Except(bob.ID()).Emit("news", "for ann")) // a socket's id is a room, too
	fmt.Println("ann:", <-toAnn, <-toAnn)
	fmt.Println("bob:", <-toBob, <-toBob)
	// Output:
	// ann: "for both, once" "for ann"
	// bob: "for both, once" "for bob"
}

// A volatile event is for clients that can take it at once; nobody is sent it later.
func ExampleBroadcast_Volatile() {
	d := start(func(*actio.Server) {})
	defer d.stop()
	positions := heard(d.dial("/"), "position")
	check(d.Volatile().Emit("position", []int{3, 4}))
	fmt.Println(<-positions)
	// Output: [3,4]
}

// All sockets of a broadcast are asked at the same time. Who does not answer is part of the result.
func ExampleBroadcast_EmitWithAck() {
	d := start(join)
	defer d.stop()
	for _, name := range []string{"ann", "bob"} {
		c := d.dial("/")
		ask(c, "enter", "lobby")
		answerWith(c, "name?", name)
	}
	responses, err := d.In("lobby").EmitWithAck(context.Background(), "name?")
	check(err)
	var names []string
	for _, answer := range responses.Acknowledged() {
		var name string
		check(answer.Args.Decode(0, &name))
		names = append(names, name)
	}
	slices.Sort(names)
	fmt.Println(names)
	// Output: [ann bob]
}

// FetchSockets describes the sockets of all instances; each can be told to join, leave or end.
func ExampleNamespace_FetchSockets() {
	d := start(func(server *actio.Server) {
		join(server)
		server.Root().OnConnection(func(_ context.Context, s *actio.Socket) { s.Data().Store("plan", "free") })
	})
	defer d.stop()
	ctx, c := context.Background(), d.dial("/")
	ask(c, "enter", "lobby")
	found, err := d.Root().In("lobby").FetchSockets(ctx)
	check(err)
	for _, s := range found.Sockets {
		fmt.Println(s.ID == c.ID(), s.Rooms[1:])
		check(s.Join(ctx, "game"))
	}
	games, err := d.Root().In("game").FetchSockets(ctx)
	check(err)
	fmt.Println(len(games.Sockets), "in the game")
	// Output:
	// true [lobby]
	// 1 in the game
}
