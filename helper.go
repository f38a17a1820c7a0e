package actio

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/actio-go/actio/actors/connection"
)

// The server helper of the reference: the operations on clients by their ids, and Send.

// ClientInfo is a snapshot of one client.
type ClientInfo struct {
	// What the methods of these names of Socket say, and where the client comes from.
	ID          string
	Namespace   string
	State       State
	UserID      string     // empty before authentication, and for clients without a user
	RemoteAddr  string     // of the Handshake: host and port of the client, or of its proxy
	ClientIP    netip.Addr // of the client, see EngineOptions.TrustedProxies; invalid where there is none
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
	return ClientInfo{
		ID: h.ID(), Namespace: h.Namespace(), State: h.State(), RemoteAddr: h.Handshake().RemoteAddr, ConnectedAt: h.Opened(),
		ClientIP: h.Handshake().ClientIP, UserID: h.UserID(),
	}
}

// socketOf returns the facade of a socket of this server.
func (s *Server) socketOf(h *connection.Socket) *Socket {
	socket, _ := h.Bound().(*Socket)
	return socket
}

// On adds a handler for an event of every client of the default namespace. The topics "connection" and "connect" stand for
// the connection itself: the handler is called with an empty event, as by OnConnection. As in the reference it is an error before
// Configure: what Root has, and every other registration, is there before as well, and then no client can come too early for it.
// Errors: ErrInvalidTopic, ErrInvalidHandler, ErrNotConfigured, and what Target says of reserved names.
func (s *Server) On(topic string, handler HandlerFunc) error {
	switch {
	case topic == "":
		return fmt.Errorf("[on] %w", ErrInvalidTopic)
	case handler == nil:
		return fmt.Errorf("[on] %w | topic: %s", ErrInvalidHandler, topic)
	case s.live.Load() == nil:
		return fmt.Errorf("[on] %w Before Configure, add handlers to Root()", ErrNotConfigured)
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
	s.options.Logger.Info("socket client already existed", slog.String("sid", socket.handle.LogID()))
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
