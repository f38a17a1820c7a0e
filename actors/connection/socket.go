package connection

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/transport"
)

// Handshake is what a socket was connected with: the first request of its session, and the payload of its CONNECT.
type Handshake struct {
	*transport.Handshake
	// Namespace that the socket joined.
	Namespace string
	// Auth is the payload of CONNECT as raw JSON, or that of `authenticate` when a socket renews its authentication. Nil
	// when there was none.
	Auth json.RawMessage
	// Renewal tells that an authenticated socket authenticates anew.
	Renewal bool
}

// DecodeAuth decodes Auth as encoding/json does. Without a payload it leaves v as it is.
func (h *Handshake) DecodeAuth(v any) error {
	if len(h.Auth) == 0 {
		return nil
	}
	return json.Unmarshal(h.Auth, v)
}

// Socket is the handle of one socket: a client in one namespace. It is what the application and the supervisor hold; the
// state behind it belongs to the connection's actor and is reached by message.
//
// All methods are safe for concurrent use, before, during and after the end of the socket.
type Socket struct {
	id        string
	namespace string
	session   *Session
	shard     *roomregistry.Shard
	handshake *Handshake
	opened    time.Time
	ctx       context.Context //nolint:containedctx // the lifetime of the socket itself
	cancel    context.CancelCauseFunc

	inbox inbox
	// continuity is there with recovery only; set before anybody else sees the socket.
	continuity *continuity
	bound      any                       // what the application bound to it; set before anybody else sees the socket
	asked      atomic.Int32              // acknowledgements awaited by Ask that the client may give; changed under the gate
	renewed    atomic.Pointer[Handshake] // written by the actor
	principal  atomic.Pointer[Principal] // written by the actor
	state      atomic.Uint32             // State or stateEntering, written by the actor
	reason     atomic.Uint32             // Reason, written by the actor before ctx ends
}

// ID is the socket id: 20 characters that begin with a tilde.
func (s *Socket) ID() string { return s.id }

// Namespace is the socket's namespace.
func (s *Socket) Namespace() string { return s.namespace }

// Session is the session that carries the socket.
func (s *Socket) Session() *Session { return s.session }

// PID is the address of the connection's actor.
func (s *Socket) PID() *actor.PID { return s.session.PID() }

// Handshake is what the socket was connected with, or last authenticated with.
func (s *Socket) Handshake() *Handshake {
	if h := s.renewed.Load(); h != nil {
		return h
	}
	return s.handshake
}

// Opened is when the socket joined its namespace.
func (s *Socket) Opened() time.Time { return s.opened }

// Context ends when the socket ends; its cause wraps ErrClosed.
func (s *Socket) Context() context.Context { return s.ctx }

// State is the state of authentication as the actor last published it.
func (s *Socket) State() State {
	if state := s.state.Load(); state != stateEntering {
		return State(state) //nolint:gosec // only a State is stored
	}
	return Unauthorized
}

// Principal is who the socket belongs to; nil before authentication.
func (s *Socket) Principal() *Principal { return s.principal.Load() }

// UserID is whose the socket is; empty before authentication, and for a socket without a user.
func (s *Socket) UserID() string {
	if p := s.Principal(); p != nil {
		return p.UserID
	}
	return ""
}

// Reason is why the socket ended; ReasonNone while it lives.
func (s *Socket) Reason() Reason { return Reason(s.reason.Load()) } //nolint:gosec // only a Reason is stored

// ended is why the context of a socket has ended. What is known of a socket after its end is here: it takes no room before.
type ended struct {
	reason Reason
	opened bool     // it was connected once
	rooms  []string // its own excepted
}

// Error tells the reason.
func (e *ended) Error() string { return ErrClosed.Error() + ": " + e.reason.String() }

// Unwrap makes it ErrClosed.
func (*ended) Unwrap() error { return ErrClosed }

// LastRooms lists the rooms that the socket was in when it ended, its own first. Nil: it has not ended, or was never connected.
func (s *Socket) LastRooms() []string {
	e, is := errors.AsType[*ended](context.Cause(s.ctx))
	if !is || !e.opened {
		return nil
	}
	return append([]string{s.id}, e.rooms...)
}

// Connected tells whether the socket is connected.
func (s *Socket) Connected() bool { return s.state.Load() != stateEntering && !s.Closed() }

// Closed tells whether the socket has ended.
func (s *Socket) Closed() bool { return s.ctx.Err() != nil }

// Bind keeps something of the application's with the socket. It is called once, in App.NewSocket.
func (s *Socket) Bind(v any) { s.bound = v }

// Bound is what the application bound.
func (s *Socket) Bound() any { return s.bound }

// member is how the registry knows the socket.
func (s *Socket) member() *roomregistry.Member {
	return &roomregistry.Member{Process: s.session.address.Process(), Namespace: s.namespace, SocketID: s.id, Handle: s}
}

// socket is the actor's side of a Socket: its authentication, rooms and acknowledgements.
type socket struct {
	handle    *Socket
	namespace string // the handle's
	phase     phase
	told      bool   // the connected callback was queued
	attempt   uint32 // number of what runs beside the actor: a verifier, or a step on the way in

	member  *roomregistry.Member
	app     Handler
	cancel  context.CancelCauseFunc // of the context of that
	adopted *Principal              // of the verdict that is being executed
	renewal *Handshake              // of the renewal under way
	rooms   []string
	acks    map[uint64]*ackWait
	at      [socketDeadlines]moment
	extra   *extra // nil for most
}

// Deadlines of a socket.
const (
	socketAuth = iota
	socketPing
	socketExpiry
	socketDeadlines
)
