package actio

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/redisbridge"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/wire"
)

// instance is what this server does with its own sockets, for its own broadcasts and for those of its neighbours alike.
type instance struct {
	server  *Server
	engine  *Engine
	leftOut actors.LogLimit // of sockets that an operation failed for
	unfit   actors.LogLimit // of what neighbours sent
}

var _ redisbridge.Instance = (*instance)(nil)

// everybody tells whether a broadcast is for everybody, with or without exceptions: then Options.BroadcastAuthenticatedOnly of
// the receiving instance holds.
func everybody(b *roomregistry.Broadcast) bool { return len(b.Rooms) == 0 && b.User == "" }

// Broadcast hands an event to local sockets.
func (n *instance) Broadcast(b *roomregistry.Broadcast) {
	formed, err := n.engine.env.Form(b.Message)
	if err != nil { // what this server itself sends has its form already
		n.engine.env.Counters.ParserFailures.Add(1)
		n.failed("broadcast", err)
		return
	}
	b.Message = formed
	b.AuthenticatedOnly = n.server.options.BroadcastAuthenticatedOnly && everybody(b)
	n.engine.env.Registry.Broadcast(b)
}

// MayHave is false only when no local socket is in the room.
func (n *instance) MayHave(namespace, room string) bool {
	return n.engine.env.Registry.MayHave(namespace, room)
}

// Ask hands an event to local sockets and collects their acknowledgements.
func (n *instance) Ask(q redisbridge.Question) (cancel func()) {
	array, attachments, err := q.Event.JSON()
	if err != nil {
		n.failed("question", err)
		q.Counted(nil)
		return func() {}
	}
	b := &roomregistry.Broadcast{
		Namespace: q.Namespace, Rooms: q.Target.Rooms, Except: q.Target.Except, User: q.Target.User,
		Volatile: q.Flags.Volatile, Compress: q.Flags.Compress,
	}
	b.AuthenticatedOnly = n.server.options.BroadcastAuthenticatedOnly && everybody(b)
	prepare := func(id uint64) (*wire.Prepared, error) {
		return wire.PrepareEvent(q.Namespace, true, id, array, attachments)
	}
	cancel, err = connection.Ask(n.engine.env, b, prepare, q.Counted, q.Answered)
	if err != nil {
		n.failed("question", err)
		q.Counted(nil)
		return func() {}
	}
	return cancel
}

// Join puts local sockets into rooms.
func (n *instance) Join(ctx context.Context, namespace string, t redisbridge.Target, rooms []string) error {
	return n.each(ctx, namespace, t, "join", func(h *connection.Socket) error { return h.Join(ctx, rooms...) })
}

// Leave takes local sockets out of rooms.
func (n *instance) Leave(ctx context.Context, namespace string, t redisbridge.Target, rooms []string) error {
	return n.each(ctx, namespace, t, "leave", func(h *connection.Socket) error { return h.Leave(ctx, rooms...) })
}

// Disconnect ends local sockets; whole ends their connections.
func (n *instance) Disconnect(ctx context.Context, namespace string, t redisbridge.Target, whole bool) error {
	sockets, err := n.sockets(ctx, namespace, t)
	if err != nil {
		return err
	}
	for _, h := range sockets {
		h.Disconnect(whole)
	}
	for _, h := range sockets {
		select {
		case <-h.Context().Done():
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// Sockets describes local sockets. Those that end meanwhile are left out.
func (n *instance) Sockets(ctx context.Context, namespace string, t redisbridge.Target) ([]format.Socket, error) {
	sockets, err := n.sockets(ctx, namespace, t)
	if err != nil {
		return nil, err
	}
	described := make([]format.Socket, 0, len(sockets))
	for _, h := range sockets {
		rooms, err := h.Rooms(ctx)
		switch {
		case errors.Is(err, ErrClosed):
		case err != nil:
			return nil, err
		default:
			described = append(described, n.server.describe(h, rooms))
		}
	}
	return described, nil
}

// Rooms lists the rooms with local members, own rooms of sockets included.
func (n *instance) Rooms(ctx context.Context, namespace string) ([]string, error) {
	sizes, err := n.engine.env.Registry.Rooms(ctx, namespace)
	if err != nil {
		return nil, err
	}
	ids, err := n.engine.env.Registry.Members(ctx, namespace, nil, nil)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		sizes[id] = 1
	}
	rooms := make([]string, 0, len(sizes))
	for room := range sizes {
		rooms = append(rooms, room)
	}
	return rooms, nil
}

// sockets returns the local sockets that a target means.
func (n *instance) sockets(ctx context.Context, namespace string, t redisbridge.Target) ([]*connection.Socket, error) {
	handles, err := n.engine.env.Registry.Handles(ctx, namespace, t.Rooms, t.Except, t.User)
	if err != nil {
		return nil, err
	}
	sockets := make([]*connection.Socket, 0, len(handles))
	for _, h := range handles {
		if s, ok := h.(*connection.Socket); ok {
			sockets = append(sockets, s)
		}
	}
	return sockets, nil
}

// hands is how many sockets are worked on at a time: each operation waits for an actor or two.
const hands = 16

// each does something with each local socket that a target means. What fails for one is logged, once in a while, and harms no
// other; the error is that of the context, or of the registry.
func (n *instance) each(
	ctx context.Context, namespace string, t redisbridge.Target, name string, do func(*connection.Socket) error,
) error {
	sockets, err := n.sockets(ctx, namespace, t)
	if err != nil {
		return err
	}
	work := func(part []*connection.Socket) {
		for _, h := range part {
			if err := do(h); err != nil && !errors.Is(err, ErrClosed) && ctx.Err() == nil && n.leftOut.Allow() {
				n.engine.system.Logger().Warn("socket left out", slog.String("operation", name),
					slog.String("sid", h.LogID()), slog.String("nsp", namespace), slog.Any("err", err))
			}
		}
	}
	size := max((len(sockets)+hands-1)/hands, hands)
	var others sync.WaitGroup
	for len(sockets) > size {
		part := sockets[:size]
		sockets = sockets[size:]
		others.Add(1)
		n.engine.system.Go("cluster operation", func() {
			defer others.Done()
			work(part)
		})
	}
	work(sockets)
	others.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// failed logs what a neighbour's message could not be used for.
func (n *instance) failed(what string, err error) {
	if !n.unfit.Allow() {
		return
	}
	n.engine.system.Logger().Warn("message of the cluster failed", slog.String("what", what), slog.Any("err", err))
}
