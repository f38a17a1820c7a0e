package client

import (
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/actio-go/actio/client/internal/engine"
	"github.com/actio-go/actio/wire"
)

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
	auth      json.RawMessage // of Options.Auth

	// Under the mutex of the manager.
	inbox      inbox
	active     bool            // wants to be connected
	connected  bool            // the server has confirmed
	entering   *entry          // an attempt is under way
	stale      *engine.Session // on it the answer to a CONNECT is to come that was taken back
	left       *departure      // the last, unless the namespace was entered again since
	connects   uint64
	told       uint64 // of connects, whose handlers have run
	id         string
	recovery   recovery
	buffer     []*outgoing // waits for a connection
	taken      int         // of the buffer, that were taken back
	early      []*incoming // events that came before the server's confirmation
	earlyBytes int
	acks       map[uint64]*pendingAck
	lastAck    uint64
	queue      retryQueue
	watchers   map[*watcher]struct{}
	lastError  error // of the last attempt to connect

	observer observer // nil without a Helper; set once, before the first connection
}

// observer is told of the connections, their ends, and the events of a socket twice.
type observer interface {
	// arrived is called when they come, in the order in which they came. It runs under the mutex.
	arrived(event string, args wire.Args)
	// handle is called before the handlers of the application, like one of them.
	handle(e *Event)
}

func newSocket(m *Manager, namespace string, o SocketOptions, auth json.RawMessage) *Socket {
	s := &Socket{
		manager: m, namespace: namespace, options: o, auth: auth, acks: map[uint64]*pendingAck{},
		watchers: map[*watcher]struct{}{},
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
	if l := s.manager.link; l != nil && l.session != nil {
		switch {
		case s.connected:
			s.sendDisconnect(l)
		case s.entering != nil && s.entering.sent:
			s.stale = s.entering.session
		}
	}
	s.active = false
	s.end(r, err)
	s.resolve(err)
	if s.manager.closed {
		s.failAll(ErrClosed)
	}
}

func (s *Socket) sendDisconnect(l *link) {
	if p, err := s.manager.parser.control(wire.Disconnect, s.namespace, nil); err == nil {
		l.session.Send(p)
		s.left = &departure{session: l.session, packet: p}
	}
}

// confirmed is the server's answer to CONNECT.
func (s *Socket) confirmed(l *link, c connected) {
	if s.stale == l.session {
		s.sendDisconnect(l)
		s.settleStale(l)
		return
	}
	e := s.entering
	if e == nil || e.session != l.session || !e.sent {
		return
	}
	s.entering = nil
	s.connected = true
	s.connects++
	s.left = nil
	s.id, s.lastError = c.SID, nil
	s.recovery.confirmed(c.PID)
	connects := s.connects
	s.manager.put(&s.inbox, 0, func() { s.tellConnected(connects) })
	s.note(EventConnect)
	s.answerHandlers()
	early := s.early
	s.early, s.earlyBytes = nil, 0
	for _, e := range early {
		if s.admit(e); !s.connected {
			return // a Helper that was refused has left
		}
	}
	s.flush(l)
	s.queue.sendHead()
}

// refused is the server's CONNECT_ERROR. The socket does not try again by itself.
func (s *Socket) refused(l *link, err *ConnectError) {
	if s.stale == l.session {
		s.settleStale(l)
		return
	}
	if s.entering == nil || !s.entering.sent {
		return
	}
	s.dismissed(err)
}

// thrownOut is the server's DISCONNECT.
func (s *Socket) thrownOut(l *link) {
	err := fmt.Errorf("%w: %s", ErrDisconnected, ReasonServerDisconnect)
	switch {
	case s.stale == l.session && s.left != nil: // for the connection before, and the answer is still to come
	case s.stale == l.session:
		s.settleStale(l)
	case s.connected:
		s.active = false
		s.end(ReasonServerDisconnect, err)
		s.resolve(err)
	case s.entering != nil && s.entering.sent: // in place of an answer
		s.dismissed(err)
	}
}

// dismissed ends an attempt that the server does not want to be repeated.
func (s *Socket) dismissed(err error) {
	s.active = false
	s.end(ReasonServerDisconnect, err)
	s.connectFailed(err)
	s.resolve(err)
}

// settleStale: the answer to a CONNECT that was taken back has come, so that there may be another.
func (s *Socket) settleStale(l *link) {
	s.stale = nil
	if s.active {
		s.enter(l)
	}
}

// tellConnected runs the handlers of a connection and then answers ConnectAndWait: a handler that is added after its return
// is not called for a connection before. It runs in the inbox.
func (s *Socket) tellConnected(connects uint64) {
	defer func() {
		s.manager.mutex.Lock()
		defer s.manager.mutex.Unlock()
		s.told = connects
		if s.connected && s.connects == connects {
			s.resolve(nil)
		}
	}()
	s.dispatch(&Event{Name: EventConnect})
}

// connectFailed tells that an attempt to connect failed.
func (s *Socket) connectFailed(err error) {
	s.lastError = err
	s.manager.put(&s.inbox, 0, func() { s.dispatch(&Event{Name: EventConnectError, Args: errorArgs(err), Err: err}) })
}

// lost ends the connection of the socket because that of the manager has ended.
func (s *Socket) lost(r Reason, err error) {
	s.stale, s.left = nil, nil
	entering := s.entering != nil
	s.end(r, fmt.Errorf("%w: %s: %w", ErrDisconnected, r, err))
	if entering {
		s.connectFailed(fmt.Errorf("client: connect: %w", err))
	}
}

// end is the end of a connection, or of an attempt, whatever the cause.
func (s *Socket) end(r Reason, err error) {
	if s.entering != nil {
		s.entering.stop()
	}
	s.entering, s.early, s.earlyBytes = nil, nil, 0
	if !s.connected {
		return
	}
	s.connected, s.id = false, ""
	s.note(EventDisconnect)
	s.failSent(err)
	s.queue.interrupted(err)
	s.manager.put(&s.inbox, 0, func() {
		s.dispatch(&Event{Name: EventDisconnect, Args: jsonArgs(string(r)), Reason: r, Err: err})
	})
	s.manager.room.Broadcast()
}

func (s *Socket) note(name string) {
	if s.observer != nil {
		s.observer.arrived(name, wire.Args{})
	}
}

func (s *Socket) log() *slog.Logger {
	return s.manager.options.Logger.With(slog.String("nsp", s.namespace))
}
