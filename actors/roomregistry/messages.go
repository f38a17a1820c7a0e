package roomregistry

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/wire"
)

// Member is one socket of one namespace as the registry sees it. The connection creates it and keeps the pointer to name
// the socket in later messages. After Attach the exported fields must not change, and the unexported ones belong to the
// shard.
type Member struct {
	Process actor.Process // the connection, which gets the deliveries

	// With Process what a delivery looks at: in one cache line.
	mark          uint64
	authenticated bool

	Namespace string
	SocketID  string

	space  *namespace // nil while not attached
	places []place    // every group the member is in; the first is the namespace itself
	lookup map[*group]int32
	user   *group

	Handle any // what the connection wants to know it by: see Registry.Handles and Roll
}

// Broadcast is one message for many sockets. It is immutable after it was given to Registry.Broadcast, slices included.
//
// The audience is the union of the sockets in Rooms and those of User, or the whole namespace when both are empty, less
// the sockets in any room of Except. The id of a socket is also the name of a room that holds this socket.
type Broadcast struct {
	Namespace string
	// Socket is the id of the only socket that is meant, if not empty; Rooms, Except, User and Roll are empty then.
	Socket string
	Rooms  []string
	Except []string
	User   string // key of the user index; "" is none
	// AuthenticatedOnly keeps the sockets out that no Authenticated was sent for.
	AuthenticatedOnly bool
	Volatile          bool
	Compress          bool
	Message           *wire.Prepared
	// Roll, if not nil, learns who gets the broadcast, which then is a run of its own. AckID is passed on with it.
	Roll  Roll
	AckID uint64

	call     *rollCall // of Roll, in the registry's own copy
	position uint64    // among all events of the registry, with Options.History; 0: it has none
}

// Delivery is a run of consecutive broadcasts to one audience with equal flags, in order. All members of the run get the
// same pointer: it is shared and immutable.
type Delivery struct {
	Namespace string
	Messages  []*wire.Prepared
	// Joined holds the websocket frames of all messages back to back, as if concatenated from Messages.
	Joined []byte
	// Size is len(Joined), the bytes the run counts for against the bound of a queue.
	Size              int
	Volatile          bool
	Compress          bool
	AuthenticatedOnly bool
	// Roll and AckID are those of the broadcast. A run with a Roll has one message.
	Roll  Roll
	AckID uint64
	// Position is that of the last message among all events of the registry; 0 without Options.History.
	Position uint64
}

// Attach makes the socket a member of its namespace, without rooms but its own. Sent by the connection to Shard.PID. An
// earlier member with the same socket id is detached.
type Attach struct {
	Member *Member
	// Mark asks for Marked: everything that the member is sent comes after it.
	Mark bool
}

// Detach drops the socket with all its rooms. Idempotent; unknown members are ignored.
type Detach struct {
	Member *Member
	Hold   *Hold // comes before, if not nil and if the member is attached
}

// Join adds the socket to rooms; rooms it is in already, "" and its own id are skipped.
type Join struct {
	Member *Member
	Rooms  []string
	// Done, if not nil, is called once in the shard's goroutine when the shard has the message, also for an unknown
	// member. It must not block. It is not called when the registry stops first: see Registry.Done.
	Done func()
}

// Leave removes the socket from rooms; rooms it is not in, and its own, are skipped.
type Leave struct {
	Member *Member
	Rooms  []string
	// Done is as in Join.
	Done func()
}

// Authenticated marks the socket for AuthenticatedOnly and indexes it by User. Sent again with another user it moves the
// socket; an empty User takes it out of the user index.
type Authenticated struct {
	Member *Member
	User   string
}

// Rebuild is sent to the source by a shard that restarted: the source sends Announce to every connection and answers
// the shard with Announcing.
type Rebuild struct {
	Shard *Shard
	Epoch uint64
}

// Announce asks a connection for an Announcement to Shard.PID. Sent by the source.
type Announce struct {
	Shard *Shard
	Epoch uint64
}

// Announcing tells the shard how many connections were sent an Announce. Sent by the source, before or after
// announcements arrive; sent again with a smaller number when connections ended without answering.
type Announcing struct {
	Epoch       uint64
	Connections int
}

// Announcement is the answer of a connection to Announce, also when it has no socket in that shard. Of an older epoch it
// is ignored; one that comes after the RebuildTimeout still counts.
type Announcement struct {
	Epoch   uint64
	Members []Membership
}

// Membership is what a connection knows of one of its sockets. It replaces what the shard knows.
type Membership struct {
	Member        *Member
	Rooms         []string
	User          string // "" when there is none
	Authenticated bool
}

type (
	// direct is a message for one connection on the long way.
	direct struct {
		shard   *Shard
		to      actors.Address
		lane    uint8
		message any
	}
	// flush is what a shard posts to itself: it arrives behind everything that is queued.
	flush struct{}
	// rebuildExpired comes from the clock.
	rebuildExpired struct{ epoch uint64 }
)

// IgnoreDeadLetterLogging keeps messages that come too late out of the dead letter log.
func (*Broadcast) IgnoreDeadLetterLogging() {}

// IgnoreDeadLetterLogging keeps messages that come too late out of the dead letter log.
func (*Delivery) IgnoreDeadLetterLogging() {}

// IgnoreDeadLetterLogging keeps messages that come too late out of the dead letter log.
func (Attach) IgnoreDeadLetterLogging() {}

// IgnoreDeadLetterLogging keeps messages that come too late out of the dead letter log.
func (Detach) IgnoreDeadLetterLogging() {}

// IgnoreDeadLetterLogging keeps messages that come too late out of the dead letter log.
func (Join) IgnoreDeadLetterLogging() {}

// IgnoreDeadLetterLogging keeps messages that come too late out of the dead letter log.
func (Leave) IgnoreDeadLetterLogging() {}

// IgnoreDeadLetterLogging keeps messages that come too late out of the dead letter log.
func (Authenticated) IgnoreDeadLetterLogging() {}

// IgnoreDeadLetterLogging keeps messages that come too late out of the dead letter log.
func (*Rebuild) IgnoreDeadLetterLogging() {}

// IgnoreDeadLetterLogging keeps messages that come too late out of the dead letter log.
func (Announce) IgnoreDeadLetterLogging() {}

// IgnoreDeadLetterLogging keeps messages that come too late out of the dead letter log.
func (Announcing) IgnoreDeadLetterLogging() {}

// IgnoreDeadLetterLogging keeps messages that come too late out of the dead letter log.
func (Announcement) IgnoreDeadLetterLogging() {}

func (*direct) IgnoreDeadLetterLogging()        {}
func (*barrier) IgnoreDeadLetterLogging()       {}
func (*query) IgnoreDeadLetterLogging()         {}
func (flush) IgnoreDeadLetterLogging()          {}
func (rebuildExpired) IgnoreDeadLetterLogging() {}
