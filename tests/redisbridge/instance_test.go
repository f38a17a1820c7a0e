package redisbridge_test

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/redisbridge"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/wire"
)

// instance is a server of sockets that exist in a map only.
type instance struct {
	mu       sync.Mutex
	sockets  map[string][]string // rooms by id, its own included
	happened []string
	silent   bool // its clients do not acknowledge
}

// short is the readable part of a socket's id.
func short(id string) string { return strings.TrimRight(id, "-") }

func user(id string) string { return "user of " + short(id) }

func (i *instance) of(t redisbridge.Target) []string {
	in := func(rooms, of []string) bool {
		return slices.ContainsFunc(rooms, func(r string) bool { return slices.Contains(of, r) })
	}
	var ids []string
	for id, rooms := range i.sockets {
		if (t.All() || in(t.Rooms, rooms) || t.User != "" && t.User == user(id)) && !in(t.Except, rooms) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// do notes what happens to the sockets of a target, and does it.
func (i *instance) do(what string, t redisbridge.Target, each func(id string)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, id := range i.of(t) {
		i.happened = append(i.happened, what+" "+short(id))
		each(id)
	}
}

func (i *instance) story() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.happened)
}

func (i *instance) Broadcast(b *roomregistry.Broadcast) {
	array, attachments, _ := b.Message.Event()
	what := string(array)
	for _, a := range attachments {
		what += "+" + string(a)
	}
	i.do(what, redisbridge.Target{Rooms: b.Rooms, Except: b.Except, User: b.User}, func(string) {})
}

func (i *instance) MayHave(_, room string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.of(redisbridge.Target{Rooms: []string{room}})) > 0
}

func (i *instance) Ask(q redisbridge.Question) func() {
	i.mu.Lock()
	ids, silent := i.of(q.Target), i.silent
	i.mu.Unlock()
	q.Counted(ids)
	for _, id := range ids {
		if !silent {
			q.Answered(id, wire.RawArgs([]byte(`"`+id+`"`), []byte(`12345678901234567890123`)), nil)
		}
	}
	return func() {}
}

func (i *instance) Join(_ context.Context, _ string, t redisbridge.Target, rooms []string) error {
	i.do("join", t, func(id string) { i.sockets[id] = append(i.sockets[id], rooms...) })
	return nil
}

func (i *instance) Leave(_ context.Context, _ string, t redisbridge.Target, rooms []string) error {
	i.do("leave", t, func(id string) {
		i.sockets[id] = slices.DeleteFunc(i.sockets[id], func(r string) bool { return slices.Contains(rooms, r) })
	})
	return nil
}

func (i *instance) Disconnect(_ context.Context, _ string, t redisbridge.Target, _ bool) error {
	i.do("disconnect", t, func(id string) { delete(i.sockets, id) })
	return nil
}

func (i *instance) Sockets(_ context.Context, _ string, t redisbridge.Target) ([]format.Socket, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var all []format.Socket
	for _, id := range i.of(t) {
		all = append(all, format.Socket{
			ID: id, Rooms: slices.Clone(i.sockets[id]), User: user(id),
			Handshake: format.NewPayload([]byte(`{"url":"/`+short(id)+`"}`), nil), Data: format.NewPayload([]byte(`{"n":1}`), nil),
		})
	}
	return all, nil
}

func (i *instance) Rooms(context.Context, string) ([]string, error) { return nil, nil }

func (i *instance) ServerEvent(_, event string, args wire.Args, reply func(args ...any) error) {
	i.mu.Lock()
	i.happened = append(i.happened, "event "+event+string(args.AppendJSON(nil)))
	i.mu.Unlock()
	if reply != nil {
		_ = reply("re: "+event, []byte("blob")) // a lost answer is missed by who asked
	}
}
