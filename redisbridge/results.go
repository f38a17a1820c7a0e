package redisbridge

import (
	"errors"
	"time"

	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/link"
	"github.com/actio-go/actio/wire"
)

// Errors of a Bridge and of its results.
var (
	// ErrClosed: the bridge is closed.
	ErrClosed = errors.New("redisbridge: closed")
	// ErrTimeout: a client did not answer in time.
	ErrTimeout = errors.New("redisbridge: timeout")
	// ErrGone: a client ended without an answer.
	ErrGone = errors.New("redisbridge: client gone")
	// ErrTwoUsers: an Emitter was given a second user.
	ErrTwoUsers = format.ErrTwoUsers
	// ErrEmptyRoom: a room needs a name.
	ErrEmptyRoom = roomregistry.ErrEmptyRoom
	// errDown: there is no use in asking.
	errDown = errors.New("redisbridge: Redis is down")
	// ErrLeft: the bridge did not learn before the context ended whether its farewell was sent.
	ErrLeft = errors.New("redisbridge: farewell not confirmed")
)

// Missing tells which neighbours gave no answer. It belongs to the caller.
type Missing struct {
	// Instances are the uids of instances of actio, sorted: those that the bridge knew when it asked.
	Instances []string
	// Unnamed is the number of further instances: Node.js, or of actio and not known yet.
	Unnamed int
	// Unreached: Redis could not be asked, so that nobody beyond this instance was. How many instances there are beside those
	// in Instances is not known.
	Unreached bool
}

// None reports whether all have answered.
func (m Missing) None() bool { return len(m.Instances) == 0 && m.Unnamed == 0 && !m.Unreached }

// Answer is what became of the question to one client.
type Answer struct {
	// SocketID names the client; "" for clients of Node.js neighbours, as the wire does not say.
	SocketID string
	// Args are the arguments of its acknowledgement. They share memory with the message that they came in.
	Args wire.Args
	// Err is nil, ErrTimeout or ErrGone.
	Err error
}

// Responses are what neighbours' clients answered to a question. They belong to the caller.
type Responses struct {
	// Answers has one element for each client that is known by its id, and one for each answer of others, in no order.
	Answers []Answer
	// Unanswered is the number of clients of Node.js neighbours that did not answer in time.
	Unanswered int
	// Missing are the neighbours that did not even tell how many clients they asked.
	Missing Missing
}

// Reply is what one neighbour's handler answered to a server event.
type Reply struct {
	// Instance is the uid of the neighbour; "" when the wire does not say.
	Instance string
	// Args are the arguments of the answer. They share memory with the message that they came in.
	Args wire.Args
}

// Status is how the bridge is. It belongs to the caller.
type Status struct {
	// Up: all connections are.
	Up bool
	// Reasons says why not, one text for each connection that is down.
	Reasons []string
	// Since is when Up changed last.
	Since time.Time
	// Peers are the uids of the instances of actio that live, sorted, this one not included.
	Peers []string
	// Buffered is the number of messages that wait for Redis to return.
	Buffered int
}

// Stats are counters since the start.
type Stats struct {
	// Link counts what was sent.
	Link link.Stats

	Received   uint64 // messages that arrived, of all kinds
	Broadcasts uint64 // of them, those that were handed to local sockets
	Echoes     uint64 // own messages that came back
	Unwanted   uint64 // for rooms without local members: dropped unread
	Unknown    uint64 // well formed, and none of our business
	Malformed  uint64 // not readable
	Late       uint64 // answers to requests that had ended, or that were not ours

	Requests   uint64 // that we made
	Incomplete uint64 // of them, those that ended with a missing neighbour
	Asked      uint64 // that neighbours made
	Refused    uint64 // of them, those that were dropped because too many were under way
	Unsendable uint64 // messages that the wire cannot carry: not sent
	Skipped    uint64 // messages that were not sent because nobody would have heard them

	Pending    int // requests that we made and that have not ended
	Answering  int // requests of neighbours that have not ended
	Peers      int // instances of actio that live
	Namespaces int // that are listened to
	Rooms      int // whose channels are listened to
}
