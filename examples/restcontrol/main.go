// Command restcontrol has an HTTP interface beside the Socket.IO server, by which other programs list clients, write to them,
// move them between rooms, and end them, on whatever instance they are.
//
//	go run ./examples/restcontrol -token secret
//	curl -H 'Authorization: Bearer secret' http://127.0.0.1:3300/clients
//
//	GET    /clients                      {"clients": [{id, user, address, rooms}], "missing": instances that did not answer}
//	GET    /clients/{id}
//	POST   /clients/{id}/messages        {"event": …, "data": …}
//	POST   /rooms/{room}/messages        likewise
//	PUT    /clients/{id}/rooms/{room}
//	DELETE /clients/{id}/rooms/{room}
//	DELETE /clients/{id}                 the client does not connect again by itself
//
// Clients are those of path /io with auth {"token": "ann"}.
package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"net/http"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/examples/internal/host"
)

func main() {
	token := flag.String("token", "", "what the Authorization header of a request must have; required")
	host.Main(func(ctx context.Context, addr string) error { return run(ctx, addr, *token) })
}

func run(ctx context.Context, addr, token string) error {
	if token == "" {
		return errors.New("-token is required")
	}
	server, err := actio.New(actio.Options{
		Logger: slog.Default(), Authenticate: host.UserOfToken, AuthenticateOn: actio.OnConnect,
	})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle(server.Path()+"/", server)
	mux.Handle("/", host.Bearer(token, control(server)))
	return host.Serve(ctx, addr, mux, server)
}
