package connection

import (
	"errors"
	"fmt"

	"github.com/actio-go/actio/actors/roomregistry"
)

// Errors of sockets.
var (
	// ErrClosed: the socket has ended; nothing was sent.
	ErrClosed = errors.New("actio: socket closed")
	// ErrNotConnected: the socket is on its way into its namespace; nothing was sent.
	ErrNotConnected = errors.New("actio: socket not connected yet")
	// ErrTimeout: the acknowledgement did not come before the deadline of the context.
	ErrTimeout = errors.New("actio: no acknowledgement in time")
	// ErrInboxFull: the client sent so much while its acknowledgement was awaited that the wait was given up.
	ErrInboxFull = errors.New("actio: inbox full while awaiting an acknowledgement")
	// ErrTooManyAcks: more acknowledgements are awaited of this socket than the limit allows.
	ErrTooManyAcks = errors.New("actio: too many pending acknowledgements")
	// ErrAcknowledged: the event was acknowledged before.
	ErrAcknowledged = errors.New("actio: already acknowledged")
	// ErrTooManyRooms: the socket is in as many rooms as the limit allows.
	ErrTooManyRooms = errors.New("actio: too many rooms")
	// ErrEmptyRoom: a room needs a name.
	ErrEmptyRoom = roomregistry.ErrEmptyRoom
	// ErrRefused: wrapped by a verifier to refuse, as opposed to having failed.
	ErrRefused = errors.New("actio: authentication refused")
	// ErrPanicked: a user function panicked.
	ErrPanicked = errors.New("actio: user function panicked")
)

// errNotUpgraded: a message on a websocket that has not taken over.
var errNotUpgraded = errors.New("actio: message before the upgrade")

func typeName(v any) string { return fmt.Sprintf("%T", v) }
