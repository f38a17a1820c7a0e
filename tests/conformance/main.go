// Command conformance is the server that the official protocol test suites of Engine.IO and Socket.IO expect. See
// CONTRIBUTING.md for how to run them.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/suitehost"
)

func main() {
	suitehost.Main("conformance", suitehost.Suites{"socketio": socketIO, "engineio": engineIO})
}

// timing is what both suites expect.
func timing(path string) actio.EngineOptions {
	return actio.EngineOptions{
		Path: path, PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond, MaxPayload: 1_000_000,
	}
}

func engineIO(context.Context) (suitehost.Server, error) {
	return actio.NewEngine(actio.EngineConfig{
		EngineOptions: timing("/engine.io"), Logger: suitehost.Logger(),
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
}

func socketIO(ctx context.Context) (suitehost.Server, error) {
	server, err := actio.New(actio.Options{
		Engine: timing("/socket.io"), NoAuthentication: true, Logger: suitehost.Logger(), ConnectTimeout: time.Second,
	})
	if err != nil {
		return nil, err
	}
	custom, err := server.Of("/custom")
	if err != nil {
		return nil, err
	}
	server.Root().OnConnection(sendAuth)
	custom.OnConnection(sendAuth)
	err = errors.Join(
		server.Root().Handle("message", func(_ context.Context, s *actio.Socket, e *actio.Event) {
			suitehost.Report(s.Emit("message-back", values(e.Args)...))
		}),
		server.Root().Handle("message-with-ack", func(_ context.Context, _ *actio.Socket, e *actio.Event) {
			suitehost.Report(e.Reply(values(e.Args)...))
		}),
		server.Configure(ctx),
	)
	return server, err
}

func sendAuth(_ context.Context, s *actio.Socket) {
	auth := json.RawMessage("{}")
	if a := s.Handshake().Auth; a != nil {
		auth = a
	}
	suitehost.Report(s.Emit("auth", auth))
}

func values(args actio.Args) []any {
	all := make([]any, args.Len())
	for i := range all {
		suitehost.Report(args.Decode(i, &all[i]))
	}
	return all
}
