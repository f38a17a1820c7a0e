package recovery

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/actortest"
	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/transport"
	"github.com/actio-go/actio/wire"
)

// rig is a keeper between real connections, in a bubble: their clients are long-polling without HTTP.
type rig struct {
	t        *testing.T
	system   *actors.System
	registry *roomregistry.Registry
	env      *connection.Env
	keeper   *Keeper
	relay    *actor.PID
	app      *app
	clients  []*client
}

// inBubble runs a test with a rig. Sessions are kept for 10 s.
func inBubble(t *testing.T, configure func(*connection.Options, *Options), test func(r *rig)) {
	t.Helper()
	actortest.Bubble(t, func(t *testing.T) {
		r := newRig(t, configure)
		test(r)
		for _, c := range r.clients {
			c.cut()
		}
		synctest.Wait()
		require.NoError(t, r.keeper.Stop(context.Background()))
		require.NoError(t, r.registry.Stop(context.Background()))
		require.NoError(t, r.system.Stop(context.Background(), r.relay))
	})
}

func newRig(t *testing.T, configure func(*connection.Options, *Options)) *rig {
	t.Helper()
	r := &rig{t: t, system: actortest.NewSystem(t), app: &app{}}
	r.relay = r.system.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if m, ok := ctx.Message().(*connection.SocketOpened); ok {
			m.Socket.Session().Listed() // what the gate waits for
		}
	}), "supervisor")
	r.registry = roomregistry.Start(r.system, roomregistry.Options{Shards: 2, History: &roomregistry.HistoryOptions{Age: time.Minute}})
	o, ko := options(), Options{Duration: 10 * time.Second, MaxSessions: 100}
	if configure != nil {
		configure(&o, &ko)
	}
	r.env = connection.NewEnv(connection.Env{
		System: r.system, Registry: r.registry, Supervisor: r.relay, Options: o, Counters: new(connection.Counters), App: r.app,
	})
	r.keeper = Start(r.env, ko)
	return r
}

func options() connection.Options {
	return connection.Options{
		PingInterval: 25 * time.Second, PingTimeout: 20 * time.Second, Early: func(time.Duration) time.Duration { return 0 },
		ConnectTimeout: 45 * time.Second, MaxPayload: 1_000_000, Limits: wire.DefaultLimits(), QueueBytes: 10_000,
		WriteTimeout: 10 * time.Second, Linger: time.Second, PollLinger: 5 * time.Second, PostWait: 50 * time.Millisecond,
		InboxEvents: 4, InboxEventsHard: 8, InboxBytes: 1000, InboxBytesHard: 2000, MaxNamespaces: 2, MaxPendingAcks: 2,
		MaxAuthBytes: 1000, MaxRooms: 5, RecoveryTimeout: 5 * time.Second, AuthenticateTimeout: 10 * time.Second, MaxAuthAttempts: 2,
		SurvivePanics: true,
	}
}

// client is one connection.
type client struct {
	rig     *rig
	session *connection.Session
	waiting *transport.Poll
	offset  string // of the last event
}

// dial opens a connection without a namespace.
func (r *rig) dial() *client {
	r.t.Helper()
	pid := r.system.Spawn(connection.Props(r.env), "connection")
	c := &client{rig: r, session: connection.NewSession(r.env, connection.NewSessionID(), pid, &transport.Handshake{})}
	c.waiting = new(transport.Poll)
	r.system.Send(pid, &connection.Begin{Session: c.session, Link: c.waiting, Begun: make(chan struct{})})
	require.Contains(r.t, c.get(), `"pingInterval":`)
	r.clients = append(r.clients, c)
	return c
}

// get polls until something comes: the payload, or "…" when nothing does.
func (c *client) get() string {
	c.rig.t.Helper()
	p := c.waiting
	if p == nil {
		p = new(transport.Poll)
		c.session.Poll(p)
	}
	synctest.Wait()
	body, refusal := p.Answer()
	switch {
	case refusal != nil:
		return refusal.Message
	case body == nil:
		c.waiting = p
		return "…"
	}
	c.waiting = nil
	text := strings.ReplaceAll(string(body), "\x1e", " ")
	for _, found := range offsets().FindAllStringSubmatch(text, -1) {
		if _, ok := c.rig.registry.Position(found[1]); ok {
			c.offset = found[1]
			text = strings.Replace(text, found[0], "]", 1)
		}
	}
	return text
}

func offsets() *regexp.Regexp { return regexp.MustCompile(`,"([^"]+)"\]`) }

// post sends packets and does not wait.
func (c *client) post(packets ...string) {
	p := new(transport.Post)
	p.Err = wire.DecodePayload([]byte(strings.Join(packets, "\x1e")), func(packet wire.EnginePacket) error {
		packet.Data = append([]byte(nil), packet.Data...)
		p.Packets = append(p.Packets, packet)
		return nil
	})
	c.rig.system.Go("post", func() { c.session.Post(context.Background(), p) })
}

// cut loses the connection.
func (c *client) cut() {
	p := c.waiting
	if p == nil {
		p = new(transport.Poll)
		c.session.Poll(p)
	}
	c.waiting = nil
	c.session.PollAborted(p)
	synctest.Wait()
}

// enter joins the default namespace and returns what the server says to that, and the private id.
func (c *client) enter(connect string) (answer, pid string) {
	c.rig.t.Helper()
	c.post(connect)
	answer = c.get()
	_, pid, _ = strings.Cut(answer, `"pid":"`)
	pid, _, _ = strings.Cut(pid, `"`)
	return answer, pid
}

// again is what a client sends that comes back.
func again(pid, offset string) string { return fmt.Sprintf(`40{"pid":%q,"offset":%q}`, pid, offset) }

func (r *rig) event(text string) *roomregistry.Broadcast {
	r.t.Helper()
	m, err := wire.EncodeEvent("/", text)
	require.NoError(r.t, err)
	return &roomregistry.Broadcast{Namespace: "/", Message: m}
}

func (r *rig) emit(text string) {
	r.t.Helper()
	r.registry.Broadcast(r.event(text))
	synctest.Wait()
}

// app writes down what it is told.
type app struct {
	mu      sync.Mutex
	log     []string
	sockets []*connection.Socket
	block   chan struct{} // events wait for it, if not nil

	entrance connection.Entrance // of all namespaces
}

func (a *app) Entrance(string) *connection.Entrance { return &a.entrance }

func (a *app) NewSocket(h *connection.Socket) connection.Handler {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sockets = append(a.sockets, h)
	h.Bind(fmt.Sprint("data of ", len(a.sockets), "; ", h.Former()))
	return &appSocket{app: a, socket: h}
}

func (a *app) last() *connection.Socket {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sockets[len(a.sockets)-1]
}

func (a *app) note(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.log = append(a.log, text)
}

func (a *app) told() []string {
	synctest.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	log := a.log
	a.log = nil
	return log
}

type appSocket struct {
	app    *app
	socket *connection.Socket
}

func (s *appSocket) Connected(context.Context) {
	s.app.note(fmt.Sprint("connected ", s.socket.Recovered(), " ", s.socket.RecoveryFailure()))
}

func (s *appSocket) Event(_ context.Context, e connection.Event) {
	s.app.note("event " + e.Name)
	if s.app.block != nil {
		<-s.app.block
	}
}

func (s *appSocket) Disconnected(r connection.Reason) { s.app.note("disconnected " + r.String()) }
