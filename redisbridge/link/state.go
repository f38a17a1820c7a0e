package link

import (
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/actio-go/actio/actors"
)

// partState is whether a part is up, and why not. Only the part's own goroutine changes it.
type partState struct {
	mu      sync.Mutex
	up      bool
	was     bool // it was up once
	refused bool // fatal is closed
	err     error
	logged  time.Time // when a reason was logged
	limit   actors.LogLimit
	ready   chan struct{} // closed when it is up for the first time
	fatal   chan struct{} // closed when it was refused for good before it was up
}

func (s *partState) init() {
	s.ready = make(chan struct{})
	s.fatal = make(chan struct{})
}

func (s *partState) get() (up bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.up, s.err
}

// set notes a state and tells whether the Handler is to hear of it, and whether it is to be logged: also another reason while the
// part is down, once in a while.
func (s *partState) set(err error) (changed, log bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed = s.was && s.up != (err == nil)
	now := time.Now()
	log = changed || s.was && err != nil && now.Sub(s.logged) > warnPause && err.Error() != s.err.Error()
	if log = log && s.limit.Allow(); log {
		s.logged = now
	}
	s.up, s.err = err == nil, err
	switch {
	case err == nil && !s.was:
		s.was = true
		close(s.ready)
	case err != nil && !s.was && !s.refused && isRefusal(err):
		s.refused = true
		close(s.fatal)
	}
	return changed, log
}

// setState notes that a part is up (err nil) or down and tells the Handler when that is a change. When the Link is closed
// nothing is told.
func (l *Link) setState(p Part, err error) {
	if l.isClosing() {
		return
	}
	changed, log := l.states[p].set(err)
	switch {
	case !log:
	case err == nil:
		l.sys.Logger().Info("redis connection is back", slog.String("part", p.String()))
	default:
		l.sys.Logger().Warn("redis connection is down", slog.String("part", p.String()), slog.String("error", err.Error()))
	}
	if changed {
		l.guard(func() { l.handler.Changed(p, err) })
	}
}

// guard calls a function of the layer above. A panic in it is reported and ends nothing.
func (l *Link) guard(call func()) {
	defer func() {
		if r := recover(); r != nil {
			l.sys.Report("redis handler", r, debug.Stack())
		}
	}()
	call()
}
