package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/actio-go/actio/client/internal/clock"
	"github.com/actio-go/actio/client/internal/engine"
	"github.com/actio-go/actio/wire"
)

// entry is one attempt to enter a namespace: on one session, with one CONNECT, for which the application may have to make the
// auth first. Its fields are under the mutex of the manager.
type entry struct {
	session *engine.Session
	sent    bool // CONNECT is under way
	tries   int  // of AuthFunc, that failed
	cancel  context.CancelCauseFunc
	timer   *clock.Timer // until AuthFunc is asked again
}

// departure is a DISCONNECT that was sent. Its fields are under the mutex of the manager.
type departure struct {
	session *engine.Session
	packet  *wire.Prepared
	written bool // it was seen that it is
}

// rejoinPause is how long a DISCONNECT is ahead of the next CONNECT to the same namespace. Servers of Node.js take the first
// into account after all that came with it, and close the connection for a CONNECT to a namespace that the client is in.
const rejoinPause = 50 * time.Millisecond

var errNoAuth = errors.New("client: auth: AuthFunc panicked, or ended its goroutine")

// stop ends the attempt.
func (e *entry) stop() {
	e.timer.Stop()
	if e.cancel != nil {
		e.cancel(ErrDisconnected)
	}
}

// enter begins an attempt on the session of the link, unless the answer to an earlier CONNECT has to come first: the server
// would not tell them apart. It runs under the mutex, like everything here but authorize.
func (s *Socket) enter(l *link) {
	if s.stale == l.session {
		return
	}
	s.entering = &entry{session: l.session}
	if s.left != nil && s.left.session == l.session {
		s.left.written = !l.session.Waits(s.left.packet)
		s.requestAuthBehind(s.left, s.entering)
	} else {
		s.requestAuth(s.entering)
	}
}

// requestAuthBehind goes on when a DISCONNECT was written long enough ago.
func (s *Socket) requestAuthBehind(d *departure, e *entry) {
	s.later(e, rejoinPause, func() {
		if d.written {
			s.requestAuth(e)
			return
		}
		d.written = !e.session.Waits(d.packet)
		s.requestAuthBehind(d, e)
	})
}

func (s *Socket) requestAuth(e *entry) {
	if s.options.AuthFunc == nil {
		s.sendConnect(e, s.auth)
		return
	}
	var ctx context.Context
	ctx, e.cancel = context.WithCancelCause(s.manager.ctx)
	s.manager.start(func() { s.authorize(ctx, e) })
}

// authorize asks the application for the auth.
func (s *Socket) authorize(ctx context.Context, e *entry) {
	var auth json.RawMessage
	err := errNoAuth
	defer func() { s.authorized(e, auth, err) }() // also when the function ends its goroutine
	s.manager.guard(func() {
		value, failed := s.options.AuthFunc(ctx)
		if failed == nil {
			auth, failed = encodeAuth(value)
		}
		if err = nil; failed != nil {
			err = fmt.Errorf("client: auth: %w", failed) // its text may be made by the application, too
		}
	})
}

func (s *Socket) authorized(e *entry, auth json.RawMessage, err error) {
	s.manager.mutex.Lock()
	defer s.manager.mutex.Unlock()
	e.cancel(nil)
	switch {
	case s.entering != e: // it has ended meanwhile
	case err != nil:
		s.retryAuth(e, err)
	default:
		s.sendConnect(e, auth)
	}
}

// retryAuth asks again later: an auth that cannot be had now is like a server that cannot be reached.
func (s *Socket) retryAuth(e *entry, err error) {
	s.connectFailed(err)
	delay := s.manager.backoff.delay(e.tries)
	e.tries++
	s.later(e, delay, func() { s.requestAuth(e) })
}

// later goes on with an attempt after a delay, unless it has ended.
func (s *Socket) later(e *entry, delay time.Duration, then func()) {
	e.timer = s.manager.clock.AfterFunc(delay, func() {
		s.manager.mutex.Lock()
		defer s.manager.mutex.Unlock()
		if s.entering == e {
			then()
		}
	})
}

func (s *Socket) sendConnect(e *entry, auth json.RawMessage) {
	var payload any
	auth, err := s.recovery.amend(auth)
	if auth != nil {
		payload = auth
	}
	var p *wire.Prepared
	if err == nil {
		p, err = s.manager.parser.control(wire.Connect, s.namespace, payload)
	}
	if err != nil {
		s.retryAuth(e, err)
		return
	}
	e.sent = true
	e.session.Send(p)
}
