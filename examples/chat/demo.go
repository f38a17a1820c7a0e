package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/actio-go/actio/client"
)

// demo lets two people chat: what bob hears is printed.
func demo(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	c, err := newChat(ctx, 200*time.Millisecond)
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	web := &http.Server{Handler: c.server, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = web.Serve(l) }()
	defer func() { _ = web.Close() }()
	url := "http://" + l.Addr().String()

	bob, heard, err := enter(ctx, url, "bob")
	if err != nil {
		return err
	}
	alice, _, err := enter(ctx, url, "alice")
	if err != nil {
		return err
	}
	if err := await(ctx, heard, "presence"); err != nil {
		return err
	}
	said := []struct {
		event   string
		payload any
		heard   []string
	}{
		{"message:send", message{Room: "go", ID: "1", Text: "helo"}, []string{"message:new"}},
		{"message:edit", message{Room: "go", ID: "1", Text: "hello"}, []string{"message:edited"}},
		{"message:delete", message{Room: "go", ID: "1"}, []string{"message:deleted"}},
		{"dm:send", direct{To: "bob", Text: "psst"}, []string{"dm:new"}},
		{"typing:start", room{"go"}, []string{"typing", "typing"}}, // it ends by itself
		{"typing:start", room{"go"}, []string{"typing"}},
		{"typing:stop", room{"go"}, []string{"typing"}},
		{"room:leave", room{"go"}, nil},
	}
	for _, s := range said {
		if _, err := alice.Socket().EmitWithAck(ctx, s.event, s.payload); err != nil {
			return err
		}
		for _, want := range s.heard {
			if err := await(ctx, heard, want); err != nil {
				return err
			}
		}
	}
	for _, event := range []string{"message:send", "typing:start"} { // from outside of the room
		answer, err := alice.Socket().EmitWithAck(ctx, event, room{"go"})
		if err != nil {
			return err
		}
		fmt.Println("alice is told", string(answer.Raw(0)))
	}
	if err := alice.Shutdown(ctx); err != nil {
		return err
	}
	if err := await(ctx, heard, "presence"); err != nil {
		return err
	}
	if err := bob.Shutdown(ctx); err != nil {
		return err
	}
	fmt.Println("demo is over")
	return c.server.Shutdown(ctx)
}

// enter makes a client that is in the room "go".
func enter(ctx context.Context, url, name string) (*client.Helper, <-chan string, error) {
	h, err := client.NewHelper(client.HelperOptions{
		Identifier: name, Host: url, NoAutoConnect: true,
		Socket: client.SocketOptions{Auth: map[string]string{"user": name}},
	})
	if err != nil {
		return nil, nil, err
	}
	heard := make(chan string, 100)
	for _, event := range []string{"presence", "typing", "message:new", "message:edited", "message:deleted", "dm:new"} {
		h.Subscribe(event, func(_ context.Context, e *client.Event) error {
			fmt.Println(name, "hears", event, string(e.Args.Raw(0)))
			heard <- event
			return nil
		})
	}
	if err := h.Socket().ConnectAndWait(ctx); err != nil {
		return nil, nil, err
	}
	if err := h.Authenticate(ctx); err != nil {
		return nil, nil, err
	}
	_, err = h.Socket().EmitWithAck(ctx, "room:join", room{"go"})
	return h, heard, err
}

func await(ctx context.Context, heard <-chan string, want string) error {
	select {
	case got := <-heard:
		if got != want {
			return fmt.Errorf("heard %s, want %s", got, want)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("did not hear %s: %w", want, ctx.Err())
	}
}
