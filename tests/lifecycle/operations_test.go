package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/actio-go/actio"
)

// room is one of few, so that they are shared.
func room() string { return fmt.Sprintf("room %d", rand.IntN(5)) }

// fresh is a name that nobody uses: handlers that are added for it cost nothing.
func fresh() string { return fmt.Sprintf("event %d", rand.Uint64()) }

// soon is a context that ends soon.
func soon() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 20*time.Millisecond)
}

// operation calls one exported function or method. Its error is the method's.
type operation func(a *anvil) error

func quiet(f func(a *anvil)) operation {
	return func(a *anvil) error {
		f(a)
		return nil
	}
}

// seldom keeps what ends a client from ending all of them at once.
func seldom(f operation) operation {
	return func(a *anvil) error {
		if rand.IntN(8) > 0 {
			return nil
		}
		return f(a)
	}
}

func noSocket(context.Context, *actio.Socket, *actio.Event) {}

func get(h http.Handler, path string) {
	ctx, cancel := soon()
	defer cancel()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil))
}

// handshake is a request that makes a session, whose client is never seen again.
const handshake = "/io/?EIO=4&transport=polling"

// operations are all functions and methods that package actio exports.
func operations() map[string]operation {
	all := map[string]operation{}
	for _, some := range []map[string]operation{
		functions(), serverOperations(), namespaceOperations(), socketOperations(), engineOperations(),
		serverClusterOperations(), namespaceClusterOperations(), broadcastClusterOperations(), remoteOperations(),
		hookOperations("Namespace", func(a *anvil) hooks { return a.server.Root() }),
		hookOperations("ParentNamespace", func(a *anvil) hooks { return a.parent }),
		socketHookOperations(), enteringOperations(), parentOperations(),
	} {
		maps.Copy(all, some)
	}
	return all
}

func functions() map[string]operation {
	return map[string]operation{
		"New": func(*anvil) error {
			_, err := actio.New(actio.Options{NoAuthentication: true})
			return err
		},
		"NewEngine": seldom(func(*anvil) error {
			e, err := actio.NewEngine(actio.EngineConfig{OnSession: func(*actio.EngineSession) {}})
			if err != nil {
				return err
			}
			return e.Shutdown(context.Background())
		}),
		"On": func(a *anvil) error {
			var target actio.Target = a.server.Root()
			if rand.IntN(2) == 0 {
				target = a.sockets.one()
			}
			return actio.On(target, fresh(), func(context.Context, *actio.Socket, string) (int, error) { return 1, nil })
		},
		"AuthenticateFunc": quiet(func(*anvil) {
			actio.AuthenticateFunc(func(context.Context, actio.Handshake) (bool, error) { return true, nil })
		}),
		"DefaultCORS": quiet(func(*anvil) { actio.DefaultCORS() }),
		"NewSwitch":   quiet(func(*anvil) { actio.NewSwitch(nil) }),
		"Route":       quiet(func(a *anvil) { get(actio.Route("/io", a.server, nil), "/ios") }),
		"Under": func(*anvil) error {
			if !actio.Under("/io", "/io/x") {
				return errors.New("is not")
			}
			return nil
		},
		"Switch.Set": quiet(func(a *anvil) {
			a.httpSwitch.Set([]http.Handler{nil, a.server, a.engine}[rand.IntN(3)])
		}),
		"Switch.Fallback":  quiet(func(a *anvil) { a.httpSwitch.Fallback() }),
		"Switch.ServeHTTP": quiet(func(a *anvil) { get(a.httpSwitch, "/io/?EIO=3") }),
	}
}

func serverOperations() map[string]operation {
	return map[string]operation{
		"Server.Configure": func(a *anvil) error { return a.server.Configure(context.Background()) },
		"Server.Engine": func(a *anvil) error {
			_, err := a.server.Engine()
			return err
		},
		"Server.ServeHTTP": quiet(func(a *anvil) { get(a.server, "/io/?EIO=4&transport=polling&sid=unknown") }),
		"Server.Path":      quiet(func(a *anvil) { a.server.Path() }),
		"Server.Ready":     quiet(func(a *anvil) { a.server.Ready() }),
		"Server.Done":      quiet(func(a *anvil) { a.server.Done() }),
		"Server.Root":      quiet(func(a *anvil) { a.server.Root() }),
		"Server.Of": func(a *anvil) error {
			_, err := a.server.Of("/" + room())
			return err
		},
		"Server.Clients": func(a *anvil) error {
			_, err := a.server.Clients(context.Background())
			return err
		},
		"Server.Client": func(a *anvil) error {
			_, _, err := a.server.Client(context.Background(), a.sockets.one().ID())
			return err
		},
		"Server.Socket": func(a *anvil) error {
			_, err := a.server.Socket(context.Background(), a.sockets.one().ID())
			return err
		},
		"Server.Stats": func(a *anvil) error {
			_, err := a.server.Stats(context.Background())
			return err
		},
		"Server.On":   func(a *anvil) error { return a.server.On(fresh(), noSocket) },
		"Server.Ping": quiet(func(a *anvil) { a.server.Ping(a.sockets.one(), rand.IntN(8) > 0) }),
		"Server.Disconnect": seldom(quiet(func(a *anvil) {
			a.server.Disconnect(a.sockets.one())
		})),
		"Server.OnClientConnect": quiet(func(a *anvil) { a.server.OnClientConnect(a.sockets.one()) }),
		"Server.OnClientAuthenticated": quiet(func(a *anvil) {
			a.server.OnClientAuthenticated(a.sockets.one(), &actio.Principal{UserID: "forced"})
		}),
		"Server.Send": func(a *anvil) error {
			done := make(chan struct{})
			a.server.Send(actio.Message{
				Destination: room(), Payload: actio.Payload{Topic: "sent", Data: 1}, Callback: func() { close(done) },
			})
			select {
			case <-done:
			case <-a.server.Done(): // then it may not have been sent
			case <-time.After(patience):
				return errors.New("no callback")
			}
			return nil
		},
		"Server.To":     func(a *anvil) error { return a.server.To(room()).Emit("to", 1) },
		"Server.In":     func(a *anvil) error { return a.server.In(room()).Emit("in", 1) },
		"Server.ToUser": func(a *anvil) error { return a.server.ToUser("user").Emit("user", 1) },
		"Server.Except": func(a *anvil) error { return a.server.Except(room()).Emit("except", 1) },
		"Server.Emit":   func(a *anvil) error { return a.server.Emit("all", []byte("binary")) },
		"Server.Shutdown": func(a *anvil) error {
			if !a.ending.Load() {
				return nil
			}
			return a.server.Shutdown(context.Background())
		},
	}
}

func namespaceOperations() map[string]operation {
	broadcast := func(a *anvil) actio.Broadcast { return a.server.To(room()) }
	return map[string]operation{
		"Namespace.Name":   quiet(func(a *anvil) { a.server.Root().Name() }),
		"Namespace.To":     func(a *anvil) error { return a.server.Root().To(room()).Emit("to", 1) },
		"Namespace.In":     func(a *anvil) error { return a.server.Root().In(room()).Emit("in", 1) },
		"Namespace.ToUser": func(a *anvil) error { return a.server.Root().ToUser("user").Emit("user", 1) },
		"Namespace.Except": func(a *anvil) error { return a.server.Root().Except(room()).Emit("except", 1) },
		"Namespace.Emit":   func(a *anvil) error { return a.server.Root().Emit("all", "text") },

		"Broadcast.To":       func(a *anvil) error { return broadcast(a).To(room()).Emit("to", 1) },
		"Broadcast.In":       func(a *anvil) error { return broadcast(a).In(room()).Emit("in", 1) },
		"Broadcast.Except":   func(a *anvil) error { return broadcast(a).Except(room()).Emit("except", 1) },
		"Broadcast.Volatile": func(a *anvil) error { return broadcast(a).Volatile().Emit("volatile", 1) },
		"Broadcast.Compress": func(a *anvil) error { return broadcast(a).Compress().Emit("compressed", 1) },
		"Broadcast.Emit":     func(a *anvil) error { return broadcast(a).Emit("emitted", 1) },
	}
}

func socketOperations() map[string]operation {
	return map[string]operation{
		"Socket.ID":        quiet(func(a *anvil) { a.sockets.one().ID() }),
		"Socket.LogValue":  quiet(func(a *anvil) { a.sockets.one().LogValue() }),
		"Socket.Namespace": quiet(func(a *anvil) { a.sockets.one().Namespace().Name() }),
		"Socket.Handshake": quiet(func(a *anvil) { _ = a.sockets.one().Handshake().Auth }),
		"Socket.Principal": quiet(func(a *anvil) { a.sockets.one().Principal() }),
		"Socket.UserID":    quiet(func(a *anvil) { a.sockets.one().UserID() }),
		"Socket.State":     quiet(func(a *anvil) { _ = a.sockets.one().State().String() }),
		"Socket.Context":   func(a *anvil) error { return context.Cause(a.sockets.one().Context()) },
		"Socket.Data":      quiet(func(a *anvil) { a.sockets.one().Data().Store("key", 1) }),
		"Socket.Handle":    func(a *anvil) error { return a.sockets.one().Handle(fresh(), noSocket) },
		"Socket.Emit":      func(a *anvil) error { return a.sockets.one().Emit("emitted", 1) },
		"Socket.EmitVolatile": func(a *anvil) error {
			return a.sockets.one().EmitVolatile("volatile", 1)
		},
		"Socket.EmitCompressed": func(a *anvil) error {
			return a.sockets.one().EmitCompressed("compressed", 1)
		},
		"Socket.EmitWithAck": func(a *anvil) error {
			ctx, cancel := soon()
			defer cancel()
			_, err := a.sockets.one().EmitWithAck(ctx, "question", 1)
			return err
		},
		"Socket.Join":  func(a *anvil) error { return a.sockets.one().Join(context.Background(), room(), room()) },
		"Socket.Leave": func(a *anvil) error { return a.sockets.one().Leave(context.Background(), room()) },
		"Socket.Rooms": func(a *anvil) error {
			_, err := a.sockets.one().Rooms(context.Background())
			return err
		},
		"Socket.LastRooms":       quiet(func(a *anvil) { a.sockets.one().LastRooms() }),
		"Socket.Recovered":       quiet(func(a *anvil) { a.sockets.one().Recovered() }),
		"Socket.RecoveryFailure": func(a *anvil) error { return a.sockets.one().RecoveryFailure() },
		"Socket.Disconnect":      seldom(quiet(func(a *anvil) { a.sockets.one().Disconnect() })),
		"Socket.Close":           seldom(quiet(func(a *anvil) { a.sockets.one().Close() })),
		"Socket.To":              func(a *anvil) error { return a.sockets.one().To(room()).Emit("to", 1) },
		"Socket.Broadcast":       func(a *anvil) error { return a.sockets.one().Broadcast().Emit("all", 1) },

		"Event.Reply":      func(a *anvil) error { return a.events.one().Reply("again") },
		"Event.WantsReply": quiet(func(a *anvil) { a.events.one().WantsReply() }),
	}
}

func engineOperations() map[string]operation {
	return map[string]operation{
		"Engine.ServeHTTP": seldom(quiet(func(a *anvil) { get(a.engine, handshake) })),
		"Engine.Path":      quiet(func(a *anvil) { a.engine.Path() }),
		"Engine.Use": seldom(quiet(func(a *anvil) {
			a.engine.Use(func(next http.Handler) http.Handler { return next })
		})),
		"Engine.Shutdown": func(a *anvil) error {
			if !a.ending.Load() {
				return nil
			}
			return a.engine.Shutdown(context.Background())
		},
		"EngineSession.ID":        quiet(func(a *anvil) { a.sessions.one().ID() }),
		"EngineSession.Handshake": quiet(func(a *anvil) { _ = a.sessions.one().Handshake().RemoteAddr }),
		"EngineSession.OnMessage": quiet(func(a *anvil) { a.sessions.one().OnMessage(func(bool, []byte) {}) }),
		"EngineSession.OnClose":   quiet(func(a *anvil) { a.sessions.one().OnClose(func(actio.Reason) {}) }),
		"EngineSession.Send":      quiet(func(a *anvil) { a.sessions.one().Send("text") }),
		"EngineSession.SendBinary": quiet(func(a *anvil) {
			a.sessions.one().SendBinary([]byte("binary"))
		}),
		"EngineSession.Close": seldom(quiet(func(a *anvil) { a.sessions.one().Close() })),
	}
}
