package actio

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/wire"
)

// Types of the layer below that are part of the API.
type (
	// Handshake is what a socket was connected with.
	Handshake = connection.Handshake
	// Principal is who authentication found behind a socket.
	Principal = connection.Principal
	// State is a client's state of authentication.
	State = connection.State
	// Reason says why a socket ended.
	Reason = connection.Reason
)

// The states of a client.
const (
	Unauthorized   = connection.Unauthorized
	Authenticating = connection.Authenticating
	Authenticated  = connection.Authenticated
)

// The reasons for which a socket ends.
const (
	ReasonTransportClose        = connection.ReasonTransportClose
	ReasonTransportError        = connection.ReasonTransportError
	ReasonPingTimeout           = connection.ReasonPingTimeout
	ReasonClientDisconnect      = connection.ReasonClientDisconnect
	ReasonServerDisconnect      = connection.ReasonServerDisconnect
	ReasonForcedClose           = connection.ReasonForcedClose
	ReasonForcedServerClose     = connection.ReasonForcedServerClose
	ReasonParseError            = connection.ReasonParseError
	ReasonServerShutdown        = connection.ReasonServerShutdown
	ReasonSlowConsumer          = connection.ReasonSlowConsumer
	ReasonAuthenticationFailed  = connection.ReasonAuthenticationFailed
	ReasonAuthenticationTimeout = connection.ReasonAuthenticationTimeout
	ReasonPrincipalExpired      = connection.ReasonPrincipalExpired
	ReasonHandlerPanic          = connection.ReasonHandlerPanic
	ReasonConnectTimeout        = connection.ReasonConnectTimeout
	ReasonRateLimited           = connection.ReasonRateLimited
	ReasonCrash                 = connection.ReasonCrash
)

// Socket is one client in one namespace. All methods are safe for concurrent use, before, during and after its end.
type Socket struct {
	handle    *connection.Socket
	namespace *Namespace
	handlers  handlers
	data      atomic.Pointer[sync.Map] // nil: nothing was ever kept
}

// ID is the socket id: 20 characters that begin with a tilde. It is also a room, in which the socket is alone.
func (s *Socket) ID() string { return s.handle.ID() }

// Namespace is the socket's namespace.
func (s *Socket) Namespace() *Namespace { return s.namespace }

// Handshake is what the socket was connected with, or last authenticated with.
func (s *Socket) Handshake() *Handshake { return s.handle.Handshake() }

// Principal is who authentication found; nil before, and without authentication.
func (s *Socket) Principal() *Principal { return s.handle.Principal() }

// State is the state of authentication.
func (s *Socket) State() State { return s.handle.State() }

// Context ends with the socket.
func (s *Socket) Context() context.Context { return s.handle.Context() }

// Data is a place for whatever the application wants to keep with the socket. FetchSockets tells other instances the entries
// whose keys are strings and whose values can be encoded: such values must not be changed once they are stored.
func (s *Socket) Data() *sync.Map {
	if kept := s.data.Load(); kept != nil {
		return kept
	}
	s.data.CompareAndSwap(nil, new(sync.Map)) // or another has just made it
	return s.data.Load()
}

// Handle adds a raw handler for an event of this socket. Handlers of the socket run before those of its namespace. For
// typed handlers see On.
func (s *Socket) Handle(event string, h HandlerFunc) error { return s.handlers.add(event, h) }

// Emit sends an event. Each argument is anything that encoding/json could encode, with []byte anywhere as binary. It never
// blocks on the client. Errors: ErrClosed, ErrReservedEvent, or what the encoding of an argument returned.
func (s *Socket) Emit(event string, args ...any) error {
	return s.emit(connection.FlagNone, event, args)
}

// EmitVolatile sends an event that may be lost: it is dropped when the client is not ready for it now.
func (s *Socket) EmitVolatile(event string, args ...any) error {
	return s.emit(connection.FlagVolatile, event, args)
}

// EmitCompressed sends an event that is compressed where the client negotiated it.
func (s *Socket) EmitCompressed(event string, args ...any) error {
	return s.emit(connection.FlagCompress, event, args)
}

func (s *Socket) emit(f connection.Flags, event string, args []any) error {
	if wire.IsReserved(event) {
		return fmt.Errorf("%w: %q", ErrReservedEvent, event)
	}
	m, err := wire.EncodeEvent(s.handle.Namespace(), event, args...)
	if err != nil {
		return fmt.Errorf("actio: emit %q: %w", event, err)
	}
	return s.handle.Emit(m, f)
}

// EmitWithAck sends an event and waits for the client's acknowledgement, until the context ends (ErrTimeout) or the socket
// does (ErrClosed). In a handler it may await its own client. Other errors: those of Emit, ErrTooManyAcks, ErrInboxFull.
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	if wire.IsReserved(event) {
		return Args{}, fmt.Errorf("%w: %q", ErrReservedEvent, event)
	}
	id := s.handle.NextAckID()
	m, err := wire.EncodeEventAck(s.handle.Namespace(), id, event, args...)
	if err != nil {
		return Args{}, fmt.Errorf("actio: emit %q: %w", event, err)
	}
	return s.handle.EmitWithAck(ctx, id, m, connection.FlagNone)
}

// Join puts the socket into rooms. When it returns nil, every broadcast made afterwards reaches the socket there. Errors:
// ErrTooManyRooms (then none is joined), ErrEmptyRoom, ErrClosed, the context's.
func (s *Socket) Join(ctx context.Context, rooms ...string) error {
	return s.handle.Join(ctx, rooms...)
}

// Leave takes the socket out of rooms. Its own room cannot be left.
func (s *Socket) Leave(ctx context.Context, rooms ...string) error {
	return s.handle.Leave(ctx, rooms...)
}

// Rooms lists the rooms that the socket is in, its own first.
func (s *Socket) Rooms(ctx context.Context) ([]string, error) { return s.handle.Rooms(ctx) }

// Disconnect ends the socket after what was emitted to it: its client gets a DISCONNECT and does not reconnect by itself.
// Idempotent.
func (s *Socket) Disconnect() { s.handle.Disconnect(false) }

// Close ends the whole connection of the socket, with its sockets in all namespaces. Idempotent.
func (s *Socket) Close() { s.handle.Disconnect(true) }

// To begins a broadcast to rooms, without this socket.
func (s *Socket) To(rooms ...string) Broadcast { return s.Broadcast().To(rooms...) }

// Broadcast begins a broadcast to the namespace, without this socket.
func (s *Socket) Broadcast() Broadcast { return s.namespace.Except(s.ID()) }

// socketHandler is the side of a Socket that its connection calls, kept out of the public methods.
type socketHandler Socket

var _ connection.Handler = (*socketHandler)(nil)

// Connected is the first job of the socket.
func (h *socketHandler) Connected(ctx context.Context) {
	if f := h.namespace.server.options.ClientConnected; f != nil {
		f(ctx, (*Socket)(h))
	}
	for _, f := range loadList(&h.namespace.connected) {
		f(ctx, (*Socket)(h))
	}
}

// Event handles one event; the handlers of the socket come before those of its namespace.
func (h *socketHandler) Event(ctx context.Context, e connection.Event) {
	own, shared := h.handlers.of(e.Name), h.namespace.handlers.of(e.Name)
	if len(own)+len(shared) == 0 {
		h.namespace.server.countUnhandled()
		return
	}
	event := &Event{Name: e.Name, Args: e.Args, reply: e.Replier}
	for _, f := range own {
		f(ctx, (*Socket)(h), event)
	}
	for _, f := range shared {
		f(ctx, (*Socket)(h), event)
	}
}

// Disconnected is the last job.
func (h *socketHandler) Disconnected(r Reason) {
	if f := h.namespace.server.options.ClientDisconnected; f != nil {
		f((*Socket)(h), r)
	}
	for _, f := range loadList(&h.namespace.disconnected) {
		f((*Socket)(h), r)
	}
}

func (s *Socket) log() *slog.Logger {
	return s.namespace.server.options.Logger.With(
		slog.String("sid", s.ID()), slog.String("nsp", s.handle.Namespace()))
}
