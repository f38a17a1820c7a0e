package actio

import (
	"context"
	"fmt"
	"slices"

	"github.com/actio-go/actio/redisbridge/format"
)

// SocketsJoin puts the sockets into rooms. When it returns nil those of this instance are in, and for the others it is on
// its way: what the same goroutine does afterwards finds them in the rooms (what other instances do, see Broadcast). A socket
// that is in too many rooms already is logged, where it is, and left out. Errors: ErrEmptyRoom (then nothing is done),
// ErrNotConfigured, ErrClosed, ErrTwoUsers, the context's (then the others may do it all the same).
//
// Where events come by way of a stream (RecoveryOptions) those that this instance has emitted before arrive before, so it waits
// for Redis; but not for one that is down: then it overtakes them on this instance.
func (b Broadcast) SocketsJoin(ctx context.Context, rooms ...string) error {
	if slices.Contains(rooms, "") {
		return fmt.Errorf("actio: sockets join: %w", ErrEmptyRoom)
	}
	if len(rooms) == 0 {
		_, err := b.begin()
		return err
	}
	rooms = slices.Clone(rooms)
	return b.apply(ctx, &format.Message{Kind: format.Join, Rooms: rooms}, func(e *Engine, namespace string) error {
		return e.neighbour.Join(ctx, namespace, b.target, rooms)
	})
}

// SocketsLeave takes the sockets out of rooms, as SocketsJoin puts them in. No socket leaves its own room. Errors: as
// SocketsJoin, except ErrEmptyRoom.
func (b Broadcast) SocketsLeave(ctx context.Context, rooms ...string) error {
	rooms = slices.DeleteFunc(slices.Clone(rooms), func(name string) bool { return name == "" })
	if len(rooms) == 0 {
		_, err := b.begin()
		return err
	}
	return b.apply(ctx, &format.Message{Kind: format.Leave, Rooms: rooms}, func(e *Engine, namespace string) error {
		return e.neighbour.Leave(ctx, namespace, b.target, rooms)
	})
}

// DisconnectSockets ends the sockets after what was emitted to them; with closeConnections their whole connections. When it
// returns nil those of this instance have ended, which does not wait for their disconnect callbacks, and for the others
// it is on its way. It does not reach sessions that wait for their clients, see RecoveryOptions: who is to stay away must be
// refused when it comes back. Errors: as SocketsLeave.
func (b Broadcast) DisconnectSockets(ctx context.Context, closeConnections bool) error {
	m := &format.Message{Kind: format.Disconnect, Close: closeConnections}
	return b.apply(ctx, m, func(e *Engine, namespace string) error {
		return e.neighbour.Disconnect(ctx, namespace, b.target, closeConnections)
	})
}

// apply publishes a message, which takes no time, and does here what it says, behind what was emitted before.
func (b Broadcast) apply(ctx context.Context, m *format.Message, here func(e *Engine, namespace string) error) error {
	e, err := b.begin()
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("actio: %w", context.Cause(ctx))
	case b.nobody():
		return nil
	}
	b.publish(e, m, nil) // first: the others need not wait for what has come back here
	if err := e.catchUp(ctx); err != nil {
		return err
	}
	return closedIfStopped(here(e, b.namespace.name))
}
