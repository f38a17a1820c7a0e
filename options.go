package actio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/redisbridge"
)

// Hosting says how the server is reached.
type Hosting uint8

const (
	// Mounted makes the Server an http.Handler that the caller mounts.
	Mounted Hosting = iota
	// Attached makes the Server the handler of Options.Server, which must not serve yet; requests outside the path
	// reach the handler that it had. A server that already serves mounts a Switch of its own.
	Attached
)

// Authenticator decides who a socket belongs to. A nil Principal without an error, or an error that wraps ErrRefused,
// refuses: an expected outcome that is not logged. Any other error, and a panic, is a failure. Errors are logged at Error ten times
// at once and then once a second, by the server as a whole, and at Debug beyond, so that clients that come again and again fill no
// log; panics always, with their stack. The context ends with AuthenticateTimeout and with the connection.
type Authenticator func(ctx context.Context, h *Handshake) (*Principal, error)

// RoomValidator returns those of the requested rooms that a client may join. Rooms that were not requested are ignored. An
// error joins nothing, never disconnects, and is logged as that of an Authenticator.
type RoomValidator func(ctx context.Context, s *Socket, rooms []string) ([]string, error)

// AuthenticateFunc makes an Authenticator of a plain yes or no.
func AuthenticateFunc(f func(ctx context.Context, h Handshake) (bool, error)) Authenticator {
	return func(ctx context.Context, h *Handshake) (*Principal, error) {
		ok, err := f(ctx, *h)
		if !ok || err != nil {
			return nil, err
		}
		return &Principal{}, nil
	}
}

// Options configure a Server. The zero value of each field means its default; durations are bounded below by zero.
type Options struct {
	// Identifier names this server in logs. Default "SOCKET_IO_SERVER".
	Identifier string
	// Hosting is how the server is reached. Default Mounted.
	Hosting Hosting
	// Server is the HTTP server to attach to; only with Attached.
	Server *http.Server
	// Engine are the options of the Engine.IO layer.
	Engine EngineOptions
	// ActorSystem is the application's own actor system. Default: one of the server's own.
	ActorSystem *actor.ActorSystem
	// Logger gets what happens. Default: nothing is logged. Neither payloads nor tokens are ever logged, with the one
	// exception that the reference asks for: Message.Log.
	Logger *slog.Logger

	// Parser writes and reads the packets of Socket.IO, for clients that use the same: msgpack.Parser of package wire/msgpack, or
	// an own one. Default: that of the protocol. Other instances need not have the same. Binary values and limits are as
	// with the default one; what a parser cannot read ends the connection with ReasonParseError. A client that seems to use another
	// parser is logged at Warn, once for each address.
	Parser Parser

	// Redis joins this server to others, of actio and of Node.js; without a Client it stands alone.
	Redis RedisOptions

	// Recovery lets clients whose connection was lost go on as the sockets that they were. Default: off.
	Recovery RecoveryOptions

	// Authenticate decides who a client is. Required unless NoAuthentication is set.
	Authenticate Authenticator
	// NoAuthentication switches the authentication machine off, its timer and the application-level ping with it: a plain
	// Socket.IO server.
	NoAuthentication bool
	// AuthenticateOn says when clients authenticate; not with NoAuthentication. Default OnEvent. See also Namespace.Authenticate.
	AuthenticateOn AuthenticateOn
	// AuthenticateTimeout is how long a client may take from joining a namespace to being authenticated, and how long a
	// renewal may take. Default 10 s.
	AuthenticateTimeout time.Duration
	// MaxAuthAttempts bounds how many attempts of a connection may come to nothing, refused, failed or too late, without a success
	// between them: with the next the connection ends. With OnConnect no more than can be left of them are verified at once;
	// further CONNECTs wait for their verdicts. Default 5.
	MaxAuthAttempts int
	// MaxAuthBytes bounds the payload of CONNECT and of a renewal, which is kept as Handshake.Auth: a larger CONNECT gets a
	// connect_error, a larger renewal is refused. Default 16 KiB.
	MaxAuthBytes int
	// MaxUnauthenticated bounds the connections without an authenticated socket; further handshakes get 503. Default 10 000.
	MaxUnauthenticated int
	// PingInterval is the time between two application-level `ping` events, which have nothing to do with the heartbeat of
	// Engine.IO. The second of a socket comes at random within it, as the first ping of a heartbeat does. Default 30 s;
	// negative: none.
	PingInterval time.Duration
	// DefaultRooms are joined on authentication. Default io-default and io-notification; an empty non-nil slice: none.
	DefaultRooms []string
	// ValidateRooms decides which rooms a client may join by its own `join` event. Nil: none.
	ValidateRooms RoomValidator
	// ClientConnected is called once for each socket that is authenticated, before any of its events.
	ClientConnected func(ctx context.Context, s *Socket)
	// ClientDisconnected is called once for each socket for which ClientConnected was called, after all of its events.
	ClientDisconnected func(s *Socket, r Reason)
	// ErrorForClient chooses what a client is told instead of an error that a typed handler (On) or a middleware of a socket
	// (Socket.Use) has returned, or with which a payload did not fit (ErrInvalidPayload): the text of the error that it returns.
	// With nil the client gets "Internal server error". The log has the original: the first of a connection at Warn, others at
	// Debug. It runs in place of the handler, as a part of it. Default: the client is told the text of the error as it is, whatever
	// stands in it.
	ErrorForClient func(ctx context.Context, s *Socket, e *Event, err error) error
	// BroadcastAuthenticatedOnly keeps broadcasts without a destination from clients of this instance that are not authenticated,
	// whichever instance they come from.
	BroadcastAuthenticatedOnly bool

	// MaxEventsPerSecond bounds the events that a client sends in a second, in all namespaces of its connection together: those
	// that the server handles itself (`authenticate`, `join`, `leave`) and those that come before authentication included,
	// acknowledgements not. What comes faster than that is for RatePolicy. Default 0: no bound.
	MaxEventsPerSecond int
	// EventBurst is how many events may come at once, after a while with fewer. Default MaxEventsPerSecond.
	EventBurst int
	// MaxBytesPerSecond bounds the bytes of these events: their JSON, and their attachments. Default 0: no bound.
	MaxBytesPerSecond int
	// ByteBurst is how many bytes may come at once. An event that is larger never passes. Default MaxBytesPerSecond, at least
	// Engine.MaxPayload.
	ByteBurst int
	// RatePolicy says what happens to events that come faster; another than the default needs one of the bounds. Default RateDrop.
	RatePolicy RatePolicy

	// MaxNamespaces bounds the namespaces of one connection. Default 16.
	MaxNamespaces int
	// MaxDynamicNamespaces bounds the dynamic namespaces of the server, see OfPattern and OfFunc; further ones get a connect_error.
	// Those of sessions that are kept count, see RecoveryOptions. Default 10 000.
	MaxDynamicNamespaces int
	// KeepEmptyChildNamespaces keeps dynamic namespaces that nobody is in any more. Those that nobody ever was in end all the
	// same. Default: all end.
	KeepEmptyChildNamespaces bool
	// MaxRooms bounds the rooms of one socket; joining more is ErrTooManyRooms. Default 1000.
	MaxRooms int
	// MaxRoomsPerRequest bounds the names in one `join` or `leave` of a client; the rest is ignored. Default 100.
	MaxRoomsPerRequest int
	// MaxRoomNameBytes bounds the length of a room name that a client may use. Default 256.
	MaxRoomNameBytes int
	// RefuseNodeIDs keeps clients from joining rooms whose names have the form of Node's socket ids (20 characters of
	// base64url): for clusters with Node neighbours.
	RefuseNodeIDs bool
	// MaxPendingAcks bounds the acknowledgements that are awaited of one socket; more is ErrTooManyAcks. Default 1000.
	MaxPendingAcks int
	// MaxAttachments bounds the binary attachments of one packet; more ends the connection. Default 10.
	MaxAttachments int
	// AttachmentTimeout is how long the attachments of one packet may take to arrive; later the connection ends. Their bytes
	// are bounded by Engine.MaxPayload. Default 30 s.
	AttachmentTimeout time.Duration
	// ConnectTimeout ends a connection that has no namespace for so long. Default 45 s.
	ConnectTimeout time.Duration
	// SurvivePanics keeps a connection whose handler panicked. Default: it is closed, so that its client reconnects afresh.
	SurvivePanics bool
	// OnPanic is called for each panic that was caught, after it was logged and counted.
	OnPanic func(where string, recovered any, stack []byte)
	// RegistryShards is the number of actors that share the rooms. Default GOMAXPROCS.
	RegistryShards int
}

// The rooms that every authenticated client is in unless Options.DefaultRooms says otherwise.
const (
	RoomDefault      = "io-default"
	RoomNotification = "io-notification"
)

func (o Options) withDefaults() Options {
	o.Engine = o.Engine.withDefaults()
	o.Recovery.withDefaults()
	setDefault(&o.Identifier, "SOCKET_IO_SERVER")
	setDefault(&o.Redis.RequestTimeout, redisbridge.DefaultRequestTimeout)
	setDefault(&o.AuthenticateTimeout, 10*time.Second)
	setDefault(&o.MaxAuthAttempts, 5)
	setDefault(&o.MaxAuthBytes, 16<<10)
	setDefault(&o.MaxUnauthenticated, 10_000)
	setDefault(&o.PingInterval, 30*time.Second)
	setDefault(&o.MaxNamespaces, 16)
	setDefault(&o.MaxDynamicNamespaces, 10_000)
	setDefault(&o.MaxRooms, 1000)
	setDefault(&o.MaxRoomsPerRequest, 100)
	setDefault(&o.MaxRoomNameBytes, 256)
	setDefault(&o.MaxPendingAcks, 1000)
	setDefault(&o.MaxAttachments, 10)
	setDefault(&o.AttachmentTimeout, 30*time.Second)
	setDefault(&o.ConnectTimeout, 45*time.Second)
	setDefault(&o.EventBurst, o.MaxEventsPerSecond)
	if o.MaxBytesPerSecond > 0 {
		setDefault(&o.ByteBurst, max(o.MaxBytesPerSecond, o.Engine.MaxPayload))
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.DefaultRooms == nil {
		o.DefaultRooms = []string{RoomDefault, RoomNotification}
	}
	return o
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// validate joins all that is wrong. The texts contain those of the reference.
func (o *Options) validate() error {
	var problems []error
	add := func(bad bool, format string, args ...any) {
		if bad {
			problems = append(problems, fmt.Errorf("actio: "+format, args...))
		}
	}
	// The reference looks at the hosting twice, and has a text for each time.
	add(o.Hosting > Attached, "Unsupported runtime! Unsupported runtime: %d, want Mounted or Attached", o.Hosting)
	add(o.Hosting == Attached && o.Server == nil, "Invalid HTTP server for Node.js runtime! "+
		"[DANGER] Invalid HTTP server instance to init Socket.io server! Attached hosting needs Options.Server")
	add(o.Hosting == Mounted && o.Server != nil, "Invalid @socket.io/bun-engine instance for Bun runtime! [DANGER] Invalid "+
		"@socket.io/bun-engine instance to init Socket.io server! Options.Server is set, but Hosting is not Attached")
	add(o.Authenticate == nil && !o.NoAuthentication,
		"Invalid authenticateFn to setup io socket server! Set Authenticate, or NoAuthentication for a plain server")
	add(o.Authenticate != nil && o.NoAuthentication, "Authenticate and NoAuthentication exclude each other")
	add(o.AuthenticateOn > OnConnect, "unknown AuthenticateOn: %d", o.AuthenticateOn)
	add(slices.Contains(o.DefaultRooms, ""), "DefaultRooms has an empty name")
	add(len(o.DefaultRooms) > o.MaxRooms, "DefaultRooms has %d names, MaxRooms is %d", len(o.DefaultRooms), o.MaxRooms)
	for name, d := range map[string]time.Duration{
		"AuthenticateTimeout": o.AuthenticateTimeout, "ConnectTimeout": o.ConnectTimeout,
		"AttachmentTimeout": o.AttachmentTimeout,
	} {
		add(d < 0, "%s is negative: %s", name, d)
	}
	for name, n := range map[string]int{
		"MaxAuthAttempts": o.MaxAuthAttempts, "MaxAuthBytes": o.MaxAuthBytes,
		"MaxUnauthenticated": o.MaxUnauthenticated, "MaxNamespaces": o.MaxNamespaces,
		"MaxDynamicNamespaces": o.MaxDynamicNamespaces,
		"MaxRooms":             o.MaxRooms, "MaxRoomsPerRequest": o.MaxRoomsPerRequest, "MaxRoomNameBytes": o.MaxRoomNameBytes,
		"MaxPendingAcks": o.MaxPendingAcks, "MaxAttachments": o.MaxAttachments, "RegistryShards": o.RegistryShards,
	} {
		add(n < 0, "%s is negative: %d", name, n)
	}
	problems = append(append(problems, o.rates()...), o.contradictions()...)
	if err := o.Redis.Validate(); err != nil {
		problems = append(problems, fmt.Errorf("actio: Redis: %w", err))
	}
	if err := o.Recovery.validate(); err != nil {
		problems = append(problems, err)
	}
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(append(problems, o.Engine.validate())...)
}

// connectionOptions translates.
func (s *Server) connectionOptions() connection.Options {
	o := &s.options
	c := o.Engine.connectionOptions()
	c.Limits.Attachments = o.MaxAttachments
	c.Parser = o.Parser
	c.AttachmentTimeout = o.AttachmentTimeout
	c.ConnectTimeout = o.ConnectTimeout
	c.EventLimits = o.eventLimits()
	c.MaxNamespaces = o.MaxNamespaces
	c.MaxPendingAcks = o.MaxPendingAcks
	c.MaxAuthBytes = o.MaxAuthBytes
	c.SurvivePanics = o.SurvivePanics
	c.MaxRooms, c.MaxRoomsPerRequest, c.MaxRoomNameBytes = o.MaxRooms, o.MaxRoomsPerRequest, o.MaxRoomNameBytes
	c.RefuseNodeIDs = o.RefuseNodeIDs
	c.RecoveryTimeout, c.RecoveryMiddlewares = o.Recovery.Timeout, o.Recovery.RunMiddlewares
	c.RoomEvents = o.roomEvents()
	if o.ValidateRooms != nil {
		c.ValidateRooms = func(ctx context.Context, h *connection.Socket, rooms []string) ([]string, error) {
			return o.ValidateRooms(ctx, s.socketOf(h), rooms)
		}
	}
	// Also of a server without authentication a namespace may have one.
	c.AuthenticateOnConnect = o.AuthenticateOn == OnConnect
	c.AuthenticateTimeout = o.AuthenticateTimeout
	c.MaxAuthAttempts = o.MaxAuthAttempts
	c.AppPingInterval = o.PingInterval
	c.DefaultRooms = o.DefaultRooms
	if !o.NoAuthentication {
		c.Authenticate = connection.Verifier(o.Authenticate)
	}
	return c
}
