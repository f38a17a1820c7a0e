package supervisor

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/transport"
)

// ErrStopped says that the supervisor has stopped: there are no connections.
var ErrStopped = errors.New("actio: supervisor stopped")

// Options bound the set of connections.
type Options struct {
	MaxConnections     int           // in total
	MaxUnauthenticated int           // without an authenticated socket; counts only where there is authentication
	CloseBatch         int           // connections that CloseAll closes at a time
	CloseInterval      time.Duration // and the time between two batches

	MaxConnectionsPerIP int         // of one address, or one network of version 6 with 64 bits; 0: no bound
	Handshakes          actors.Rate // of all clients
	HandshakesPerIP     actors.Rate // of one address
}

// asks tells whether there are limits that only the actor knows about.
func (o *Options) asks() bool {
	return o.MaxConnectionsPerIP > 0 || o.Handshakes.Limited() || o.HandshakesPerIP.Limited()
}

// Counts is a snapshot of the set of connections.
type Counts struct {
	Connections     int // Engine.IO sessions
	Unauthenticated int // of them, those without an authenticated socket
	Sockets         int // clients in namespaces
	Authenticated   int // of them, authenticated ones
}

// Supervisor is the handle of the supervisor's actor. All methods are safe for concurrent use.
type Supervisor struct {
	env  *connection.Env
	pid  *actor.PID
	done chan struct{} // closed by Stop
	once sync.Once

	asks     bool // see Options.asks
	refusals refusals
	refusal  atomic.Pointer[error] // why no further connection is taken; nil, or of nil: one is
}

var (
	_ transport.Sessions = (*Supervisor)(nil)
	_ transport.Admitter = (*Supervisor)(nil)
)

// Start spawns the supervisor and makes it the one that env's connections talk to. A connection that fails is stopped: its
// transport lives in the fields that were lost.
func Start(env *connection.Env, o Options) *Supervisor {
	handle := &Supervisor{env: env, done: make(chan struct{}), asks: o.asks()}
	c, r := env.Counters, &handle.refusals
	r.connections.count, r.unauthenticated.count = &c.RefusedConnections, &c.RefusedUnauthenticated
	r.ofClient.count, r.tooFast.count, r.clientTooFast.count = &c.RefusedPerIP, &c.RefusedRate, &c.RefusedRatePerIP
	stop := actor.NewOneForOneStrategy(0, 0, func(any) actor.Directive { return actor.StopDirective })
	props := actor.PropsFromProducer(func() actor.Actor {
		s := &supervisor{
			guard: actors.NewGuard(env.System, "supervisor"), env: env, options: o, props: connection.Props(env),
			refusal: &handle.refusal, addresses: newAddresses(o), began: time.Now().Add(-time.Second),
			connections: make(map[string]*entry), sids: make(map[string]string), sockets: make(map[string]*known),
		}
		s.timer = env.System.Clock().NewTimer("close batch", func() { handle.tell(&closeBatch{}) })
		s.forgetTimer = env.System.Clock().NewTimer("addresses", func() { handle.tell(&forget{}) })
		return s
	}, actors.Queued(), actor.WithSupervisor(stop))
	handle.pid = env.System.Spawn(props, "actio-supervisor")
	env.Supervisor = handle.pid
	return handle
}

// PID is the actor's address.
func (s *Supervisor) PID() *actor.PID { return s.pid }

func (s *Supervisor) tell(m any) { s.env.System.Send(s.pid, m) }

// Admit tells before the application is asked about a handshake whether Open would take it, as things stood a moment ago. It asks
// the actor only where there are limits for addresses, or for a second. The handshake counts then.
func (s *Supervisor) Admit(ctx context.Context, client netip.Addr) error {
	select {
	case <-s.done:
		return transport.ErrDraining
	default:
	}
	if refusal := s.refusal.Load(); refusal != nil && *refusal != nil {
		return s.refused(*refusal, client)
	}
	if !s.asks {
		return nil
	}
	reply := make(chan error, 1)
	refused, err := ask(ctx, s, &admit{client: client, reply: reply}, reply)
	switch {
	case errors.Is(err, ErrStopped):
		return transport.ErrDraining
	case err != nil:
		return err
	}
	return s.refused(refused, client)
}

// Open makes a new session. ErrDraining, ErrTooManyConnections and ErrTooManyOfClient of package transport say why not.
func (s *Supervisor) Open(h *transport.Handshake) (transport.Opening, error) {
	session := connection.NewSession(s.env, connection.SessionIDFor(h), nil, h)
	reply := make(chan error, 1)
	s.tell(&spawn{session: session, reply: reply})
	select {
	case err := <-reply:
		if err != nil {
			return nil, s.refused(err, h.ClientIP)
		}
		return opening{s, session}, nil
	case <-s.done:
		return nil, transport.ErrDraining
	}
}

// opening is a session that has an actor, and no transport yet.
type opening struct {
	supervisor *Supervisor
	session    *connection.Session
}

// Begin gives the session its transport. ErrDraining says that the server has ended meanwhile.
func (o opening) Begin(link transport.Link) error {
	if p, ok := link.(*transport.Poll); ok {
		p.SID = o.session.ID()
	}
	return o.supervisor.begin(o.session, link)
}

// Abandon ends the session: its place is free when that returns.
func (o opening) Abandon() {
	done := make(chan struct{})
	o.supervisor.tell(&abandon{session: o.session, done: done})
	select {
	case <-done:
	case <-o.supervisor.done:
	}
}

// begin hands the link to the session's actor. One that was stopped before takes it no more.
func (s *Supervisor) begin(session *connection.Session, link transport.Link) error {
	begun := make(chan struct{})
	s.env.System.Send(session.PID(), &connection.Begin{Session: session, Link: link, Begun: begun})
	select {
	case <-begun:
		return nil
	case <-s.done:
	}
	select {
	case <-begun:
		return nil
	default:
		return transport.ErrDraining
	}
}

// Find returns the session with an id.
func (s *Supervisor) Find(ctx context.Context, sid string) (transport.Session, bool) {
	reply := make(chan *connection.Session, 1)
	session, err := ask(ctx, s, &findSession{sid: sid, reply: reply}, reply)
	if err != nil || session == nil {
		return nil, false
	}
	return session, true
}

// Socket returns the socket with an id; nil when there is none.
func (s *Supervisor) Socket(ctx context.Context, id string) (*connection.Socket, error) {
	reply := make(chan *connection.Socket, 1)
	return ask(ctx, s, &findSocket{id: id, reply: reply}, reply)
}

// Sockets returns all sockets, in no order.
func (s *Supervisor) Sockets(ctx context.Context) ([]*connection.Socket, error) {
	reply := make(chan []*connection.Socket, 1)
	return ask(ctx, s, &listSockets{reply: reply}, reply)
}

// Counts returns how many there are.
func (s *Supervisor) Counts(ctx context.Context) (Counts, error) {
	reply := make(chan Counts, 1)
	return ask(ctx, s, &count{reply: reply}, reply)
}

// Drain refuses new connections and new events from now on.
func (s *Supervisor) Drain(ctx context.Context) error {
	done := make(chan struct{})
	_, err := ask(ctx, s, &drain{done: done}, done)
	return err
}

// CloseAll closes all connections in good order and returns when none is left. When ctx ends before, the rest is aborted
// and the context's error returned.
func (s *Supervisor) CloseAll(ctx context.Context) error {
	gone := make(chan struct{})
	_, err := ask(ctx, s, &closeAll{gone: gone}, gone)
	if err == nil || errors.Is(err, ErrStopped) {
		return nil
	}
	s.tell(&abortAll{reason: connection.ReasonServerShutdown})
	return err
}

// Stop stops the actor, and with it whatever connection is left. Idempotent.
func (s *Supervisor) Stop(ctx context.Context) error {
	err := s.env.System.Stop(ctx, s.pid)
	s.once.Do(func() { close(s.done) })
	return err
}

// ask sends a question and waits for its answer.
func ask[T any](ctx context.Context, s *Supervisor, question any, reply <-chan T) (answer T, err error) {
	select {
	case <-s.done:
		return answer, ErrStopped
	default:
	}
	s.tell(question)
	select {
	case answer = <-reply:
		return answer, nil
	case <-s.done:
		return answer, ErrStopped
	case <-ctx.Done():
		return answer, fmt.Errorf("supervisor: %w", context.Cause(ctx))
	}
}
