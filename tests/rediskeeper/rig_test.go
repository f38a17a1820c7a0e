package rediskeeper

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/actortest"
	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/redisbridge"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/keeper"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/redisproc"
	"github.com/actio-go/actio/transport"
	"github.com/actio-go/actio/wire"
)

// patience bounds every wait of a test.
const patience = 20 * time.Second

// rig is a keeper between real connections and a real Redis.
type rig struct {
	t      *testing.T
	system *actors.System
	env    *connection.Env
	look   *redis.Client
	bridge *redisbridge.Bridge
	keeper *keeper.Keeper
	app    *app
}

// start starts one. The test ends it, and fails if anything of it is left then.
func start(t *testing.T, server *redisproc.Server, o keeper.Options) *rig {
	t.Helper()
	r := &rig{t: t, system: actortest.NewSystem(t), look: server.Client(), app: &app{
		sockets: make(chan *connection.Socket, 10), ended: make(chan *connection.Socket, 10),
	}}
	relay := r.system.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if m, ok := ctx.Message().(*connection.SocketOpened); ok {
			m.Socket.Session().Listed() // what the gate waits for
		}
	}), "supervisor")
	registry := roomregistry.Start(r.system, roomregistry.Options{Shards: 2})
	r.env = connection.NewEnv(connection.Env{
		System: r.system, Registry: registry, Supervisor: relay, Options: options(), Counters: new(connection.Counters), App: r.app,
	})
	o.Bridge = func() *redisbridge.Bridge { return r.bridge }
	if o.Timeout == 0 {
		o.Timeout = patience
	}
	if o.Data == nil {
		o.Data = func(s *connection.Socket) format.Payload { return data(s.ID()) }
	}
	var err error
	r.bridge, err = redisbridge.Start(t.Context(), r.system, redisbridge.Options{
		Client: server.Client(), Adapter: redisbridge.StreamsAdapter, Recovery: time.Minute,
	}, "", []string{"/"}, &instance{registry: registry})
	require.NoError(t, err)
	r.keeper = keeper.Start(r.env, o)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		assert.NoError(t, r.keeper.Stop(ctx))
		assert.NoError(t, r.bridge.Close(ctx))
		assert.NoError(t, registry.Stop(ctx))
		assert.NoError(t, r.system.Stop(ctx, relay))
	})
	return r
}

func data(id string) format.Payload { return format.NewPayload([]byte(`{"of":"`+id+`"}`), nil) }

func options() connection.Options {
	return connection.Options{
		PingInterval: time.Hour, PingTimeout: time.Hour, Early: func(time.Duration) time.Duration { return 0 },
		ConnectTimeout: time.Hour, MaxPayload: 1_000_000, Limits: wire.DefaultLimits(), QueueBytes: 1 << 20,
		WriteTimeout: patience, Linger: time.Second, PollLinger: time.Second, PostWait: 50 * time.Millisecond,
		InboxEvents: 4, InboxEventsHard: 8, InboxBytes: 1000, InboxBytesHard: 2000, MaxNamespaces: 2, MaxPendingAcks: 2,
		MaxAuthBytes: 1000, MaxRooms: 5, RecoveryTimeout: patience, AuthenticateTimeout: patience, MaxAuthAttempts: 2,
	}
}

// stored is the session that Redis has; nil: none.
func (r *rig) stored(pid string) *format.Session {
	r.t.Helper()
	text, err := r.look.Get(r.t.Context(), redisbridge.DefaultSessionKeyPrefix+pid).Bytes()
	if err != nil {
		require.ErrorIs(r.t, err, redis.Nil)
	}
	if len(text) == 0 {
		return nil // or it is over
	}
	s, err := format.DecodeSession(text)
	require.NoError(r.t, err)
	return s
}

// until waits for a session that is so.
func (r *rig) until(pid string, is func(s *format.Session) bool) {
	r.t.Helper()
	require.Eventually(r.t, func() bool { return is(r.stored(pid)) }, patience, time.Millisecond)
}

func there(s *format.Session) bool { return s != nil }
func gone(s *format.Session) bool  { return s == nil }

// left has Redis keep a session that nobody is connected with.
func (r *rig) left(s format.Session) {
	r.t.Helper()
	if s.ID == "" {
		s.ID, s.Rooms = "id of "+s.PID, []string{"id of " + s.PID, "room"}
	}
	s.Data = data(s.ID)
	r.bridge.LeaveSession(&s, r.bridge.NewHolder(), time.Time{})
	r.until(s.PID, there)
}

// leftByNode has Redis keep a session that a server of Node.js has written, in the place of whatever it had.
func (r *rig) leftByNode(pid, id, room string) {
	r.t.Helper()
	text, err := format.EncodeSession(&format.Session{ID: id, PID: pid, Rooms: []string{id, room}, Data: data(id)})
	require.NoError(r.t, err)
	require.NoError(r.t, r.look.Set(r.t.Context(), redisbridge.DefaultSessionKeyPrefix+pid, text, 0).Err())
}

// vanish takes a session out of Redis, as a server of Node.js does that takes it up, or as Redis does that is full.
func (r *rig) vanish(pid string) {
	r.t.Helper()
	require.NoError(r.t, r.look.Del(r.t.Context(), redisbridge.DefaultSessionKeyPrefix+pid).Err())
}

// answer is what a claim gets.
type answer struct {
	kept *connection.Kept
	err  error
}

// claim asks for a session.
func (r *rig) claim(pid, namespace string) (*connection.Claim, <-chan answer) {
	answers := make(chan answer, 1)
	c := connection.NewClaim(pid, namespace, "", func(k *connection.Kept, err error) { answers <- answer{k, err} })
	r.keeper.Claim(c)
	return c, answers
}

// refused waits for the refusal of a claim.
func refused(t *testing.T, answers <-chan answer, reason error) {
	t.Helper()
	a := await.Value(t, answers)
	require.ErrorIs(t, a.err, reason)
	assert.Nil(t, a.kept)
}

// given waits for the session of a claim.
func given(t *testing.T, answers <-chan answer) *connection.Kept {
	t.Helper()
	a := await.Value(t, answers)
	require.NoError(t, a.err)
	return a.kept
}

// client is one connection.
type client struct {
	rig     *rig
	session *connection.Session
}

// dial opens a connection without a namespace.
func (r *rig) dial() *client {
	r.t.Helper()
	pid := r.system.Spawn(connection.Props(r.env), "connection")
	c := &client{rig: r, session: connection.NewSession(r.env, connection.NewSessionID(), pid, &transport.Handshake{})}
	first := new(transport.Poll)
	r.system.Send(pid, &connection.Begin{Session: c.session, Link: first, Begun: make(chan struct{})})
	require.Contains(r.t, c.answer(first), `"pingInterval":`)
	r.t.Cleanup(func() { require.NoError(r.t, r.system.Stop(context.Background(), pid)) })
	return c
}

// get polls until something comes.
func (c *client) get() string {
	c.rig.t.Helper()
	p := new(transport.Poll)
	c.session.Poll(p)
	return c.answer(p)
}

func (c *client) answer(p *transport.Poll) string {
	c.rig.t.Helper()
	await.Value(c.rig.t, p.Answered())
	body, refusal := p.Answer()
	require.Nil(c.rig.t, refusal)
	return strings.ReplaceAll(string(body), "\x1e", " ")
}

// post sends a packet.
func (c *client) post(packet string) {
	p := new(transport.Post)
	p.Err = wire.DecodePayload([]byte(packet), func(packet wire.EnginePacket) error {
		packet.Data = append([]byte(nil), packet.Data...)
		p.Packets = append(p.Packets, packet)
		return nil
	})
	c.rig.system.Go("post", func() { c.session.Post(context.Background(), p) })
}

// enter joins the default namespace. The answer has everything that came with it.
func (c *client) enter(connect string) (answer, id, pid string) {
	c.rig.t.Helper()
	c.post(connect)
	answer = c.get()
	return answer, between(answer, `"sid":"`), between(answer, `"pid":"`)
}

// between is what follows a text, up to a quote.
func between(text, begin string) string {
	_, rest, _ := strings.Cut(text, begin)
	rest, _, _ = strings.Cut(rest, `"`)
	return rest
}

// again is what a client sends that comes back.
func again(pid, offset string) string { return fmt.Sprintf(`40{"pid":%q,"offset":%q}`, pid, offset) }

// emit emits an event by the bridge.
func (r *rig) emit(name string, rooms ...string) {
	r.bridge.Emit(&format.Message{
		Kind: format.Broadcast, Namespace: "/", Target: redisbridge.Target{Rooms: rooms},
		Event: format.NewPayload([]byte(`["`+name+`"]`), nil),
	}, nil)
}
