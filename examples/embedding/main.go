// Command embedding puts a Socket.IO server into the actor system of a program that is made of actors: an auction, which is an
// actor, takes the bids of clients and tells everybody of the highest.
//
//	go run ./examples/embedding
//
// Clients of path /io with auth {"token": "ann"} emit `bid` with a number; the acknowledgement is {"highest": …, "by": …}, or
// {"error": …}. All hear `highest`.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/examples/internal/host"
)

func main() { host.Main(run) }

// patience is how long a client waits for the auction.
const patience = 2 * time.Second

func run(ctx context.Context, addr string) error {
	system := actor.NewActorSystem() // the program's own
	server, err := actio.New(actio.Options{
		ActorSystem: system, Logger: slog.Default(), Authenticate: host.UserOfToken, AuthenticateOn: actio.OnConnect,
	})
	if err != nil {
		return err
	}
	sale := system.Root.Spawn(actor.PropsFromProducer(func() actor.Actor { return &auction{server: server} }))
	err = actio.On(server.Root(), "bid", func(_ context.Context, s *actio.Socket, amount int) (highest, error) {
		return ask(system, sale, bid{User: s.UserID(), Amount: amount})
	})
	if err != nil {
		return err
	}
	// The server ends before the actors that its handlers speak to. It stops its own actors and leaves the system alone.
	err = host.Serve(ctx, addr, server, server)
	err = errors.Join(err, system.Root.StopFuture(sale).Wait())
	system.Shutdown()
	return err
}

// ask asks the auction, from a handler: it runs beside all actors, and may wait.
func ask(system *actor.ActorSystem, sale *actor.PID, b bid) (highest, error) {
	answer, err := system.Root.RequestFuture(sale, b, patience).Result()
	if err != nil {
		return highest{}, fmt.Errorf("the auction does not answer: %w", err)
	}
	switch answer := answer.(type) {
	case highest:
		return answer, nil
	case error:
		return highest{}, answer
	default:
		return highest{}, fmt.Errorf("unexpected %T", answer)
	}
}
