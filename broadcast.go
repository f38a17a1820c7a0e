package actio

import (
	"fmt"
	"time"

	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/wire"
)

// Broadcast addresses many sockets of a namespace, on all instances of the cluster. It is a value: each method returns a new
// one and leaves its receiver as it was, so that a Broadcast can be kept, reused and derived from.
//
// What one goroutine does with broadcasts takes effect in that order for each socket that it concerns, on this instance and
// on the others: after SocketsJoin(room) an event for the room reaches the sockets that joined, and an event that was
// emitted before DisconnectSockets arrives before the end.
//
// With Redis there are limits to that. The sharded adapter in a Redis Cluster keeps the order of each channel only: rooms
// have channels of their own unless in StaticMode, and different nodes may serve them. Where rooms have channels of their own
// (also Options.Redis.DynamicRooms), a socket that joins a room by other means than SocketsJoin, as the first on its instance, is
// reached by the others one round trip to Redis later. And where events come by way of a stream (RecoveryOptions), what is done
// to the sockets of this instance while Redis is down overtakes the events that wait for it.
type Broadcast struct {
	namespace *Namespace
	target    format.Target
	flags     format.Flags
	addressed bool // to rooms or a user, of which there may be none
	local     bool
	problem   error // in how it was put together
}

// To adds rooms: a socket that is in any of them is addressed, once. A socket's id is a room too. Without any, the broadcast
// addresses nobody unless rooms are added otherwise: a list that was computed and is empty must not reach everybody. Empty
// names are no rooms.
func (b Broadcast) To(rooms ...string) Broadcast {
	b.addressed = true
	b.target = b.target.With(rooms...)
	return b
}

// In is To.
func (b Broadcast) In(rooms ...string) Broadcast { return b.To(rooms...) }

// ToUser adds all sockets of a user of the namespace, on all instances of actio; Node.js knows no users. The empty user is
// nobody: sockets without a user are not his. A second user is an error (ErrTwoUsers) of whatever the broadcast is used for.
func (b Broadcast) ToUser(user string) Broadcast {
	b.addressed = true
	target, err := b.target.WithUser(user)
	if err != nil {
		b.problem = err
	}
	b.target = target
	return b
}

// Except excludes the sockets that are in any of the rooms.
func (b Broadcast) Except(rooms ...string) Broadcast {
	b.target = b.target.Without(rooms...)
	return b
}

// Local leaves the other instances out.
func (b Broadcast) Local() Broadcast {
	b.local = true
	return b
}

// Volatile makes the event one that may be lost: a client that is not ready for it does not get it.
func (b Broadcast) Volatile() Broadcast {
	b.flags.Volatile = true
	return b
}

// Compress makes the event compressed, once for all, where a client negotiated it.
func (b Broadcast) Compress() Broadcast {
	b.flags.Compress = true
	return b
}

// Timeout bounds the wait for acknowledgements and for the answers of other instances; 0 or less means the default,
// Options.Redis.RequestTimeout. A deadline of the context that is earlier counts instead.
func (b Broadcast) Timeout(d time.Duration) Broadcast {
	b.flags.Timeout = max(d, 0)
	return b
}

// Emit sends the event: to the sockets of this instance at once, then to the other instances; where it comes by way of a stream
// (RecoveryOptions) to all of them from there. It waits neither for any client
// nor for Redis, and reaches all members in the order of all broadcasts. While Redis is down the event waits for it, in a
// bounded buffer, and is dropped and counted beyond (RedisStats.Link). Errors: ErrNotConfigured, ErrClosed,
// ErrReservedEvent, ErrTwoUsers, or what the encoding of an argument returned.
func (b Broadcast) Emit(event string, args ...any) error { return b.emit(nil, event, args) }

// emit calls settled, unless it is nil or there is an error, when it is known what became of the message for the other
// instances.
func (b Broadcast) emit(settled func(), event string, args []any) error {
	e, err := b.begin(event)
	if err != nil {
		return err
	}
	m, err := wire.EncodeEvent(b.namespace.name, event, args...)
	if err == nil {
		m, err = e.env.Form(m)
	}
	if err != nil {
		return fmt.Errorf("actio: emit %q: %w", event, err)
	}
	if b.nobody() {
		if settled != nil {
			settled()
		}
		return nil
	}
	if b.local || !e.echoes() { // else it comes back
		e.neighbour.Broadcast(&roomregistry.Broadcast{
			Namespace: b.namespace.name, Rooms: b.target.Rooms, Except: b.target.Except, User: b.target.User, Message: m,
			Volatile: b.flags.Volatile, Compress: b.flags.Compress,
		})
	}
	array, attachments, _ := m.Event()
	b.publish(e, &format.Message{Kind: format.Broadcast, Event: format.NewPayload(array, attachments)}, settled)
	return nil
}

// begin checks what every use of a broadcast needs, and an event's name unless there is none.
func (b Broadcast) begin(event ...string) (*Engine, error) {
	if b.namespace == nil { // the zero Broadcast belongs to no server
		return nil, ErrNotConfigured
	}
	for _, name := range event {
		if wire.IsReserved(name) {
			return nil, fmt.Errorf("%w: %q", ErrReservedEvent, name)
		}
	}
	e := b.namespace.server.live.Load()
	switch {
	case e == nil:
		return nil, ErrNotConfigured
	case e.over.Load():
		return nil, ErrClosed
	default:
		return e, b.problem
	}
}

// nobody tells that the broadcast is for rooms or a user, of which there are none.
func (b Broadcast) nobody() bool { return b.addressed && b.target.All() }

// publish sends a message of this broadcast to the other instances. It never blocks.
func (b Broadcast) publish(e *Engine, m *format.Message, settled func()) {
	bridge := e.bridge.Load()
	if bridge == nil || b.local {
		if settled != nil {
			settled()
		}
		return
	}
	m.Namespace, m.Target, m.Flags = b.namespace.name, b.target, b.flags
	bridge.Emit(m, settled)
}
