package actio

import (
	"context"
	"fmt"
	"time"

	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/redisbridge/format"
)

// Fetched are the sockets that were found.
type Fetched struct {
	// Sockets of this instance come first. There is no other order.
	Sockets []RemoteSocket
	// Missing are the instances that did not answer in time.
	Missing Missing
}

// FetchSockets describes the sockets on all instances: it waits for the other instances until the timeout is over (see
// Timeout), or the context's deadline, which counts as a timeout. That an instance does not answer is no error but a missing
// entry, nor that none could be asked as Redis is down: Missing.Unreached. Errors: ErrNotConfigured, ErrClosed,
// ErrTwoUsers, and those of a context that was cancelled or over before.
func (b Broadcast) FetchSockets(ctx context.Context) (Fetched, error) {
	e, err := b.begin()
	switch {
	case err != nil:
		return Fetched{}, err
	case ctx.Err() != nil:
		return Fetched{}, fmt.Errorf("actio: fetch sockets: %w", connection.WhyEnded(ctx))
	case b.nobody():
		return Fetched{}, nil
	}
	ctx, timeout, release := b.namespace.server.patience(ctx, b.flags.Timeout)
	defer release()
	f, err := b.fetch(ctx, e, timeout)
	if err != nil {
		return f, fmt.Errorf("actio: fetch sockets: %w", closedIfStopped(err))
	}
	return f, nil
}

// fetch asks this instance, then the others.
func (b Broadcast) fetch(ctx context.Context, e *Engine, timeout time.Duration) (f Fetched, err error) {
	begun := time.Now()
	brief, cancel := e.system.Clock().Context(ctx, "fetch sockets", timeout)
	defer cancel()
	here, err := e.neighbour.Sockets(brief, b.namespace.name, b.target)
	silent := err != nil && brief.Err() != nil && ctx.Err() == nil // a part of the registry is being rebuilt
	if err != nil && !silent {
		return f, err
	}
	f.Sockets = make([]RemoteSocket, 0, len(here))
	for _, s := range here {
		f.Sockets = append(f.Sockets, b.namespace.remote(s, true))
	}
	if bridge := e.bridge.Load(); bridge != nil && !b.local {
		var others []format.Socket
		others, f.Missing, err = bridge.Fetch(ctx, b.namespace.name, b.target, max(timeout-time.Since(begun), 1))
		for _, s := range others {
			f.Sockets = append(f.Sockets, b.namespace.remote(s, false))
		}
	} else {
		err = nil
	}
	if silent {
		f.Missing.Instances = append(f.Missing.Instances, e.uid)
	}
	return f, err
}

// RemoteSocket is a socket of any instance, described when it was fetched. Its methods work wherever it is; on one that has
// ended they do nothing. It is a value and safe for concurrent use.
type RemoteSocket struct {
	// ID is the socket id.
	ID string
	// Namespace is the name of the socket's namespace.
	Namespace string
	// Rooms that it was in, its own included.
	Rooms []string
	// UserID of its principal; empty for sockets without a user and for those of Node.js.
	UserID string
	// Handshake is what it was connected with; empty when the instance that has the socket left out the handshakes of its answer,
	// as they were larger than 8 MiB together.
	Handshake RemoteHandshake
	// Local: it is a socket of this instance.
	Local bool

	data      format.Payload
	namespace *Namespace
}

func (n *Namespace) remote(s format.Socket, local bool) RemoteSocket {
	return RemoteSocket{
		ID: s.ID, Namespace: n.name, Rooms: s.Rooms, UserID: s.User, Handshake: decodeHandshake(s.Handshake), Local: local,
		data: s.Data, namespace: n,
	}
}

// Data decodes what was in the socket's Data, a JSON object, into the value that v points to, with []byte for binary.
func (s RemoteSocket) Data(v any) error {
	if s.data.IsZero() {
		return nil
	}
	return s.data.Decode(v)
}

// broadcast begins a broadcast to this socket alone.
func (s RemoteSocket) broadcast() Broadcast { return Broadcast{namespace: s.namespace}.To(s.ID) }

// Emit sends an event to the socket, as Broadcast.Emit does.
func (s RemoteSocket) Emit(event string, args ...any) error {
	return s.broadcast().Emit(event, args...)
}

// Join puts the socket into rooms, as Broadcast.SocketsJoin does.
func (s RemoteSocket) Join(ctx context.Context, rooms ...string) error {
	return s.broadcast().SocketsJoin(ctx, rooms...)
}

// Leave takes the socket out of rooms, as Broadcast.SocketsLeave does.
func (s RemoteSocket) Leave(ctx context.Context, rooms ...string) error {
	return s.broadcast().SocketsLeave(ctx, rooms...)
}

// Disconnect ends the socket, as Broadcast.DisconnectSockets does.
func (s RemoteSocket) Disconnect(ctx context.Context, closeConnection bool) error {
	return s.broadcast().DisconnectSockets(ctx, closeConnection)
}
