// Command presence tells users who is there, on however many instances: a user is there as long as one of his clients is, on
// any of them.
//
//	go run ./examples/presence -redis redis://127.0.0.1:6379 -addr 127.0.0.1:3300
//	go run ./examples/presence -redis redis://127.0.0.1:6379 -addr 127.0.0.1:3301
//
// Clients of path /io with auth {"token": "ann"} ask `who` is there, and hear `presence` of others who come and go.
package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/examples/internal/host"
)

func main() {
	url := flag.String("redis", "", "`URL` of Redis, such as redis://127.0.0.1:6379; without, this instance is alone")
	host.Main(func(ctx context.Context, addr string) error { return run(ctx, addr, *url) })
}

// presence is what clients hear of others.
type presence struct {
	User   string `json:"user"`
	Online bool   `json:"online"`
}

func run(ctx context.Context, addr, redisURL string) (err error) {
	options := actio.Options{
		Logger:             slog.Default(),
		Authenticate:       host.UserOfToken,
		AuthenticateOn:     actio.OnConnect,
		ClientConnected:    func(_ context.Context, s *actio.Socket) { came(s) },
		ClientDisconnected: func(s *actio.Socket, _ actio.Reason) { went(s) },
	}
	if redisURL != "" {
		where, bad := redis.ParseURL(redisURL)
		if bad != nil { // its text may hold a password
			return errors.New("-redis: want a URL such as redis://127.0.0.1:6379")
		}
		rdb := redis.NewClient(where)
		defer func() { err = errors.Join(err, rdb.Close()) }()
		options.Redis.Client = rdb
	}
	server, err := actio.New(options)
	if err != nil {
		return err
	}
	err = actio.On(server.Root(), "who", func(ctx context.Context, s *actio.Socket, _ actio.None) ([]string, error) {
		return online(ctx, s.Namespace())
	})
	if err != nil {
		return err
	}
	return host.Serve(ctx, addr, server, server)
}

// online lists the users who are there. RoomDefault has every client that is authenticated.
func online(ctx context.Context, n *actio.Namespace) ([]string, error) {
	found, err := n.In(actio.RoomDefault).FetchSockets(ctx)
	if err != nil {
		return nil, err
	}
	users := make([]string, 0, len(found.Sockets))
	for _, s := range found.Sockets {
		users = append(users, s.UserID)
	}
	slices.Sort(users)
	return slices.Compact(users), nil
}

// came tells the others of each client that comes, the second of a user included: two that come at the same moment, on two
// instances, could each take the other for the first.
func came(s *actio.Socket) {
	_ = s.To(actio.RoomDefault).Emit("presence", presence{s.UserID(), true}) // fails only when the server has gone
}

// went tells the others when the last client of a user has gone. Its context is none of the client's, which has ended.
func went(s *actio.Socket) {
	user := s.UserID()
	left, err := s.Namespace().ToUser(user).FetchSockets(context.Background())
	if err != nil || len(left.Sockets) > 0 {
		return
	}
	_ = s.Namespace().To(actio.RoomDefault).Emit("presence", presence{user, false})
}
