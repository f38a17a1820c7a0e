package format

import "time"

// Kind says what a Message asks for or answers.
type Kind uint8

// The kinds. Those with an answer carry a Request when one is wanted.
const (
	// Broadcast hands Event to the sockets of Target.
	Broadcast Kind = iota + 1
	// AckBroadcast does so and wants an acknowledgement of each: one ClientCount, then one Ack for each socket.
	AckBroadcast
	// Join puts the sockets of Target into Rooms.
	Join
	// Leave takes the sockets of Target out of Rooms.
	Leave
	// Disconnect ends the sockets of Target; with Close, their connections.
	Disconnect
	// Fetch asks for the sockets of Target: Fetched.
	Fetch
	// ListIDs asks for the ids of the sockets in Target.Rooms: IDs. Classic only, never sent.
	ListIDs
	// ListRooms asks for the names of all rooms: RoomNames. Classic only.
	ListRooms
	// ServerEvent hands Event to the handlers of the other instances. With a Request each answers ServerReply.
	ServerEvent

	// ClientCount tells how many sockets an AckBroadcast reached.
	ClientCount
	// Ack is what one socket answered to an AckBroadcast, or, between instances of actio, that it ended without.
	Ack
	// Fetched answers Fetch.
	Fetched
	// IDs answers ListIDs.
	IDs
	// RoomNames answers ListRooms.
	RoomNames
	// ServerReply answers ServerEvent.
	ServerReply
	// Done confirms a legacy Join, Leave or Disconnect of one socket that carried a Request. Classic only.
	Done

	// Hello, Beat and Bye are how instances of actio know each other; Hello asks for a Beat at once.
	Hello
	Beat
	Bye
	// Taken tells that an instance of actio has taken a Session that another had, and goes the same way.
	Taken
)

// Emitter is the Sender of programs that have no server. No instance has it for its uid.
const Emitter = "emitter"

// Message is one message between instances, in words that no adapter has for itself. It is immutable once encoded or
// decoded. What it holds of decoded messages shares memory with the payload that they came from.
type Message struct {
	Kind      Kind
	Sender    string // uid of the instance, Emitter, or "" where the wire does not say
	Namespace string // "/" and so on
	Request   string // id of the question; "" when no answer is wanted
	To        string // answers only: uid of who asked, "" when the question did not say
	Target    Target
	Flags     Flags

	// Extended marks an AckBroadcast of an instance of actio, which understands answers that Node.js would take for something
	// else: which sockets are asked, who answers, that one has ended.
	Extended bool

	// Offset is the id of the entry of a stream that the message came in; "" where there are no streams. Not written.
	Offset string

	// General sends a Broadcast to one room on the channel of its namespace, as one to several rooms: a channel of its own may not
	// be listened to yet. Not part of the wire.
	General bool

	Event   Payload  // Broadcast, AckBroadcast, ServerEvent: JSON array of name and arguments. Ack, ServerReply: that of the arguments
	Rooms   []string // Join, Leave, RoomNames
	Close   bool     // Disconnect
	Sockets []Socket // Fetched
	IDs     []string // IDs; ClientCount between instances of actio: which sockets
	Count   int      // ClientCount
	Socket  string   // Ack between instances of actio: whose. Legacy Join, Leave, Disconnect: the only one concerned
	Gone    bool     // Ack: the socket ended, or could not be asked; Event is empty
	Session string   // Taken: its private id
}

// Flags are those of a packet. Further flags of the wire are ignored.
type Flags struct {
	Volatile bool
	Compress bool
	// Timeout of an AckBroadcast; 0: not said.
	Timeout time.Duration
}

// Socket is a socket as an instance describes it to another.
type Socket struct {
	ID        string
	Rooms     []string // its own included
	User      string   // extension; "" for Node.js
	Handshake Payload  // JSON object as Node.js writes it: headers, time, address, xdomain, secure, issued, url, query, auth
	Data      Payload  // JSON object
}

// Frame is a message as it is published.
type Frame struct {
	Channel string
	Sharded bool // with SPUBLISH
	Payload []byte
	// Entry, if not nil, is what makes the frame an entry of the stream that Channel names: its fields beside data, which
	// Payload is.
	Entry *Entry
}

// SubscriptionKind is the kind of a Subscription.
type SubscriptionKind uint8

// The kinds of subscription.
const (
	Plain   SubscriptionKind = iota // SUBSCRIBE
	Pattern                         // PSUBSCRIBE; Name has its glob characters escaped where they are no pattern
	Shard                           // SSUBSCRIBE
)

// Subscription is something that an instance listens to. It is comparable.
type Subscription struct {
	Kind SubscriptionKind
	Name string
}
