package roomregistry

import (
	"context"
	"fmt"
)

// query asks a shard something about its index. A shard that is being rebuilt answers when it is complete.
type query struct {
	read    func(*index) any
	replies chan<- any // has room for one reply of every shard; an error when the shard crashed over it
}

func (q *query) answer(ix *index) {
	var reply any = ErrShardFailed
	defer func() { q.replies <- reply }()
	reply = q.read(ix)
}

func (s *shard) query(q *query) {
	if s.rebuild.live {
		q.answer(s.index)
		return
	}
	s.backlog.push(q)
}

// ask puts a query to all shards and calls add with each answer.
func ask[T any](ctx context.Context, r *Registry, name string, read func(*index) T, add func(T)) error {
	replies := make(chan any, len(r.shards))
	q := &query{read: func(ix *index) any { return read(ix) }, replies: replies}
	if r.closed() {
		return fmt.Errorf("roomregistry: %s: %w", name, ErrStopped)
	}
	for _, s := range r.shards {
		r.sys.Send(s.pid, q)
	}
	for range r.shards {
		select {
		case reply := <-replies:
			if err, failed := reply.(error); failed {
				return fmt.Errorf("roomregistry: %s: %w", name, err)
			}
			add(reply.(T))
		case <-ctx.Done():
			return fmt.Errorf("roomregistry: %s: %w", name, context.Cause(ctx))
		case <-r.done:
			return fmt.Errorf("roomregistry: %s: %w", name, ErrStopped)
		}
	}
	return nil
}

// Members returns the ids of the sockets of the namespace that are in any of rooms and in none of except, each once, in
// no particular order; without rooms those of the whole namespace. The caller owns the result. The error is that of ctx,
// ErrStopped or ErrShardFailed.
func (r *Registry) Members(ctx context.Context, ns string, rooms, except []string) ([]string, error) {
	return list(ctx, r, "members", &audience{namespace: ns, rooms: rooms, except: except}, (*Member).id)
}

// UserSockets returns the ids of the sockets of the namespace that were authenticated as user, in no particular order. An
// empty user has none. Errors as for Members.
func (r *Registry) UserSockets(ctx context.Context, ns, user string) ([]string, error) {
	if user == "" {
		return nil, nil
	}
	return list(ctx, r, "sockets of a user", &audience{namespace: ns, user: user}, (*Member).id)
}

// Handles returns Member.Handle of each socket that a Broadcast with these rooms, exceptions and user would address, each
// once, in no particular order. The caller owns the result. Errors as for Members.
func (r *Registry) Handles(ctx context.Context, ns string, rooms, except []string, user string) ([]any, error) {
	a := &audience{namespace: ns, rooms: rooms, except: except, user: user}
	return list(ctx, r, "handles", a, func(m *Member) any { return m.Handle })
}

func (m *Member) id() string { return m.SocketID }

// list collects what `of` says of each member of an audience.
func list[T any](ctx context.Context, r *Registry, name string, a *audience, of func(*Member) T) ([]T, error) {
	var all []T
	read := func(ix *index) []T {
		var some []T
		for m := range ix.each(a) {
			some = append(some, of(m))
		}
		return some
	}
	if err := ask(ctx, r, name, read, func(some []T) { all = append(all, some...) }); err != nil {
		return nil, err
	}
	return all, nil
}

// Rooms returns the rooms of the namespace and how many sockets are in each. The room every socket is in by its id is
// not listed, unless another socket joined it. The caller owns the result. Errors as for Members.
func (r *Registry) Rooms(ctx context.Context, ns string) (map[string]int, error) {
	all := make(map[string]int)
	read := func(ix *index) map[string]int {
		space := ix.namespaces[ns]
		if space == nil {
			return nil
		}
		rooms := make(map[string]int, len(space.rooms))
		for name, g := range space.rooms {
			rooms[name] = len(g.entries)
		}
		return rooms
	}
	add := func(rooms map[string]int) {
		for name, n := range rooms {
			all[name] += n
		}
	}
	if err := ask(ctx, r, "rooms", read, add); err != nil {
		return nil, err
	}
	return all, nil
}

// Sizes returns the sizes of all shards added up. Errors as for Members.
func (r *Registry) Sizes(ctx context.Context) (Sizes, error) {
	var all Sizes
	err := ask(ctx, r, "sizes", (*index).sizes, func(s Sizes) {
		all.Namespaces += s.Namespaces
		all.Members += s.Members
		all.Rooms += s.Rooms
		all.Users += s.Users
	})
	return all, err
}
