package redisbridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"

	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/wire"
)

// Received implements link.Handler: it runs in the goroutine that reads from Redis, one message at a time. What concerns nobody
// here is dropped as early as can be. What a neighbour wants done with sockets is done before the next message, so that a
// broadcast behind it finds it done; what may take its time goes on elsewhere.
func (h handler) Received(channel string, payload []byte) {
	defer func() {
		if r := recover(); r != nil {
			h.sys.Report("redis bridge: received", r, debug.Stack())
		}
	}()
	if h.life.Err() != nil {
		return
	}
	h.count.received.Add(1)
	if namespace, room, ok := h.dialect.Room(channel); ok && !h.in.MayHave(namespace, room) {
		h.count.unwanted.Add(1)
		return
	}
	m, err := h.dialect.Decode(channel, payload)
	switch {
	case err == nil:
		h.take(m)
	case errors.Is(err, format.ErrOwn):
		h.count.echoes.Add(1)
	case errors.Is(err, format.ErrUnknown):
		h.count.unknown.Add(1)
	default:
		h.malformed(err)
	}
}

func (b *Bridge) malformed(err error) {
	b.count.malformed.Add(1)
	if b.limit.Allow() {
		b.sys.Logger().Warn("malformed cluster message ignored", slog.Any("err", err))
	}
}

// take does what a message of a neighbour says.
func (b *Bridge) take(m *format.Message) {
	switch m.Kind {
	case format.Broadcast:
		b.broadcast(m)
	case format.AckBroadcast:
		b.poll(m)
	case format.Join, format.Leave, format.Disconnect:
		b.apply(m)
	case format.ServerEvent:
		b.serverEvent(m)
	case format.Fetch, format.ListIDs, format.ListRooms:
		b.ask(m)
	case format.ClientCount, format.Ack, format.Fetched, format.IDs, format.RoomNames, format.ServerReply, format.Done:
		b.tell(&answered{message: m})
	case format.Hello, format.Beat, format.Bye:
		b.tell(&member{message: m})
	case format.Taken:
		b.tell(&sessionTaken{pid: m.Session})
	default:
		b.count.unknown.Add(1)
	}
}

// concerns reports whether a target can have sockets here.
func (b *Bridge) concerns(namespace string, t Target) bool {
	return len(t.Rooms) == 0 || t.User != "" ||
		slices.ContainsFunc(t.Rooms, func(room string) bool { return b.in.MayHave(namespace, room) }) || b.wide.Load() > 0
}

// broadcast hands an event to local sockets, if it can concern any.
func (b *Bridge) broadcast(m *format.Message) {
	if !b.concerns(m.Namespace, m.Target) {
		b.count.unwanted.Add(1)
		return
	}
	b.deliver(m)
}

// deliver hands an event to local sockets. Here its data is decoded, once. What this instance has emitted is not asked about
// before: it may be for a socket that has just connected, which counts as present only when the Instance has got round to it.
func (b *Bridge) deliver(m *format.Message) {
	array, attachments, err := eventForClients(m.Event)
	if err != nil {
		b.malformed(err)
		return
	}
	p, err := wire.PrepareEvent(m.Namespace, false, 0, b.withOffset(m, array), attachments)
	if err != nil {
		b.malformed(err)
		return
	}
	b.count.broadcasts.Add(1)
	b.in.Broadcast(&roomregistry.Broadcast{
		Namespace: m.Namespace, Rooms: m.Target.Rooms, Except: m.Target.Except, User: m.Target.User,
		Volatile: m.Flags.Volatile, Compress: m.Flags.Compress, Message: p,
	})
}

// apply joins, leaves or disconnects local sockets, and returns when it is done. The older form names one socket and may want to
// hear that it was here.
func (b *Bridge) apply(m *format.Message) {
	t := m.Target
	if m.Socket != "" {
		t = Target{Rooms: []string{m.Socket}}
	}
	if !b.concerns(m.Namespace, t) {
		b.count.unwanted.Add(1)
		return
	}
	ctx, cancel := b.sys.Clock().Context(b.life, "redis apply", b.options.RequestTimeout)
	defer cancel()
	here := m.Request != "" && b.has(ctx, m.Namespace, t)
	err := b.carryOut(ctx, m, t)
	if errors.Is(err, roomregistry.ErrShardFailed) { // and is back: whoever asked will not ask again
		err = b.carryOut(ctx, m, t)
	}
	if err != nil {
		b.failed(m, err)
		return
	}
	if here {
		b.publish(&format.Message{Kind: format.Done, Namespace: m.Namespace, Request: m.Request, To: m.Sender})
	}
}

func (b *Bridge) carryOut(ctx context.Context, m *format.Message, t Target) error {
	switch m.Kind {
	case format.Join:
		return b.in.Join(ctx, m.Namespace, t, Target{}.With(m.Rooms...).Rooms)
	case format.Leave:
		return b.in.Leave(ctx, m.Namespace, t, m.Rooms)
	default:
		return b.in.Disconnect(ctx, m.Namespace, t, m.Close)
	}
}

// failed notes that something could not be done for a neighbour.
func (b *Bridge) failed(m *format.Message, err error) {
	if b.life.Err() == nil && b.limit.Allow() {
		b.sys.Logger().Warn("cluster message not carried out", slog.Int("kind", int(m.Kind)), slog.Any("err", err))
	}
}

// serverEvent hands an event to the handlers of the server, which answer if that is wanted.
func (b *Bridge) serverEvent(m *format.Message) {
	name, args, err := parseEvent(m.Event)
	if err != nil {
		b.malformed(err)
		return
	}
	if m.Request == "" {
		b.in.ServerEvent(m.Namespace, name, args, nil)
		return
	}
	b.count.asked.Add(1)
	b.in.ServerEvent(m.Namespace, name, args, b.replier(m))
}

// parseEvent splits an event into its name and its arguments.
func parseEvent(p format.Payload) (string, wire.Args, error) {
	array, attachments, err := p.JSON()
	if err != nil {
		return "", wire.Args{}, err
	}
	return splitEvent(array, attachments)
}

// eventForClients returns an event that clients will take for one. Anything else ends the connections of the official ones.
func eventForClients(p format.Payload) (array []byte, attachments [][]byte, err error) {
	if array, attachments, err = p.JSON(); err != nil {
		return nil, nil, err
	}
	name, _, err := splitEvent(array, attachments)
	switch {
	case err != nil:
		return nil, nil, err
	case wire.IsReserved(name):
		return nil, nil, fmt.Errorf("%w: %w", format.ErrMalformed, wire.ErrReservedEvent)
	}
	return array, attachments, nil
}

func splitEvent(array []byte, attachments [][]byte) (string, wire.Args, error) {
	c := wire.Complete{Packet: wire.Packet{Type: wire.Event, Data: array}}
	if len(attachments) > 0 {
		c.Packet.Type, c.Packet.Attachments, c.Attachments = wire.BinaryEvent, len(attachments), attachments
	}
	name, args, err := wire.ParseEvent(c)
	if err != nil {
		return "", wire.Args{}, fmt.Errorf("%w: %w", format.ErrMalformed, err)
	}
	return name, args, nil
}
