package actio

import "context"

// What a socket does with rooms, its end, and the broadcasts that begin at it.

// Join puts the socket into rooms. When it returns nil, every broadcast made afterwards reaches the socket there. Errors:
// ErrTooManyRooms (then none is joined), ErrEmptyRoom, ErrClosed, the context's.
func (s *Socket) Join(ctx context.Context, rooms ...string) error {
	return s.handle.Join(ctx, rooms...)
}

// Leave takes the socket out of rooms. Its own room cannot be left. Where events come by way of a stream (RecoveryOptions)
// those that this instance has emitted before arrive before, so it waits for Redis; but not for one that is down. Errors:
// ErrClosed, the context's.
func (s *Socket) Leave(ctx context.Context, rooms ...string) error {
	if e := s.namespace.server.live.Load(); e != nil && !s.handle.Closed() {
		if err := e.catchUp(ctx); err != nil {
			return err
		}
	}
	return s.handle.Leave(ctx, rooms...)
}

// Rooms lists the rooms that the socket is in, its own first.
func (s *Socket) Rooms(ctx context.Context) ([]string, error) { return s.handle.Rooms(ctx) }

// LastRooms lists the rooms that the socket was in when it ended, its own first: in functions of OnDisconnect and ever after. Nil
// before, and for a socket that was never connected. It asks nobody. Broadcasts do not reach the socket there any more.
func (s *Socket) LastRooms() []string { return s.handle.LastRooms() }

// Disconnect ends the socket after what was emitted to it: its client gets a DISCONNECT and does not reconnect by itself. Where
// events come by way of a stream (RecoveryOptions) that is when those that this instance has emitted before have come, or have
// not within RecoveryOptions.Timeout; at once while Redis is down. It does not wait for the end. Idempotent.
func (s *Socket) Disconnect() { s.end(false) }

// Close ends the whole connection of the socket, with its sockets in all namespaces, as Disconnect does. Idempotent.
func (s *Socket) Close() { s.end(true) }

func (s *Socket) end(whole bool) {
	server := s.namespace.server
	e := server.live.Load()
	if e == nil || !e.echoes() || !e.bridge.Load().Behind() {
		s.handle.Disconnect(whole)
		return
	}
	e.system.Go("disconnect", func() {
		ctx, cancel := e.system.Clock().Context(e.life, "disconnect", server.options.Recovery.Timeout)
		defer cancel()
		_ = e.catchUp(ctx) // it ends all the same
		s.handle.Disconnect(whole)
	})
}

// To begins a broadcast to rooms, without this socket.
func (s *Socket) To(rooms ...string) Broadcast { return s.Broadcast().To(rooms...) }

// In is To.
func (s *Socket) In(rooms ...string) Broadcast { return s.To(rooms...) }

// Except begins a broadcast to the namespace, without this socket and without the sockets of some rooms.
func (s *Socket) Except(rooms ...string) Broadcast { return s.Broadcast().Except(rooms...) }

// Broadcast begins a broadcast to the namespace, without this socket.
func (s *Socket) Broadcast() Broadcast { return s.namespace.Except(s.ID()) }
