package actio_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/client"
)

// An example is a plain server with one client in a namespace; close ends both.
func example(o actio.Options, prepare func(*actio.Server), namespace string, auth any) (c *client.Socket, closeAll func(), err error) {
	ctx := context.Background()
	o.NoAuthentication = o.Authenticate == nil
	server, err := actio.New(o)
	if err != nil {
		return nil, nil, err
	}
	if err := server.Configure(ctx); err != nil {
		return nil, nil, err
	}
	prepare(server)
	web := httptest.NewServer(server)
	c, err = client.Dial(ctx, web.URL+namespace, client.Options{Path: server.Path()}, client.SocketOptions{Auth: auth})
	return c, func() {
		if c != nil {
			_ = c.Manager().Close(ctx)
		}
		_ = server.Shutdown(ctx)
		web.Close()
	}, err
}

// What is said to one event is said to all: here, that somebody listens.
func ExampleSocket_OnAny() {
	c, closeAll, err := example(actio.Options{}, func(server *actio.Server) {
		server.Root().OnConnection(func(_ context.Context, s *actio.Socket) {
			s.OnAny(func(_ context.Context, _ *actio.Socket, e *actio.Event) { fmt.Println("came:", e.Name) })
			s.OnAnyOutgoing(func(event string, _ actio.Args) { fmt.Println("went:", event) })
		})
		_ = actio.On(server.Root(), "hello", func(_ context.Context, s *actio.Socket, name string) (string, error) {
			return "hello " + name, s.Broadcast().Emit("arrival", name)
		})
	}, "/", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer closeAll()
	answer, err := c.EmitWithAck(context.Background(), "hello", "ann")
	var text string
	_ = answer.Decode(0, &text)
	fmt.Println(text, err)
	// Output:
	// came: hello
	// hello ann <nil>
}

// A middleware of a socket keeps events from their handlers.
func ExampleSocket_Use() {
	c, closeAll, err := example(actio.Options{}, func(server *actio.Server) {
		server.Root().OnConnection(func(_ context.Context, s *actio.Socket) {
			s.Use(func(_ context.Context, e *actio.Event) error {
				if e.Args.Len() == 0 {
					return errors.New("an argument is missing")
				}
				return nil
			})
		})
		_ = actio.On(server.Root(), "double", func(_ context.Context, _ *actio.Socket, n int) (int, error) { return 2 * n, nil })
	}, "/", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer closeAll()
	for _, args := range [][]any{{21}, nil} {
		answer, _ := c.EmitWithAck(context.Background(), "double", args...)
		fmt.Println(string(answer.Raw(0)))
	}
	// Output:
	// 42
	// {"error":"an argument is missing"}
}

// errSoldOut has a text that is meant for clients.
var errSoldOut = errors.New("sold out")

// A handler may return whatever went wrong: clients are told what they are meant to know.
func ExampleOptions_errorForClient() {
	c, closeAll, err := example(actio.Options{
		ErrorForClient: func(_ context.Context, _ *actio.Socket, _ *actio.Event, err error) error {
			for _, known := range []error{actio.ErrInvalidPayload, errSoldOut} {
				if errors.Is(err, known) {
					return known
				}
			}
			return nil // the log has it
		},
	}, func(server *actio.Server) {
		_ = actio.On(server.Root(), "buy", func(_ context.Context, _ *actio.Socket, pieces int) (actio.None, error) {
			if pieces > 10 {
				return actio.None{}, fmt.Errorf("shelf 4: %w", errSoldOut)
			}
			return actio.None{}, errors.New("dial tcp 10.0.0.7:5432: connection refused")
		})
	}, "/", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer closeAll()
	for _, pieces := range []any{11, 1, "many"} {
		answer, err := c.EmitWithAck(context.Background(), "buy", pieces)
		fmt.Println(string(answer.Raw(0)), err)
	}
	// Output:
	// {"error":"sold out"} <nil>
	// {"error":"Internal server error"} <nil>
	// {"error":"invalid payload"} <nil>
}
