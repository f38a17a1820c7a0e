package redisbridge

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/link"
)

// Emit sends a message to the neighbours: Broadcast, Join, Leave, Disconnect, or ServerEvent without a Request. The message
// belongs to the bridge from then on; its Sender is filled in. What one goroutine emits leaves in that order, also relative to
// its Fetch, Ask and ServerEvent. Emit never blocks. settled, if not nil, is called exactly once, when it is known what became of
// the message: confirmed by Redis, dropped, or lost with a connection; see Stats. It must not block. With Echoes a Broadcast is
// handed to local sockets, too: they get it from the stream, as everybody does.
func (b *Bridge) Emit(m *format.Message, settled func()) {
	m.Sender = b.uid
	settled = b.freshen(m, settled)
	f, err := b.dialect.Encode(m)
	l := b.link.Load()
	switch {
	case err != nil:
		b.unsendable(m.Kind, err)
	case b.unheard(m):
		b.count.skipped.Add(1)
	case l != nil:
		(*l).Emit(f, b.settle(m, f, settled))
		return
	}
	if b.Echoes() && m.Kind == format.Broadcast {
		b.deliver(m) // it comes back no other way
	}
	if settled != nil {
		settled()
	}
}

// settle makes what is called when it is known what became of a message.
func (b *Bridge) settle(m *format.Message, f format.Frame, settled func()) func(link.Outcome) {
	switch {
	case m.Kind == format.Broadcast && f.Entry != nil && b.Echoes():
		return b.awaitEcho(m, f, settled)
	case settled != nil:
		return func(link.Outcome) { settled() }
	default:
		return nil
	}
}

// freshen sees to it that what goes to a room after its Join reaches the sockets that joined, although their instances have just
// begun to listen to its channel.
func (b *Bridge) freshen(m *format.Message, settled func()) func() {
	switch {
	case !b.options.NeedsRooms():
	case m.Kind == format.Broadcast && len(m.Target.Rooms) == 1:
		m.General = b.fresh.has(m.Namespace, m.Target.Rooms[0])
	case m.Kind == format.Join:
		left := b.fresh.add(m.Namespace, m.Rooms)
		return func() {
			left()
			if settled != nil {
				settled()
			}
		}
	}
	return settled
}

// unheard reports whether nobody but us would get the message, as far as is known.
func (b *Bridge) unheard(m *format.Message) bool {
	if !b.options.SkipUnheard || m.Kind == format.Broadcast && b.Echoes() {
		return false
	}
	known := b.heard.Load()
	if known == nil {
		return false
	}
	others, counted := (*known)[m.Namespace]
	return counted && !others
}

// publish sends what is of no use later: heartbeats and answers. Before the link is open it is lost.
func (b *Bridge) publish(m *format.Message) {
	l := b.link.Load()
	if l == nil {
		return
	}
	m.Sender = b.uid
	f, err := b.dialect.Encode(m)
	if err != nil {
		b.unsendable(m.Kind, err)
		return
	}
	(*l).Publish(f)
}

func (b *Bridge) unsendable(k format.Kind, err error) {
	b.count.unsendable.Add(1)
	if b.limit.Allow() {
		b.sys.Logger().Warn("cluster message not sent", slog.Int("kind", int(k)), slog.Any("err", err))
	}
}

// leaveTimeout bounds the wait for a Redis that has stalled: a farewell is a courtesy.
const leaveTimeout = time.Second

// Leave tells the neighbours that this instance goes: they stop waiting for it, and ask it nothing any more. Requests that have
// arrived already are still answered; broadcasts may not come any more, and own requests end at once. It returns when Redis
// has the farewell, after a second at most, and at once when Redis is down: nobody could be told. ErrLeft when ctx ends before.
// Later calls do nothing.
func (b *Bridge) Leave(ctx context.Context) error {
	if !b.left.CompareAndSwap(false, true) || b.life.Err() != nil {
		return nil
	}
	gone := make(chan struct{})
	b.tell(&leave{gone: gone})
	bounded, cancel := b.sys.Clock().Context(ctx, "redis leave", leaveTimeout)
	defer cancel()
	if err := b.await(bounded, gone); err != nil && ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ErrLeft, err)
	}
	return nil
}

// farewell is sent behind everything that was emitted, when Redis does not count us any more: the neighbours will ask it. gone
// is closed when it is known what became of the farewell.
func (a *node) farewell(gone chan struct{}) {
	l := a.link.Load()
	if l == nil || !a.up() {
		close(gone)
		return
	}
	f, err := a.dialect.Encode(&format.Message{Kind: format.Bye, Sender: a.uid})
	if err != nil {
		a.unsendable(format.Bye, err)
		close(gone)
		return
	}
	var census []format.Subscription
	for _, n := range a.sortedNamespaces() {
		census = append(census, a.dialect.Census(n, false), a.dialect.Census(n, true))
	}
	(*l).Unsubscribe(census...)
	a.sys.Go("redis farewell", func() {
		ctx, cancel := a.sys.Clock().Context(a.life, "redis farewell", leaveTimeout/2)
		defer cancel()
		_ = (*l).Unsubscribed(ctx, census...) // if Redis does not say so in time, they may wait for us
		(*l).Emit(f, func(link.Outcome) { close(gone) })
	})
}
