package actio

import (
	"errors"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/wire"
)

// Errors. All are wrapped with context: compare with errors.Is.
var (
	// ErrNotConfigured: Configure has not been called, or has not succeeded.
	ErrNotConfigured = errors.New("actio: IOServer is not initialized yet!") //nolint:revive,staticcheck // the reference's text
	// ErrReservedEvent: the name belongs to the protocol and cannot be emitted or handled, or the server handles it itself (see
	// Target) and handlers for it would never be called.
	ErrReservedEvent = wire.ErrReservedEvent
	// ErrInvalidTopic: an event needs a name.
	ErrInvalidTopic = errors.New("actio: Invalid topic to start binding handler")
	// ErrInvalidHandler: the handler is nil.
	ErrInvalidHandler = errors.New("actio: Invalid event handler")
	// ErrInvalidPayload: the payload of an event does not fit the handler. Clients are told its text.
	ErrInvalidPayload = errors.New("invalid payload")
	// ErrInvalidNamespace: a namespace begins with a slash and has no comma, question mark or number sign.
	ErrInvalidNamespace = errors.New("actio: invalid namespace")

	// ErrClosed: the socket or the server has ended.
	ErrClosed = connection.ErrClosed
	// ErrNotConnected: the socket is on its way into its namespace, where a middleware is asked about it; nothing was sent.
	ErrNotConnected = connection.ErrNotConnected
	// ErrTimeout: an acknowledgement did not come in time. A context that is cancelled instead gives context.Canceled.
	ErrTimeout = connection.ErrTimeout
	// ErrGone: a socket that was asked ended before it answered.
	ErrGone = errors.New("actio: socket ended without an answer")
	// ErrTwoUsers: ToUser was called with two users. What is for several users is several broadcasts.
	ErrTwoUsers = format.ErrTwoUsers
	// ErrInboxFull: a client sent so much while its acknowledgement was awaited that the wait was given up.
	ErrInboxFull = connection.ErrInboxFull
	// ErrTooManyAcks: MaxPendingAcks are awaited of this socket.
	ErrTooManyAcks = connection.ErrTooManyAcks
	// ErrTooManyRooms: the socket is in MaxRooms rooms.
	ErrTooManyRooms = connection.ErrTooManyRooms
	// ErrEmptyRoom: a room needs a name.
	ErrEmptyRoom = connection.ErrEmptyRoom
	// ErrAcknowledged: the event was acknowledged before.
	ErrAcknowledged = connection.ErrAcknowledged
	// ErrPanicked: user code panicked.
	ErrPanicked = connection.ErrPanicked
	// ErrRefused: wrapped by an Authenticator to refuse, as opposed to having failed.
	ErrRefused = connection.ErrRefused
	// ErrStillRunning: Shutdown gave up waiting; the error's text names what still runs.
	ErrStillRunning = actors.ErrStillRunning
)
