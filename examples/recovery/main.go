// Command recovery shows connection state recovery: a client loses its connection, an event is sent meanwhile, and the client
// gets it when it is back, as the socket that it was.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/client"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "failed:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	s, err := serve(ctx)
	if err != nil {
		return err
	}
	news := make(chan string, 10)
	manager, err := connect(s, news)
	if err != nil {
		return err
	}
	before := <-s.connected
	if err := s.To("news").Emit("news", "Ann is here"); err != nil {
		return err
	}
	fmt.Println("received:", <-news)

	if err := (<-s.lines).Close(); err != nil { // as a network does that is lost
		return err
	}
	fmt.Println("connection lost:", <-s.gone)
	if err := s.To("news").Emit("news", "Bob is here"); err != nil {
		return err
	}
	after := <-s.connected
	fmt.Println("recovered:", after.Recovered(), "- the same socket:", after.ID() == before.ID())
	fmt.Println("received:", <-news)

	if err := manager.Close(ctx); err != nil {
		return err
	}
	return s.Shutdown(ctx)
}

// server tells what becomes of its clients.
type server struct {
	*actio.Server
	url       string
	lines     chan net.Conn // connections, as they are accepted
	connected chan *actio.Socket
	gone      chan actio.Reason
}

func serve(ctx context.Context) (*server, error) {
	s := &server{lines: make(chan net.Conn, 10), connected: make(chan *actio.Socket, 10), gone: make(chan actio.Reason, 10)}
	var err error
	s.Server, err = actio.New(actio.Options{
		NoAuthentication: true,
		Recovery:         actio.RecoveryOptions{Enabled: true, MaxDisconnectionDuration: time.Minute},
	})
	if err != nil {
		return nil, err
	}
	s.Root().OnConnection(func(ctx context.Context, socket *actio.Socket) {
		switch {
		case socket.Recovered(): // it is in its rooms already
		case socket.RecoveryFailure() != nil:
			fmt.Println("begins afresh:", socket.RecoveryFailure())
			fallthrough
		default:
			if err := socket.Join(ctx, "news"); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}
		s.connected <- socket
	})
	s.Root().OnDisconnect(func(_ *actio.Socket, r actio.Reason) { s.gone <- r })
	if err := s.Configure(ctx); err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.url = "http://" + listener.Addr().String()
	web := &http.Server{Handler: s, ReadHeaderTimeout: 5 * time.Second, ConnState: func(c net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.lines <- c
		}
	}}
	go func() { fmt.Fprintln(os.Stderr, web.Serve(listener)) }()
	return s, nil
}

// connect connects a client, which comes back by itself.
func connect(s *server, news chan<- string) (*client.Manager, error) {
	manager, err := client.New(s.url, client.Options{Path: s.Path(), Transports: []client.Transport{client.WebSocket}})
	if err != nil {
		return nil, err
	}
	socket, err := manager.Socket("/", client.SocketOptions{})
	if err != nil {
		return nil, err
	}
	_, err = client.On(socket, "news", func(_ context.Context, _ *client.Socket, text string) (client.None, error) {
		news <- text
		return client.None{}, nil
	})
	if err != nil {
		return nil, err
	}
	return manager, socket.Connect()
}
