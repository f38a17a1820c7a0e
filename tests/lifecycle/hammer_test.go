package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/rawclient"
	"github.com/actio-go/actio/tests/internal/redisproc"
	"github.com/actio-go/actio/wire"
)

// anvil is what is hammered on: a server whose clients come and go all the time, an engine of the same kind, and whatever they
// gave to the application, dead or alive.
type anvil struct {
	server     *actio.Server
	parent     *actio.ParentNamespace
	engine     *actio.Engine
	httpSwitch *actio.Switch
	ending     atomic.Bool // Shutdown may be called

	sockets  sample[*actio.Socket]
	events   sample[*actio.Event]
	sessions sample[*actio.EngineSession]
	asked    sample[*actio.ServerEvent]
	remote   sample[actio.RemoteSocket]
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

// expected tells whether an error is one that the documentation promises.
func expected(err error) bool {
	if err == nil {
		return true
	}
	for _, known := range []error{
		actio.ErrClosed, actio.ErrTimeout, actio.ErrInboxFull, actio.ErrTooManyAcks, actio.ErrAcknowledged,
		context.DeadlineExceeded, // of a context that was over before the call
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
	redis := redisproc.Start(t)
	before := takeBaseline(1000)
	a := &anvil{httpSwitch: actio.NewSwitch(nil)}
	heartbeat := actio.EngineOptions{PingInterval: time.Second, PingTimeout: 2 * time.Second}
	neighbour := serve(t, actio.Options{Redis: actio.RedisOptions{Client: redis.Client()}})
	s := serve(t, actio.Options{
		ValidateRooms: anyRoom, RegistryShards: 4, Engine: heartbeat, Redis: actio.RedisOptions{Client: redis.Client()},
		ClientConnected: func(_ context.Context, s *actio.Socket) { a.sockets.add(s) },
	})
	s.handle(t, "keep", func(_ context.Context, _ *actio.Socket, e *actio.Event) {
		err := e.Reply()
		assert.True(t, expected(err), err)
		a.events.add(e)
	})
	require.NoError(t, neighbour.OnServerSideEmit("ask", func(_ context.Context, e *actio.ServerEvent) {
		err := e.Reply()
		assert.True(t, expected(err), err)
	}))
	require.NoError(t, s.OnServerSideEmit("ask", func(_ context.Context, e *actio.ServerEvent) { a.asked.add(e) }))
	require.NoError(t, neighbour.ServerSideEmit("ask", 1))
	var err error
	a.server, a.parent = s.Server, s.OfPattern(nil)
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
	neighbour.end(t)
	*a = anvil{}
	before.returned(t, 2<<20)
}
