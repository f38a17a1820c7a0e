package supervisor

import (
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/transport"
)

// entry is one connection.
type entry struct {
	pid           *actor.PID
	session       *connection.Session
	sockets       []*known
	authenticated int
}

// supervisor is the actor.
type supervisor struct {
	guard   actors.Guard
	env     *connection.Env
	options Options
	props   *actor.Props

	connections     map[string]*entry // by session id
	sids            map[string]string // session id by the actor's id
	sockets         map[string]*known // by socket id
	unauthenticated int               // connections without an authenticated socket
	members         int               // authenticated sockets

	addresses  addresses
	handshakes actors.Bucket // of all addresses
	began      time.Time     // where their clock begins

	published error                  // what was stored last in
	refusal   *atomic.Pointer[error] // of the handle

	stopping bool // the actor itself: messages still come while its children end
	draining bool
	closing  []string // session ids that are still to be told
	gone     []chan struct{}
	timer    *actors.Timer

	forgetting  bool // forgetTimer is armed
	forgetTimer *actors.Timer
}

// known is the supervisor's copy of a socket.
type known struct {
	socket *connection.Socket
	state  connection.State
}

// Receive dispatches.
func (s *supervisor) Receive(ctx actor.Context) {
	defer s.guard.Catch(ctx)
	switch m := ctx.Message().(type) {
	case *spawn:
		m.reply <- s.spawn(ctx, m.session)
	case *abandon:
		s.abandon(ctx, m)
	case *admit:
		s.admit(m)
	case *findSession:
		s.findSession(m)
	case *findSocket:
		s.findSocket(m)
	case *listSockets:
		s.list(m)
	case *count:
		m.reply <- s.count()
	case *connection.SocketOpened:
		s.socketOpened(m.Socket)
	case *connection.SocketState:
		s.socketState(m)
	case *connection.SocketClosed:
		s.socketClosed(m.Socket)
	case *roomregistry.Rebuild:
		s.rebuild(m)
	case *actor.Terminated:
		s.terminated(m.Who)
	case *drain:
		s.drain()
		close(m.done)
	case *closeAll:
		s.closeAll(m)
	case *closeBatch:
		s.closeBatch()
	case *forget:
		s.forget()
	case *abortAll:
		s.tellAll(&connection.Abort{Reason: m.reason})
	case *actor.Started:
		s.refusal.Store(nil) // of a former life
	case *actor.Stopping:
		s.stopping = true
		s.timer.Stop()
		s.forgetTimer.Stop()
	case actor.AutoReceiveMessage, actor.SystemMessage:
	default:
		s.env.System.Logger().Error("supervisor: unknown message", slog.Any("message", m))
	}
}

// spawn makes the actor of a new connection, within the limits.
func (s *supervisor) spawn(ctx actor.Context, session *connection.Session) error {
	client := session.Handshake().ClientIP
	if err := s.refuse(); err != nil {
		return err
	}
	if s.addresses.full(client) {
		return transport.ErrTooManyOfClient
	}
	s.addresses.opened(client)
	pid := ctx.SpawnPrefix(s.props, "c")
	session.ServedBy(pid)
	s.connections[session.ID()] = &entry{pid: pid, session: session}
	s.sids[pid.Id] = session.ID()
	s.unauthenticated++
	s.publish()
	return nil
}

// abandon forgets a connection that has not begun, and does not wait for the end of its actor.
func (s *supervisor) abandon(ctx actor.Context, m *abandon) {
	ctx.Stop(m.session.PID())
	s.terminated(m.session.PID())
	close(m.done)
}

// refuse tells why no further connection is taken, whoever comes; nil: one is.
func (s *supervisor) refuse() error {
	switch {
	case s.draining:
		return transport.ErrDraining
	case len(s.connections) >= s.options.MaxConnections:
		return transport.ErrTooManyConnections
	case s.env.Authenticates() && s.unauthenticated >= s.options.MaxUnauthenticated:
		return transport.ErrTooManyUnauthenticated
	default:
		return nil
	}
}

// publish lets those who ask beforehand know what refuse says. It is called after every change of what that looks at.
func (s *supervisor) publish() {
	if err := s.refuse(); err != s.published { //nolint:errorlint // one of few values
		s.published = err
		s.refusal.Store(&err)
	}
}

func (s *supervisor) findSession(m *findSession) {
	var found *connection.Session
	if e := s.connections[m.sid]; e != nil {
		found = e.session
	}
	m.reply <- found
}

func (s *supervisor) findSocket(m *findSocket) {
	var found *connection.Socket
	if k := s.sockets[m.id]; k != nil {
		found = k.socket
	}
	m.reply <- found
}

func (s *supervisor) list(m *listSockets) {
	all := make([]*connection.Socket, 0, len(s.sockets))
	for _, k := range s.sockets {
		all = append(all, k.socket)
	}
	m.reply <- all
}

func (s *supervisor) count() Counts {
	return Counts{
		Connections: len(s.connections), Sockets: len(s.sockets), Unauthenticated: s.unauthenticated, Authenticated: s.members,
	}
}

func (s *supervisor) socketOpened(socket *connection.Socket) {
	socket.Session().Listed()
	e := s.connections[socket.Session().ID()]
	if e == nil {
		return
	}
	k := &known{socket: socket}
	e.sockets = append(e.sockets, k)
	s.sockets[socket.ID()] = k
}

func (s *supervisor) socketState(m *connection.SocketState) {
	k := s.sockets[m.Socket.ID()]
	if k == nil || k.state == m.State {
		return
	}
	e := s.connections[m.Socket.Session().ID()]
	s.authenticated(e, k.state, -1)
	k.state = m.State
	s.authenticated(e, k.state, +1)
}

// authenticated keeps the counts of authenticated sockets and of connections without one.
func (s *supervisor) authenticated(e *entry, state connection.State, by int) {
	if state != connection.Authenticated {
		return
	}
	s.members += by
	before := e.authenticated
	e.authenticated += by
	switch {
	case before == 0 && by > 0:
		s.unauthenticated--
	case before == 1 && by < 0:
		s.unauthenticated++
	}
	s.publish()
}

func (s *supervisor) socketClosed(socket *connection.Socket) {
	k := s.sockets[socket.ID()]
	if k == nil || k.socket != socket {
		return
	}
	delete(s.sockets, socket.ID())
	if e := s.connections[socket.Session().ID()]; e != nil {
		e.sockets = slices.DeleteFunc(e.sockets, func(o *known) bool { return o == k })
		s.authenticated(e, k.state, -1)
	}
}

// terminated forgets a connection. It overtakes what the connection itself has reported of its sockets.
func (s *supervisor) terminated(who *actor.PID) {
	sid, ok := s.sids[who.Id]
	if !ok {
		return
	}
	e := s.connections[sid]
	for _, k := range slices.Clone(e.sockets) {
		s.socketClosed(k.socket)
	}
	if e.authenticated == 0 {
		s.unauthenticated--
	}
	s.addresses.closed(e.session.Handshake().ClientIP)
	delete(s.sids, who.Id)
	delete(s.connections, sid)
	s.publish()
	s.goneIfEmpty()
}

// rebuild asks every connection to tell a shard that lost its memory about its sockets.
func (s *supervisor) rebuild(m *roomregistry.Rebuild) {
	announce := &roomregistry.Announce{Shard: m.Shard, Epoch: m.Epoch}
	s.tellAll(announce)
	s.env.System.Send(m.Shard.PID(), &roomregistry.Announcing{Epoch: m.Epoch, Connections: len(s.connections)})
}

func (s *supervisor) tellAll(m any) {
	for _, e := range s.connections {
		s.env.System.Send(e.pid, m)
	}
}
