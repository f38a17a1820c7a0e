package client

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/actio-go/actio/client/internal/engine"
	"github.com/actio-go/actio/wire"
)

// Errors. All are wrapped with context: compare with errors.Is.
var (
	// ErrInvalidOptions: New was given a URL or an option that cannot be.
	ErrInvalidOptions = errors.New("client: invalid options")
	// ErrClosed: the Manager was closed.
	ErrClosed = errors.New("client: closed")
	// ErrNotConnected: what was asked for needs a connection, and there is none now.
	ErrNotConnected = errors.New("client: not connected")
	// ErrDisconnected: the connection ended before the server's acknowledgement. Whether the server handled the event is
	// not known.
	ErrDisconnected = errors.New("client: disconnected before the acknowledgement")
	// ErrTimeout: the server did not answer in time.
	ErrTimeout = errors.New("client: timed out")
	// ErrBufferFull: Options.SendBuffer bytes wait to be sent. The event was not sent and will not be.
	ErrBufferFull = errors.New("client: send buffer full")
	// ErrInboxFull: the server sent so much while its answer was awaited that the wait was given up.
	ErrInboxFull = errors.New("client: inbox full while awaiting an answer")
	// ErrReservedEvent: the name belongs to the protocol and cannot be emitted.
	ErrReservedEvent = wire.ErrReservedEvent
	// ErrInvalidTopic: an event needs a name.
	ErrInvalidTopic = errors.New("client: event without a name")
	// ErrInvalidHandler: the handler is nil.
	ErrInvalidHandler = errors.New("client: handler is nil")
	// ErrAcknowledged: the event was acknowledged before.
	ErrAcknowledged = errors.New("client: acknowledged before")
	// ErrUnauthenticated: the server refused to authenticate the client; the error's text has its message.
	ErrUnauthenticated = errors.New("client: unauthenticated")
	// ErrAuthState: the client is being authenticated, or is already.
	ErrAuthState = errors.New("client: not unauthorized")
	// ErrStillRunning: Close gave up waiting for functions of the application.
	ErrStillRunning = errors.New("client: still running")
	// ErrMessageTooBig: the server sent more than Options.MaxMessage at once.
	ErrMessageTooBig = engine.ErrTooBig
	// ErrProtocol: the server does not speak Engine.IO 4 and Socket.IO 5.
	ErrProtocol = engine.ErrProtocol
)

// StatusError is a request that the server, or somebody in front of it, answered with an error.
type StatusError = engine.StatusError

// ConnectError is a namespace that the server refused: by a middleware, or because it does not exist. The socket does not
// try again by itself.
type ConnectError struct {
	// Namespace is the one that was not entered.
	Namespace string
	// Message is what the server said.
	Message string
	// Data is what the server's middleware attached, as JSON; nil when it attached nothing.
	Data json.RawMessage
}

// Error implements error.
func (e *ConnectError) Error() string {
	return fmt.Sprintf("client: namespace %s refused: %s", e.Namespace, e.Message)
}

// Reason says why a socket was disconnected, in the words of the official client.
type Reason string

// The reasons. After ServerDisconnect and ClientDisconnect the socket does not reconnect by itself; after the others it
// does, unless Options.NoReconnection is set.
const (
	// ReasonServerDisconnect: the server sent a DISCONNECT.
	ReasonServerDisconnect Reason = "io server disconnect"
	// ReasonClientDisconnect: Disconnect or Close was called.
	ReasonClientDisconnect Reason = "io client disconnect"
	// ReasonPingTimeout: the server's heartbeat did not come within pingInterval + pingTimeout.
	ReasonPingTimeout Reason = "ping timeout"
	// ReasonTransportClose: the connection was closed, by the server or on the way.
	ReasonTransportClose Reason = "transport close"
	// ReasonTransportError: the connection broke.
	ReasonTransportError Reason = "transport error"
	// ReasonForcedClose: no socket wanted the connection any more; Hooks.Close alone is told.
	ReasonForcedClose Reason = "forced close"
	// ReasonParseError: the server sent what is no packet of Socket.IO.
	ReasonParseError Reason = "parse error"
)
