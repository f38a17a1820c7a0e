package actio_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/client"
)

// demo is a server on a free port, and clients of package client. What goes wrong in it ends the example.
type demo struct {
	*actio.Server

	web     *httptest.Server
	clients []*client.Socket
}

// start starts a plain server to which prepare has added what the example is about.
func start(prepare func(server *actio.Server)) *demo {
	return startWith(actio.Options{NoAuthentication: true}, prepare)
}

func startWith(o actio.Options, prepare func(server *actio.Server)) *demo {
	server, err := actio.New(o)
	check(err)
	prepare(server)
	check(server.Configure(context.Background()))
	return &demo{Server: server, web: httptest.NewServer(server)}
}

// dial connects a client to a namespace.
func (d *demo) dial(namespace string) *client.Socket {
	c, err := client.Dial(context.Background(), d.web.URL+namespace,
		client.Options{Path: d.Path(), Transports: []client.Transport{client.WebSocket}}, client.SocketOptions{})
	check(err)
	d.clients = append(d.clients, c)
	return c
}

// stop ends the clients, then the server.
func (d *demo) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, c := range d.clients {
		check(c.Manager().Close(ctx))
	}
	check(d.Shutdown(ctx))
	d.web.Close()
}

// heard is a client's events of one name, as the JSON of their first arguments.
func heard(c *client.Socket, event string) <-chan string {
	texts := make(chan string, 10)
	_, err := c.Handle(event, func(_ context.Context, _ *client.Socket, e *client.Event) { texts <- string(e.Args.Raw(0)) })
	check(err)
	return texts
}

// ask emits an event and returns the JSON of what it is acknowledged with.
func ask(c *client.Socket, event string, args ...any) string {
	answer, err := c.EmitWithAck(context.Background(), event, args...)
	check(err)
	if answer.Len() == 0 {
		return "nothing"
	}
	return string(answer.Raw(0))
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// A server is an http.Handler: mount it beside whatever else a program serves, or let it be the whole of it.
func ExampleNew() {
	server, err := actio.New(actio.Options{NoAuthentication: true})
	check(err)
	check(server.Configure(context.Background()))
	web := httptest.NewServer(server) // or an http.Server with it as the Handler
	defer web.Close()
	fmt.Println(server.Ready(), server.Path(), server.Health().Status)

	check(server.Shutdown(context.Background()))
	fmt.Println(server.Ready(), server.Health().Status)
	// Output:
	// true /io ready
	// false closed
}

type sum struct {
	A, B int
}

// A typed handler takes what the event's first argument decodes into. What it returns is the acknowledgement; an error, and a
// payload that does not fit, reach the client as one, too, and leave its connection alone.
func ExampleOn() {
	d := start(func(server *actio.Server) {
		check(actio.On(server.Root(), "divide", func(_ context.Context, _ *actio.Socket, in sum) (int, error) {
			if in.B == 0 {
				return 0, errors.New("division by zero")
			}
			return in.A / in.B, nil
		}))
	})
	defer d.stop()
	c := d.dial("/")
	fmt.Println(ask(c, "divide", sum{A: 42, B: 6}))
	fmt.Println(ask(c, "divide", sum{A: 42}))
	// Output:
	// 7
	// {"error":"division by zero"}
}

// A raw handler sees all arguments, which stay JSON until they are decoded, and acknowledges with any number of values.
func ExampleNamespace_Handle() {
	d := start(func(server *actio.Server) {
		check(server.Root().Handle("count", func(_ context.Context, _ *actio.Socket, e *actio.Event) {
			var first string
			check(e.Args.Decode(0, &first))
			check(e.Reply(fmt.Sprintf("%d, from %s to %s", e.Args.Len(), first, e.Args.Raw(e.Args.Len()-1))))
		}))
	})
	defer d.stop()
	fmt.Println(ask(d.dial("/"), "count", "a", 2, []string{"c"}))
	// Output: "3, from a to [\"c\"]"
}

// A server asks a client, and waits as long as the context lasts. It may do so in a handler of the same client.
func ExampleSocket_EmitWithAck() {
	d := start(func(server *actio.Server) {
		check(actio.On(server.Root(), "start", func(ctx context.Context, s *actio.Socket, question string) (string, error) {
			brief, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			defer cancel()
			answer, err := s.EmitWithAck(brief, question)
			if errors.Is(err, actio.ErrTimeout) {
				return "no answer in time", nil
			}
			if err != nil {
				return "", err
			}
			var name string
			return name, answer.Decode(0, &name)
		}))
	})
	defer d.stop()
	c := d.dial("/")
	_, err := client.On(c, "name?", func(context.Context, *client.Socket, client.None) (string, error) { return "ann", nil })
	check(err)
	fmt.Println(ask(c, "start", "name?"))
	fmt.Println(ask(c, "start", "age?"))
	// Output:
	// "ann"
	// "no answer in time"
}

type file struct {
	Name string
	Data []byte
}

// Binary is []byte, wherever it stands in the arguments, in both directions; it travels as it is.
func ExampleSocket_Emit_binary() {
	d := start(func(server *actio.Server) {
		check(actio.On(server.Root(), "reverse", func(_ context.Context, s *actio.Socket, in file) (actio.None, error) {
			for i, j := 0, len(in.Data)-1; i < j; i, j = i+1, j-1 {
				in.Data[i], in.Data[j] = in.Data[j], in.Data[i]
			}
			return actio.None{}, s.Emit("reversed", in)
		}))
	})
	defer d.stop()
	c, files := d.dial("/"), make(chan file)
	_, err := client.On(c, "reversed", func(_ context.Context, _ *client.Socket, f file) (client.None, error) {
		files <- f
		return client.None{}, nil
	})
	check(err)
	check(c.Emit("reverse", file{Name: "a.bin", Data: []byte{1, 2, 3}}))
	fmt.Println(<-files)
	// Output: {a.bin [3 2 1]}
}

// Namespaces are apart: a client has a socket, and a server has handlers, in each of them.
func ExampleServer_Of() {
	d := start(func(server *actio.Server) {
		for _, name := range []string{"/", "/admin"} {
			n, err := server.Of(name)
			check(err)
			check(actio.On(n, "where", func(_ context.Context, s *actio.Socket, _ actio.None) (string, error) {
				return s.Namespace().Name(), nil
			}))
		}
	})
	defer d.stop()
	fmt.Println(ask(d.dial("/"), "where"), ask(d.dial("/admin"), "where"))
	// Output: "/" "/admin"
}

// Shutdown closes clients so that they connect again by themselves: to the next server behind the same address.
func ExampleServer_Shutdown() {
	d := start(func(*actio.Server) {})
	defer d.stop()
	c, ends := d.dial("/"), make(chan client.Reason, 1)
	c.OnDisconnect(func(_ context.Context, r client.Reason, _ error) { ends <- r })
	check(d.Shutdown(context.Background()))
	fmt.Println("the client ends with:", <-ends)
	fmt.Println("and comes back:", c.Active())
	// Output:
	// the client ends with: transport close
	// and comes back: true
}
