package roomregistry

import (
	"bytes"
	"runtime"
	"slices"

	"github.com/actio-go/actio/wire"
)

const (
	maxRunMessages = 256
	maxRunBytes    = 128 << 10 // a run of several messages is not longer than this
	yieldEvery     = 256       // members between two yields of the processor
	keepBacklog    = 1024      // slots that an empty backlog keeps
)

// backlog is what a shard has accepted and not yet delivered, in order: *Broadcast, *direct, *barrier, *query, *Replay.
type backlog struct {
	items []any
	head  int
}

func (b *backlog) push(m any) { b.items = append(b.items, m) }

func (b *backlog) broadcasts() (n int) {
	for _, m := range b.items[b.head:] {
		if _, ok := m.(*Broadcast); ok {
			n++
		}
	}
	return n
}

func (b *backlog) empty() bool { return b.head == len(b.items) }

// take removes and returns what is to be delivered as one: a run of broadcasts that differ only in the message, or one
// item of another kind. The result is valid until reset. The backlog must not be empty.
func (b *backlog) take() []any {
	rest := b.items[b.head:]
	n := 1
	if first, ok := rest[0].(*Broadcast); ok {
		for size := first.Message.Size(); n < min(len(rest), maxRunMessages); n++ {
			next, ok := rest[n].(*Broadcast)
			if !ok || !first.joins(next) {
				break
			}
			if size += next.Message.Size(); size > maxRunBytes {
				break
			}
		}
	}
	b.head += n
	return rest[:n]
}

// reset forgets what was taken.
func (b *backlog) reset() {
	switch {
	case !b.empty():
		b.items = slices.Clone(b.items[b.head:])
	case cap(b.items) > keepBacklog:
		b.items = nil
	default:
		clear(b.items)
		b.items = b.items[:0]
	}
	b.head = 0
}

// joins tells whether o may be delivered in one run with b.
func (b *Broadcast) joins(o *Broadcast) bool {
	return b.Roll == nil && o.Roll == nil && b.Namespace == o.Namespace && b.Socket == o.Socket && b.User == o.User &&
		b.AuthenticatedOnly == o.AuthenticatedOnly && b.Volatile == o.Volatile && b.Compress == o.Compress &&
		slices.Equal(b.Rooms, o.Rooms) && slices.Equal(b.Except, o.Except)
}

// newDelivery makes what the members of a run get. The bytes of a single message are not copied.
func newDelivery(run []any) *Delivery {
	first := run[0].(*Broadcast)
	d := &Delivery{
		Namespace: first.Namespace, Volatile: first.Volatile, Compress: first.Compress,
		AuthenticatedOnly: first.AuthenticatedOnly, Messages: make([]*wire.Prepared, len(run)),
		Roll: first.Roll, AckID: first.AckID, Position: run[len(run)-1].(*Broadcast).position,
	}
	for i, m := range run {
		d.Messages[i] = m.(*Broadcast).Message
	}
	if len(run) == 1 {
		d.Joined = first.Message.WebSocket()
	} else {
		frames := make([][]byte, len(run))
		for i, m := range d.Messages {
			frames[i] = m.WebSocket()
		}
		d.Joined = bytes.Join(frames, nil)
	}
	d.Size = len(d.Joined)
	return d
}

// deliver hands a run to its members. It counts as delivered when all have it; one that crashes is dropped.
func (s *shard) deliver(run []any) {
	complete := false
	first := run[0].(*Broadcast)
	defer func() {
		if p := run[len(run)-1].(*Broadcast).position; p > 0 {
			s.position = p
		}
		if !complete {
			s.registry.dropped.Add(uint64(len(run)))
		}
		s.handle.broadcasts.Add(-int64(len(run)))
		s.registry.count(first.call, s.handle.index)
	}()
	var d *Delivery
	count := 0
	for m := range s.index.each(&audience{
		namespace: first.Namespace, socket: first.Socket, rooms: first.Rooms, except: first.Except, user: first.User,
		authenticated: first.AuthenticatedOnly,
	}) {
		if d == nil {
			d = newDelivery(run)
		}
		if first.Roll != nil {
			first.Roll.Expect(m)
		}
		m.Process.SendUserMessage(nil, d)
		if count++; count%yieldEvery == 0 {
			runtime.Gosched()
		}
	}
	complete = true
}

// forward sends a direct message on to its connection.
func (s *shard) forward(m *direct) {
	defer s.handle.leave(m.lane)
	m.to.Send(m.message)
}
