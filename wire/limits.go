package wire

// What Limits holds when a field is zero.
const (
	defaultPacketBytes    = 1_000_000
	defaultAttachments    = 10
	defaultNamespaceBytes = 1024
	defaultJSONDepth      = 128
	defaultMaxAckID       = 1<<53 - 1
)

// Limits bounds what one packet may cost its receiver. A field that is zero (or negative) stands for its default, so
// that the zero value is safe.
type Limits struct {
	// PacketBytes bounds the text of a packet, and separately the sum of its attachments. More is ErrTooBig.
	// Default: 1 000 000.
	PacketBytes int
	// Attachments bounds the attachments that one packet announces. More is ErrTooManyAttachments. Default: 10, the limit
	// of the official parser; official clients refuse packets with more.
	Attachments int
	// NamespaceBytes bounds the namespace with its query string. More is ErrNamespace. Default: 1024.
	NamespaceBytes int
	// JSONDepth bounds how deep arrays and objects nest, the argument list included. More is ErrDepth. Default: 128.
	JSONDepth int
	// MaxAckID is the largest acknowledgement id. More is ErrAckID. Default: 2^53-1, the largest exact integer of
	// JavaScript.
	MaxAckID uint64
}

// DefaultLimits returns the limits that the zero value stands for, written out.
func DefaultLimits() Limits { return Limits{}.orDefaults() }

func (l Limits) orDefaults() Limits {
	if l.PacketBytes <= 0 {
		l.PacketBytes = defaultPacketBytes
	}
	if l.Attachments <= 0 {
		l.Attachments = defaultAttachments
	}
	if l.NamespaceBytes <= 0 {
		l.NamespaceBytes = defaultNamespaceBytes
	}
	if l.JSONDepth <= 0 {
		l.JSONDepth = defaultJSONDepth
	}
	if l.MaxAckID == 0 {
		l.MaxAckID = defaultMaxAckID
	}
	return l
}
