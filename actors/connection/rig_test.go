package connection

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/actortest"
	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/transport"
	"github.com/actio-go/actio/wire"
)

// latest is more than anything is late that happens by itself, see actors.Alarm.
const latest = 300 * time.Millisecond

// rig drives one real connection actor by messages, in a bubble: its client is long-polling without HTTP.
type rig struct {
	t          *testing.T
	env        *Env
	system     *actors.System
	registry   *roomregistry.Registry
	supervisor *actortest.Probe
	relay      *actor.PID
	app        *app
	session    *Session
	first      *transport.Poll // the GET that opened the session, until get has looked at it
}

// inBubble runs a test with a rig whose session has been opened.
func inBubble(t *testing.T, configure func(*Options), test func(r *rig)) {
	t.Helper()
	inBubbleOf(t, &transport.Handshake{RemoteAddr: "192.0.2.1:1"}, configure, test)
}

func inBubbleOf(t *testing.T, h *transport.Handshake, configure func(*Options), test func(r *rig)) {
	t.Helper()
	actortest.Bubble(t, func(t *testing.T) {
		r := newRig(t, h, configure)
		require.Contains(t, r.get(), `"pingInterval":`)
		test(r)
		r.session.Close(ReasonServerShutdown)
		synctest.Wait()
		r.get()
		synctest.Wait()
		<-r.session.Done()
		require.NoError(t, r.registry.Stop(context.Background()))
		require.NoError(t, r.system.Stop(context.Background(), r.relay))
	})
}

// list does of the supervisor's work what the gate waits for, and passes everything on to the probe.
func (r *rig) list(ctx actor.Context) {
	if m, ok := ctx.Message().(*SocketOpened); ok {
		m.Socket.Session().Listed()
	}
	switch ctx.Message().(type) {
	case actor.AutoReceiveMessage, actor.SystemMessage:
	default:
		ctx.Send(r.supervisor.PID(), ctx.Message())
	}
}

func newRig(t *testing.T, h *transport.Handshake, configure func(*Options)) *rig {
	t.Helper()
	r := &rig{t: t, system: actortest.NewSystem(t), app: &app{namespaces: []string{"/", "/b"}}}
	r.supervisor = actortest.NewProbe(t, r.system)
	r.relay = r.system.Spawn(actor.PropsFromFunc(r.list), "relay")
	r.registry = roomregistry.Start(r.system, roomregistry.Options{Shards: 2})
	o := testOptions()
	if configure != nil {
		configure(&o)
	}
	r.env = NewEnv(Env{
		System: r.system, Registry: r.registry, Supervisor: r.relay, Options: o, Counters: new(Counters), App: r.app,
	})
	pid := r.system.Spawn(Props(r.env), "connection")
	r.session = NewSession(r.env, SessionIDFor(h), pid, h)
	first := new(transport.Poll)
	r.system.Send(pid, &Begin{Session: r.session, Link: first, Begun: make(chan struct{})})
	synctest.Wait()
	r.first = first
	return r
}

func testOptions() Options {
	limits := wire.DefaultLimits()
	return Options{
		PingInterval: 25 * time.Second, PingTimeout: 20 * time.Second, UpgradeTimeout: 10 * time.Second,
		Early:          func(time.Duration) time.Duration { return 0 }, // tests of time want to know when
		ConnectTimeout: 45 * time.Second, MaxPayload: 1_000_000, Limits: limits, QueueBytes: 1000,
		WriteTimeout: 10 * time.Second, Linger: time.Second, PollLinger: 5 * time.Second, PostWait: 50 * time.Millisecond,
		InboxEvents: 4, InboxEventsHard: 8, InboxBytes: 1000, InboxBytesHard: 2000, MaxNamespaces: 2, MaxPendingAcks: 2,
		AuthenticateTimeout: 10 * time.Second, MaxAuthAttempts: 2, MaxAuthBytes: 1000, DefaultRooms: []string{"default"},
		RoomEvents: true, MaxRooms: 5, MaxRoomsPerRequest: 3, MaxRoomNameBytes: 16,
	}
}

// get polls once: the payload, "…" while the GET waits, or the refusal.
func (r *rig) get() string {
	r.t.Helper()
	p := r.first
	r.first = nil
	if p == nil {
		p = new(transport.Poll)
		r.session.Poll(p)
	}
	synctest.Wait()
	return describe(p)
}

func describe(p *transport.Poll) string {
	body, refusal := p.Answer()
	switch {
	case refusal != nil:
		return refusal.Message
	case body == nil:
		return "…"
	default:
		return strings.ReplaceAll(string(body), "\x1e", " ")
	}
}

// post sends packets in one POST.
func (r *rig) post(packets ...string) *transport.Post {
	r.t.Helper()
	p := new(transport.Post)
	body := []byte(strings.Join(packets, "\x1e"))
	p.Err = wire.DecodePayload(body, func(packet wire.EnginePacket) error {
		p.Packets = append(p.Packets, wire.EnginePacket{Type: packet.Type, Binary: packet.Binary, Data: bytes.Clone(packet.Data)})
		return nil
	})
	r.session.Post(context.Background(), p)
	synctest.Wait()
	return p
}

// app is an application that writes down what it is told.
type app struct {
	namespaces []string
	mu         sync.Mutex
	log        []string
	sockets    []*Socket
	onEvent    func(s *Socket, e Event)
	onEntrance func()                           // within Receive; before the namespace is looked up
	entrance   func(namespace string) *Entrance // nil: of those in namespaces, plain
}

func (a *app) Entrance(namespace string) *Entrance {
	if a.onEntrance != nil {
		a.onEntrance()
	}
	if a.entrance != nil {
		return a.entrance(namespace)
	}
	if !slices.Contains(a.namespaces, namespace) {
		return nil
	}
	return new(Entrance)
}

func (a *app) NewSocket(h *Socket) Handler {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sockets = append(a.sockets, h)
	return &appSocket{app: a, socket: h}
}

func (a *app) note(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.log = append(a.log, text)
}

// told returns what the application was told since the last call.
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
	socket *Socket
}

func (s *appSocket) Connected(context.Context) { s.app.note("connected " + s.socket.Namespace()) }

func (s *appSocket) Event(_ context.Context, e Event) {
	s.app.note("event " + e.Name)
	if s.app.onEvent != nil {
		s.app.onEvent(s.socket, e)
	}
}

func (s *appSocket) Disconnected(r Reason) { s.app.note("disconnected " + r.String()) }

// accept is a verifier that says yes.
func accept(context.Context, *Handshake) (*Principal, error) { return &Principal{UserID: "ann"}, nil }

// authenticated returns a rig's only socket after its authentication, with everything read that it caused.
func (r *rig) authenticated() *Socket {
	r.t.Helper()
	r.post("40")
	r.post(`42["authenticate"]`)
	require.Contains(r.t, r.get(), `42["authenticated",{"id":"~`)
	require.Equal(r.t, []string{"connected /"}, r.app.told())
	return r.app.sockets[0]
}
