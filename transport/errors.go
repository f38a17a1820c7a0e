package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
)

// Why a websocket ended, as [Receiver.Closed] gets it. Anything else is an error of the connection itself.
var (
	// ErrClosed says that this side ended the connection: Abort, or FinishWrites and its linger.
	ErrClosed = errors.New("transport: connection closed by this side")
	// ErrPeerClosed says that the peer sent a close frame; a [CloseError] has the code.
	ErrPeerClosed = errors.New("transport: peer closed the connection")
	// ErrTooBig says that a message was longer than Config.MaxPayload, before or after inflating it.
	ErrTooBig = errors.New("transport: message exceeds the payload limit")
	// ErrProtocol says that the peer violated the websocket protocol.
	ErrProtocol = errors.New("transport: websocket protocol violation")
)

// Errors of single operations.
var (
	// ErrNoRaw says that the connection has no descriptor for non-blocking writes: use WebSocket.WriteAll.
	ErrNoRaw = errors.New("transport: connection has no raw descriptor")
	// ErrContentType is the Post.Err of a body that is declared as application/octet-stream.
	ErrContentType = errors.New("transport: content type of a post must be text")
	// ErrTooManyPackets is the Post.Err of a body with more packets than Config.MaxPackets.
	ErrTooManyPackets = errors.New("transport: too many packets in one post")
	// ErrBodyAborted is the Post.Err of a body that ended before it was complete.
	ErrBodyAborted = errors.New("transport: post body ended prematurely")
	// ErrConfig is wrapped by every problem Config.Validate reports.
	ErrConfig = errors.New("transport: invalid configuration")
)

// CloseError is the close frame of the peer. errors.Is(err, ErrPeerClosed) holds for it.
type CloseError struct {
	Code   uint16 // 1005 when the frame carried none
	Reason string // as sent by the peer: do not trust, do not log
}

// Error gives the code, never the reason.
func (e *CloseError) Error() string {
	return fmt.Sprintf("%v (code %d)", ErrPeerClosed, e.Code)
}

// Unwrap makes the error an ErrPeerClosed.
func (e *CloseError) Unwrap() error { return ErrPeerClosed }

// Errors for Sessions.Open and Admitter.Admit that refuse a new session with status 503 and Retry-After.
var (
	// ErrDraining refuses new sessions while the server shuts down.
	ErrDraining = errors.New("transport: draining")
	// ErrTooManyConnections refuses new sessions over a limit of connections.
	ErrTooManyConnections = errors.New("transport: too many connections")
	// ErrTooManyUnauthenticated is an ErrTooManyConnections: over a limit of connections that are not authenticated.
	ErrTooManyUnauthenticated = fmt.Errorf("%w without authentication", ErrTooManyConnections)
)

// Errors for Sessions.Open and Admitter.Admit that refuse a new session with status 429 and Retry-After.
var (
	// ErrTooManyOfClient refuses new sessions over a limit of connections from one address.
	ErrTooManyOfClient = errors.New("transport: too many connections from this address")
	// ErrTooFast refuses new sessions that come faster than a limit of handshakes in a second.
	ErrTooFast = errors.New("transport: too many handshakes")
	// ErrClientTooFast is an ErrTooFast: from one address.
	ErrClientTooFast = fmt.Errorf("%w from this address", ErrTooFast)
)

// IsReset reports whether err, an error of reading or writing a connection, says that the peer went away without a
// close frame: end of stream or reset.
func IsReset(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// IsTimeout reports whether err says that a deadline passed: the timeout of WebSocket.WriteAll.
func IsTimeout(err error) bool {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return true
	}
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}
