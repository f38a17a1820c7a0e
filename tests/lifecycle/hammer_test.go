package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/rawclient"
	"github.com/actio-go/actio/wire"
)

// anvil is what is hammered on: a server whose clients come and go all the time, an engine of the same kind, and whatever they
// gave to the application, dead or alive.
type anvil struct {
	server     *actio.Server
	engine     *actio.Engine
	httpSwitch *actio.Switch
	ending     atomic.Bool // Shutdown may be called

	sockets  sample[*actio.Socket]
	events   sample[*actio.Event]
	sessions sample[*actio.EngineSession]
}

// sample is some of what was added to it, of all ages.
type sample[T any] struct {
	mutex sync.Mutex
	items []T
}

func (s *sample[T]) add(item T) {
	const size = 256
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if len(s.items) < size {
		s.items = append(s.items, item)
		return
	}
	s.items[rand.IntN(size)] = item
}

// one waits until there is one.
func (s *sample[T]) one() T {
	for {
		s.mutex.Lock()
		n := len(s.items)
		if n > 0 {
			item := s.items[rand.IntN(n)]
			s.mutex.Unlock()
			return item
		}
		s.mutex.Unlock()
	}
}

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
		"Namespace.Handle": func(a *anvil) error { return a.server.Root().Handle(fresh(), noSocket) },
		"Namespace.OnConnection": quiet(func(a *anvil) {
			a.server.Root().OnConnection(func(context.Context, *actio.Socket) {})
		}),
		"Namespace.OnDisconnect": quiet(func(a *anvil) {
			a.server.Root().OnDisconnect(func(*actio.Socket, actio.Reason) {})
		}),
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
		"Socket.Namespace": quiet(func(a *anvil) { a.sockets.one().Namespace().Name() }),
		"Socket.Handshake": quiet(func(a *anvil) { _ = a.sockets.one().Handshake().Auth }),
		"Socket.Principal": quiet(func(a *anvil) { a.sockets.one().Principal() }),
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
		"Socket.Disconnect": seldom(quiet(func(a *anvil) { a.sockets.one().Disconnect() })),
		"Socket.Close":      seldom(quiet(func(a *anvil) { a.sockets.one().Close() })),
		"Socket.To":         func(a *anvil) error { return a.sockets.one().To(room()).Emit("to", 1) },
		"Socket.Broadcast":  func(a *anvil) error { return a.sockets.one().Broadcast().Emit("all", 1) },

		"Event.Reply":      func(a *anvil) error { return a.events.one().Reply("again") },
		"Event.WantsReply": quiet(func(a *anvil) { a.events.one().WantsReply() }),
	}
}

func engineOperations() map[string]operation {
	return map[string]operation{
		"Engine.ServeHTTP": seldom(quiet(func(a *anvil) { get(a.engine, handshake) })),
		"Engine.Path":      quiet(func(a *anvil) { a.engine.Path() }),
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

// expected tells whether an error is one that the documentation promises.
func expected(err error) bool {
	if err == nil {
		return true
	}
	for _, known := range []error{
		actio.ErrClosed, actio.ErrTimeout, actio.ErrInboxFull, actio.ErrTooManyAcks, actio.ErrAcknowledged,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// hammer calls all operations from 64 goroutines, each so many times from each, in an order of each one's own.
func (a *anvil) hammer(rounds int) error {
	const goroutines = 64
	all := operations()
	return each(goroutines, goroutines, func(int) error {
		names := make([]string, 0, len(all))
		for name := range all {
			names = append(names, name)
		}
		slices.Sort(names)
		var errs []error
		for range rounds {
			rand.Shuffle(len(names), func(i, k int) { names[i], names[k] = names[k], names[i] })
			for _, name := range names {
				if err := all[name](a); !expected(err) {
					errs = append(errs, fmt.Errorf("%s: %w", name, err))
				}
			}
		}
		return errors.Join(errs...)
	})
}

// customer is a client that answers what it is asked, for a while, and dies.
func customer(address string, i int) error {
	c, err := rawclient.Dial(address, rawclient.Options{Transport: rawclient.Transport(i % 3)})
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Login(user("user")); err != nil {
		return err
	}
	if err := c.Send(`42["join",{"rooms":["room 1","room 2"]}]`, `420["keep"]`, `42["keep"]`); err != nil {
		return err
	}
	for range 10 + rand.IntN(50) {
		p, err := c.Receive()
		if err != nil {
			return err
		}
		if p.Type != wire.EngineMessage || p.Binary {
			continue
		}
		if packet, err := wire.DecodePacket(p.Data, wire.Limits{}); err == nil && packet.HasID && packet.Type == wire.Event {
			if err := c.Send(fmt.Sprintf("43%d[]", packet.ID)); err != nil {
				return err
			}
		}
	}
	switch rand.IntN(3) {
	case 0:
		c.Reset()
	case 1:
		return c.Leave()
	}
	return nil
}

// visitor is a client of the engine.
func visitor(address string, i int) error {
	c, err := rawclient.Dial(address, rawclient.Options{Transport: rawclient.Transport(i % 3)})
	if err != nil {
		return err
	}
	defer c.Close()
	for range 5 {
		if err := c.Send("4hello"); err != nil {
			return err
		}
		if _, err := c.Receive(); err != nil {
			return err
		}
	}
	return nil
}

func TestHammer_EveryMethodFrom64Goroutines_NeitherRacesNorPanicsNorHangs(t *testing.T) {
	before := takeBaseline(1000)
	a := &anvil{httpSwitch: actio.NewSwitch(nil)}
	heartbeat := actio.EngineOptions{PingInterval: time.Second, PingTimeout: 2 * time.Second}
	s := serve(t, actio.Options{
		ValidateRooms: anyRoom, RegistryShards: 4, Engine: heartbeat,
		ClientConnected: func(_ context.Context, s *actio.Socket) { a.sockets.add(s) },
	})
	s.handle(t, "keep", func(_ context.Context, _ *actio.Socket, e *actio.Event) {
		err := e.Reply()
		assert.True(t, expected(err), err)
		a.events.add(e)
	})
	var err error
	a.server = s.Server
	a.engine, err = actio.NewEngine(actio.EngineConfig{EngineOptions: heartbeat, OnSession: func(s *actio.EngineSession) {
		s.OnMessage(func(_ bool, data []byte) { s.Send(string(data)) })
		a.sessions.add(s)
	}})
	require.NoError(t, err)
	web := listen(t, "127.0.0.1:0", a.engine)

	var clients sync.WaitGroup
	stop := make(chan struct{})
	for i := range 16 {
		clients.Go(func() {
			for n := i; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				// They are cut off in the middle of whatever they do.
				_ = customer(s.address(), n)
				_ = visitor(web.Listener.Addr().String(), n)
			}
		})
	}
	hammered := make(chan error, 1)
	for rounds := 0; rounds < 8 || s.stats(t).SessionsClosed < 100; rounds += 4 {
		go func() { hammered <- a.hammer(4) }()
		require.NoError(t, receive(t, hammered, "all calls return"))
	}
	a.ending.Store(true)
	go func() { hammered <- a.hammer(4) }()
	require.NoError(t, receive(t, hammered, "all calls return while the server ends"))
	close(stop)
	clients.Wait()
	assert.False(t, a.server.Ready())

	web.Close()
	s.end(t)
	*a = anvil{}
	before.returned(t, 2<<20)
}
