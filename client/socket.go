package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/actio-go/actio/client/internal/clock"
	"github.com/actio-go/actio/wire"
)

const disconnectPacket = wire.Disconnect

// Socket is one namespace of a server. All methods are safe for concurrent use and may be called from any handler.
//
// What one goroutine emits arrives in that order. Handlers run one at a time, in the order of what came: the connection, the
// events, the end of the connection. A Socket outlives its connections: handlers stay, and unless it was ended on purpose it
// is connected again and again.
type Socket struct {
	manager   *Manager
	namespace string
	options   SocketOptions
	handlers  handlers

	// Under the mutex of the manager.
	inbox     inbox
	active    bool  // wants to be connected
	connected bool  // the server has confirmed
	entering  *link // a CONNECT is under way on this connection, or its auth is being made
	connects  uint64
	id        string
	recovery  recovery
	buffer    []*outgoing // waits for a connection
	early     []func()    // events that came before the server's confirmation
	acks      map[uint64]*pendingAck
	lastAck   uint64
	queue     retryQueue
	watchers  map[chan error]struct{} // of ConnectAndWait
	lastError error                   // of the last attempt to connect
	authTries int
	authTimer *clock.Timer

	observer observer // nil without a Helper; set once, before the first connection
}

// observer is told of the connections, their ends, and the events of a socket twice.
type observer interface {
	// arrived is called when they come, in the order in which they came. It runs under the mutex.
	arrived(event string, args wire.Args)
	// handle is called before the handlers of the application, like one of them.
	handle(e *Event)
}

func newSocket(m *Manager, namespace string, o SocketOptions) *Socket {
	s := &Socket{
		manager: m, namespace: namespace, options: o, acks: map[uint64]*pendingAck{}, watchers: map[chan error]struct{}{},
	}
	s.queue.socket = s
	return s
}

// Manager is the connection that the socket shares with those of other namespaces.
func (s *Socket) Manager() *Manager { return s.manager }

// Namespace is the namespace.
func (s *Socket) Namespace() string { return s.namespace }

// ID is the id that the server gave the socket; empty while it is not connected.
func (s *Socket) ID() string {
	s.manager.mutex.Lock()
	defer s.manager.mutex.Unlock()
	return s.id
}

// Connected tells whether the server has confirmed the namespace, and the connection has not ended since.
func (s *Socket) Connected() bool {
	s.manager.mutex.Lock()
	defer s.manager.mutex.Unlock()
	return s.connected
}

// Active tells whether the socket is connected or is going to be by itself.
func (s *Socket) Active() bool {
	s.manager.mutex.Lock()
	defer s.manager.mutex.Unlock()
	return s.active && s.manager.link != nil
}

// Recovered tells whether the last connection took up the former one: with the same id and rooms, and what was missed has
// been received (connection state recovery).
func (s *Socket) Recovered() bool {
	s.manager.mutex.Lock()
	defer s.manager.mutex.Unlock()
	return s.recovery.recovered
}

// Connect makes the socket want to be connected; it does not wait, see OnConnect and ConnectAndWait. On a socket that
// already is, or is going to be, it does nothing. Error: ErrClosed.
func (s *Socket) Connect() error {
	m := s.manager
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.closed {
		return ErrClosed
	}
	s.active = true
	m.connect()
	if m.link.session != nil && !s.connected && s.entering == nil {
		s.enter(m.link)
	}
	return nil
}

// ConnectAndWait is Connect, and waits until the socket is connected and the handlers of that have run, until it is refused or
// given up, or the context ends; then the socket tries on by itself. Errors: ErrClosed, *ConnectError, those of the last attempt and of the context.
func (s *Socket) ConnectAndWait(ctx context.Context) error {
	result := make(chan error, 1)
	s.manager.mutex.Lock()
	if s.connected {
		s.manager.mutex.Unlock()
		return nil
	}
	s.watchers[result] = struct{}{}
	s.manager.mutex.Unlock()
	if err := s.Connect(); err != nil {
		_ = s.unwatch(result)
		return err
	}
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("client: connect: %w", context.Cause(ctx)), s.unwatch(result))
	}
}

// unwatch takes a waiting ConnectAndWait back and returns the error of the last attempt.
func (s *Socket) unwatch(result chan error) error {
	s.manager.mutex.Lock()
	defer s.manager.mutex.Unlock()
	delete(s.watchers, result)
	return s.lastError
}

// Disconnect leaves the namespace after what was emitted, and does not come back by itself; Connect does. The connection ends
// when no other socket is active. On a socket that is not active it does nothing.
func (s *Socket) Disconnect() {
	m := s.manager
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if !s.active {
		return
	}
	s.leave(ReasonClientDisconnect, ErrDisconnected)
	m.unlinkUnused()
}

// leave ends the socket on purpose. It runs under the mutex, like everything below.
func (s *Socket) leave(r Reason, err error) {
	if l := s.manager.link; l != nil && l.session != nil && (s.connected || s.entering != nil) {
		if p, encodeErr := s.manager.parser.control(disconnectPacket, s.namespace, nil); encodeErr == nil {
			l.session.Send(p)
		}
	}
	s.active = false
	s.end(r, err)
	s.resolve(err)
	if s.manager.closed {
		s.failAll(ErrClosed)
	}
}

// enter begins a connection on a session of the link.
func (s *Socket) enter(l *link) {
	s.entering = l
	if s.options.AuthFunc == nil {
		s.sendConnect(l, s.options.Auth)
		return
	}
	s.manager.start(func() { s.authorize(l) })
}

// authorize asks the application for the auth.
func (s *Socket) authorize(l *link) {
	var auth any
	err := errors.New("client: AuthFunc panicked")
	s.manager.guard(func() {
		ctx, stop := context.WithCancelCause(s.manager.ctx)
		defer stop(nil)
		defer context.AfterFunc(l.ctx, func() { stop(ErrDisconnected) })()
		auth, err = s.options.AuthFunc(ctx)
	})
	s.manager.mutex.Lock()
	defer s.manager.mutex.Unlock()
	if s.entering != l || s.manager.link != l || l.session == nil {
		return // the connection has ended meanwhile
	}
	if err != nil {
		s.retryAuth(l, fmt.Errorf("client: auth: %w", err))
		return
	}
	s.authTries = 0
	s.sendConnect(l, auth)
}

// retryAuth asks again later: an auth that cannot be had now is like a server that cannot be reached.
func (s *Socket) retryAuth(l *link, err error) {
	s.connectFailed(err)
	delay := s.manager.backoff.delay(s.authTries)
	s.authTries++
	s.authTimer = s.manager.clock.AfterFunc(delay, func() {
		s.manager.mutex.Lock()
		defer s.manager.mutex.Unlock()
		if s.entering == l && s.manager.link == l && l.session != nil {
			s.enter(l)
		}
	})
}

func (s *Socket) sendConnect(l *link, auth any) {
	payload, err := s.recovery.amend(auth)
	var p *wire.Prepared
	if err == nil {
		p, err = s.manager.parser.control(wire.Connect, s.namespace, payload)
	}
	if err != nil { // it will be no better the next time
		s.entering = nil
		s.active = false
		s.connectFailed(fmt.Errorf("client: auth: %w", err))
		s.resolve(s.lastError)
		return
	}
	l.session.Send(p)
}

// confirmed is the server's answer to CONNECT.
func (s *Socket) confirmed(l *link, c connected) {
	if s.connected { // to a second CONNECT, after one that was taken back before its answer came
		s.id = c.SID
		return
	}
	if s.entering != l {
		return
	}
	s.entering = nil
	s.connected = true
	s.connects++
	s.id, s.lastError = c.SID, nil
	s.recovery.confirmed(c.PID)
	s.manager.put(&s.inbox, s.tellConnected)
	s.note(EventConnect)
	for _, job := range s.early {
		s.manager.put(&s.inbox, job)
	}
	s.early = nil
	s.flush(l)
	s.queue.sendHead()
}

// tellConnected runs the handlers of the connection and then answers ConnectAndWait: a handler that is added after its return
// is not called for a connection before. It runs in the inbox.
func (s *Socket) tellConnected() {
	s.dispatch(&Event{Name: EventConnect})
	s.manager.mutex.Lock()
	defer s.manager.mutex.Unlock()
	s.resolve(nil)
}

// refused is the server's CONNECT_ERROR. The socket does not try again by itself.
func (s *Socket) refused(err *ConnectError) {
	if s.connected || s.entering == nil {
		return
	}
	s.active = false
	s.entering = nil
	s.early = nil
	s.connectFailed(err)
	s.resolve(err)
}

// connectFailed tells that an attempt to connect failed.
func (s *Socket) connectFailed(err error) {
	s.lastError = err
	s.manager.put(&s.inbox, func() { s.dispatch(&Event{Name: EventConnectError, Args: errorArgs(err), Err: err}) })
}

// lost ends the connection of the socket because that of the manager has ended.
func (s *Socket) lost(r Reason, err error) {
	s.end(r, fmt.Errorf("%w: %s: %w", ErrDisconnected, r, err))
}

// end is the end of a connection, whatever the cause.
func (s *Socket) end(r Reason, err error) {
	s.authTimer.Stop()
	s.entering, s.early = nil, nil
	if !s.connected {
		return
	}
	s.connected, s.id = false, ""
	s.note(EventDisconnect)
	s.failSent(err)
	s.queue.interrupted(err)
	s.manager.put(&s.inbox, func() {
		s.dispatch(&Event{Name: EventDisconnect, Args: jsonArgs(string(r)), Reason: r, Err: err})
	})
}

// giveUp tells who waits that there will be no further attempt.
func (s *Socket) giveUp() {
	if s.lastError != nil {
		s.resolve(s.lastError)
	} else {
		s.resolve(ErrDisconnected)
	}
}

// resolve answers ConnectAndWait.
func (s *Socket) resolve(err error) {
	for w := range s.watchers {
		delete(s.watchers, w)
		w <- err
	}
}

func (s *Socket) note(name string) {
	if s.observer != nil {
		s.observer.arrived(name, wire.Args{})
	}
}

func (s *Socket) log() *slog.Logger {
	return s.manager.options.Logger.With(slog.String("nsp", s.namespace))
}
