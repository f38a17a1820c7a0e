package link

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/actio-go/actio/redisbridge/format"
)

var errMigrated = errors.New("redisbridge: a slot is served by another node now")

// subscriber listens. Its goroutine, the manager, decides what is subscribed to where and writes the commands; each
// connection has a goroutine that makes it, reads it, and makes it anew (feed.go).
type subscriber struct {
	l         *Link
	wake      chan struct{} // has room for one
	running   sync.WaitGroup
	receiving sync.Mutex // held around Handler.Received
	received  atomic.Uint64
	recovered atomic.Uint64

	mu      sync.Mutex
	entries map[format.Subscription]*entry
	seq     uint64
	feeds   map[string]*feed // by node; "" without a cluster
	home    string           // the node of what belongs to no slot
	dirty   []*entry         // to be looked at, in order
	parked  waiters          // to be looked at after the next recovery
	missing int              // entries that are lost
	broken  error            // something broke since the manager looked
	recover bool             // a recovery is wanted
	mending bool             // a recovery is running
	pauses  backoff          // between recoveries
	waiting int              // calls of await
	changed chan struct{}    // closed when they are to look again
}

func newSubscriber(l *Link) *subscriber {
	return &subscriber{
		l: l, wake: make(chan struct{}, 1), feeds: map[string]*feed{},
		entries: map[format.Subscription]*entry{}, parked: waiters{}, changed: make(chan struct{}),
		pauses: backoff{bound: l.o.MaxBackoff}, recover: l.topology != nil,
	}
}

// stats adds the counters.
func (s *subscriber) stats(st *Stats) {
	st.Received, st.Resubscriptions = s.received.Load(), s.recovered.Load()
}

// base subscribes to what Open waits for.
func (s *subscriber) base(subs []format.Subscription) {
	s.want(subs)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		s.lostLocked(e)
	}
}

// run is the manager's goroutine. It ends after those of the connections.
func (s *subscriber) run() {
	defer s.running.Wait()
	defer s.stopFeeds()
	tick := make(chan struct{}, 1)
	timer := s.l.sys.Clock().NewTimer("redis keepalive", func() { signal(tick) })
	defer timer.Stop()
	timer.Reset(keepalive)
	for {
		s.step()
		select {
		case <-s.wake:
		case <-tick:
			s.ping()
			timer.Reset(keepalive)
		case <-s.l.ctx.Done():
			return
		}
	}
}

// step does all there is to do now.
func (s *subscriber) step() {
	s.mu.Lock()
	if s.recover && !s.mending {
		s.recover, s.mending = false, true
		s.goLocked("redis recovery", s.mend)
	}
	if home, err := s.l.route(SubscribePart, format.Plain, ""); err == nil {
		s.home = home
		s.feedLocked(home)
	}
	dirty := s.dirty
	s.dirty = nil
	for _, e := range dirty {
		s.placeLocked(e)
	}
	letters := s.lettersLocked()
	s.sweepLocked()
	s.mu.Unlock()
	for _, l := range letters {
		l.send(s.l)
	}
	s.report()
}

// goLocked starts a goroutine that run waits for.
func (s *subscriber) goLocked(name string, fn func()) {
	s.running.Add(1)
	s.l.sys.Go(name, func() {
		defer s.running.Done()
		fn()
	})
}

// placeLocked brings an entry nearer to what is wanted.
func (s *subscriber) placeLocked(e *entry) {
	if e.waits != nil {
		return // what happened since it was queued has made it wait
	}
	e.queued = false
	switch {
	case e.phase == off && e.wanted:
		addr, err := s.l.route(SubscribePart, e.sub.Kind, e.sub.Name)
		if err != nil {
			s.parkLocked(e, err)
			return
		}
		f := s.feedLocked(addr)
		if f.session == nil {
			f.waiting.add(e)
			return
		}
		s.orderLocked(f, e, true)
	case e.phase == off:
		s.forgetLocked(e)
	case e.phase == on && !e.wanted:
		s.orderLocked(e.feed, e, false)
	}
}

// parkLocked leaves an entry for after the next recovery.
func (s *subscriber) parkLocked(e *entry, why error) {
	s.lostLocked(e)
	s.parked.add(e)
	s.breakLocked(why)
	s.recover = true
}

// breakLocked notes for the manager why the part is down.
func (s *subscriber) breakLocked(why error) {
	s.broken = why
	signal(s.wake)
}

// forgetLocked removes an entry that nobody wants and Redis does not know.
func (s *subscriber) forgetLocked(e *entry) {
	if s.entries[e.sub] == e {
		delete(s.entries, e.sub)
	}
}

// feedLocked returns the connection to a node, new if need be.
func (s *subscriber) feedLocked(addr string) *feed {
	f := s.feeds[addr]
	if f == nil {
		f = newFeed(s, addr)
		s.feeds[addr] = f
		s.goLocked("redis feed", f.run)
	}
	return f
}

// sweepLocked ends connections to nodes that nothing is wanted of.
func (s *subscriber) sweepLocked() {
	for addr, f := range s.feeds {
		if addr != s.home && len(f.entries) == 0 && len(f.waiting) == 0 {
			delete(s.feeds, addr)
			f.stopLocked()
		}
	}
}

// stopFeeds ends all connections.
func (s *subscriber) stopFeeds() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.feeds {
		f.stopLocked()
	}
}

// report tells when the part goes down or comes back.
func (s *subscriber) report() {
	s.mu.Lock()
	broken := s.broken
	s.broken = nil
	f := s.feeds[s.home]
	whole := s.missing == 0 && f != nil && f.session != nil
	if whole {
		s.pauses.reset()
	}
	s.mu.Unlock()
	if broken != nil {
		s.l.setState(SubscribePart, broken)
	}
	if whole {
		s.l.setState(SubscribePart, nil)
	}
}

// mend waits a moment, asks a cluster what it looks like now, and has all looked at again that found no place.
func (s *subscriber) mend() {
	for first := true; ; first = false {
		s.mu.Lock()
		pause := s.pauses.take()
		s.mu.Unlock()
		beginning := first && s.l.topology != nil && s.l.topology.seen() == 0
		if !beginning && !s.l.pause(pause) {
			return
		}
		if s.l.topology == nil {
			break
		}
		err := s.l.topology.refresh(s.l.topology.seen())
		if err == nil {
			break
		}
		s.mu.Lock()
		s.breakLocked(err)
		s.mu.Unlock()
	}
	s.mu.Lock()
	s.mending = false
	again := s.parked.takeAll()
	for _, f := range s.feeds {
		if f.session == nil {
			again = append(again, f.waiting.takeAll()...)
		}
	}
	s.redoLocked(again)
	s.mu.Unlock()
}

// redoLocked has entries that are queued elsewhere looked at, in the order of subscription.
func (s *subscriber) redoLocked(entries []*entry) {
	bySeq(entries)
	s.dirty = append(s.dirty, entries...)
	signal(s.wake)
}

// ping asks all connections for a sign of life.
func (s *subscriber) ping() {
	s.mu.Lock()
	var sessions []*session
	for _, f := range s.feeds {
		if f.session != nil {
			sessions = append(sessions, f.session)
		}
	}
	s.mu.Unlock()
	for _, one := range sessions {
		if err := one.pubsub.Ping(s.l.ctx); err != nil {
			_ = one.conn.Close()
		}
	}
}

// letter is commands for one connection.
type letter struct {
	to     *session
	orders []sealed
}

// sealed is an order as it is written: the order itself changes as Redis answers.
type sealed struct {
	join  bool
	kind  format.SubscriptionKind
	names []string
}

// lettersLocked takes the commands that are to be written. Redis' answers to them are expected from now on.
func (s *subscriber) lettersLocked() []letter {
	var letters []letter
	for _, f := range s.feeds {
		if len(f.orders) == 0 || f.session == nil {
			continue
		}
		one := letter{to: f.session}
		for _, o := range f.orders {
			one.orders = append(one.orders, sealed{join: o.join, kind: o.kind, names: o.names()})
		}
		f.inflight = append(f.inflight, f.orders...)
		f.orders = nil
		letters = append(letters, one)
	}
	return letters
}

// send writes the commands. When that fails, the connection is closed, and its goroutine sees to the rest.
func (l *letter) send(link *Link) {
	p := l.to.pubsub
	for _, o := range l.orders {
		write := p.Subscribe
		switch {
		case o.kind == format.Plain && !o.join:
			write = p.Unsubscribe
		case o.kind == format.Pattern && o.join:
			write = p.PSubscribe
		case o.kind == format.Pattern:
			write = p.PUnsubscribe
		case o.kind == format.Shard && o.join:
			write = p.SSubscribe
		case o.kind == format.Shard:
			write = p.SUnsubscribe
		}
		if err := write(link.ctx, o.names...); err != nil {
			_ = l.to.conn.Close()
			return
		}
	}
}

// removeEntry removes e from a list and tells whether it was there.
func removeEntry(list []*entry, match func(*entry) bool) (rest []*entry, found *entry) {
	i := slices.IndexFunc(list, match)
	if i < 0 {
		return list, nil
	}
	found = list[i]
	if i == 0 {
		return list[1:], found
	}
	return slices.Delete(list, i, i+1), found
}
