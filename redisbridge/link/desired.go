package link

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/actio-go/actio/redisbridge/format"
)

// phase is where a subscription stands with Redis.
type phase uint8

const (
	off     phase = iota // Redis knows nothing of it
	joining              // asked for, not confirmed
	on                   // confirmed
	leaving              // asked to end, not confirmed
)

// entry is something that is, or was a moment ago, subscribed to. Guarded by subscriber.mu.
type entry struct {
	sub    format.Subscription
	seq    uint64 // order of subscription
	wanted bool
	was    bool // it was confirmed once
	lost   bool // it is missing since something broke, or since the beginning
	queued bool // in subscriber.dirty, or in waits
	phase  phase
	feed   *feed   // where it is not off
	waits  waiters // where it waits for better times, if it does
	denied error   // why Redis does not allow it, as of the last attempt
}

// waiters are entries that are off and cannot be placed now. What is not wanted any more does not wait, so that there are never
// more than are wanted.
type waiters map[*entry]struct{}

func (w waiters) add(e *entry) {
	e.queued, e.waits = true, w
	w[e] = struct{}{}
}

// remove takes e out of where it waits.
func (e *entry) remove() {
	delete(e.waits, e)
	e.queued, e.waits = false, nil
}

// takeAll empties w.
func (w waiters) takeAll() []*entry {
	all := slices.Collect(maps.Keys(w))
	for _, e := range all {
		e.waits = nil
	}
	clear(w)
	return all
}

// want adds to what is wanted.
func (s *subscriber) want(subs []format.Subscription) {
	s.mu.Lock()
	for _, sub := range subs {
		e := s.entries[sub]
		if e == nil {
			s.seq++
			e = &entry{sub: sub, seq: s.seq}
			s.entries[sub] = e
		}
		if !e.wanted {
			e.wanted, e.denied = true, nil
			s.queueLocked(e)
		}
	}
	s.mu.Unlock()
	signal(s.wake)
}

// unwant takes away from what is wanted.
func (s *subscriber) unwant(subs []format.Subscription) {
	s.mu.Lock()
	for _, sub := range subs {
		e := s.entries[sub]
		if e == nil || !e.wanted {
			continue
		}
		e.wanted = false
		s.foundLocked(e)
		if e.waits != nil {
			e.remove()
			s.forgetLocked(e)
			continue
		}
		s.queueLocked(e)
	}
	s.announceLocked()
	s.mu.Unlock()
	signal(s.wake)
}

// queueLocked has the manager look at an entry.
func (s *subscriber) queueLocked(e *entry) {
	if !e.queued {
		e.queued = true
		s.dirty = append(s.dirty, e)
	}
}

// lostLocked notes that an entry broke.
func (s *subscriber) lostLocked(e *entry) {
	if !e.lost {
		e.lost = true
		s.missing++
	}
}

// foundLocked notes that nothing is missing of an entry any more.
func (s *subscriber) foundLocked(e *entry) {
	if e.lost {
		e.lost = false
		s.missing--
	}
}

// announceLocked has all that wait in await look again.
func (s *subscriber) announceLocked() {
	if s.waiting > 0 {
		close(s.changed)
		s.changed = make(chan struct{})
	}
}

// awaitOn waits until the subscriptions are confirmed, or one is not allowed.
func (s *subscriber) awaitOn(ctx context.Context, subs []format.Subscription) error {
	return s.await(ctx, subs, func(e *entry) (bool, error) {
		if e == nil || !e.wanted {
			return false, ErrNotWanted
		}
		if e.phase != on && e.denied != nil {
			return false, e.denied
		}
		return e.phase == on, nil
	})
}

// awaitOff waits until Redis knows nothing of the subscriptions any more.
func (s *subscriber) awaitOff(ctx context.Context, subs []format.Subscription) error {
	return s.await(ctx, subs, func(e *entry) (bool, error) {
		if e != nil && e.wanted {
			return false, ErrWanted
		}
		return e == nil || e.phase == off, nil
	})
}

// await waits until all entries are settled; nil stands for one that there is not.
func (s *subscriber) await(ctx context.Context, subs []format.Subscription, settled func(*entry) (bool, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting++
	defer func() { s.waiting-- }()
	for {
		all := true
		for _, sub := range subs {
			yes, err := settled(s.entries[sub])
			if err != nil {
				return err
			}
			all = all && yes
		}
		if all {
			return nil
		}
		changed := s.changed
		s.mu.Unlock()
		var err error
		select {
		case <-changed:
		case <-ctx.Done():
			err = ctx.Err()
		case <-s.l.ctx.Done():
			err = ErrClosed
		}
		s.mu.Lock()
		if err != nil {
			return err
		}
	}
}

// order is a command for one connection: all of one kind, shard channels of one slot.
type order struct {
	join bool
	kind format.SubscriptionKind
	slot int
	left []*entry // those that Redis has not answered for
}

// orderSize bounds how many channels one command names.
const orderSize = 256

// names returns the channels of an order.
func (o *order) names() []string {
	names := make([]string, len(o.left))
	for i, e := range o.left {
		names[i] = e.sub.Name
	}
	return names
}

// orderLocked adds an entry to the commands for its connection: to the last if it fits, so that the order is kept.
func (s *subscriber) orderLocked(f *feed, e *entry, join bool) {
	e.phase, e.feed = leaving, f
	if join {
		e.phase = joining
	}
	f.entries[e] = struct{}{}
	slot := -1
	if e.sub.Kind == format.Shard { // also without a topology: the one server may be a cluster of one
		slot = slotOf(e.sub.Name)
	}
	if n := len(f.orders); n > 0 {
		last := f.orders[n-1]
		if last.join == join && last.kind == e.sub.Kind && last.slot == slot && len(last.left) < orderSize {
			last.left = append(last.left, e)
			return
		}
	}
	f.orders = append(f.orders, &order{join: join, kind: e.sub.Kind, slot: slot, left: []*entry{e}})
}

// bySeq sorts entries by the order of subscription.
func bySeq(entries []*entry) {
	slices.SortFunc(entries, func(a, b *entry) int { return cmp.Compare(a.seq, b.seq) })
}
