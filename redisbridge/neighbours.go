package redisbridge

import (
	"context"
	"log/slog"
	"time"

	"github.com/actio-go/actio/redisbridge/format"
)

// maxPeers bounds what is remembered of neighbours, whatever they say.
const maxPeers = 1024

// helloPause is the least time between two heartbeats that others ask for.
const helloPause = 50 * time.Millisecond

// peer is what is known of another instance of actio.
type peer struct {
	heard time.Time // when it was heard of last
	// silent holds the namespaces that it does not answer for: it gave no answer when all were there (false), and was heard
	// of after that, so that it is not dead (true). Such a peer has not got the namespace and is not waited for.
	silent map[string]bool
}

// reckon tells the link how many instances are known, and has it count them: Redis may be gone in the next moment.
func (a *node) reckon() {
	if l := a.link.Load(); l != nil && !a.quiet {
		(*l).Expect(len(a.peers) + 1)
	}
}

// hello tells the others that we are here; they answer with a heartbeat at once.
func (a *node) hello() {
	a.reckon()
	if a.quiet || !a.up() {
		return
	}
	a.publish(&format.Message{Kind: format.Hello})
	a.rearm()
}

// rearm begins a new interval.
func (a *node) rearm() {
	a.beaten = time.Now()
	a.beat.Reset(a.options.HeartbeatInterval)
}

func (a *node) beatDue() {
	if a.quiet {
		return
	}
	if a.up() {
		a.publish(&format.Message{Kind: format.Beat})
	}
	a.rearm()
	a.listen()
}

// member takes note of a neighbour's Hello, Beat or Bye.
func (a *node) member(m *format.Message) {
	if m.Sender == "" || m.Sender == a.uid || m.Sender == format.Emitter || a.life.Err() != nil {
		return
	}
	if m.Kind == format.Bye {
		a.forget(m.Sender, "left")
		return
	}
	a.heardOf(m.Sender)
	if m.Kind == format.Hello && !a.quiet {
		if wait := helloPause - time.Since(a.beaten); wait > 0 {
			a.beat.Reset(wait)
		} else {
			a.beatDue()
		}
	}
}

func (a *node) heardOf(uid string) {
	p := a.peers[uid]
	if p == nil {
		if len(a.peers) == maxPeers {
			return
		}
		p = &peer{}
		a.peers[uid] = p
		a.reckon()
		a.show()
		a.heard.Store(nil)
		if len(a.peers) == 1 {
			a.expiry.Reset(a.options.HeartbeatTimeout)
		}
		if a.known.Allow() {
			a.sys.Logger().Info("cluster neighbour found", slog.String("peer", uid), slog.Int("neighbours", len(a.peers)))
		}
		delete(a.strangers, uid)
		for _, r := range a.pending {
			a.gain(r, uid)
		}
	}
	p.heard = time.Now()
	for n := range p.silent {
		p.silent[n] = true
	}
}

// suspect notes that a peer gave no answer although as many have come as there are instances.
func (a *node) suspect(uid, namespace string) {
	p := a.peers[uid]
	if p == nil {
		return
	}
	if p.silent == nil {
		p.silent = make(map[string]bool)
	}
	if _, known := p.silent[namespace]; !known {
		p.silent[namespace] = false
	}
}

// speaks notes that a peer answers for a namespace.
func (a *node) speaks(uid, namespace string) {
	if p := a.peers[uid]; p != nil {
		p.heard = time.Now()
		delete(p.silent, namespace)
	}
}

// forget takes a neighbour that has left or died out of all waiting.
func (a *node) forget(uid, why string) {
	if _, known := a.peers[uid]; !known {
		return
	}
	delete(a.peers, uid)
	a.reckon()
	a.show()
	if a.known.Allow() {
		a.sys.Logger().Info("cluster neighbour gone", slog.String("peer", uid), slog.String("why", why),
			slog.Int("neighbours", len(a.peers)))
	}
	for _, r := range a.pending {
		a.lose(r, uid)
	}
}

// meet notes the name of a neighbour that has answered. Servers of Node.js with the sharded adapter have names, and do not say
// that they are there.
func (a *node) meet(uid string) {
	if a.peers[uid] != nil || a.strangers.has(uid) || len(uid) > format.MaxUID {
		return
	}
	if len(a.strangers) >= maxPeers {
		clear(a.strangers)
	}
	a.strangers.add(uid)
}

// peersDue forgets the neighbours that have been silent for too long. While Redis is down silence means nothing.
func (a *node) peersDue() {
	if len(a.peers) == 0 {
		return
	}
	if !a.up() {
		a.expiry.Reset(a.options.HeartbeatTimeout)
		return
	}
	now, next := time.Now(), a.options.HeartbeatTimeout
	for uid, p := range a.peers {
		if left := a.options.HeartbeatTimeout - now.Sub(p.heard); left <= 0 {
			a.forget(uid, "silent")
		} else {
			next = min(next, left)
		}
	}
	if len(a.peers) > 0 {
		a.expiry.Reset(next)
	}
}

// listen asks Redis who listens, where that matters. Redis may take its time: not here.
func (a *node) listen() {
	l := a.link.Load()
	if !a.options.SkipUnheard || a.counting || l == nil || !a.up() || len(a.namespaces) == 0 {
		return
	}
	a.counting = true
	names, scope := a.sortedNamespaces(), *a.scope.Load()
	a.sys.Go("redis census", func() {
		m := &listened{}
		defer func() { a.tell(m) }()
		ctx, cancel := a.sys.Clock().Context(a.life, "redis census", a.options.RequestTimeout)
		defer cancel()
		m.heard = heard(ctx, *l, names, scope)
	})
}

// heard tells for each namespace whether there is a subscriber beside us; nil when Redis does not say.
func heard(ctx context.Context, l linkage, names []string, scope []format.Subscription) map[string]bool {
	counts, err := l.Count(ctx, scope)
	if err != nil || len(counts) != len(names) {
		return nil
	}
	others := make(map[string]bool, len(names))
	for i, n := range names {
		others[n] = counts[i] > 1
	}
	return others
}

func (a *node) listened(others map[string]bool) {
	a.counting = false
	if others == nil || !a.up() {
		a.heard.Store(nil)
		return
	}
	a.heard.Store(&others)
}
