package client

import (
	"context"
	"errors"
	"fmt"
)

// watcher is a call of ConnectAndWait. Its fields are under the mutex of the manager.
type watcher struct {
	result chan error // has room for one
	inside bool       // a handler waits, so that handlers behind it cannot run
	wait   *wait
}

// ConnectAndWait is Connect, and waits until the socket is connected and the handlers of that have run, until it is refused or
// given up, or the context ends; then the socket tries on by itself. A handler gives it its own context: it does not wait for
// other handlers then. Errors: ErrClosed, *ConnectError, those of the last attempt and of the context; ErrDisconnected when the
// server or Disconnect ended it; ErrInboxFull.
func (s *Socket) ConnectAndWait(ctx context.Context) error {
	m := s.manager
	w := &watcher{result: make(chan error, 1), inside: ctx.Value(insideKey{}) == m}
	m.mutex.Lock()
	if s.connected && (w.inside || s.told == s.connects) {
		m.mutex.Unlock()
		return nil
	}
	s.watchers[w] = struct{}{}
	w.wait = &wait{fail: func(err error) { s.answer(w, err) }}
	m.await(w.wait)
	m.mutex.Unlock()
	defer func() { _ = s.unwatch(w) }()
	if err := s.Connect(); err != nil {
		return err
	}
	select {
	case err := <-w.result:
		return err
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("client: connect: %w", context.Cause(ctx)), s.unwatch(w))
	}
}

// unwatch takes a call back and returns the error of the last attempt.
func (s *Socket) unwatch(w *watcher) error {
	s.manager.mutex.Lock()
	defer s.manager.mutex.Unlock()
	delete(s.watchers, w)
	delete(s.manager.waits, w.wait)
	return s.lastError
}

// answer ends one wait. It runs under the mutex, like everything below.
func (s *Socket) answer(w *watcher, err error) {
	if _, waiting := s.watchers[w]; waiting {
		delete(s.watchers, w)
		delete(s.manager.waits, w.wait)
		w.result <- err
	}
}

// answerHandlers answers the handlers that wait.
func (s *Socket) answerHandlers() {
	for w := range s.watchers {
		if w.inside {
			s.answer(w, nil)
		}
	}
}

// resolve answers all.
func (s *Socket) resolve(err error) {
	for w := range s.watchers {
		s.answer(w, err)
	}
}

// giveUp tells who waits that there will be no further attempt.
func (s *Socket) giveUp() {
	if s.lastError != nil {
		s.resolve(s.lastError)
	} else {
		s.resolve(ErrDisconnected)
	}
}
