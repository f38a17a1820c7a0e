package supervisor

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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

// application accepts the default namespace and does nothing.
type application struct{}

func (application) Entrance(namespace string) *connection.Entrance {
	if namespace != "/" {
		return nil
	}
	return new(connection.Entrance)
}
func (application) NewSocket(*connection.Socket) connection.Handler { return application{} }
func (application) Connected(context.Context)                       {}
func (application) Event(context.Context, connection.Event)         {}
func (application) Disconnected(connection.Reason)                  {}
func accept(context.Context, *connection.Handshake) (*connection.Principal, error) {
	return &connection.Principal{UserID: "ann"}, nil
}

// rig is a supervisor in a bubble, with a real registry and clients that poll without HTTP.
type rig struct {
	t        *testing.T
	ctx      context.Context
	system   *actors.System
	registry *roomregistry.Registry
	*Supervisor
}

func inBubble(t *testing.T, test func(r *rig), configure ...func(*Options)) {
	t.Helper()
	actortest.Bubble(t, func(t *testing.T) {
		r := &rig{t: t, ctx: context.Background(), system: actortest.NewSystem(t)}
		r.registry = roomregistry.Start(r.system, roomregistry.Options{Shards: 2})
		env := connection.NewEnv(connection.Env{
			System: r.system, Registry: r.registry, App: application{}, Counters: new(connection.Counters),
			Options: connection.Options{
				PingInterval: 25 * time.Second, PingTimeout: 20 * time.Second, ConnectTimeout: 45 * time.Second,
				Early:               func(time.Duration) time.Duration { return 0 }, // the tests want to know when
				AuthenticateTimeout: 10 * time.Second, QueueBytes: 1 << 20, PollLinger: 5 * time.Second, Linger: time.Second,
				PostWait: time.Millisecond, InboxEvents: 4, InboxEventsHard: 8, InboxBytes: 1000, InboxBytesHard: 1000,
				MaxNamespaces: 2, MaxAuthAttempts: 2, MaxAuthBytes: 1000, MaxRooms: 10, Limits: wire.DefaultLimits(), Authenticate: accept,
			},
		})
		o := Options{MaxConnections: 5, MaxUnauthenticated: 3, CloseBatch: 2, CloseInterval: 10 * time.Second}
		for _, f := range configure {
			f(&o)
		}
		r.Supervisor = Start(env, o)
		r.registry.SetSource(r.PID())
		test(r)
		ctx, cancel := context.WithCancel(r.ctx)
		cancel()
		_ = r.CloseAll(ctx)
		require.NoError(t, r.Stop(r.ctx))
		require.NoError(t, r.registry.Stop(r.ctx))
	})
}

// client is a polling client.
type client struct {
	r       *rig
	sid     string
	session transport.Session
}

// open makes a session.
func (r *rig) open() *client {
	r.t.Helper()
	return r.openFrom(netip.MustParseAddr("192.0.2.1"))
}

func (r *rig) openFrom(address netip.Addr) *client {
	r.t.Helper()
	p := new(transport.Poll)
	opening, err := r.Open(handshakeFrom(address))
	require.NoError(r.t, err)
	require.NoError(r.t, opening.Begin(p))
	<-p.Answered()
	body, _ := p.Answer()
	open, err := wire.DecodeOpen(body[1:])
	require.NoError(r.t, err)
	session, ok := r.Find(r.ctx, open.SID)
	require.True(r.t, ok)
	return &client{r: r, sid: open.SID, session: session}
}

// refusal is the error of a session that is not to be had.
func (r *rig) refusal(h *transport.Handshake) error {
	_, err := r.Open(h)
	return err
}

func handshakeFrom(address netip.Addr) *transport.Handshake {
	return &transport.Handshake{RemoteAddr: netip.AddrPortFrom(address, 1).String(), ClientIP: address}
}

// leave ends a session as its client would.
func (c *client) leave() {
	c.post("1")
	time.Sleep(2 * time.Second)
	synctest.Wait()
}

func (c *client) post(packets ...string) {
	c.r.t.Helper()
	p := new(transport.Post)
	for _, text := range packets {
		packet, err := wire.DecodeEngineText([]byte(text))
		require.NoError(c.r.t, err)
		p.Packets = append(p.Packets, packet)
	}
	c.session.Post(c.r.ctx, p)
	synctest.Wait()
}

// get polls once, and returns what came.
func (c *client) get() string {
	p := new(transport.Poll)
	c.session.Poll(p)
	synctest.Wait()
	body, refusal := p.Answer()
	if refusal != nil {
		return refusal.Message
	}
	return strings.ReplaceAll(string(body), "\x1e", " ")
}

// authenticated is a client that has authenticated.
func (r *rig) authenticated() *client {
	c := r.open()
	c.post("40", `42["authenticate"]`)
	require.Contains(r.t, c.get(), `42["authenticated"`)
	return c
}

func (r *rig) counts() Counts {
	r.t.Helper()
	c, err := r.Counts(r.ctx)
	require.NoError(r.t, err)
	return c
}

func TestOpen_OverALimit_IsRefused(t *testing.T) {
	inBubble(t, func(r *rig) {
		for range 2 {
			r.open()
		}
		assert.NoError(t, r.Admit(r.ctx, netip.Addr{}))
		last := r.open()
		assert.ErrorIs(t, r.refusal(&transport.Handshake{}), transport.ErrTooManyUnauthenticated)
		assert.ErrorIs(t, r.Admit(r.ctx, netip.Addr{}), transport.ErrTooManyConnections)
		assert.EqualValues(t, 2, r.env.Counters.RefusedUnauthenticated.Load())
		assert.Zero(t, r.env.Counters.RefusedConnections.Load())
		last.leave()
		assert.NoError(t, r.Admit(r.ctx, netip.Addr{}), "one has gone")
	})
	inBubble(t, func(r *rig) {
		for range 5 {
			r.authenticated()
		}
		err := r.refusal(&transport.Handshake{})
		assert.ErrorIs(t, err, transport.ErrTooManyConnections)
		assert.NotErrorIs(t, err, transport.ErrTooManyUnauthenticated)
		assert.EqualValues(t, 1, r.env.Counters.RefusedConnections.Load())
	})
}

func TestOpen_NotBegunYet_HasItsPlaceUntilItIsAbandoned(t *testing.T) {
	inBubble(t, func(r *rig) {
		h := handshakeFrom(netip.MustParseAddr("192.0.2.1"))
		for range 3 {
			opening, err := r.Open(h)
			require.NoError(t, err)
			require.ErrorIs(t, r.refusal(h), transport.ErrTooManyConnections)
			require.ErrorIs(t, r.Admit(r.ctx, h.ClientIP), transport.ErrTooManyConnections)
			assert.Equal(t, 1, r.counts().Connections)
			opening.Abandon()
			assert.Equal(t, Counts{}, r.counts())
		}
		r.open()
	}, func(o *Options) { o.MaxConnections, o.MaxConnectionsPerIP = 1, 1 })
}

func TestOpen_NotBegunWhenTheServerCloses_IsBegunAndClosedOrAbandoned(t *testing.T) {
	inBubble(t, func(r *rig) {
		first, err := r.Open(&transport.Handshake{})
		require.NoError(t, err)
		second, err := r.Open(&transport.Handshake{})
		require.NoError(t, err)
		closed := make(chan error, 1)
		go func() { closed <- r.CloseAll(r.ctx) }()
		synctest.Wait()
		assert.Equal(t, 2, r.counts().Connections)
		first.Abandon()
		synctest.Wait()
		require.Empty(t, closed)
		p := new(transport.Poll)
		require.NoError(t, second.Begin(p))
		<-p.Answered()
		require.NoError(t, <-closed)
	})
}

func TestBegin_ServerHasStoppedMeanwhile_IsRefused(t *testing.T) {
	inBubble(t, func(r *rig) {
		late, err := r.Open(&transport.Handshake{})
		require.NoError(t, err)
		never, err := r.Open(&transport.Handshake{})
		require.NoError(t, err)
		require.NoError(t, r.Stop(r.ctx))
		assert.ErrorIs(t, late.Begin(new(transport.Poll)), transport.ErrDraining)
		never.Abandon() // nobody is left to hear it
	})
}

func TestCounts_LifeOfAClient_FollowIt(t *testing.T) {
	inBubble(t, func(r *rig) {
		assert.Equal(t, Counts{}, r.counts())
		c := r.open()
		assert.Equal(t, Counts{Connections: 1, Unauthenticated: 1}, r.counts())
		c.post("40")
		assert.Equal(t, Counts{Connections: 1, Unauthenticated: 1, Sockets: 1}, r.counts())
		c.post(`42["authenticate"]`)
		assert.Equal(t, Counts{Connections: 1, Sockets: 1, Authenticated: 1}, r.counts())
		c.post("41")
		assert.Equal(t, Counts{Connections: 1, Unauthenticated: 1}, r.counts())
		c.get()
		c.post("1")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.Equal(t, Counts{}, r.counts())
		_, ok := r.Find(r.ctx, c.sid)
		assert.False(t, ok)
	})
}

func TestSockets_Listed_AreFoundByTheirID(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.authenticated()
		r.authenticated()
		all, err := r.Sockets(r.ctx)
		require.NoError(t, err)
		require.Len(t, all, 2)
		found, err := r.Socket(r.ctx, all[0].ID())
		require.NoError(t, err)
		assert.Same(t, all[0], found)
		none, err := r.Socket(r.ctx, "nobody")
		require.NoError(t, err)
		assert.Nil(t, none)
	})
}

func TestConnection_ActorCrashes_IsForgottenAndHarmsNobody(t *testing.T) {
	inBubble(t, func(r *rig) {
		victim, neighbour := r.authenticated(), r.authenticated()
		session := victim.session.(*connection.Session)
		r.system.Send(session.PID(), (*connection.Begin)(nil))
		<-session.Done()
		synctest.Wait()
		assert.Equal(t, "Session ID unknown", victim.get())
		assert.Equal(t, Counts{Connections: 1, Sockets: 1, Authenticated: 1}, r.counts())
		assert.EqualValues(t, 1, r.system.Panics())
		neighbour.post("41")
		assert.Zero(t, r.counts().Sockets)
	})
}

func TestShard_Crashes_IsRebuiltFromTheConnections(t *testing.T) {
	inBubble(t, func(r *rig) {
		clients := []*client{r.authenticated(), r.authenticated(), r.authenticated()}
		all, err := r.Sockets(r.ctx)
		require.NoError(t, err)
		for _, s := range all {
			require.NoError(t, s.Join(r.ctx, "room"))
			r.system.Send(r.registry.Shard(s.ID()).PID(), (*roomregistry.Join)(nil))
		}
		synctest.Wait()
		m, err := wire.EncodeEvent("/", "news")
		require.NoError(t, err)
		r.registry.Broadcast(&roomregistry.Broadcast{Namespace: "/", Rooms: []string{"room"}, Message: m})
		time.Sleep(5 * time.Second)
		synctest.Wait()
		for i, c := range clients {
			assert.Equal(t, `42["news"]`, c.get(), fmt.Sprint(i))
		}
	})
}

func TestCloseAll_ManyConnections_ClosesThemInBatches(t *testing.T) {
	inBubble(t, func(r *rig) {
		for range 5 {
			r.authenticated()
		}
		sockets, err := r.Sockets(r.ctx)
		require.NoError(t, err)
		closed := make(chan error, 1)
		go func() { closed <- r.CloseAll(r.ctx) }()
		for _, want := range []int{2, 4, 5} {
			synctest.Wait()
			told := 0
			for _, s := range sockets {
				if s.Reason() == connection.ReasonServerShutdown {
					told++
				}
			}
			assert.Equal(t, want, told)
			time.Sleep(10 * time.Second)
		}
		require.NoError(t, <-closed)
		assert.Equal(t, Counts{}, r.counts())
		assert.ErrorIs(t, r.refusal(&transport.Handshake{}), transport.ErrDraining)
	})
}

func isOver(s *connection.Session) bool {
	select {
	case <-s.Done():
		return true
	default:
		return false
	}
}

func TestCloseAll_ContextEnds_AbortsTheRest(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := r.authenticated()
		ctx, cancel := context.WithTimeout(r.ctx, time.Second)
		defer cancel()
		require.ErrorIs(t, r.CloseAll(ctx), context.DeadlineExceeded)
		synctest.Wait()
		assert.True(t, isOver(c.session.(*connection.Session)))
	})
}

func TestStopped_EveryQuestion_ReturnsErrStopped(t *testing.T) {
	inBubble(t, func(r *rig) {
		require.NoError(t, r.Stop(r.ctx))
		_, err := r.Counts(r.ctx)
		require.ErrorIs(t, err, ErrStopped)
		_, err = r.Sockets(r.ctx)
		require.ErrorIs(t, err, ErrStopped)
		require.NoError(t, r.CloseAll(r.ctx))
		_, ok := r.Find(r.ctx, "x")
		assert.False(t, ok)
		assert.ErrorIs(t, r.refusal(&transport.Handshake{}), transport.ErrDraining)
	})
}
