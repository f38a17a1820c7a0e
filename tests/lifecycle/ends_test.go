package lifecycle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/rawclient"
)

// way is a way in which a client ends.
type way struct {
	name      string
	transport rawclient.Transport
	// die makes it happen. Nil: the server does it.
	die func(c *rawclient.Client) error
	// until is the event after which it reads no more. It answers heartbeats till then. Empty: it reads to its end.
	until string
	// reason is what the disconnect callback gets.
	reason actio.Reason
	// or is what it may get instead.
	or actio.Reason
}

// The events after which some clients read no more; the rooms of these clients have the same names.
const (
	flood = "flood" // more than any queue holds
	pause = "pause"
)

// ways are all ways in which a client that is authenticated can end, but for Shutdown and for crashes of the server's own
// actors, which have tests of their own.
func ways() []way {
	emit := func(event string, args ...any) func(*rawclient.Client) error {
		return func(c *rawclient.Client) error { return c.Emit(event, args...) }
	}
	send := func(packet string) func(*rawclient.Client) error {
		return func(c *rawclient.Client) error {
			err := c.Send(packet)
			var end *rawclient.EndError
			if errors.As(err, &end) && end.Status != 0 {
				return nil // a polling client learns it from the answer to its request
			}
			return err
		}
	}
	leave := (*rawclient.Client).Leave
	reset := func(c *rawclient.Client) error { c.Reset(); return nil }
	hangUp := func(c *rawclient.Client) error { c.Close(); return nil }
	silence := func(c *rawclient.Client) error { c.Silence(); return nil }
	both := func(w way) []way {
		w.transport = rawclient.WebSocket
		p := w
		p.transport = rawclient.Polling
		return []way{w, p}
	}
	var all []way
	for _, w := range []way{
		{name: "leaves", die: leave, reason: actio.ReasonTransportClose},
		{name: "sends the close packet", die: send("1"), reason: actio.ReasonTransportClose},
		{name: "sends DISCONNECT", die: send("41"), reason: actio.ReasonClientDisconnect},
		{name: "breaks Engine.IO", die: send("2"), reason: actio.ReasonForcedClose},
		{name: "breaks Socket.IO", die: send("4nonsense"), reason: actio.ReasonParseError},
		{name: "connects twice", die: send("40"), reason: actio.ReasonForcedServerClose},
		{name: "is kicked from the namespace", die: emit("kick"), reason: actio.ReasonServerDisconnect},
		{name: "is kicked", die: emit("close"), reason: actio.ReasonForcedServerClose},
		{name: "makes a handler panic", die: emit("panic"), reason: actio.ReasonHandlerPanic},
		{name: "is slow", until: flood, reason: actio.ReasonSlowConsumer},
		{name: "answers no ping", die: silence, reason: actio.ReasonPingTimeout},
		{name: "expires", die: emit("authenticate", verdict{Expire: true}), reason: actio.ReasonPrincipalExpired},
		{name: "is refused later", die: emit("authenticate", verdict{Refuse: true}), reason: actio.ReasonAuthenticationFailed},
		{name: "is not answered later", die: emit("authenticate", verdict{Wait: true}), reason: actio.ReasonAuthenticationTimeout},
	} {
		all = append(all, both(w)...)
	}
	return append(all,
		way{name: "resets", die: reset, reason: actio.ReasonTransportClose},
		way{name: "hangs up", die: hangUp, reason: actio.ReasonTransportClose},
		way{name: "resets", transport: rawclient.Upgraded, die: reset, reason: actio.ReasonTransportClose},
		way{name: "leaves", transport: rawclient.Upgraded, die: leave, reason: actio.ReasonTransportClose},
		// Between two of its requests nobody can see that a polling client has gone.
		way{
			name: "resets", transport: rawclient.Polling, die: reset,
			reason: actio.ReasonTransportError, or: actio.ReasonPingTimeout,
		},
		way{name: "polls no more", transport: rawclient.Polling, until: pause, reason: actio.ReasonPingTimeout},
	)
}

func (w *way) String() string { return w.transport.String() + " " + w.name }

// verdict is what a client asks of the authenticator.
type verdict struct {
	User   string
	Expire bool // at once
	Refuse bool
	Wait   bool // without an answer
}

func obey(ctx context.Context, h *actio.Handshake) (*actio.Principal, error) {
	var v verdict
	if err := json.Unmarshal(h.Auth, &v); err != nil {
		return nil, err
	}
	switch {
	case v.Refuse:
		return nil, nil //nolint:nilnil // refuses
	case v.Wait:
		<-ctx.Done()
		return nil, ctx.Err()
	case v.Expire:
		return &actio.Principal{UserID: v.User, Expires: time.Now()}, nil
	default:
		return &actio.Principal{UserID: v.User}, nil
	}
}

// obituaries are the ends that the disconnect callback was told of.
type obituaries struct {
	mutex   sync.Mutex
	reasons map[string]actio.Reason // by socket id
	twice   []string
	arrived chan struct{}
}

func (o *obituaries) add(s *actio.Socket, r actio.Reason) {
	o.mutex.Lock()
	if _, known := o.reasons[s.ID()]; known {
		o.twice = append(o.twice, s.ID())
	}
	o.reasons[s.ID()] = r
	o.mutex.Unlock()
	o.arrived <- struct{}{}
}

// mortals are clients of which each ends in one of the ways.
type mortals struct {
	stand   *stand
	ways    []way
	ids     []string
	clients []*rawclient.Client
	readers sync.WaitGroup
}

func (m *mortals) way(i int) *way { return &m.ways[i%len(m.ways)] }

// join connects n clients: they authenticate, and join one of ten rooms each.
func (m *mortals) join(t *testing.T, n int) {
	t.Helper()
	m.clients, m.ids = make([]*rawclient.Client, n), make([]string, n)
	require.NoError(t, each(n, 64, func(i int) error {
		if err := m.enter(i); err != nil {
			return fmt.Errorf("%s: %w", m.way(i), err)
		}
		return nil
	}))
}

func (m *mortals) enter(i int) error {
	w := m.way(i)
	o := rawclient.Options{Transport: w.transport}
	rooms := []string{fmt.Sprintf("room %d", i%10)}
	if w.until != "" {
		o.ReceiveBuffer = 4 << 10
		rooms = append(rooms, w.until)
	}
	c, err := rawclient.Dial(m.stand.address(), o)
	if err != nil {
		return err
	}
	m.clients[i] = c
	if m.ids[i], err = c.Login(verdict{User: w.String()}); err != nil {
		return err
	}
	if _, err := c.Ask(1, "join", map[string]any{"rooms": rooms}); err != nil {
		return err
	}
	m.readers.Go(func() {
		if w.until == "" {
			c.Farewell()
		} else {
			_, _ = c.Await(w.until)
		}
	})
	return nil
}

// die makes each client end in its way.
func (m *mortals) die(t *testing.T) {
	t.Helper()
	require.NoError(t, each(len(m.clients), 64, func(i int) error {
		if die := m.way(i).die; die != nil {
			if err := die(m.clients[i]); err != nil {
				return fmt.Errorf("%s: %w", m.way(i), err)
			}
		}
		return nil
	}))
	require.NoError(t, m.stand.To(pause).Emit(pause))
	// Ten times the bound of the queue and what the kernel takes.
	text := strings.Repeat("x", 64<<10)
	for range 20 {
		require.NoError(t, m.stand.To(flood).Emit(flood, text))
	}
}

// bury closes what is left of the clients.
func (m *mortals) bury() {
	for _, c := range m.clients {
		c.Close()
	}
	m.readers.Wait()
	m.clients = nil
}

// A client that never got as far as to be authenticated leaves nothing either.
func (m *mortals) stillborn(t *testing.T, n int) {
	t.Helper()
	kinds := []func(c *rawclient.Client) error{
		func(*rawclient.Client) error { return nil }, // joins no namespace
		func(c *rawclient.Client) error { // never authenticates
			_, err := c.Join("/", nil)
			return err
		},
		func(c *rawclient.Client) error { // is refused
			if _, err := c.Join("/", verdict{Refuse: true}); err != nil {
				return err
			}
			return c.Emit("authenticate")
		},
		func(c *rawclient.Client) error { // leaves while it is being authenticated
			if _, err := c.Join("/", verdict{Wait: true}); err != nil {
				return err
			}
			return errors.Join(c.Emit("authenticate"), c.Leave())
		},
		func(c *rawclient.Client) error { // is reset while it is being authenticated
			if _, err := c.Join("/", verdict{Wait: true}); err != nil {
				return err
			}
			err := c.Emit("authenticate")
			c.Reset()
			return err
		},
		func(c *rawclient.Client) error { // names a namespace that there is not
			if _, err := c.Join("/nowhere", nil); err == nil {
				return errors.New("joined")
			}
			return nil
		},
	}
	require.NoError(t, each(n, n, func(i int) error {
		c, err := rawclient.Dial(m.stand.address(), rawclient.Options{Transport: rawclient.Transport(i % 3)})
		if err != nil {
			return err
		}
		defer c.Close()
		if err := kinds[i/3%len(kinds)](c); err != nil {
			return err
		}
		c.Farewell()
		return nil
	}))
}

func TestEnds_EveryWay_LeaveNothing(t *testing.T) {
	const clients = 2000
	// What the heap may keep of one client that was there, in bytes. Most of it is the table of actors, which grows with the
	// first twenty thousand and then no more, and what HTTP and this test know of it.
	const perClient = 640

	var panics sync.Map
	dead := &obituaries{reasons: map[string]actio.Reason{}, arrived: make(chan struct{}, clients)}
	s := serve(t, actio.Options{
		Authenticate:        obey,
		AuthenticateTimeout: 8 * time.Second,
		ConnectTimeout:      8 * time.Second,
		ValidateRooms:       anyRoom,
		Engine: actio.EngineOptions{
			PingInterval: 6 * time.Second, PingTimeout: 10 * time.Second, QueueBytes: 128 << 10,
		},
		ClientDisconnected: dead.add,
		OnPanic:            func(where string, recovered any, _ []byte) { panics.Store(where, fmt.Sprint(recovered)) },
	})
	s.handle(t, "kick", func(_ context.Context, s *actio.Socket, _ *actio.Event) { s.Disconnect() })
	s.handle(t, "close", func(_ context.Context, s *actio.Socket, _ *actio.Event) { s.Close() })
	s.handle(t, "panic", func(context.Context, *actio.Socket, *actio.Event) { panic("of a handler") })

	m := &mortals{stand: s, ways: ways()}
	m.crowd(t, clients)
	idle := s.idleBaseline(t, 5*clients)
	before := s.stats(t)

	clear(dead.reasons)
	m.join(t, clients)
	full := s.stats(t)
	assert.Equal(t, population{
		Connections: clients, Sockets: clients, Authenticated: clients, RoomMembers: clients, Rooms: full.Rooms, Users: full.Users,
	}, populationOf(full))
	assert.GreaterOrEqual(t, full.Rooms, 10+3)
	assert.GreaterOrEqual(t, full.Users, len(m.ways))

	m.die(t)
	m.stillborn(t, clients/20)
	for range clients {
		receive(t, dead.arrived, "the end of each client")
	}
	dead.check(t, m)
	m.bury()
	s.untilEmpty(t)
	after := s.stats(t)
	assert.EqualValues(t, clients+clients/20, after.SessionsOpened-before.SessionsOpened)
	panicked := map[any]any{}
	panics.Range(func(where, what any) bool { panicked[where] = what; return true })
	assert.Equal(t, map[any]any{"event handler": "of a handler"}, panicked, "only the handler panics")

	clear(dead.reasons)
	idle.returned(t, clients*perClient)
	assert.Empty(t, dead.arrived, "nobody ends twice")
}

// crowd connects n clients at the same time and closes them: some memory grows with the number of clients that there are
// at a time, and is used again for the next as many.
func (m *mortals) crowd(t *testing.T, n int) {
	t.Helper()
	clients := make([]*rawclient.Client, n)
	require.NoError(t, each(n, 64, func(i int) (err error) {
		if clients[i], err = rawclient.Dial(m.stand.address(), rawclient.Options{}); err != nil {
			return err
		}
		_, err = clients[i].Join("/", nil)
		return err
	}))
	for _, c := range clients {
		c.Close()
	}
}

// check compares what the callback was told with what was done.
func (o *obituaries) check(t *testing.T, m *mortals) {
	t.Helper()
	o.mutex.Lock()
	defer o.mutex.Unlock()
	assert.Len(t, o.reasons, len(m.clients))
	assert.Empty(t, o.twice, "each client ends once")
	wrong := map[string]int{}
	for i, id := range m.ids {
		w := m.way(i)
		if r := o.reasons[id]; r != w.reason && (w.or == 0 || r != w.or) {
			wrong[fmt.Sprintf("%s: %s", w, r)]++
		}
	}
	assert.Empty(t, wrong)
}
