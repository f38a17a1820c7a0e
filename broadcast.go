package actio

import (
	"fmt"
	"slices"

	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/wire"
)

// Broadcast addresses many sockets of a namespace. It is a value: each method returns a new one and leaves its receiver as
// it was, so that a Broadcast can be kept and reused.
type Broadcast struct {
	namespace *Namespace
	rooms     []string
	except    []string
	user      string
	addressed bool // to rooms or a user, of which there may be none
	volatile  bool
	compress  bool
}

// To adds rooms: a socket that is in any of them is addressed, once. A socket's id is a room too.
func (n *Namespace) To(rooms ...string) Broadcast { return Broadcast{namespace: n}.To(rooms...) }

// In is To.
func (n *Namespace) In(rooms ...string) Broadcast { return n.To(rooms...) }

// ToUser addresses all sockets of a user of the namespace. The empty user is nobody: sockets without a user are not his.
func (n *Namespace) ToUser(user string) Broadcast {
	return Broadcast{namespace: n, user: user, addressed: true}
}

// Except addresses the whole namespace without the sockets of some rooms.
func (n *Namespace) Except(rooms ...string) Broadcast {
	return Broadcast{namespace: n}.Except(rooms...)
}

// Emit sends an event to all sockets of the namespace.
func (n *Namespace) Emit(event string, args ...any) error {
	return Broadcast{namespace: n}.Emit(event, args...)
}

// To adds rooms. Without any, the broadcast addresses nobody unless rooms are added otherwise: a list that was computed and
// is empty must not reach everybody.
func (b Broadcast) To(rooms ...string) Broadcast {
	b.addressed = true
	b.rooms = slices.Concat(b.rooms, rooms)
	return b
}

// In is To.
func (b Broadcast) In(rooms ...string) Broadcast { return b.To(rooms...) }

// Except excludes the sockets that are in any of the rooms.
func (b Broadcast) Except(rooms ...string) Broadcast {
	b.except = slices.Concat(b.except, rooms)
	return b
}

// Volatile makes the event one that may be lost: a client that is not ready for it does not get it.
func (b Broadcast) Volatile() Broadcast {
	b.volatile = true
	return b
}

// Compress makes the event compressed, once for all, where a client negotiated it.
func (b Broadcast) Compress() Broadcast {
	b.compress = true
	return b
}

// Emit sends the event. It does not wait for any client, and reaches all members in the order of all broadcasts. Errors:
// ErrNotConfigured, ErrClosed, ErrReservedEvent, or what the encoding of an argument returned.
func (b Broadcast) Emit(event string, args ...any) error {
	if b.namespace == nil { // the zero Broadcast belongs to no server
		return ErrNotConfigured
	}
	server := b.namespace.server
	e := server.live.Load()
	switch {
	case wire.IsReserved(event):
		return fmt.Errorf("%w: %q", ErrReservedEvent, event)
	case e == nil:
		return ErrNotConfigured
	case e.over.Load():
		return ErrClosed
	}
	m, err := wire.EncodeEvent(b.namespace.name, event, args...)
	if err != nil {
		return fmt.Errorf("actio: emit %q: %w", event, err)
	}
	everybody := len(b.rooms) == 0 && b.user == ""
	if everybody && b.addressed {
		return nil
	}
	e.env.Registry.Broadcast(&roomregistry.Broadcast{
		Namespace: b.namespace.name, Rooms: b.rooms, Except: b.except, User: b.user, Message: m,
		Volatile: b.volatile, Compress: b.compress,
		AuthenticatedOnly: server.options.BroadcastAuthenticatedOnly && everybody,
	})
	return nil
}

// To begins a broadcast to rooms of the default namespace.
func (s *Server) To(rooms ...string) Broadcast { return s.Root().To(rooms...) }

// In is To.
func (s *Server) In(rooms ...string) Broadcast { return s.Root().To(rooms...) }

// ToUser begins a broadcast to the sockets of a user in the default namespace.
func (s *Server) ToUser(user string) Broadcast { return s.Root().ToUser(user) }

// Except begins a broadcast to the default namespace without some rooms.
func (s *Server) Except(rooms ...string) Broadcast { return s.Root().Except(rooms...) }

// Emit sends an event to all sockets of the default namespace.
func (s *Server) Emit(event string, args ...any) error { return s.Root().Emit(event, args...) }
