package connection

import (
	"context"
	"fmt"
	"slices"

	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/wire"
)

// direct sends an operation on this socket so that it overtakes no broadcast that the caller made before.
func (s *Socket) direct(m any) { s.session.env.Registry.Direct(s.shard, s.session.address, m) }

// ready tells why nothing can be sent to the socket; nil: it can.
func (s *Socket) ready() error {
	switch {
	case s.Closed():
		return ErrClosed
	case s.state.Load() == stateEntering:
		return ErrNotConnected
	default:
		return nil
	}
}

// Emit queues an encoded packet. It never blocks. Errors: ErrClosed after the end of the socket, ErrNotConnected before it is
// opened; wire.ErrEncode when the server's parser has no form for the packet.
func (s *Socket) Emit(m *wire.Prepared, f Flags) error {
	if err := s.ready(); err != nil {
		return err
	}
	m, err := s.session.env.Form(m)
	if err != nil {
		return err
	}
	if s.continuity != nil {
		s.emitLogged(&roomregistry.Broadcast{
			Message: m, Volatile: f&FlagVolatile != 0, Compress: f&FlagCompress != 0,
		})
		return nil
	}
	s.direct(&emit{socket: s, message: m, flags: f})
	return nil
}

// Join puts the socket into rooms. When it returns nil, every broadcast that is made afterwards reaches it there.
func (s *Socket) Join(ctx context.Context, rooms ...string) error {
	if slices.Contains(rooms, "") {
		return ErrEmptyRoom
	}
	done := make(chan error, 1)
	s.direct(&joinRooms{socket: s, rooms: slices.Clone(rooms), done: done})
	return s.wait(ctx, "join", done)
}

// Leave takes the socket out of rooms. Its own room, named by its id, cannot be left.
func (s *Socket) Leave(ctx context.Context, rooms ...string) error {
	done := make(chan error, 1)
	s.direct(&leaveRooms{socket: s, rooms: slices.Clone(rooms), done: done})
	return s.wait(ctx, "leave", done)
}

func (s *Socket) wait(ctx context.Context, operation string, done <-chan error) error {
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		if s.Closed() {
			return ErrClosed
		}
		return fmt.Errorf("%s: %w", operation, context.Cause(ctx))
	case <-s.ctx.Done():
		return ErrClosed
	}
}

// Rooms lists the rooms that the socket is in, its own first.
func (s *Socket) Rooms(ctx context.Context) ([]string, error) {
	reply := make(chan []string, 1)
	s.direct(&listRooms{socket: s, reply: reply})
	select {
	case rooms := <-reply:
		if rooms == nil {
			return nil, ErrClosed
		}
		return rooms, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("rooms: %w", context.Cause(ctx))
	case <-s.ctx.Done():
		return nil, ErrClosed
	}
}

// Disconnect ends the socket after what was emitted to it; whole ends its session with all its sockets. Idempotent.
func (s *Socket) Disconnect(whole bool) {
	r := ReasonServerDisconnect
	if whole {
		r = ReasonForcedServerClose
	}
	s.direct(&disconnectSocket{socket: s, whole: whole, reason: r})
}

// Authenticate makes the socket authenticated without asking the verifier. On a socket that is authenticated already it
// does nothing.
func (s *Socket) Authenticate(p *Principal) { s.direct(&forceAuthenticated{socket: s, principal: p}) }

// Ping sends the application-level ping. Unless ignoreAuth is set it closes a session whose socket is not authenticated.
func (s *Socket) Ping(ignoreAuth bool) { s.direct(&pingSocket{socket: s, ignoreAuth: ignoreAuth}) }

// Watch has tell called with each event that goes out to the socket from now on: of the application, of a broadcast and of the
// authentication, but no acknowledgement. It is called on a worker, one event at a time and in their order; what it is too
// slow for is left out, beyond Options.QueueBytes, and counted. Nil ends it.
func (s *Socket) Watch(tell func(name string, args wire.Args)) {
	s.direct(&watchSocket{socket: s, tell: tell})
}
