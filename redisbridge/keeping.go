package redisbridge

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/redisbridge/format"
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
	timer   *actors.Timer
	drained []chan struct{}            // closed when nothing is to be written
	pending map[string][]chan struct{} // by pid: closed when nothing is to be written of that
	expired time.Time                  // when it was looked for those that are of no use any more
}

// kept is a session that this instance has, as far as it knows.
type kept struct {
	sessionChanged

	queued  bool
	flying  bool // it is being written
	again   bool // changed while it was being written
	written bool // Redis has had it
	serial  uint64
	// doubted is when Redis had it no more, and nobody is known to have it: Redis has lost it, or a server of Node.js took it
	// out.
	doubted time.Time
	until   time.Time // when it is forgotten, written or not; zero: its socket lives
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
	// sessionTaken comes from the instance that has taken a session.
	sessionTaken struct {
		late
		pid string
	}
	sessionsDrain struct {
		late
		done chan struct{}
	}
)

// sessionWrite is a session in a batch.
type sessionWrite struct {
	sessionChanged

	had     bool          // Redis has had it
	left    time.Duration // for how long it is kept, when its socket does not live
	err     error
	outcome outcome
}

// sessionChanged takes the latest state of a session. Another holder than before is a later one.
func (a *node) sessionChanged(m *sessionChanged) {
	s := &a.sessions
	k := s.kept[m.pid]
	if k == nil || k.holder != m.holder {
		if s.kept == nil {
			s.kept = make(map[string]*kept)
		}
		next := &kept{written: m.holder.taken}
		if k != nil {
			next.queued, next.serial = k.queued, k.serial+1
		}
		k = next
		s.kept[m.pid] = k
	}
	k.sessionChanged, k.until = *m, a.keptUntil(m)
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
		a.expire()
		return // and again when it is up
	}
	now := time.Now()
	n := min(len(s.queue), sessionBatch)
	var batch []*sessionWrite
	for _, pid := range s.queue[:n] {
		k := s.kept[pid]
		if k == nil || !k.queued {
			continue
		}
		if k.expired(now) {
			delete(s.kept, pid)
			a.sessionSettled(pid)
			continue
		}
		k.queued, k.again, k.flying = false, false, true
		k.ended = k.ended || k.elsewhere()
		batch = append(batch, &sessionWrite{sessionChanged: k.sessionChanged, had: k.written, left: k.until.Sub(now)})
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

// elsewhere tells whether the client of a session has to be taken for one that is with a server of Node.js, or was: it has said
// nothing since Redis had the session no more. Then what was written since is taken back.
func (k *kept) elsewhere() bool {
	return !k.lives && !k.silent.IsZero() && !k.doubted.IsZero() && k.silent.Before(k.doubted)
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
		var commands []*redis.Cmd
		err := l.Run(ctx, keys[group[0]], func(ctx context.Context, conn *redis.Conn) (err error) {
			commands, err = b.putGroup(ctx, conn, keys, batch, group)
			return err
		})
		for n, i := range group {
			if batch[i].err = err; err == nil { // else it may still be under way
				batch[i].outcome = outcomeOf(commands[n])
			}
		}
	}
}

// putGroup writes those of a batch that one node has. Each time it gives Redis the script, which may be another than last time.
// The error is that of all: what Redis says of a single one its command has.
func (b *Bridge) putGroup(
	ctx context.Context, conn *redis.Conn, keys []string, batch []*sessionWrite, group []int,
) ([]*redis.Cmd, error) {
	commands := make([]*redis.Cmd, len(group))
	var loaded *redis.StringCmd
	_, _ = conn.Pipelined(ctx, func(p redis.Pipeliner) error { // what failed its command says
		loaded = p.ScriptLoad(ctx, holderScript)
		for n, i := range group {
			commands[n] = b.putSession(ctx, p, keys[i], batch[i])
		}
		return nil
	})
	if err := loaded.Err(); err != nil {
		return nil, err
	}
	for _, c := range commands {
		if err := c.Err(); err != nil && !strings.Contains(err.Error(), wrongType) {
			return nil, err
		}
	}
	return commands, nil
}

// outcomeOf reads the answer to one of the commands that putGroup returns.
func outcomeOf(c *redis.Cmd) outcome {
	was, err := c.Int()
	if err != nil {
		return occupied
	}
	return outcome(was)
}

// wrongType is what Redis says of a key that is something else than a session, in whatever words besides.
const wrongType = "WRONGTYPE"

// putSession writes one, if nobody else has it. While its socket lives it is kept for longer than Recovery, so that there is that
// much left whenever the process dies. What has vanished is written again, unless its client may be elsewhere.
func (b *Bridge) putSession(ctx context.Context, p redis.Pipeliner, key string, w *sessionWrite) *redis.Cmd {
	text, ttl, anew := w.value, min(b.options.Recovery, w.left), !w.had || w.silent.IsZero()
	switch {
	case w.ended && w.holder.taken:
		text, ttl, anew = []byte(overText), b.options.Recovery, false
	case w.ended:
		ttl, anew = 0, false
	case w.lives:
		ttl = b.options.Recovery + b.options.Recovery/2
	}
	ms := int64(0)
	if ttl > 0 {
		ms = milliseconds(ttl)
	}
	return p.EvalSha(ctx, b.scripts.hold.Hash(), []string{key}, format.HolderText(w.holder.name), text, ms, anew)
}

// sessionsWritten takes note of what became of a batch.
func (a *node) sessionsWritten(batch []*sessionWrite) {
	s := &a.sessions
	s.writing = false
	var failed error
	for _, w := range batch {
		k := s.kept[w.pid]
		if k != nil && k.holder == w.holder {
			k.flying = false
		}
		switch {
		case k == nil || k.holder != w.holder: // it was taken since, which is to be written
		case w.err != nil:
			failed = w.err
			a.queueSession(k)
		case w.outcome == others:
			a.lost(k)
		case w.outcome == occupied: // for ever, as far as we know
			delete(s.kept, w.pid)
			a.notWritten(errOccupied)
		case !w.lives && !k.again:
			delete(s.kept, w.pid)
		default:
			a.wrote(k, w)
		}
		if k := s.kept[w.pid]; k == nil || !k.queued || w.err != nil {
			a.sessionSettled(w.pid)
		}
	}
	if failed != nil {
		a.notWritten(failed)
		s.timer.Reset(sessionPause)
		return
	}
	a.writeSessions()
	a.armSessions()
}

// errOccupied is why a session cannot be kept.
var errOccupied = errors.New("redisbridge: the key of a session is something else")

func (a *node) notWritten(err error) {
	if a.limit.Allow() {
		a.sys.Logger().Warn("sessions not written", slog.Any("err", err))
	}
}

// lost gives a session up that another has.
func (a *node) lost(k *kept) {
	delete(a.sessions.kept, k.pid)
	if k.lives && k.lost != nil {
		k.lost()
	}
}

// wrote goes on with a session that has not ended.
func (a *node) wrote(k *kept, w *sessionWrite) {
	s := &a.sessions
	now := time.Now()
	if w.had && w.outcome == created {
		k.doubted = now
	}
	k.written = !w.ended
	k.serial++
	s.refresh = append(s.refresh, refresh{pid: w.pid, serial: k.serial, at: now.Add(a.options.Recovery / 2)})
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
		if k := s.kept[r.pid]; k != nil && k.serial == r.serial {
			a.queueSession(k)
		}
	}
	a.writeSessions()
	a.armSessions()
}

// sessionTaken writes a session that another has taken, which shows that it has.
func (a *node) sessionTaken(pid string) {
	if k := a.sessions.kept[pid]; k != nil {
		a.queueSession(k)
		a.writeSessions()
	}
}

// rewriteSessions writes all sessions: Redis is back, perhaps with nothing of what it had.
func (a *node) rewriteSessions() {
	for _, k := range a.sessions.kept {
		a.queueSession(k)
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
