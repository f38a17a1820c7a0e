package actio

import (
	"context"
	"errors"
)

// ParentBroadcast addresses the sockets of all dynamic namespaces that a parent has on this instance, on all instances of the
// cluster: a namespace that exists elsewhere alone is left out. It is a value, like Broadcast, whose methods its own are.
type ParentBroadcast struct {
	parent *ParentNamespace
	b      Broadcast // without a namespace
}

// To begins a broadcast to rooms, see Broadcast.To.
func (p *ParentNamespace) To(rooms ...string) ParentBroadcast { return p.broadcast().To(rooms...) }

// In is To.
func (p *ParentNamespace) In(rooms ...string) ParentBroadcast { return p.To(rooms...) }

// ToUser begins a broadcast to a user, see Broadcast.ToUser.
func (p *ParentNamespace) ToUser(user string) ParentBroadcast { return p.broadcast().ToUser(user) }

// Except begins a broadcast without the sockets of some rooms, see Broadcast.Except.
func (p *ParentNamespace) Except(rooms ...string) ParentBroadcast {
	return p.broadcast().Except(rooms...)
}

// Local begins a broadcast to the sockets of this instance alone.
func (p *ParentNamespace) Local() ParentBroadcast { return p.broadcast().Local() }

// Volatile begins a broadcast of an event that may be lost.
func (p *ParentNamespace) Volatile() ParentBroadcast { return p.broadcast().Volatile() }

// Compress begins a broadcast of an event that is compressed where a client negotiated it.
func (p *ParentNamespace) Compress() ParentBroadcast { return p.broadcast().Compress() }

// Emit sends an event to all sockets of all namespaces, see Broadcast.Emit.
func (p *ParentNamespace) Emit(event string, args ...any) error {
	return p.broadcast().Emit(event, args...)
}

// SocketsJoin puts all sockets of all namespaces into rooms, see Broadcast.SocketsJoin.
func (p *ParentNamespace) SocketsJoin(ctx context.Context, rooms ...string) error {
	return p.broadcast().SocketsJoin(ctx, rooms...)
}

// SocketsLeave takes all sockets of all namespaces out of rooms, see Broadcast.SocketsLeave.
func (p *ParentNamespace) SocketsLeave(ctx context.Context, rooms ...string) error {
	return p.broadcast().SocketsLeave(ctx, rooms...)
}

// DisconnectSockets ends all sockets of all namespaces, see Broadcast.DisconnectSockets.
func (p *ParentNamespace) DisconnectSockets(ctx context.Context, closeConnections bool) error {
	return p.broadcast().DisconnectSockets(ctx, closeConnections)
}

func (p *ParentNamespace) broadcast() ParentBroadcast { return ParentBroadcast{parent: p} }

// with changes what every namespace gets.
func (b ParentBroadcast) with(how Broadcast) ParentBroadcast {
	b.b = how
	return b
}

// To is Broadcast.To.
func (b ParentBroadcast) To(rooms ...string) ParentBroadcast { return b.with(b.b.To(rooms...)) }

// In is To.
func (b ParentBroadcast) In(rooms ...string) ParentBroadcast { return b.To(rooms...) }

// ToUser is Broadcast.ToUser.
func (b ParentBroadcast) ToUser(user string) ParentBroadcast { return b.with(b.b.ToUser(user)) }

// Except is Broadcast.Except.
func (b ParentBroadcast) Except(rooms ...string) ParentBroadcast { return b.with(b.b.Except(rooms...)) }

// Local is Broadcast.Local.
func (b ParentBroadcast) Local() ParentBroadcast { return b.with(b.b.Local()) }

// Volatile is Broadcast.Volatile.
func (b ParentBroadcast) Volatile() ParentBroadcast { return b.with(b.b.Volatile()) }

// Compress is Broadcast.Compress.
func (b ParentBroadcast) Compress() ParentBroadcast { return b.with(b.b.Compress()) }

// Emit is Broadcast.Emit for each namespace. Errors of several are joined.
func (b ParentBroadcast) Emit(event string, args ...any) error {
	return b.each(func(one Broadcast) error { return one.Emit(event, args...) })
}

// SocketsJoin is Broadcast.SocketsJoin for each namespace.
func (b ParentBroadcast) SocketsJoin(ctx context.Context, rooms ...string) error {
	return b.each(func(one Broadcast) error { return one.SocketsJoin(ctx, rooms...) })
}

// SocketsLeave is Broadcast.SocketsLeave for each namespace.
func (b ParentBroadcast) SocketsLeave(ctx context.Context, rooms ...string) error {
	return b.each(func(one Broadcast) error { return one.SocketsLeave(ctx, rooms...) })
}

// DisconnectSockets is Broadcast.DisconnectSockets for each namespace.
func (b ParentBroadcast) DisconnectSockets(ctx context.Context, closeConnections bool) error {
	return b.each(func(one Broadcast) error { return one.DisconnectSockets(ctx, closeConnections) })
}

// each does the same for each namespace. Without one it does nothing.
func (b ParentBroadcast) each(do func(Broadcast) error) error {
	if b.parent == nil { // the zero ParentBroadcast belongs to no server
		return ErrNotConfigured
	}
	var errs []error
	for _, n := range b.parent.Children() {
		one := b.b
		one.namespace = n
		errs = append(errs, do(one))
	}
	return errors.Join(errs...)
}
