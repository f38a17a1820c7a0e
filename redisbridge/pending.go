package redisbridge

import (
	"context"
	"time"
)

// What of sessions waits to be written: a client that comes back to this instance must find it, and it must not wait for ever
// for a Redis that is down.

// sessionPending comes from TakeSession: done is closed when what is to be written of a session has been, or cannot be.
type sessionPending struct {
	late
	pid  string
	done chan struct{}
}

// settled waits until Redis has the session as it was left here.
func (b *Bridge) settled(ctx context.Context, pid string) error {
	done := make(chan struct{})
	b.tell(&sessionPending{pid: pid, done: done})
	return b.await(ctx, done)
}

// sessionPending closes done when nothing is to be written of a session.
func (a *node) sessionPending(pid string, done chan struct{}) {
	s := &a.sessions
	if k := s.kept[pid]; k == nil || !k.queued && !k.flying || !a.up() {
		close(done)
		return
	}
	if s.pending == nil {
		s.pending = make(map[string][]chan struct{})
	}
	s.pending[pid] = append(s.pending[pid], done)
}

// sessionSettled goes on with who waits for a session.
func (a *node) sessionSettled(pid string) {
	for _, done := range a.sessions.pending[pid] {
		close(done)
	}
	delete(a.sessions.pending, pid)
}

// sessionsSettled goes on with all who wait: Redis is down.
func (a *node) sessionsSettled() {
	for pid := range a.sessions.pending {
		a.sessionSettled(pid)
	}
}

// keptUntil is when Redis would have forgotten a session on whose state nothing follows: that it is written is of no use then.
func (b *Bridge) keptUntil(m *sessionChanged) time.Time {
	switch {
	case m.lives:
		return time.Time{}
	case m.ended:
		return time.Now().Add(b.options.Recovery + b.options.Recovery/2) // Redis may have it as one that lives
	default:
		return time.Now().Add(b.options.Recovery)
	}
}

// expired tells whether it is of no use any more that a session is written.
func (k *kept) expired(now time.Time) bool { return !k.until.IsZero() && !now.Before(k.until) }

// expire forgets what is of no use any more. It is called again and again while nothing can be written, and does so now and then.
func (a *node) expire() {
	s := &a.sessions
	now := time.Now()
	if now.Sub(s.expired) < a.options.Recovery/2 {
		return
	}
	s.expired = now
	for pid, k := range s.kept {
		if k.expired(now) {
			delete(s.kept, pid)
		}
	}
	queue := s.queue
	s.queue = nil
	for _, pid := range queue {
		if s.kept[pid] != nil {
			s.queue = append(s.queue, pid)
		}
	}
}
