package link

import (
	"context"
	"maps"
	"slices"

	"github.com/actio-go/actio/redisbridge/format"
)

// feed is a connection of the subscriber, made anew as long as it is wanted. What is below mu in the subscriber is guarded by
// that mu here, too.
type feed struct {
	s      *subscriber
	addr   string
	ctx    context.Context //nolint:containedctx // ends with the feed
	cancel context.CancelFunc

	session  *session            // nil while there is none
	entries  map[*entry]struct{} // what is not off here
	orders   []*order            // to be written
	inflight []*order            // written, and not answered in full
	waiting  waiters             // for the session
}

func newFeed(s *subscriber, addr string) *feed {
	f := &feed{s: s, addr: addr, entries: map[*entry]struct{}{}, waiting: waiters{}}
	f.ctx, f.cancel = context.WithCancel(s.l.ctx)
	return f
}

// stopLocked ends the feed. Its goroutine may take as long as an attempt to connect.
func (f *feed) stopLocked() {
	f.cancel()
	if f.session != nil {
		_ = f.session.conn.Close()
	}
}

// run is the feed's goroutine.
func (f *feed) run() {
	defer f.cancel()
	pauses := backoff{bound: f.s.l.o.MaxBackoff}
	for again := false; f.ctx.Err() == nil; {
		pauses.begin()
		session, err := f.s.l.connect(SubscribePart.String(), f.addr, true)
		if err != nil {
			f.failed(err)
		} else if f.up(session) {
			if again {
				f.s.l.reconnects.Add(1)
			}
			again = true
			err = f.read(session, &pauses)
			session.close()
			f.down(err)
		}
		wait, cancel := f.s.l.sys.Clock().Context(f.ctx, "redis backoff", pauses.take())
		<-wait.Done()
		cancel()
	}
}

// failed notes that the node cannot be reached.
func (f *feed) failed(err error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	f.blameLocked(err, true)
	for e := range f.waiting {
		f.s.lostLocked(e)
	}
}

// blameLocked notes why the part is down, and in a cluster has a node looked for anew. unreachable: not even a connection was
// made.
func (f *feed) blameLocked(err error, unreachable bool) {
	if f.ctx.Err() != nil {
		return
	}
	if t := f.s.l.topology; t != nil {
		t.blame(SubscribePart, f.addr, err, unreachable)
		f.s.recover = true
	}
	f.s.breakLocked(err)
}

// up takes a new session into use, unless the feed was stopped.
func (f *feed) up(session *session) bool {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if f.ctx.Err() != nil {
		session.close()
		return false
	}
	f.session = session
	f.s.redoLocked(f.waiting.takeAll())
	return true
}

// down has everything subscribed to again.
func (f *feed) down(err error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	f.session, f.orders, f.inflight = nil, nil, nil
	entries := slices.Collect(maps.Keys(f.entries))
	clear(f.entries)
	bySeq(entries)
	for _, e := range entries {
		e.phase, e.feed = off, nil
		if e.wanted {
			f.s.lostLocked(e)
		}
		f.s.queueLocked(e)
	}
	f.s.announceLocked()
	f.blameLocked(err, false)
}

// read handles what arrives until the connection breaks or is silent for too long.
func (f *feed) read(session *session, pauses *backoff) error {
	listener := newListener(session, keepalive+f.s.l.o.CommandTimeout)
	for {
		n, err := listener.next()
		switch {
		case err != nil && isReply(err) && f.refused(err):
		case err != nil:
			return f.s.l.closedOr(err)
		case n.kind == newsMessage:
			f.s.deliver(n)
		case n.kind == newsPong:
			pauses.reset()
		default:
			f.answered(n)
		}
	}
}

// deliver hands a message to the Handler.
func (s *subscriber) deliver(n news) {
	s.received.Add(1)
	s.receiving.Lock()
	defer s.receiving.Unlock()
	s.l.guard(func() { s.l.handler.Received(n.channel, n.payload) })
}

// answered takes a confirmation.
func (f *feed) answered(n news) {
	kind, join := parseKind(n.kind)
	sub := format.Subscription{Kind: kind, Name: n.channel}
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if len(f.inflight) > 0 && f.inflight[0].join == join {
		head := f.inflight[0]
		rest, e := removeEntry(head.left, func(e *entry) bool { return e.sub == sub })
		if e != nil {
			if head.left = rest; len(rest) == 0 {
				f.inflight = f.inflight[1:]
			}
			f.settledLocked(e, join)
			return
		}
	}
	if e := f.s.entries[sub]; !join && e != nil && e.feed == f && e.phase == on {
		// Not asked for: the slot is served by another node now, and which, this one may say only in a moment.
		f.offLocked(e)
		if e.wanted {
			f.s.parkLocked(e, errMigrated)
		} else {
			f.s.queueLocked(e)
		}
	}
}

// settledLocked notes what Redis confirmed.
func (f *feed) settledLocked(e *entry, join bool) {
	if join {
		e.phase, e.denied = on, nil
		if e.lost && e.was {
			f.s.recovered.Add(1)
		}
		e.was = true
		f.s.foundLocked(e)
	} else {
		f.offLocked(e)
	}
	if join != e.wanted || !join {
		f.s.queueLocked(e)
	}
	f.s.announceLocked()
	if f.s.missing == 0 || len(f.s.dirty) > 0 {
		signal(f.s.wake)
	}
}

// offLocked notes that Redis does not know of an entry any more.
func (f *feed) offLocked(e *entry) {
	delete(f.entries, e)
	e.phase, e.feed = off, nil
	f.s.announceLocked()
}

// refused takes an error that Redis answered: it is about the command that is to be answered next. It is false when there is
// none: the connection is of no use then.
func (f *feed) refused(err error) bool {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if len(f.inflight) == 0 {
		return false
	}
	head := f.inflight[0]
	f.inflight = f.inflight[1:]
	redirected := hasReplyPrefix(err, "MOVED ") && f.s.l.topology != nil
	if redirected {
		f.s.l.topology.redirect(f.addr, err)
	}
	for _, e := range head.left {
		if isRefusal(err) {
			e.denied = err
		}
		f.offLocked(e)
		if e.wanted && !redirected {
			f.s.parkLocked(e, err)
		} else {
			f.s.queueLocked(e)
		}
	}
	signal(f.s.wake)
	return true
}

// parseKind reads the kind of a confirmation.
func parseKind(word string) (kind format.SubscriptionKind, join bool) {
	switch word {
	case "subscribe":
		return format.Plain, true
	case "unsubscribe":
		return format.Plain, false
	case "psubscribe":
		return format.Pattern, true
	case "punsubscribe":
		return format.Pattern, false
	case "ssubscribe":
		return format.Shard, true
	default:
		return format.Shard, false
	}
}
