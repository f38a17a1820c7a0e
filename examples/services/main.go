// Command services shows two services that speak to each other through a server, with the client helper: orders asks billing
// for an invoice and gets its answer, although the server is restarted in between.
//
//	go run ./examples/services
package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/client"
	"github.com/actio-go/actio/component"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "failed:", err)
		os.Exit(1)
	}
}

// order is what orders sends, invoice what billing answers.
type (
	order struct {
		ID     string `json:"id"`
		Amount int    `json:"amount"`
	}
	invoice struct {
		Order string `json:"order"`
		Total int    `json:"total"`
	}
)

func run(ctx context.Context) error {
	hub, err := startHub(ctx, "127.0.0.1:0")
	if err != nil {
		return err
	}
	addr := hub.Addr().String()
	billing, err := service("billing", addr)
	if err != nil {
		return err
	}
	orders, err := service("orders", addr)
	if err != nil {
		return err
	}
	invoices := make(chan invoice, 10)
	orders.Subscribe("invoice", client.Data(func(_ context.Context, i invoice) error {
		invoices <- i
		return nil
	}))
	billing.Subscribe("order", client.Data(func(_ context.Context, o order) error {
		return billing.Emit(client.Message{Topic: "to", Data: envelope{"orders", "invoice", invoice{o.ID, o.Amount * 2}}})
	}))
	for _, id := range []string{"A1", "A2"} {
		if err := ask(ctx, orders, order{id, 21}); err != nil {
			return err
		}
		select {
		case i := <-invoices:
			fmt.Printf("invoice for %s: %d\n", i.Order, i.Total)
		case <-ctx.Done():
			return fmt.Errorf("no invoice for %s: %w", id, ctx.Err())
		}
		if id == "A1" { // a deploy: both services reconnect by themselves
			if err := hub.Stop(ctx); err != nil {
				return err
			}
			if hub, err = startHub(ctx, addr); err != nil {
				return err
			}
		}
	}
	if err := orders.Shutdown(ctx); err != nil {
		return err
	}
	if err := billing.Shutdown(ctx); err != nil {
		return err
	}
	return hub.Stop(ctx)
}

// ask sends an order as soon as both services are there.
func ask(ctx context.Context, orders *client.Helper, o order) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var delivered bool
		answer, err := orders.Socket().EmitWithAck(ctx, "to", envelope{"billing", "order", o})
		if err == nil && answer.Decode(0, &delivered) == nil && delivered {
			return nil
		}
		select {
		case <-tick.C: // not authenticated yet, or billing is not
		case <-ctx.Done():
			return fmt.Errorf("order %s: %w", o.ID, ctx.Err())
		}
	}
}

// service is a client that is always authenticated.
func service(name, addr string) (*client.Helper, error) {
	return client.NewHelper(client.HelperOptions{
		Identifier:       name,
		Host:             "http://" + addr,
		Options:          client.Options{ReconnectionDelay: 50 * time.Millisecond},
		Socket:           client.SocketOptions{Auth: map[string]string{"service": name}, AckTimeout: time.Second},
		AutoAuthenticate: true,
	})
}

// envelope is a message for another service.
type envelope struct {
	To    string `json:"to"`
	Topic string `json:"topic"`
	Data  any    `json:"data"`
}

// startHub starts the server between the services: it passes envelopes on and answers whether somebody was there.
func startHub(ctx context.Context, addr string) (*component.Application, error) {
	app := component.NewApplication(component.ApplicationOptions{
		Server: &http.Server{Addr: addr, ReadHeaderTimeout: 5 * time.Second, Handler: http.NotFoundHandler()},
		Logger: slog.New(slog.DiscardHandler),
	})
	c := app.Container()
	component.ServerConfig.Bind(c, component.ServerOptions{Standalone: true})
	component.AuthenticateHandler.Bind(c, func(_ context.Context, h *actio.Handshake) (*actio.Principal, error) {
		var auth struct{ Service string }
		if err := h.DecodeAuth(&auth); err != nil || auth.Service == "" {
			return nil, err
		}
		return &actio.Principal{UserID: auth.Service}, nil
	})
	component.ClientConnectedHandler.Bind(c, func(_ context.Context, s *actio.Socket) {
		_ = actio.On(s, "to", func(ctx context.Context, s *actio.Socket, e envelope) (bool, error) {
			there, err := s.Broadcast().ToUser(e.To).FetchSockets(ctx)
			if err != nil || len(there.Sockets) == 0 {
				return false, err
			}
			return true, s.Broadcast().ToUser(e.To).Emit(e.Topic, e.Data)
		})
	})
	if err := app.Use(component.NewSocketIO(actio.Mounted)); err != nil {
		return nil, err
	}
	if err := app.Start(ctx); err != nil {
		return nil, err
	}
	fmt.Println("hub is live")
	return app, nil
}
