package servers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/actio-go/actio"
)

func newActio(o Options) (*Server, error) {
	server, err := actio.New(actio.Options{
		Engine:       actio.EngineOptions{Path: Path, PingInterval: o.PingInterval},
		PingInterval: o.AppPingInterval, RegistryShards: o.Shards,
		// All clients connect before the first authenticates: the time for that must not run out on a slow machine.
		AuthenticateTimeout: time.Minute,
		Authenticate:        actio.AuthenticateFunc(func(context.Context, actio.Handshake) (bool, error) { return true, nil }),
	})
	if err != nil {
		return nil, fmt.Errorf("servers: actio: %w", err)
	}
	if err := errors.Join(handle(server), server.Configure(context.Background())); err != nil {
		return nil, fmt.Errorf("servers: actio: %w", err)
	}
	return &Server{Handler: server, Shutdown: server.Shutdown}, nil
}

type hopRequest struct {
	Room string `json:"room"`
}

func handle(server *actio.Server) error {
	numbers := new(numbering)
	root := server.Root()
	return errors.Join(
		actio.On(root, "echo", func(_ context.Context, _ *actio.Socket, text string) (string, error) { return text, nil }),
		actio.On(root, "cast", func(_ context.Context, _ *actio.Socket, c castRequest) (actio.None, error) {
			if err := c.check(); err != nil {
				return actio.None{}, err
			}
			for range c.N {
				if err := server.To(c.Room).Emit("m", numbers.text(c.Size)); err != nil {
					return actio.None{}, fmt.Errorf("servers: cast: %w", err)
				}
			}
			return actio.None{}, nil
		}),
		actio.On(root, "hop", func(ctx context.Context, s *actio.Socket, h hopRequest) (actio.None, error) {
			return actio.None{}, errors.Join(s.Leave(ctx, h.Room), s.Join(ctx, h.Room))
		}),
	)
}
