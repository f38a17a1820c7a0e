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
	// Handshake is what a socket was connected with: the EngineHandshake of its connection, and the payload of its CONNECT.
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
	extras    atomic.Pointer[extras]   // nil: there were never any
}

// ID is the socket id: 20 characters that begin with a tilde. It is also a room, in which the socket is alone. With
// EngineOptions.AllowEIO3 it is not for logs: see LogValue.
func (s *Socket) ID() string { return s.handle.ID() }

// LogValue implements slog.LogValuer: as an argument of package log/slog a socket is its id and its namespace. The id of a client
// of Engine.IO 3 contains its session id, with which whoever reads the log could act as the client: it is cut short.
func (s *Socket) LogValue() slog.Value {
	return slog.GroupValue(slog.String("sid", s.handle.LogID()), slog.String("nsp", s.handle.Namespace()))
}

// Namespace is the socket's namespace.
func (s *Socket) Namespace() *Namespace { return s.namespace }

// Handshake is what the socket was connected with, or last authenticated with.
func (s *Socket) Handshake() *Handshake { return s.handle.Handshake() }

// Principal is who authentication found; nil before, and without authentication. UserID asks for no more than the user.
func (s *Socket) Principal() *Principal { return s.handle.Principal() }

// UserID is the user of the socket's Principal; empty when it has none: before authentication, without, and for a socket that
// belongs to no user.
func (s *Socket) UserID() string { return s.handle.UserID() }

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

// Connected tells whether the socket is connected: from the answer to its CONNECT until its end.
func (s *Socket) Connected() bool { return s.handle.Connected() }

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

// Send is Emit of the event "message".
func (s *Socket) Send(args ...any) error { return s.Emit("message", args...) }

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

// EmitWithAck sends an event and waits for the client's acknowledgement, until the deadline of the context (ErrTimeout), until
// it is cancelled (its error, context.Canceled), or the socket ends (ErrClosed). In a handler it may await its own client.
// Other errors: those of Emit, ErrTooManyAcks, ErrInboxFull.
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

func (s *Socket) log() *slog.Logger {
	return s.namespace.server.options.Logger.With(
		slog.String("sid", s.handle.LogID()), slog.String("nsp", s.handle.Namespace()))
}
