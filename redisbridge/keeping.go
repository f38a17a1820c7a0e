package redisbridge

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actio-go/actio/actors"
)

const (
	// sessionBatch bounds how many sessions are written at a time.
	sessionBatch = 256
	// sessionPause is how long after a failure they are written again.
	sessionPause = time.Second
)

// sessions is what the actor knows of the sessions of this instance, and what is to be written of them. It writes one batch at a
// time, in which no session is twice: so what is written of one is in order.
type sessions struct {
	kept    map[string]*kept
	queue   []string  // pids of those that are to be written, each once
	refresh []refresh // those that are to be written again, in the order of their time
	writing bool
	terms   uint64 // calls of KeepSession
	timer   *actors.Timer
	drained []chan struct{} // closed when nothing is to be written
}

// kept is a session.
type kept struct {
	sessionChanged

	queued  bool
	again   bool // changed while it was being written
	written bool // Redis has it, unless somebody has taken it out
	taken   bool // somebody has: the client is elsewhere
	serial  uint64
	term    uint64 // counts KeepSession
}

// refresh is when a session is to be written again, unless it was written since.
type refresh struct {
	pid    string
	serial uint64
	at     time.Time
}

type (
	// sessionsDue comes from the clock, sessionsWritten from the goroutine that writes, sessionsDrain from Close.
	sessionsDue     struct{ late }
	sessionsWritten struct {
		late
		batch []*sessionWrite
	}
	sessionsDrain struct {
		late
		done chan struct{}
	}
)

// sessionWrite is a session in a batch.
type sessionWrite struct {
	sessionChanged

	first bool   // it is written whether Redis has it or not
	term  uint64 // of the session
	err   error
	gone  bool // somebody has taken it out
}

// sessionChanged takes the latest state of a session.
func (a *node) sessionChanged(m *sessionChanged) {
	s := &a.sessions
	k := s.kept[m.pid]
	if k == nil {
		if s.kept == nil {
			s.kept = make(map[string]*kept)
		}
		k = &kept{}
		s.kept[m.pid] = k
	}
	k.sessionChanged = *m
	if m.opened {
		k.taken, k.written = false, false
		s.terms++
		k.term = s.terms
	}
	if k.taken {
		if !m.lives {
			delete(s.kept, m.pid) // it belongs to another
		}
		return
	}
	a.queueSession(k)
	a.writeSessions()
}

func (a *node) queueSession(k *kept) {
	k.again = true
	if !k.queued {
		k.queued = true
		a.sessions.queue = append(a.sessions.queue, k.pid)
	}
}

// writeSessions writes what is queued, if Redis is there.
func (a *node) writeSessions() {
	s := &a.sessions
	if s.writing || len(s.queue) == 0 {
		a.sessionsIdle()
		return
	}
	l := a.linked()
	if l == nil || !a.up() {
		return // and again when it is up
	}
	n := min(len(s.queue), sessionBatch)
	var batch []*sessionWrite
	for _, pid := range s.queue[:n] {
		k := s.kept[pid]
		if k == nil || !k.queued {
			continue
		}
		k.queued, k.again = false, false
		if !k.taken {
			batch = append(batch, &sessionWrite{sessionChanged: k.sessionChanged, first: !k.written, term: k.term})
		}
	}
	if s.queue = s.queue[n:]; len(s.queue) == 0 {
		s.queue = nil
	}
	s.writing = true
	a.sys.Go("redis sessions", func() {
		a.putSessions(l, batch)
		a.tell(&sessionsWritten{batch: batch})
	})
}

// putSessions writes a batch.
func (b *Bridge) putSessions(l linkage, batch []*sessionWrite) {
	ctx, cancel := b.sys.Clock().Context(context.Background(), "redis sessions", b.options.RequestTimeout)
	defer cancel()
	keys := make([]string, len(batch))
	for i, w := range batch {
		keys[i] = b.sessionKey(w.pid)
	}
	for _, group := range l.Nodes(keys) {
		err := l.Run(ctx, keys[group[0]], func(ctx context.Context, conn *redis.Conn) error {
			return b.putGroup(ctx, conn, keys, batch, group)
		})
		for _, i := range group {
			if err != nil {
				batch[i].err = err
			}
		}
	}
}

// putGroup writes those of a batch that one node has.
func (b *Bridge) putGroup(ctx context.Context, conn *redis.Conn, keys []string, batch []*sessionWrite, group []int) error {
	commands := make([]redis.Cmder, len(group))
	_, _ = conn.Pipelined(ctx, func(p redis.Pipeliner) error { // what failed its command says
		for n, i := range group {
			commands[n] = b.putSession(ctx, p, keys[i], batch[i])
		}
		return nil
	})
	for n, i := range group {
		switch err := commands[n].Err(); {
		case errors.Is(err, redis.Nil):
			batch[i].gone = true
		case err != nil:
			return err
		}
	}
	return nil
}

// putSession writes one. One that was written before is written only if it is there: else somebody has taken it out, whose it is
// now. While its socket lives it is kept for longer than Recovery, so that there is that much left whenever the process dies.
func (b *Bridge) putSession(ctx context.Context, p redis.Pipeliner, key string, w *sessionWrite) redis.Cmder {
	o := redis.SetArgs{TTL: b.options.Recovery}
	switch {
	case w.ended:
		return p.Del(ctx, key)
	case w.lives:
		o.TTL += b.options.Recovery / 2
	}
	if !w.first {
		o.Mode = "XX"
	}
	return p.SetArgs(ctx, key, w.value, o)
}

// sessionsWritten takes note of what became of a batch.
func (a *node) sessionsWritten(batch []*sessionWrite) {
	s := &a.sessions
	s.writing = false
	failed := false
	for _, w := range batch {
		k := s.kept[w.pid]
		switch {
		case k == nil || k.term != w.term: // it was opened again since, which is to be written
		case w.err != nil:
			failed = true
			a.queueSession(k)
		case w.gone:
			k.written, k.taken = false, true
			if !k.lives {
				delete(s.kept, w.pid)
			}
		case !w.lives && !k.again:
			delete(s.kept, w.pid)
		default:
			k.written = !w.ended
			k.serial++
			s.refresh = append(s.refresh, refresh{pid: w.pid, serial: k.serial, at: time.Now().Add(a.options.Recovery / 2)})
		}
	}
	if failed {
		s.timer.Reset(sessionPause)
		return
	}
	a.writeSessions()
	a.armSessions()
}

// armSessions sets the timer to the next session that is to be written again.
func (a *node) armSessions() {
	if s := &a.sessions; len(s.refresh) > 0 && !a.quiet {
		s.timer.Reset(max(time.Until(s.refresh[0].at), time.Millisecond))
	}
}

// sessionsDue writes again what would expire.
func (a *node) sessionsDue() {
	s := &a.sessions
	now := time.Now()
	for len(s.refresh) > 0 && !now.Before(s.refresh[0].at) {
		r := s.refresh[0]
		s.refresh = s.refresh[1:]
		if k := s.kept[r.pid]; k != nil && k.serial == r.serial && !k.taken {
			a.queueSession(k)
		}
	}
	a.writeSessions()
	a.armSessions()
}

// rewriteSessions writes all sessions as if for the first time: Redis is back, perhaps with nothing of what it had.
func (a *node) rewriteSessions() {
	for _, k := range a.sessions.kept {
		if !k.taken {
			k.written = false
			a.queueSession(k)
		}
	}
	a.writeSessions()
}

// sessionsDrain closes done when nothing is to be written, or cannot be.
func (a *node) sessionsDrain(done chan struct{}) {
	a.sessions.drained = append(a.sessions.drained, done)
	a.sessionsIdle()
}

func (a *node) sessionsIdle() {
	s := &a.sessions
	if s.writing || len(s.queue) > 0 && a.up() {
		return
	}
	for _, done := range s.drained {
		close(done)
	}
	s.drained = nil
}

// flushSessions waits until the sessions are written, as long as Redis takes them.
func (b *Bridge) flushSessions(ctx context.Context) {
	if !b.Echoes() || b.linked() == nil {
		return
	}
	bounded, cancel := b.sys.Clock().Context(ctx, "redis sessions", leaveTimeout)
	defer cancel()
	done := make(chan struct{})
	b.tell(&sessionsDrain{done: done})
	_ = b.await(bounded, done) // what is not written by then expires
}
