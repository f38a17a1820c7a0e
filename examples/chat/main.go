// Command chat is the server of a chat, with presence, rooms, messages that can be changed, direct messages, and a notice while
// somebody types that ends by itself.
//
//	go run ./examples/chat -addr 127.0.0.1:3200    # and connect with any Socket.IO client, path /io, auth {"user": "alice"}
//	go run ./examples/chat -demo                   # two clients of package client chat with each other, then it ends
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/actio-go/actio"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:3200", "where to listen")
	demonstrate := flag.Bool("demo", false, "let two clients chat, and end")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	var err error
	if *demonstrate {
		err = demo(ctx)
	} else {
		err = serve(ctx, *addr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "failed:", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, addr string) error {
	c, err := newChat(ctx, 3*time.Second)
	if err != nil {
		return err
	}
	web := &http.Server{Addr: addr, Handler: c.server, ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- web.ListenAndServe() }()
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return errors.Join(err, c.server.Shutdown(end), web.Shutdown(end))
}

// chat is the server and how long a typing notice lasts.
type chat struct {
	server *actio.Server
	typing time.Duration
}

// The payloads of the events.
type (
	room struct {
		Room string `json:"room"`
	}
	message struct {
		Room string `json:"room"`
		ID   string `json:"id"`
		Text string `json:"text,omitempty"`
		From string `json:"from"`
	}
	direct struct {
		To   string `json:"to"`
		Text string `json:"text"`
		From string `json:"from"`
	}
	presence struct {
		User   string `json:"user"`
		Online bool   `json:"online"`
	}
	typing struct {
		Room   string `json:"room"`
		User   string `json:"user"`
		Typing bool   `json:"typing"`
	}
)

func newChat(ctx context.Context, typingLasts time.Duration) (*chat, error) {
	c := &chat{typing: typingLasts}
	var err error
	c.server, err = actio.New(actio.Options{
		Authenticate: func(_ context.Context, h *actio.Handshake) (*actio.Principal, error) {
			var auth struct{ User string }
			if err := h.DecodeAuth(&auth); err != nil || auth.User == "" {
				return nil, err
			}
			return &actio.Principal{UserID: auth.User}, nil
		},
		ClientConnected:    func(_ context.Context, s *actio.Socket) { c.present(s, true) },
		ClientDisconnected: func(s *actio.Socket, _ actio.Reason) { c.present(s, false) },
	})
	if err != nil {
		return nil, err
	}
	return c, errors.Join(c.handle(), c.server.Configure(ctx))
}

func user(s *actio.Socket) string { return s.Principal().UserID }

// present tells everybody else that somebody came or went.
func (c *chat) present(s *actio.Socket, online bool) {
	_ = s.To(actio.RoomDefault).Emit("presence", presence{user(s), online}) // fails only when the server has gone
}

// handle adds the events of the clients. The acknowledgement says that a message was passed on.
func (c *chat) handle() error {
	root := c.server.Root()
	return errors.Join(
		actio.On(root, "room:join", func(ctx context.Context, s *actio.Socket, r room) (actio.None, error) {
			return actio.None{}, s.Join(ctx, "room:"+r.Room)
		}),
		actio.On(root, "room:leave", func(ctx context.Context, s *actio.Socket, r room) (actio.None, error) {
			return actio.None{}, s.Leave(ctx, "room:"+r.Room)
		}),
		actio.On(root, "message:send", c.pass("message:new")),
		actio.On(root, "message:edit", c.pass("message:edited")),
		actio.On(root, "message:delete", c.pass("message:deleted")),
		actio.On(root, "dm:send", func(_ context.Context, s *actio.Socket, d direct) (actio.None, error) {
			d.From = user(s)
			return actio.None{}, c.server.ToUser(d.To).Emit("dm:new", d)
		}),
		actio.On(root, "typing:start", func(_ context.Context, s *actio.Socket, r room) (actio.None, error) {
			c.typingStarted(s, r.Room)
			return actio.None{}, c.tellTyping(s, r.Room, true)
		}),
		actio.On(root, "typing:stop", func(_ context.Context, s *actio.Socket, r room) (actio.None, error) {
			return actio.None{}, c.typingStopped(s, r.Room)
		}),
	)
}

// pass gives a message to the others in its room.
func (c *chat) pass(event string) func(context.Context, *actio.Socket, message) (message, error) {
	return func(ctx context.Context, s *actio.Socket, m message) (message, error) {
		m.From = user(s)
		rooms, err := s.Rooms(ctx)
		if err != nil {
			return m, err
		}
		for _, r := range rooms {
			if r == "room:"+m.Room {
				return m, s.To(r).Emit(event, m)
			}
		}
		return m, errors.New("join the room first")
	}
}

func (c *chat) tellTyping(s *actio.Socket, name string, is bool) error {
	return s.To("room:"+name).Emit("typing", typing{name, user(s), is})
}

// typingStarted arms the timer that ends the notice; it ends with the socket, too.
func (c *chat) typingStarted(s *actio.Socket, name string) {
	notice := time.AfterFunc(c.typing, func() { _ = c.typingStopped(s, name) })
	if former, ok := s.Data().Swap(typingKey(name), notice); ok {
		former.(*time.Timer).Stop()
	}
	context.AfterFunc(s.Context(), func() { notice.Stop() })
}

func (c *chat) typingStopped(s *actio.Socket, name string) error {
	notice, ok := s.Data().LoadAndDelete(typingKey(name))
	if !ok {
		return nil
	}
	notice.(*time.Timer).Stop()
	return c.tellTyping(s, name, false)
}

// typingKey is where a socket keeps the timer of a room. It is no string, so that it stays on this instance.
type typingKey string
