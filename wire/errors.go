package wire

import (
	"errors"
	"fmt"
)

// Errors of the Engine.IO layer. All of them mean that the peer does not speak the protocol; the session should end.
var (
	// ErrEngineType is a packet that is empty or begins with something else than a packet type.
	ErrEngineType = errors.New("wire: unknown engine.io packet type")
	// ErrUTF8 is text that is not UTF-8.
	ErrUTF8 = errors.New("wire: text is not UTF-8")
	// ErrBase64 is a binary packet of a polling payload that is not base64.
	ErrBase64 = errors.New("wire: invalid base64")
	// ErrLength is a payload of revision 3 of which a packet is not as long as it says.
	ErrLength = errors.New("wire: length of a packet in a payload")
	// ErrOpen is a handshake that lacks something or holds a value out of range.
	ErrOpen = errors.New("wire: invalid engine.io handshake")
)

// ErrFrame is a websocket frame that no peer may send. The connection should end.
var ErrFrame = errors.New("wire: invalid websocket frame")

// Errors of the Socket.IO layer that a peer causes. All of them but ErrArgument and ErrNoArgument mean that it does not
// speak the protocol or exceeds a limit; the session should end.
var (
	// ErrPacketType is a packet that does not begin with a packet type.
	ErrPacketType = errors.New("wire: unknown socket.io packet type")
	// ErrAttachmentCount is a binary packet that announces no attachments, or not in decimal digits.
	ErrAttachmentCount = errors.New("wire: illegal attachment count")
	// ErrTooManyAttachments is a binary packet that announces more than Limits.Attachments.
	ErrTooManyAttachments = errors.New("wire: too many attachments")
	// ErrNamespace is a namespace that is too long, or that no packet can carry.
	ErrNamespace = errors.New("wire: invalid namespace")
	// ErrAckID is an acknowledgement id above Limits.MaxAckID.
	ErrAckID = errors.New("wire: acknowledgement id out of range")
	// ErrPayload is a payload that is not JSON or not of the shape that its packet type asks for.
	ErrPayload = errors.New("wire: invalid payload")
	// ErrReservedEvent is an event with a name that has a meaning of its own for Socket.IO. It is an ErrPayload.
	ErrReservedEvent = fmt.Errorf("%w: reserved event name", ErrPayload)
	// ErrDepth is JSON that nests deeper than Limits.JSONDepth.
	ErrDepth = errors.New("wire: JSON nests too deep")
	// ErrTooBig is a packet, or the attachments of one, above Limits.PacketBytes.
	ErrTooBig = errors.New("wire: packet too big")
	// ErrUnexpectedText is a text packet that came while attachments were awaited.
	ErrUnexpectedText = errors.New("wire: text packet while attachments are awaited")
	// ErrUnexpectedBinary is a binary message that no packet announced.
	ErrUnexpectedBinary = errors.New("wire: binary message without a packet")
	// ErrPlaceholder is a placeholder in a binary packet that names no attachment.
	ErrPlaceholder = errors.New("wire: placeholder without attachment")

	// ErrArgument is an argument that does not fit the Go value it was to be decoded into. The packet is sound.
	ErrArgument = errors.New("wire: cannot decode argument")
	// ErrNoArgument is the decoding of an argument that the packet does not have.
	ErrNoArgument = errors.New("wire: no such argument")
)

// ErrEncode is a Go value that cannot be sent: no JSON stands for it, or its own methods failed. The caller must
// change what it sends.
var ErrEncode = errors.New("wire: cannot encode")

// ErrNoMessage is a Parser that gave no message for a packet.
var ErrNoMessage = errors.New("wire: the parser gave no message")

// DecodeError says where decoding failed. It never holds bytes of the packet, so that it may be logged.
type DecodeError struct {
	// Err is one of the sentinel errors of this package.
	Err error
	// Offset counts the bytes before the failure, from the start of the packet.
	Offset int
}

// Error implements error.
func (e *DecodeError) Error() string { return fmt.Sprintf("%v at byte %d", e.Err, e.Offset) }

// Unwrap returns the sentinel error.
func (e *DecodeError) Unwrap() error { return e.Err }
