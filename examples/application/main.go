// Command application is a whole application: a Socket.IO server placed by package component, handlers of its own events, a
// service that notifies, and an HTTP interface to control it.
//
//	go run ./examples/application -addr 127.0.0.1:3100
//	go run ./examples/client -url http://127.0.0.1:3100
//
// With -redis (a URL, redis:// or rediss://, or an address, or several of a cluster) any number of them are one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/component"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:3100", "where to listen")
	nodes := flag.String("redis", "", "URL of Redis, or addresses, separated by commas; several are a cluster")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := run(ctx, *addr, *nodes, log); err != nil {
		log.Error("application failed", slog.Any("error", err))
		os.Exit(1)
	}
}

func run(ctx context.Context, addr, nodes string, log *slog.Logger) error {
	mux := http.NewServeMux()
	app := component.NewApplication(component.ApplicationOptions{
		Server: &http.Server{Addr: addr, Handler: mux, ReadHeaderTimeout: 5 * time.Second}, Logger: log,
	})
	service := NotificationService{app.Container()}
	control(mux, service)
	if err := bind(app, service, nodes); err != nil {
		return err
	}
	if err := app.Use(component.NewSocketIO(actio.Attached)); err != nil {
		return err
	}
	if err := app.Start(ctx); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-app.Done():
	}
	// Socket.IO first, then Redis, then HTTP: Stop knows the order.
	end, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return errors.Join(app.Stop(end), app.Err())
}

// bind tells the component what the application is made of.
func bind(app *component.Application, service NotificationService, nodes string) error {
	c := app.Container()
	options := component.ServerOptions{Standalone: nodes == ""}
	options.AuthenticateTimeout = 5 * time.Second
	component.ServerConfig.Bind(c, options)
	component.AuthenticateHandler.Bind(c, authenticate)
	component.ValidateRoomHandler.Bind(c, validateRooms)
	component.ClientConnectedHandler.Bind(c, func(_ context.Context, s *actio.Socket) { register(service, s) })
	if nodes == "" {
		return nil
	}
	client, err := connect(nodes)
	if err != nil {
		return err
	}
	component.RedisConnection.Bind(c, client)
	return app.RegisterStopHook("redis", func(context.Context) error { return client.Close() })
}

// connect makes a client of Redis from a URL or from addresses.
func connect(nodes string) (redis.UniversalClient, error) {
	if strings.Contains(nodes, "://") {
		options, err := redis.ParseURL(nodes)
		if err != nil {
			return nil, fmt.Errorf("-redis: %w", err)
		}
		return redis.NewClient(options), nil
	}
	return redis.NewUniversalClient(&redis.UniversalOptions{Addrs: strings.Split(nodes, ",")}), nil
}

// authenticate takes the user's name for its token; a program would ask whoever gives out tokens.
func authenticate(_ context.Context, h *actio.Handshake) (*actio.Principal, error) {
	user, ok := strings.CutPrefix(h.Header().Get("Authorization"), "Bearer ")
	if !ok || user == "" {
		return nil, nil //nolint:nilnil // refused, which is no error
	}
	return &actio.Principal{UserID: user}, nil
}

// validateRooms lets clients into public rooms and into their own.
func validateRooms(_ context.Context, s *actio.Socket, rooms []string) ([]string, error) {
	var allowed []string
	for _, room := range rooms {
		if strings.HasPrefix(room, "public-") || room == "private-"+s.UserID() {
			allowed = append(allowed, room)
		}
	}
	return allowed, nil
}

// chatMessage is what clients say.
type chatMessage struct {
	Room    string `json:"room,omitempty"`
	Message string `json:"message"`
}

// said is what the others hear.
type said struct {
	From      string    `json:"from"`
	Message   string    `json:"message"`
	Timestamp time.Time `json:"timestamp"`
}

// register adds the application's own events to a client that was authenticated.
func register(service NotificationService, s *actio.Socket) {
	err := errors.Join(
		actio.On(s, "chat:message", func(_ context.Context, s *actio.Socket, m chatMessage) (actio.None, error) {
			message := said{From: s.UserID(), Message: m.Message, Timestamp: time.Now()}
			if m.Room != "" {
				return actio.None{}, s.To(m.Room).Emit("chat:message", message)
			}
			return actio.None{}, s.Broadcast().Emit("chat:message", message)
		}),
		actio.On(s, "echo", func(_ context.Context, s *actio.Socket, data any) (actio.None, error) {
			return actio.None{}, s.Emit("echo:response", map[string]any{"original": data, "timestamp": time.Now()})
		}),
		actio.On(s, "get-clients", func(ctx context.Context, s *actio.Socket, _ actio.None) (actio.None, error) {
			ids, err := service.ClientIDs(ctx)
			if err != nil {
				return actio.None{}, err
			}
			return actio.None{}, s.Emit("clients:list", map[string]any{"count": len(ids), "clients": ids})
		}),
	)
	if err != nil {
		panic(err) // names and functions above are constants
	}
}
