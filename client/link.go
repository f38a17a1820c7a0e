package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/actio-go/actio/client/internal/engine"
	"github.com/actio-go/actio/wire"
)

// link is the connection of a Manager for as long as a socket wants one: one session after another, made by one goroutine. A
// link that its Manager has let go of touches nothing of it any more.
type link struct {
	manager *Manager
	ctx     context.Context //nolint:containedctx // of dialling and of delays
	cancel  context.CancelFunc

	// Under the mutex of the manager.
	session  *engine.Session // nil between two sessions
	attempts int             // to connect, that failed since the last session
	aborted  bool            // whatever there is, or comes, is cut off
}

// connect makes a link unless there is one. It runs under the mutex.
func (m *Manager) connect() {
	if m.link != nil {
		return
	}
	l := &link{manager: m}
	l.ctx, l.cancel = context.WithCancel(context.WithoutCancel(m.ctx))
	m.link = l
	m.links[l] = struct{}{}
	m.start(l.run)
}

// run makes sessions until nobody wants one.
func (l *link) run() {
	defer l.over()
	for {
		session, err := l.dial()
		var delay time.Duration
		again := false
		switch {
		case err != nil:
			delay, again = l.failed(err)
		case l.opened(session):
			delay, again = l.ended(session, l.serve(session))
		default:
			l.dismiss(session)
		}
		if !again || !l.awaitNextAttempt(delay) {
			return
		}
	}
}

func (l *link) over() {
	l.cancel()
	l.manager.mutex.Lock()
	defer l.manager.mutex.Unlock()
	delete(l.manager.links, l)
}

// serve runs a session to its end.
func (l *link) serve(session *engine.Session) error {
	defer session.AfterEnd(func() { // a reader may wait for the application
		l.manager.mutex.Lock()
		defer l.manager.mutex.Unlock()
		l.manager.room.Broadcast()
	})()
	return session.Run(l.receiver(session))
}

// dismiss ends a session that nobody wants any more.
func (l *link) dismiss(session *engine.Session) {
	l.manager.mutex.Lock()
	aborted := l.aborted
	l.manager.mutex.Unlock()
	if aborted {
		session.Abort(ErrClosed)
	}
	session.Close()
	_ = session.Run(func(wire.EnginePacket) error { return nil })
}

func (l *link) dial() (*engine.Session, error) {
	m := l.manager
	ctx, cancel := m.clock.Context(l.ctx, m.options.Timeout)
	defer cancel()
	session, err := engine.Dial(ctx, &engine.Options{
		URL: m.engine, Transports: m.transports(), TryAll: m.options.TryAllTransports, Upgrade: !m.options.NoUpgrade,
		HTTP: m.http, Header: m.options.Header, Compression: m.options.Compression, MaxMessage: int64(m.options.MaxMessage),
		Clock: &m.clock, OwnHTTP: m.options.HTTPClient == nil,
	})
	if err != nil && errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		err = fmt.Errorf("%w after %v: %w", ErrTimeout, m.options.Timeout, err)
	}
	if err != nil {
		return nil, fmt.Errorf("client: connect: %w", err)
	}
	return session, nil
}

// transports in the order in which to try them.
func (m *Manager) transports() []Transport {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.options.RememberUpgrade && m.upgraded && len(m.options.Transports) > 1 {
		return []Transport{WebSocket, Polling}
	}
	return m.options.Transports
}

// opened makes the session that of the manager; false when the link was let go.
func (l *link) opened(session *engine.Session) bool {
	m := l.manager
	m.mutex.Lock()
	defer m.mutex.Unlock()
	l.session = session // also for Manager.abort
	if m.link != l {
		return false
	}
	if n := l.attempts; n > 0 && m.options.Hooks.Reconnect != nil {
		m.tell(func() { m.options.Hooks.Reconnect(m.ctx, n) })
	}
	l.attempts = 0
	if m.options.Hooks.Open != nil {
		m.tell(func() { m.options.Hooks.Open(m.ctx) })
	}
	for _, s := range m.sockets {
		if s.active {
			s.enter(l)
		}
	}
	return true
}

// failed tells the sockets that a connection could not be made, and whether there is to be another attempt.
func (l *link) failed(err error) (delay time.Duration, again bool) {
	m := l.manager
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.link != l {
		return 0, false
	}
	m.upgraded = false // what kept it from connecting may be the websocket
	if m.options.Hooks.Error != nil {
		m.tell(func() { m.options.Hooks.Error(m.ctx, err) })
	}
	for _, s := range m.sockets {
		if s.active {
			s.connectFailed(err)
		}
	}
	return l.nextDelay()
}

// ended tells the sockets that the connection is gone, and whether there is to be another.
func (l *link) ended(session *engine.Session, err error) (delay time.Duration, again bool) {
	m := l.manager
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.link != l {
		return 0, false
	}
	m.upgraded = session.Transport() == WebSocket
	l.session = nil
	reason := reasonOf(err)
	if m.options.Hooks.Close != nil {
		m.tell(func() { m.options.Hooks.Close(m.ctx, reason, err) })
	}
	for _, s := range m.sockets {
		s.lost(reason, err)
	}
	return l.nextDelay()
}

// errParse is a packet that is none of Socket.IO.
var errParse = fmt.Errorf("%w: parse error", ErrProtocol)

func reasonOf(err error) Reason {
	switch {
	case errors.Is(err, errParse):
		return ReasonParseError
	case errors.Is(err, engine.ErrPingTimeout):
		return ReasonPingTimeout
	case errors.Is(err, engine.ErrServerClosed), errors.Is(err, io.EOF):
		return ReasonTransportClose
	default:
		return ReasonTransportError
	}
}

// awaitNextAttempt waits; false when there is to be no attempt after all.
func (l *link) awaitNextAttempt(delay time.Duration) bool {
	fired := make(chan struct{})
	timer := l.manager.clock.AfterFunc(delay, func() { close(fired) })
	defer timer.Stop()
	select {
	case <-fired:
		return l.nextAttempt()
	case <-l.ctx.Done():
		return false
	}
}

// nextDelay tells how long to wait, or lets go of the link: whoever connects from now on gets another. It runs under the mutex.
func (l *link) nextDelay() (delay time.Duration, again bool) {
	m := l.manager
	o := &m.options
	switch {
	case o.NoReconnection:
	case o.ReconnectionAttempts > 0 && l.attempts >= o.ReconnectionAttempts:
		if o.Hooks.ReconnectFailed != nil {
			m.tell(func() { o.Hooks.ReconnectFailed(m.ctx) })
		}
	default:
		return m.backoff.delay(l.attempts), true
	}
	m.link = nil
	for _, s := range m.sockets {
		s.giveUp()
	}
	return 0, false
}

func (l *link) nextAttempt() bool {
	m := l.manager
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.link != l {
		return false
	}
	l.attempts++
	if n := l.attempts; m.options.Hooks.ReconnectAttempt != nil {
		m.tell(func() { m.options.Hooks.ReconnectAttempt(m.ctx, n) })
	}
	return true
}

// release ends the link in good order. It runs under the mutex.
func (l *link) release() {
	l.cancel()
	if l.session != nil {
		l.session.Close()
	}
}
