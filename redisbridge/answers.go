package redisbridge

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"sync/atomic"

	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/wire"
)

// Bounds of what neighbours can have us do at a time. What is over them is dropped and counted: whoever asked hears nothing,
// as from a server that is too busy.
const (
	maxAnswering = 8      // questions that wait for the Instance, one goroutine each
	maxWaiting   = 1024   // questions that wait for one of these
	maxPolls     = 10_000 // questions to clients
)

// ask brings a question that has to wait for the Instance to the actor.
func (b *Bridge) ask(m *format.Message) {
	if m.Request == "" {
		b.count.unknown.Add(1)
		return
	}
	b.count.asked.Add(1)
	if b.count.answering.Add(1) > maxAnswering+maxWaiting {
		b.count.answering.Add(-1)
		b.count.refused.Add(1)
		return
	}
	b.tell(&question{message: m})
}

// question starts a goroutine for a question, or has it wait for one of those that run.
func (a *node) question(m *format.Message) {
	if a.answering >= maxAnswering {
		a.waiting = append(a.waiting, m)
		return
	}
	a.answering++
	a.sys.Go("redis answer", func() {
		defer func() {
			if r := recover(); r != nil {
				a.sys.Report("redis bridge: answer", r, debug.Stack())
			}
			a.count.answering.Add(-1)
			a.tell(&questionDone{})
		}()
		a.reply(m)
	})
}

func (a *node) questionDone() {
	a.answering--
	if len(a.waiting) > 0 {
		next := a.waiting[0]
		a.waiting[0] = nil
		a.waiting = a.waiting[1:]
		a.question(next)
	}
}

// reply answers a question about local sockets.
func (b *Bridge) reply(m *format.Message) {
	ctx, cancel := b.sys.Clock().Context(b.life, "redis answer", b.options.RequestTimeout)
	defer cancel()
	answer := &format.Message{Namespace: m.Namespace, Request: m.Request, To: m.Sender}
	err := b.fill(ctx, answer, m)
	if errors.Is(err, roomregistry.ErrShardFailed) { // and is back
		err = b.fill(ctx, answer, m)
	}
	if err != nil {
		b.failed(m, err)
		return
	}
	b.publish(answer)
}

// fill finds out what answers a question.
func (b *Bridge) fill(ctx context.Context, answer, m *format.Message) (err error) {
	switch m.Kind { //nolint:exhaustive // what take brings here
	case format.Fetch:
		answer.Kind = format.Fetched
		answer.Sockets, err = b.in.Sockets(ctx, m.Namespace, m.Target)
		b.slim(answer.Sockets)
	case format.ListIDs:
		answer.Kind = format.IDs
		answer.IDs, err = b.ids(ctx, m.Namespace, m.Target)
	case format.ListRooms:
		answer.Kind = format.RoomNames
		answer.Rooms, err = b.in.Rooms(ctx, m.Namespace)
	}
	return err
}

// maxHandshakes bounds the bytes of all handshakes in one answer. Unless configured otherwise Redis cuts off a subscriber for
// whom 32 MiB wait, and with it everything else that it listens to.
const maxHandshakes = 8 << 20

// slim leaves the handshakes out when there are too many of them, as clients decide how large they are: the rest is worth more.
func (b *Bridge) slim(sockets []format.Socket) {
	size := 0
	for i := range sockets {
		text, _, _ := sockets[i].Handshake.JSON()
		size += len(text)
	}
	if size <= maxHandshakes {
		return
	}
	for i := range sockets {
		sockets[i].Handshake = format.NewPayload([]byte("{}"), nil)
	}
	if b.limit.Allow() {
		b.sys.Logger().Warn("handshakes left out of an answer to the cluster", slog.Int("sockets", len(sockets)),
			slog.Int("bytes", size))
	}
}

func (b *Bridge) ids(ctx context.Context, namespace string, t Target) ([]string, error) {
	sockets, err := b.in.Sockets(ctx, namespace, t)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(sockets))
	for i := range sockets {
		ids[i] = sockets[i].ID
	}
	return ids, nil
}

func (b *Bridge) has(ctx context.Context, namespace string, t Target) bool {
	ids, err := b.ids(ctx, namespace, t)
	return err == nil && len(ids) > 0
}

// replier makes the function with which a handler answers a server event; its first call that can be sent counts.
func (b *Bridge) replier(m *format.Message) func(args ...any) error {
	var over atomic.Bool
	namespace, request, to := m.Namespace, m.Request, m.Sender
	return func(args ...any) error {
		array, attachments, err := wire.EncodeArgs(args...)
		switch {
		case err != nil:
			return err
		case b.life.Err() != nil:
			return ErrClosed
		case !over.CompareAndSwap(false, true):
			return nil
		}
		b.publish(&format.Message{
			Kind: format.ServerReply, Namespace: namespace, Request: request, To: to,
			Event: format.NewPayload(array, attachments),
		})
		return nil
	}
}
