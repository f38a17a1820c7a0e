package format

import "errors"

// Errors of Decode.
var (
	// ErrMalformed: the payload is none that an adapter sends.
	ErrMalformed = errors.New("redisbridge: malformed message")
	// ErrOwn: the instance's own message came back. Nothing but the sender was decoded.
	ErrOwn = errors.New("redisbridge: own message")
	// ErrUnknown: well formed, and none of our business: a type that this version does not know, another namespace.
	ErrUnknown = errors.New("redisbridge: unknown message")
)

// Dialect is how instances talk by way of one adapter of Socket.IO: its channels and its encoding. It holds no state, does no
// I/O and is safe for concurrent use.
type Dialect interface {
	// Encode makes the frame of a message. Errors: ErrMalformed with the reason, for what the wire cannot carry.
	Encode(m *Message) (Frame, error)
	// Decode reads what came on a channel. It never panics and keeps no more memory than a small multiple of the payload.
	Decode(channel string, payload []byte) (*Message, error)
	// Room tells which room a channel is for, if it is for one: what comes on it may be dropped undecoded when nobody is there.
	Room(channel string) (namespace, room string, ok bool)

	// Channels are what an instance listens to for a namespace, in the order of subscription. The last is that of Census.
	Channels(namespace string) []Subscription
	// RoomChannel is what it listens to besides while it has members in a room; false: nothing.
	RoomChannel(namespace, room string) (Subscription, bool)
	// Census is the channel whose subscribers are the instances that answer for a namespace; with private those of actio alone.
	Census(namespace string, private bool) Subscription
	// Members is the channel of Hello, Beat, Bye and Taken, whatever the namespace.
	Members() Subscription
}

// Config is what both dialects need.
type Config struct {
	// Prefix of all channels; in Node.js key or channelPrefix. "" = "socket.io".
	Prefix string
	// UID of this instance, see NewClassicUID and NewShardedUID.
	UID string
}

// ClassicConfig configures Classic.
type ClassicConfig struct {
	Config

	// SpecificResponses publishes answers on the channel of who asked, as publishOnSpecificResponseChannel does.
	SpecificResponses bool
	// DynamicRooms listens to the channels of rooms with members in place of a pattern.
	DynamicRooms bool
}

// SubscriptionMode is the subscriptionMode of the sharded adapter. All instances of a cluster must agree.
type SubscriptionMode uint8

// The modes: which rooms have a channel of their own.
const (
	DynamicMode        SubscriptionMode = iota // those that are not named like a socket id: 20 characters
	StaticMode                                 // none
	DynamicPrivateMode                         // all
)

// ShardedConfig configures Sharded.
type ShardedConfig struct {
	Config

	Mode SubscriptionMode
}
