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
	"slices"
	"sync"
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

// chat is the server with who is typing.
type chat struct {
	server *actio.Server
	lasts  time.Duration // a notice that somebody types

	mutex   sync.Mutex
	notices map[writer]*time.Timer
}

// writer is a socket that types in a room.
type writer struct{ socket, room string }

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
	c := &chat{lasts: typingLasts, notices: make(map[writer]*time.Timer)}
	var err error
	c.server, err = actio.New(actio.Options{
		Authenticate: func(_ context.Context, h *actio.Handshake) (*actio.Principal, error) {
			var auth struct{ User string }
			if err := h.DecodeAuth(&auth); err != nil || auth.User == "" {
				return nil, err
			}
			return &actio.Principal{UserID: auth.User}, nil
		},
		ClientConnected: func(_ context.Context, s *actio.Socket) { c.present(s, true) },
		ClientDisconnected: func(s *actio.Socket, _ actio.Reason) {
			c.forget(s)
			c.present(s, false)
		},
	})
	if err != nil {
		return nil, err
	}
	return c, errors.Join(c.handle(), c.server.Configure(ctx))
}

func user(s *actio.Socket) string { return s.UserID() }

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
		actio.On(root, "typing:start", func(ctx context.Context, s *actio.Socket, r room) (actio.None, error) {
			if err := member(ctx, s, r.Room); err != nil {
				return actio.None{}, err
			}
			c.typingStarted(s, r.Room)
			return actio.None{}, c.tellTyping(s, r.Room, true)
		}),
		actio.On(root, "typing:stop", func(_ context.Context, s *actio.Socket, r room) (actio.None, error) {
			return actio.None{}, c.typingStopped(s, r.Room)
		}),
	)
}

// member tells whether a client is in a room; the error says what to do.
func member(ctx context.Context, s *actio.Socket, name string) error {
	rooms, err := s.Rooms(ctx)
	if err == nil && !slices.Contains(rooms, "room:"+name) {
		err = errors.New("join the room first")
	}
	return err
}

// pass gives a message to the others in its room.
func (c *chat) pass(event string) func(context.Context, *actio.Socket, message) (message, error) {
	return func(ctx context.Context, s *actio.Socket, m message) (message, error) {
		if err := member(ctx, s, m.Room); err != nil {
			return m, err
		}
		m.From = user(s)
		return m, s.To("room:"+m.Room).Emit(event, m)
	}
}

func (c *chat) tellTyping(s *actio.Socket, name string, is bool) error {
	return s.To("room:"+name).Emit("typing", typing{name, user(s), is})
}

// typingStarted arms the timer that ends the notice, in place of the former.
func (c *chat) typingStarted(s *actio.Socket, name string) {
	w := writer{s.ID(), name}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if former := c.notices[w]; former != nil {
		former.Stop()
	}
	var notice *time.Timer
	notice = time.AfterFunc(c.lasts, func() {
		c.mutex.Lock()
		current := c.notices[w] == notice // a former one that could not be stopped any more ends nothing
		if current {
			delete(c.notices, w)
		}
		c.mutex.Unlock()
		if current {
			_ = c.tellTyping(s, name, false) // fails only when the server has gone
		}
	})
	c.notices[w] = notice
}

func (c *chat) typingStopped(s *actio.Socket, name string) error {
	w := writer{s.ID(), name}
	c.mutex.Lock()
	notice := c.notices[w]
	delete(c.notices, w)
	c.mutex.Unlock()
	if notice == nil {
		return nil
	}
	notice.Stop()
	return c.tellTyping(s, name, false)
}

// forget ends the notices of a client that has gone, without a word: presence tells.
func (c *chat) forget(s *actio.Socket) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for w, notice := range c.notices {
		if w.socket == s.ID() {
			notice.Stop()
			delete(c.notices, w)
		}
	}
}
