package client_test

import (
	"context"
	"fmt"
	"time"

	"github.com/actio-go/actio/client"
)

func ExampleDial() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	socket, err := client.Dial(ctx, "http://127.0.0.1:1/chat", client.Options{}, client.SocketOptions{
		Auth: map[string]string{"token": "secret"},
	})
	if err != nil {
		fmt.Println("nobody listens there")
		return
	}
	defer func() { _ = socket.Manager().Close(ctx) }()
	_, _ = client.On(socket, "message", func(_ context.Context, _ *client.Socket, text string) (client.None, error) {
		fmt.Println(text)
		return client.None{}, nil
	})
	_ = socket.Emit("say", "hello")
	// Output: nobody listens there
}
