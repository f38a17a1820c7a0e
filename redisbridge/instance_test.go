package redisbridge

import (
	"context"
	"slices"
	"sync"

	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/wire"
)

// instance is a server of sockets that exist in a map only.
type instance struct {
	mu         sync.Mutex
	sockets    map[string][]string // rooms by id, its own included
	happened   []string
	broadcasts []*roomregistry.Broadcast
	questions  []Question
	cancelled  int
	replies    []func(args ...any) error
	block      chan struct{} // Join and Sockets wait for it
	fail       error
	failOnce   error
	handshake  string // "": a small one
	panics     bool
	mute       bool // Ask answers nothing
}

func newInstance(ids ...string) *instance {
	i := &instance{sockets: make(map[string][]string)}
	for _, id := range ids {
		i.sockets[id] = []string{id}
	}
	return i
}

// of returns the ids of a target, sorted.
func (i *instance) of(t Target) []string {
	in := func(rooms, of []string) bool {
		return slices.ContainsFunc(rooms, func(r string) bool { return slices.Contains(of, r) })
	}
	var ids []string
	for id, rooms := range i.sockets {
		if (t.All() || in(t.Rooms, rooms) || t.User == "user of "+id) && !in(t.Except, rooms) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (i *instance) note(what string) { i.happened = append(i.happened, what) }

func (i *instance) Broadcast(b *roomregistry.Broadcast) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.panics {
		panic("instance")
	}
	i.broadcasts = append(i.broadcasts, b)
	array, _, _ := b.Message.Event()
	i.note("broadcast " + string(array))
}

func (i *instance) MayHave(_, room string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, rooms := range i.sockets {
		if slices.Contains(rooms, room) {
			return true
		}
	}
	return false
}

func (i *instance) Ask(q Question) func() {
	i.mu.Lock()
	i.questions = append(i.questions, q)
	ids, mute := i.of(q.Target), i.mute
	i.mu.Unlock()
	if !mute {
		q.Counted(ids)
		for _, id := range ids {
			q.Answered(id, wire.RawArgs([]byte(`"`+id+`"`)), nil)
		}
	}
	return func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.cancelled++
	}
}

// wait is what may take its time.
func (i *instance) wait(ctx context.Context) error {
	i.mu.Lock()
	block, fail := i.block, i.fail
	if i.failOnce != nil {
		fail, i.failOnce = i.failOnce, nil
	}
	i.mu.Unlock()
	if block != nil {
		select {
		case <-block:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fail
}

func (i *instance) Join(ctx context.Context, _ string, t Target, rooms []string) error {
	if err := i.wait(ctx); err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, id := range i.of(t) {
		i.sockets[id] = append(i.sockets[id], rooms...)
	}
	i.note("join")
	return nil
}

func (i *instance) Leave(_ context.Context, _ string, t Target, rooms []string) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, id := range i.of(t) {
		i.sockets[id] = slices.DeleteFunc(i.sockets[id], func(r string) bool { return slices.Contains(rooms, r) })
	}
	i.note("leave")
	return nil
}

func (i *instance) Disconnect(_ context.Context, _ string, t Target, whole bool) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, id := range i.of(t) {
		delete(i.sockets, id)
	}
	if whole {
		i.note("close")
	} else {
		i.note("disconnect")
	}
	return nil
}

func (i *instance) Sockets(ctx context.Context, _ string, t Target) ([]format.Socket, error) {
	if err := i.wait(ctx); err != nil {
		return nil, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	handshake := i.handshake
	if handshake == "" {
		handshake = `{"url":"/"}`
	}
	var all []format.Socket
	for _, id := range i.of(t) {
		all = append(all, format.Socket{
			ID: id, Rooms: slices.Clone(i.sockets[id]), User: "user of " + id,
			Handshake: format.NewPayload([]byte(handshake), nil), Data: format.NewPayload([]byte(`{}`), nil),
		})
	}
	return all, nil
}

func (i *instance) Rooms(context.Context, string) ([]string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var all []string
	for _, rooms := range i.sockets {
		all = append(all, rooms...)
	}
	return all, i.fail
}

func (i *instance) ServerEvent(_, event string, args wire.Args, reply func(args ...any) error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.note("event " + event + " " + string(args.AppendJSON(nil)))
	if reply != nil {
		i.replies = append(i.replies, reply)
	}
}

// story returns what happened so far, in order.
func (i *instance) story() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.happened)
}

func (i *instance) set(change func(i *instance)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change(i)
}

func (i *instance) cancels() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.cancelled
}
