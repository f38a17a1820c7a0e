package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// State is how far a Helper is authenticated.
type State string

// The states.
const (
	Unauthorized   State = "unauthorized"
	Authenticating State = "authenticating"
	Authenticated  State = "authenticated"
)

// HelperOptions configure a Helper.
//
// Its callbacks run like handlers: one at a time, in order, before the handlers of the same event, maybe before NewHelper has
// returned. An error or a panic is logged and does no harm. They may call everything, Authenticate and Shutdown included.
type HelperOptions struct {
	// Identifier names the client in logs. Required.
	Identifier string
	// Host is the URL of the server; its path names the namespace. Required.
	Host string
	// Options of the connection; the default of Path is "/io" here, that of the servers a Helper is for.
	Options Options
	// Socket are the options of the namespace: credentials go into its Auth, or into Options.Header.
	Socket SocketOptions
	// NoAutoConnect leaves connecting to Connect.
	NoAutoConnect bool
	// AutoAuthenticate authenticates after each connection, before anything else is sent. When the server refuses, the
	// client disconnects and stays so until Connect: with the same credentials it would be refused again and again.
	AutoAuthenticate bool
	// AuthenticateTimeout bounds the wait for the server's verdict; then the state is Unauthorized again. Default 10 s.
	AuthenticateTimeout time.Duration
	// Logger gets the log lines of the reference. Default: that of Options.
	Logger *slog.Logger

	// OnConnected is called each time the namespace was entered.
	OnConnected func(ctx context.Context, h *Helper) error
	// OnDisconnected is called each time the connection ended.
	OnDisconnected func(ctx context.Context, h *Helper, reason Reason) error
	// OnError is called each time an attempt to connect failed.
	OnError func(ctx context.Context, h *Helper, err error) error
	// OnAuthenticated is called each time the server has authenticated the client.
	OnAuthenticated func(ctx context.Context, h *Helper) error
	// OnUnauthenticated is called each time the server refused to, with its message, and when it did not answer in time.
	OnUnauthenticated func(ctx context.Context, h *Helper, message string) error
}

// Helper is a client for servers that authenticate by the events `authenticate`, `authenticated` and `unauthenticated`: those of
// actio and of Ignis. It keeps the state of authentication, shields the program from its callbacks and handlers, and reconnects
// by itself. All methods are safe for concurrent use and may be called from any handler.
type Helper struct {
	identifier string
	options    HelperOptions
	log        *slog.Logger
	socket     *Socket

	// Under the mutex of the manager.
	state   State
	attempt *authAttempt // nil unless Authenticating
	over    bool         // Shutdown was called
}

// NewHelper makes a client and, unless NoAutoConnect is set, lets it connect; it does not wait for that. Errors:
// ErrInvalidOptions.
func NewHelper(o HelperOptions) (*Helper, error) {
	if o.Identifier == "" {
		return nil, fmt.Errorf("%w: a Helper needs an Identifier", ErrInvalidOptions)
	}
	setDefault(&o.Options.Path, "/io")
	setDefault(&o.AuthenticateTimeout, 10*time.Second)
	if o.AuthenticateTimeout < 0 {
		return nil, fmt.Errorf("%w: AuthenticateTimeout is negative", ErrInvalidOptions)
	}
	if o.Logger == nil {
		o.Logger = o.Options.withDefaults().Logger
	}
	h := &Helper{
		identifier: o.Identifier, options: o, state: Unauthorized,
		log: o.Logger.With(slog.String("id", o.Identifier)),
	}
	if err := h.Configure(); err != nil {
		return nil, err
	}
	return h, nil
}

// Configure makes the client of a new Helper. NewHelper has called it; further calls only log that the client is established.
func (h *Helper) Configure() error {
	if h.socket != nil {
		h.log.Info("SocketIO Client already established")
		return nil
	}
	u, namespace, err := parseURL(h.options.Host)
	if err != nil {
		return err
	}
	m, err := newManager(u, h.options.Options)
	if err != nil {
		return err
	}
	s, err := m.Socket(namespace, h.options.Socket)
	if err != nil {
		return err
	}
	s.observer = h
	h.socket = s
	if !h.options.NoAutoConnect {
		return s.Connect()
	}
	return nil
}

// Identifier is the name of the client in logs.
func (h *Helper) Identifier() string { return h.identifier }

// Socket is the client underneath, with what a Helper does not have: acknowledgements, volatile events, typed handlers.
func (h *Helper) Socket() *Socket { return h.socket }

// State is how far the client is authenticated. It changes when the server's verdict arrives, which the callbacks may be told
// later.
func (h *Helper) State() State {
	h.socket.manager.mutex.Lock()
	defer h.socket.manager.mutex.Unlock()
	return h.state
}

// Connect connects a client that was made with NoAutoConnect, or disconnected; it does not wait. After Shutdown it only logs.
func (h *Helper) Connect() {
	if h.socket.Connect() != nil {
		h.log.Info("Invalid client to connect")
	}
}

// Disconnect disconnects the client until Connect. After Shutdown it only logs.
func (h *Helper) Disconnect() {
	if h.isOver() {
		h.log.Info("Invalid client to disconnect")
		return
	}
	h.socket.Disconnect()
}

// Message is what Emit sends.
type Message struct {
	// Topic is the name of the event.
	Topic string
	// Data is its only argument; nil is sent too, as null.
	Data any
	// Log logs the topic and the data in one line.
	Log bool
	// Callback is called once the event was handed over, on a goroutine of its own, with a context like that of handlers. It says
	// nothing of the server: for acknowledgements see Socket.EmitWithAck.
	Callback func(ctx context.Context)
}

// Emit sends an event to the server. Errors: ErrNotConnected, which is looked at first; ErrInvalidTopic, ErrReservedEvent,
// ErrBufferFull, or what the encoding of the data returned.
func (h *Helper) Emit(m Message) error {
	if !h.socket.Connected() {
		return fmt.Errorf("%w: Invalid socket client state to emit", ErrNotConnected)
	}
	if m.Topic == "" {
		return fmt.Errorf("%w: Topic is required to emit", ErrInvalidTopic)
	}
	err := h.send(m)
	switch {
	case errors.Is(err, ErrNotConnected):
		return fmt.Errorf("%w: Invalid socket client state to emit", err)
	case err != nil:
		return err
	}
	if m.Log {
		h.log.Info("Emitted", slog.String("topic", m.Topic), slog.Any("data", m.Data))
	}
	h.called(m.Callback)
	return nil
}

func (h *Helper) send(m Message) error {
	if h.options.Socket.Retries > 0 {
		return h.socket.Emit(m.Topic, m.Data)
	}
	return h.socket.emitConnected(nil, m.Topic, m.Data)
}

// called calls the callback of a message, unless the client was closed meanwhile: Close may have returned.
func (h *Helper) called(callback func(ctx context.Context)) {
	m := h.socket.manager
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if callback != nil && !m.closed {
		m.start(func() { m.guard(func() { callback(m.ctx) }) })
	}
}

// rooms is what `join` and `leave` carry.
type rooms struct {
	Rooms []string `json:"rooms"`
}

// JoinRooms asks the server to put the client into rooms, as far as its validator allows; it does not wait for that. Errors:
// ErrNotConnected, which is logged too.
func (h *Helper) JoinRooms(names ...string) error {
	if err := h.socket.emitConnected(nil, "join", rooms{names}); err != nil {
		h.log.Warn("Cannot join rooms", slog.String("reason", reasonText(err)))
		return err
	}
	h.log.Info("Join rooms requested", slog.Any("rooms", names))
	return nil
}

// LeaveRooms asks the server to take the client out of rooms; it does not wait for that. Errors: as JoinRooms.
func (h *Helper) LeaveRooms(names ...string) error {
	if err := h.socket.emitConnected(nil, "leave", rooms{names}); err != nil {
		h.log.Warn("Cannot leave rooms", slog.String("reason", reasonText(err)))
		return err
	}
	h.log.Info("Leave rooms requested", slog.Any("rooms", names))
	return nil
}

// reasonText says why something cannot be done, in the reference's words where it has some.
func reasonText(err error) string {
	if errors.Is(err, ErrNotConnected) {
		return "not connected"
	}
	return err.Error()
}

// Shutdown ends the client for good: subscriptions and callbacks are removed first, then it disconnects, and nothing of it is
// left, also when it was just connecting. Idempotent. Otherwise it is Manager.Close.
func (h *Helper) Shutdown(ctx context.Context) error {
	h.log.Info("Shutting down SocketIO client")
	m := h.socket.manager
	m.mutex.Lock()
	h.over = true
	h.setState(Unauthorized, ErrClosed)
	m.mutex.Unlock()
	h.socket.handlers.clear()
	err := m.Close(ctx)
	if err != nil {
		h.log.Warn("SocketIO client shutdown incomplete", slog.Any("error", err))
		return err
	}
	h.log.Info("SocketIO client shutdown complete")
	return nil
}

func (h *Helper) isOver() bool {
	h.socket.manager.mutex.Lock()
	defer h.socket.manager.mutex.Unlock()
	return h.over
}
