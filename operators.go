package actio

import (
	"context"
	"time"
)

// The operators of a namespace. Each begins a Broadcast, which has the same methods, or is one of them for the whole namespace.

// To begins a broadcast to rooms: a socket that is in any of them is addressed, once. A socket's id is a room too.
func (n *Namespace) To(rooms ...string) Broadcast {
	return Broadcast{namespace: n}.To(rooms...)
}

// In is To.
func (n *Namespace) In(rooms ...string) Broadcast {
	return Broadcast{namespace: n}.To(rooms...)
}

// ToUser begins a broadcast to all sockets of a user. The empty user is nobody: sockets without a user are not his.
func (n *Namespace) ToUser(user string) Broadcast {
	return Broadcast{namespace: n}.ToUser(user)
}

// Except begins a broadcast to all without the sockets of some rooms.
func (n *Namespace) Except(rooms ...string) Broadcast {
	return Broadcast{namespace: n}.Except(rooms...)
}

// Local begins a broadcast to the sockets of this instance alone.
func (n *Namespace) Local() Broadcast {
	return Broadcast{namespace: n}.Local()
}

// Volatile begins a broadcast of an event that may be lost.
func (n *Namespace) Volatile() Broadcast {
	return Broadcast{namespace: n}.Volatile()
}

// Compress begins a broadcast of an event that is compressed where a client negotiated it.
func (n *Namespace) Compress() Broadcast {
	return Broadcast{namespace: n}.Compress()
}

// Timeout begins a broadcast with a bound for answers, see Broadcast.Timeout.
func (n *Namespace) Timeout(d time.Duration) Broadcast {
	return Broadcast{namespace: n}.Timeout(d)
}

// Emit sends an event to all sockets, see Broadcast.Emit.
func (n *Namespace) Emit(event string, args ...any) error {
	return Broadcast{namespace: n}.Emit(event, args...)
}

// Send is Emit of the event "message".
func (n *Namespace) Send(args ...any) error { return n.Emit("message", args...) }

// EmitWithAck asks all sockets, see Broadcast.EmitWithAck.
func (n *Namespace) EmitWithAck(ctx context.Context, event string, args ...any) (Responses, error) {
	return Broadcast{namespace: n}.EmitWithAck(ctx, event, args...)
}

// FetchSockets describes all sockets, see Broadcast.FetchSockets.
func (n *Namespace) FetchSockets(ctx context.Context) (Fetched, error) {
	return Broadcast{namespace: n}.FetchSockets(ctx)
}

// SocketsJoin puts all sockets into rooms, see Broadcast.SocketsJoin.
func (n *Namespace) SocketsJoin(ctx context.Context, rooms ...string) error {
	return Broadcast{namespace: n}.SocketsJoin(ctx, rooms...)
}

// SocketsLeave takes all sockets out of rooms, see Broadcast.SocketsLeave.
func (n *Namespace) SocketsLeave(ctx context.Context, rooms ...string) error {
	return Broadcast{namespace: n}.SocketsLeave(ctx, rooms...)
}

// DisconnectSockets ends all sockets, see Broadcast.DisconnectSockets.
func (n *Namespace) DisconnectSockets(ctx context.Context, closeConnections bool) error {
	return Broadcast{namespace: n}.DisconnectSockets(ctx, closeConnections)
}

// Use is Use of the default namespace.
func (s *Server) Use(f func(ctx context.Context, socket *Socket) error) { s.Root().Use(f) }

// The operators of a server are those of its default namespace.

// To is To of the default namespace.
func (s *Server) To(rooms ...string) Broadcast {
	return s.Root().To(rooms...)
}

// In is In of the default namespace.
func (s *Server) In(rooms ...string) Broadcast {
	return s.Root().To(rooms...)
}

// ToUser is ToUser of the default namespace.
func (s *Server) ToUser(user string) Broadcast {
	return s.Root().ToUser(user)
}

// Except is Except of the default namespace.
func (s *Server) Except(rooms ...string) Broadcast {
	return s.Root().Except(rooms...)
}

// Local is Local of the default namespace.
func (s *Server) Local() Broadcast {
	return s.Root().Local()
}

// Volatile is Volatile of the default namespace.
func (s *Server) Volatile() Broadcast {
	return s.Root().Volatile()
}

// Compress is Compress of the default namespace.
func (s *Server) Compress() Broadcast {
	return s.Root().Compress()
}

// Timeout is Timeout of the default namespace.
func (s *Server) Timeout(d time.Duration) Broadcast {
	return s.Root().Timeout(d)
}

// Emit is Emit of the default namespace.
func (s *Server) Emit(event string, args ...any) error {
	return s.Root().Emit(event, args...)
}

// EmitWithAck is EmitWithAck of the default namespace.
func (s *Server) EmitWithAck(ctx context.Context, event string, args ...any) (Responses, error) {
	return s.Root().EmitWithAck(ctx, event, args...)
}

// FetchSockets is FetchSockets of the default namespace.
func (s *Server) FetchSockets(ctx context.Context) (Fetched, error) {
	return s.Root().FetchSockets(ctx)
}

// SocketsJoin is SocketsJoin of the default namespace.
func (s *Server) SocketsJoin(ctx context.Context, rooms ...string) error {
	return s.Root().SocketsJoin(ctx, rooms...)
}

// SocketsLeave is SocketsLeave of the default namespace.
func (s *Server) SocketsLeave(ctx context.Context, rooms ...string) error {
	return s.Root().SocketsLeave(ctx, rooms...)
}

// DisconnectSockets is DisconnectSockets of the default namespace.
func (s *Server) DisconnectSockets(ctx context.Context, closeConnections bool) error {
	return s.Root().DisconnectSockets(ctx, closeConnections)
}
