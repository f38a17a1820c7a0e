// Command conformance is the server that the official protocol test suites of Engine.IO and Socket.IO expect. See
// CONTRIBUTING.md for how to run them.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/actio-go/actio"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:3000", "address to listen on")
	suite := flag.String("suite", "socketio", "socketio or engineio")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *listen, *suite); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

// run serves one suite until ctx ends.
func run(ctx context.Context, listen, suite string) error {
	var (
		handler  http.Handler
		shutdown func(context.Context) error
		err      error
	)
	switch suite {
	case "socketio":
		handler, shutdown, err = socketIO(ctx)
	case "engineio":
		handler, shutdown, err = engineIO()
	default:
		err = fmt.Errorf("unknown suite %q", suite)
	}
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	fmt.Printf("serving %s on %s\n", suite, listener.Addr())
	go func() {
		<-ctx.Done()
		end := context.WithoutCancel(ctx)
		if err := shutdown(end); err != nil {
			fmt.Fprintln(os.Stderr, "conformance: shutdown:", err)
		}
		_ = server.Shutdown(end)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// timing is what both suites expect.
func timing(path string) actio.EngineOptions {
	return actio.EngineOptions{
		Path: path, PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond, MaxPayload: 1_000_000,
	}
}

func logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

func engineIO() (http.Handler, func(context.Context) error, error) {
	engine, err := actio.NewEngine(actio.EngineConfig{
		EngineOptions: timing("/engine.io"), Logger: logger(),
		OnSession: func(s *actio.EngineSession) {
			s.OnMessage(func(binary bool, data []byte) {
				if binary {
					s.SendBinary(data)
				} else {
					s.Send(string(data))
				}
			})
		},
	})
	if err != nil {
		return nil, nil, err
	}
	return engine, engine.Shutdown, nil
}

func socketIO(ctx context.Context) (http.Handler, func(context.Context) error, error) {
	server, err := actio.New(actio.Options{
		Engine: timing("/socket.io"), NoAuthentication: true, Logger: logger(), ConnectTimeout: time.Second,
	})
	if err != nil {
		return nil, nil, err
	}
	custom, err := server.Of("/custom")
	if err != nil {
		return nil, nil, err
	}
	server.Root().OnConnection(sendAuth)
	custom.OnConnection(sendAuth)
	err = errors.Join(
		server.Root().Handle("message", func(_ context.Context, s *actio.Socket, e *actio.Event) {
			report(s.Emit("message-back", values(e.Args)...))
		}),
		server.Root().Handle("message-with-ack", func(_ context.Context, _ *actio.Socket, e *actio.Event) {
			report(e.Reply(values(e.Args)...))
		}),
		server.Configure(ctx),
	)
	return server, server.Shutdown, err
}

func sendAuth(_ context.Context, s *actio.Socket) {
	auth := json.RawMessage("{}")
	if a := s.Handshake().Auth; a != nil {
		auth = a
	}
	report(s.Emit("auth", auth))
}

func values(args actio.Args) []any {
	all := make([]any, args.Len())
	for i := range all {
		report(args.Decode(i, &all[i]))
	}
	return all
}

func report(err error) {
	if err != nil && !errors.Is(err, actio.ErrClosed) {
		fmt.Fprintln(os.Stderr, "conformance:", err)
	}
}
