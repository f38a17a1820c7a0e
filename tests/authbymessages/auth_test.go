package authbymessages

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/actortest"
	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/transport"
	"github.com/actio-go/actio/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// answer is what the application's Verifier says.
type answer struct {
	principal *connection.Principal
	err       error
}

// desk is one connection whose client is the test.
type desk struct {
	t          *testing.T
	supervisor *actortest.Probe
	session    *connection.Session
	asked      chan *connection.Handshake // the Verifier was called
	answers    chan answer                // what it is to return
	counters   *connection.Counters
	told       []string // by the callbacks of the application
}

// open makes a connection in an actor system of the application's own. Call it in a bubble.
func open(t *testing.T) *desk {
	t.Helper()
	own := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.DiscardHandler)
	}))
	system := actortest.NewSystem(t, func(o *actors.Options) { o.ActorSystem = own })
	registry := roomregistry.Start(system, roomregistry.Options{Shards: 1})
	t.Cleanup(func() { require.NoError(t, registry.Stop(context.Background())) })

	d := &desk{
		t: t, supervisor: actortest.NewProbe(t, system), counters: new(connection.Counters),
		asked: make(chan *connection.Handshake, 10), answers: make(chan answer, 10),
	}
	env := connection.NewEnv(connection.Env{
		System: system, Registry: registry, Supervisor: d.supervisor.PID(), Counters: d.counters, App: app{d},
		Options: connection.Options{
			PingInterval: 25 * time.Second, PingTimeout: 20 * time.Second, ConnectTimeout: 45 * time.Second,
			Early:      func(time.Duration) time.Duration { return 0 }, // no heartbeat among the packets that are looked at
			PollLinger: 5 * time.Second, MaxPayload: 1_000_000, Limits: wire.DefaultLimits(), QueueBytes: 1 << 20,
			InboxEvents: 64, InboxEventsHard: 4096, InboxBytes: 1 << 20, InboxBytesHard: 2 << 20,
			MaxNamespaces: 1, MaxRooms: 10, DefaultRooms: []string{"news"},
			Authenticate: d.verify, AuthenticateTimeout: 10 * time.Second, MaxAuthAttempts: 3, MaxAuthBytes: 1000,
		},
	})
	pid := system.Spawn(connection.Props(env), "connection")
	d.session = connection.NewSession(env, connection.NewSessionID(), pid, &transport.Handshake{RemoteAddr: "192.0.2.1:1234"})
	first := new(transport.Poll)
	system.Send(pid, &connection.Begin{Session: d.session, Link: first, Begun: make(chan struct{})})
	synctest.Wait()
	require.NotEmpty(t, packets(first), "the session is open")
	return d
}

// verify is the application's function under test; here it does as the test says.
func (d *desk) verify(_ context.Context, h *connection.Handshake) (*connection.Principal, error) {
	d.asked <- h
	a := <-d.answers // however long it takes, even if nobody waits for it any more
	return a.principal, a.err
}

// send lets the client send packets, and returns what it gets with its next GET.
func (d *desk) send(texts ...string) []string {
	d.t.Helper()
	post := new(transport.Post)
	for _, text := range texts {
		p, err := wire.DecodeEngineText([]byte(text))
		require.NoError(d.t, err)
		post.Packets = append(post.Packets, p)
	}
	d.session.Post(d.t.Context(), post)
	return d.get()
}

// get lets the client poll once, and returns the packets; none if there are none now.
func (d *desk) get() []string {
	poll := new(transport.Poll)
	d.session.Poll(poll)
	synctest.Wait()
	got := packets(poll)
	if got == nil { // it waits: take it back, as a client does not poll twice
		d.session.Send(wire.PrepareEngine(wire.EnginePacket{Type: wire.EngineNoop}))
		synctest.Wait()
	}
	return got
}

func packets(p *transport.Poll) []string {
	body, _ := p.Answer()
	if body == nil {
		return nil
	}
	return strings.Split(string(body), "\x1e")
}

// app is the application above the connection: one namespace, callbacks that take notes.
type app struct{ desk *desk }

func (app) Entrance(namespace string) *connection.Entrance {
	if namespace != "/" {
		return nil
	}
	return new(connection.Entrance)
}

func (a app) NewSocket(*connection.Socket) connection.Handler { return callbacks(a) }

type callbacks app

func (c callbacks) Connected(context.Context) { c.desk.told = append(c.desk.told, "connected") }

func (c callbacks) Event(_ context.Context, e connection.Event) {
	c.desk.told = append(c.desk.told, e.Name)
}

func (c callbacks) Disconnected(r connection.Reason) {
	c.desk.told = append(c.desk.told, r.String())
}

// enter connects the client to the namespace and asks for authentication. It returns the socket, whose verifier runs.
func (d *desk) enter(auth string) *connection.Socket {
	d.t.Helper()
	got := d.send("40" + auth)
	require.Len(d.t, got, 1)
	require.Contains(d.t, got[0], `40{"sid":"~`)
	socket := actortest.Expect[*connection.SocketOpened](d.t, d.supervisor).Socket
	assert.Equal(d.t, connection.Unauthorized, socket.State())

	require.Empty(d.t, d.send(`42["authenticate"]`))
	require.Len(d.t, d.asked, 1)
	assert.Equal(d.t, auth, string((<-d.asked).Auth))
	d.expect(connection.Authenticating)
	return socket
}

// expect waits for the next state of the socket.
func (d *desk) expect(s connection.State) *connection.SocketState {
	d.t.Helper()
	m := actortest.Expect[*connection.SocketState](d.t, d.supervisor)
	assert.Equal(d.t, s, m.State)
	return m
}

// gone lets the client read its farewell to the end and checks how the socket ended.
func (d *desk) gone(why connection.Reason) {
	d.t.Helper()
	assert.Equal(d.t, why, actortest.Expect[*connection.SocketClosed](d.t, d.supervisor).Reason)
	for range 2 {
		d.get()
	}
	<-d.session.Done()
	synctest.Wait()
}

func TestAccepted_TheClientIsTold_ThenTheApplication(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		d := open(t)
		socket := d.enter(`{"token":"of ann"}`)
		require.Empty(t, d.send(`42["too early"]`), "dropped: nobody is authenticated yet")

		d.answers <- answer{principal: &connection.Principal{UserID: "ann"}}
		synctest.Wait()
		assert.Contains(t, d.get()[0], `42["authenticated",{"id":"`+socket.ID()+`"`)
		assert.Equal(t, "ann", d.expect(connection.Authenticated).UserID)
		rooms, err := socket.Rooms(t.Context())
		require.NoError(t, err)
		assert.Equal(t, []string{socket.ID(), "news"}, rooms)

		d.send(`42["hello"]`, "41")
		synctest.Wait()
		assert.Equal(t, []string{"connected", "hello", "client namespace disconnect"}, d.told)
		d.session.Close(connection.ReasonForcedServerClose)
		d.gone(connection.ReasonClientDisconnect)
	})
}

func TestRefused_TheClientIsToldWhy_AndTheApplicationNothing(t *testing.T) {
	for name, a := range map[string]answer{
		"Invalid token to authenticate! Please login again!":         {},
		"Failed to authenticate connection! Please login again!":     {err: errors.New("no database")},
		"Invalid token to authenticate! Please login again! Really.": {err: connection.ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			actortest.Bubble(t, func(t *testing.T) {
				d := open(t)
				d.enter(`{}`)
				d.answers <- a
				synctest.Wait()
				got := d.get()
				require.Len(t, got, 2)
				assert.Contains(t, got[0], `42["unauthenticated",{"message":"`+strings.TrimSuffix(name, " Really."))
				assert.Equal(t, "41", got[1])
				d.gone(connection.ReasonAuthenticationFailed)
				assert.Empty(t, d.told)
			})
		})
	}
}

func TestTimedOut_ALateVerdictChangesNothing(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		d := open(t)
		socket := d.enter(`{}`)
		time.Sleep(10*time.Second - time.Nanosecond)
		synctest.Wait()
		assert.Equal(t, connection.Authenticating, socket.State())
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		assert.Contains(t, d.get()[0], `42["unauthenticated",{"message":"Authentication timed out! Please login again!"`)

		d.answers <- answer{principal: &connection.Principal{UserID: "late"}}
		synctest.Wait()
		assert.EqualValues(t, 1, d.counters.LateVerdicts.Load())
		assert.Nil(t, socket.Principal())
		d.gone(connection.ReasonAuthenticationTimeout)
		assert.Empty(t, d.told)
	})
}
