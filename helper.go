package actio

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"time"

	"github.com/actio-go/actio/actors/connection"
)

// The server helper of the reference: the operations on clients by their ids, and Send.

// ClientInfo is a snapshot of one client.
type ClientInfo struct {
	ID          string
	Namespace   string
	State       State
	UserID      string // empty before authentication, and for clients without a user
	Address     string // remote address of the first request
	ConnectedAt time.Time
}

// Clients returns a snapshot of all clients of all namespaces of this instance, in no order.
func (s *Server) Clients(ctx context.Context) ([]ClientInfo, error) {
	e := s.live.Load()
	if e == nil {
		return nil, ErrNotConfigured
	}
	sockets, err := e.supervisor.Sockets(ctx)
	if err != nil {
		return nil, closedIfStopped(err)
	}
	infos := make([]ClientInfo, len(sockets))
	for i, h := range sockets {
		infos[i] = infoOf(h)
	}
	return infos, nil
}

// Client returns a snapshot of one client; false when there is none with this id.
func (s *Server) Client(ctx context.Context, id string) (ClientInfo, bool, error) {
	h, err := s.find(ctx, id)
	if err != nil || h == nil {
		return ClientInfo{}, false, err
	}
	return infoOf(h), true, nil
}

// Socket returns the socket with an id; nil when there is none.
func (s *Server) Socket(ctx context.Context, id string) (*Socket, error) {
	h, err := s.find(ctx, id)
	if err != nil || h == nil {
		return nil, err
	}
	return s.socketOf(h), nil
}

func (s *Server) find(ctx context.Context, id string) (*connection.Socket, error) {
	e := s.live.Load()
	if e == nil {
		return nil, ErrNotConfigured
	}
	h, err := e.supervisor.Socket(ctx, id)
	return h, closedIfStopped(err)
}

func infoOf(h *connection.Socket) ClientInfo {
	info := ClientInfo{
		ID: h.ID(), Namespace: h.Namespace(), State: h.State(), Address: h.Handshake().RemoteAddr, ConnectedAt: h.Opened(),
	}
	if p := h.Principal(); p != nil {
		info.UserID = p.UserID
	}
	return info
}

// socketOf returns the facade of a socket of this server.
func (s *Server) socketOf(h *connection.Socket) *Socket {
	socket, _ := h.Bound().(*Socket)
	return socket
}

// On adds a handler for an event of every client of the default namespace. The topics "connection" and "connect" stand for
// the connection itself: the handler is called with an empty event, as by OnConnection. Errors: ErrInvalidTopic,
// ErrInvalidHandler, ErrNotConfigured, ErrReservedEvent.
func (s *Server) On(topic string, handler HandlerFunc) error {
	switch {
	case topic == "":
		return fmt.Errorf("[on] %w", ErrInvalidTopic)
	case handler == nil:
		return fmt.Errorf("[on] %w | topic: %s", ErrInvalidHandler, topic)
	case s.live.Load() == nil:
		return fmt.Errorf("[on] %w", ErrNotConfigured)
	case topic == "connection", topic == "connect":
		s.Root().OnConnection(func(ctx context.Context, socket *Socket) {
			handler(ctx, socket, &Event{Name: topic})
		})
		return nil
	}
	return s.Root().Handle(topic, handler)
}

// Ping sends the application-level ping to a client. Unless ignoreAuth is set, a client that is not authenticated is
// disconnected instead. A nil socket is logged.
func (s *Server) Ping(socket *Socket, ignoreAuth bool) {
	if socket == nil {
		s.options.Logger.Info("socket is undefined to ping")
		return
	}
	socket.handle.Ping(ignoreAuth)
}

// Disconnect ends a socket, as Socket.Disconnect does. A nil socket is ignored. Idempotent.
func (s *Server) Disconnect(socket *Socket) {
	if socket != nil {
		socket.Disconnect()
	}
}

// OnClientConnect is what the reference calls for a new socket. Here the server has every socket under the authentication
// machine from its CONNECT on, before anybody can hold it; so this only logs, and is harmless.
func (s *Server) OnClientConnect(socket *Socket) {
	if socket == nil {
		s.options.Logger.Info("invalid new socket connection")
		return
	}
	s.options.Logger.Info("socket client already existed", slog.String("sid", socket.ID()))
}

// OnClientAuthenticated makes a socket authenticated without asking the Authenticator: for flows of the application's own.
// On one that is authenticated already it does nothing.
func (s *Server) OnClientAuthenticated(socket *Socket, p *Principal) {
	if socket == nil {
		s.options.Logger.Info("invalid socket to authenticate")
		return
	}
	socket.handle.Authenticate(p)
}

// Payload is an event and its data.
type Payload struct {
	// Topic is the event name.
	Topic string
	// Data is its only argument.
	Data any
}

// Message is what Send sends.
type Message struct {
	// Destination is a socket id or a room; empty: all clients of the default namespace.
	Destination string
	// Payload is what they get.
	Payload Payload
	// Compress asks for compression where a client negotiated it.
	Compress bool
	// Log logs one line with destination and topic.
	Log bool
	// Callback is called once, asynchronously, when the message was handed to all local clients.
	Callback func()
}

// Send sends a message and forgets it. One without a topic or without data (nil; a 0, false or "" is data) is dropped
// silently, as the reference says; what cannot be sent for another reason is logged.
func (s *Server) Send(m Message) {
	if m.Payload.Topic == "" || isNil(m.Payload.Data) {
		return
	}
	b := Broadcast{namespace: s.Root(), compress: m.Compress}
	if m.Destination != "" {
		b = b.To(m.Destination)
	}
	if err := b.Emit(m.Payload.Topic, m.Payload.Data); err != nil {
		s.options.Logger.Error("message not sent", slog.String("topic", m.Payload.Topic), slog.Any("err", err))
		return
	}
	if m.Log {
		s.options.Logger.Info("message emitted", slog.String("destination", m.Destination), slog.String("topic", m.Payload.Topic))
	}
	if m.Callback != nil {
		s.afterDelivery(m.Callback)
	}
}

// isNil tells whether data would be null on the wire.
func isNil(data any) bool {
	v := reflect.ValueOf(data)
	switch v.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Interface, reflect.Func, reflect.Chan:
		return v.IsNil()
	default:
		return false
	}
}

// afterDelivery calls f on a worker when every broadcast made so far was handed to its members.
func (s *Server) afterDelivery(f func()) {
	if e := s.live.Load(); e != nil {
		e.system.Workers().Run(callback{engine: e, f: f})
	}
}

type callback struct {
	engine *Engine
	f      func()
}

// Run is called by a worker.
func (c callback) Run() {
	_ = c.engine.env.Registry.Flush(context.Background()) // a stopped registry has handed over all it will
	c.f()
}
