package recovery

import (
	"time"

	"github.com/actio-go/actio/actors/connection"
)

// wait is the time for which a session is kept. It means nothing when the session was taken up since.
type wait struct {
	session *session
	times   uint64
	until   time.Time
}

func (w *wait) over() bool { return w.session.kept == nil || w.session.times != w.times }

// enter begins the time for which a session is kept.
func (k *keeper) enter(s *session, kept *connection.Kept) {
	s.kept = kept
	s.times++
	k.counts.kept.Add(1)
	k.waiting = append(k.waiting, wait{session: s, times: s.times, until: time.Now().Add(k.options.Duration)})
	k.arm()
}

// leave ends it.
func (k *keeper) leave(s *session) {
	if s.kept != nil {
		s.kept.LetGo()
		s.kept = nil
		k.counts.kept.Add(-1)
	}
}

// arm sets the timer to the end of the oldest session.
func (k *keeper) arm() {
	if !k.armed && !k.stopping && len(k.waiting) > 0 {
		k.armed = true
		k.timer.Reset(time.Until(k.waiting[0].until))
	}
}

// shift takes the first out of those that wait.
func (k *keeper) shift() wait {
	w := k.waiting[0]
	k.waiting[0] = wait{}
	if k.waiting = k.waiting[1:]; len(k.waiting) == 0 {
		k.waiting = nil
	}
	return w
}

// expire forgets the sessions that nobody came for. One that is claimed just now has time until it is settled.
func (k *keeper) expire(now time.Time) {
	for len(k.waiting) > 0 && (k.waiting[0].over() || !now.Before(k.waiting[0].until)) {
		w := k.shift()
		switch {
		case w.over():
		case w.session.claim != nil:
			w.until = now.Add(k.options.Duration)
			k.waiting = append(k.waiting, w)
		default:
			k.counts.expired.Add(1)
			k.over(w.session)
		}
	}
	k.arm()
}

// bound forgets the oldest session when there are too many. Those that are claimed just now do not count.
func (k *keeper) bound() {
	if int(k.counts.kept.Load()) <= k.options.MaxSessions {
		return
	}
	for len(k.waiting) > 0 {
		w := k.shift()
		switch {
		case w.over():
			continue
		case w.session.claim != nil:
			w.until = time.Now().Add(k.options.Duration)
			k.waiting = append(k.waiting, w)
			return
		default:
			k.counts.dropped.Add(1)
			k.over(w.session)
			return
		}
	}
}
