package actio

import (
	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/transport"
)

// Conn is the connection of a client: one Engine.IO session, which carries its sockets of all namespaces. It is a value and
// safe for concurrent use.
type Conn struct{ session *connection.Session }

// Conn is the connection that carries the socket.
func (s *Socket) Conn() Conn { return Conn{s.handle.Session()} }

// ID is the session id.
func (c Conn) ID() string { return c.session.ID() }

// Transport is "polling" or "websocket": which one carries the connection now.
func (c Conn) Transport() string {
	if c.session.OnWebSocket() {
		return "websocket"
	}
	return "polling"
}

// EngineHandshake is the first request of a connection: a Handshake is that and what came with the CONNECT of one socket.
type EngineHandshake = transport.Handshake

// Handshake is the first request of the connection.
func (c Conn) Handshake() *EngineHandshake { return c.session.Handshake() }

// Close ends the connection after what was sent, with its sockets in all namespaces. Idempotent.
func (c Conn) Close() { c.session.Close(connection.ReasonForcedServerClose) }
