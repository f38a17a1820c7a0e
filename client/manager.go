package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/actio-go/actio/client/internal/clock"
	"github.com/actio-go/actio/client/internal/engine"
	"github.com/actio-go/actio/wire"
)

// Manager holds one connection to a server, for the sockets of any number of namespaces, and makes it anew when it breaks.
// It connects when a socket wants to, and disconnects when none does any more. All methods are safe for concurrent use and
// may be called from any handler.
type Manager struct {
	options Options
	engine  *url.URL
	http    *http.Client
	parser  parser
	backoff backoff
	clock   clock.Clock
	ctx     context.Context //nolint:containedctx // of the functions of the application; ends with Close
	cancel  context.CancelCauseFunc

	mutex       sync.Mutex
	sockets     map[string]*Socket
	link        *link              // nil while nobody wants a connection
	links       map[*link]struct{} // it, and those that were let go of and have not ended yet
	closed      bool
	aborted     bool // Close has cut off what was left
	upgraded    bool // the last session ended on a websocket
	buffered    int  // bytes that wait in all sockets for a connection
	goroutines  gauge
	hooks       inbox
	waits       map[*wait]struct{} // for answers of the server
	room        sync.Cond          // of a reader that waits for an inbox to have room
	readersIdle int                // readers that wait for room: of the link, and of one that was let go of
}

// New makes a Manager for the server at a URL: http, https, ws or wss. It does not connect. Errors: ErrInvalidOptions; a path
// in the URL is one, as it would name a namespace, see Dial and Manager.Socket.
func New(rawURL string, o Options) (*Manager, error) {
	u, namespace, err := parseURL(rawURL)
	if err != nil {
		return nil, err
	}
	if namespace != "/" {
		return nil, fmt.Errorf("%w: the URL has a path, %s: give namespaces to Socket", ErrInvalidOptions, namespace)
	}
	return newManager(u, o)
}

func newManager(u *url.URL, o Options) (*Manager, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	h, err := o.httpClient()
	if err != nil {
		return nil, err
	}
	m := &Manager{
		options: o, engine: o.engineURL(u), http: h, parser: o.parser(), sockets: map[string]*Socket{},
		links: map[*link]struct{}{}, waits: map[*wait]struct{}{},
		backoff: backoff{
			first: o.ReconnectionDelay, most: o.ReconnectionDelayMax, jitter: max(0, o.RandomizationFactor),
		},
	}
	m.room.L = &m.mutex
	ctx := context.WithValue(context.Background(), insideKey{}, m)
	m.ctx, m.cancel = context.WithCancelCause(ctx)
	return m, nil
}

// insideKey is where the context of a handler keeps the Manager that it runs for.
type insideKey struct{}

// Dial connects to the namespace that the path of the URL names, "/" without one, with a Manager of its own. It returns when
// the socket is connected; until the context ends it tries as Options say. What the server emits at once may come before
// handlers are added: where that matters, take New, Manager.Socket, add handlers, and connect with Socket.ConnectAndWait.
// Errors: ErrInvalidOptions, *ConnectError, those of the last attempt and of the context; ErrStillRunning beside them when a
// function of the application did not return. Close the Manager of the socket in the end.
func Dial(ctx context.Context, rawURL string, o Options, so SocketOptions) (*Socket, error) {
	u, namespace, err := parseURL(rawURL)
	if err != nil {
		return nil, err
	}
	m, err := newManager(u, o)
	if err != nil {
		return nil, err
	}
	s, err := m.Socket(namespace, so)
	if err == nil {
		err = s.ConnectAndWait(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, m.Close(ctx))
	}
	return s, nil
}

// Socket returns the socket of a namespace and makes it when there is none yet; then the options are its own. It does not
// connect: add handlers first. Errors: ErrInvalidOptions, ErrClosed.
func (m *Manager) Socket(namespace string, o SocketOptions) (*Socket, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	auth, err := encodeAuth(o.Auth)
	if err != nil {
		return nil, fmt.Errorf("%w: Auth: %w", ErrInvalidOptions, err)
	}
	if namespace == "" || namespace[0] != '/' {
		namespace = "/" + namespace
	}
	if _, err := wire.EncodePacketJSON(wire.Disconnect, namespace, nil); err != nil {
		return nil, fmt.Errorf("%w: namespace %q: %w", ErrInvalidOptions, namespace, err)
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.closed {
		return nil, ErrClosed
	}
	s := m.sockets[namespace]
	if s == nil {
		s = newSocket(m, namespace, o.withDefaults(), auth)
		m.sockets[namespace] = s
	}
	return s, nil
}

// Transport is the transport of the connection; empty while there is none.
func (m *Manager) Transport() Transport {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.link == nil || m.link.session == nil {
		return ""
	}
	return m.link.session.Transport()
}

// graceTime is how long Close waits for the end of what it has cut off.
const graceTime = time.Second

// Close disconnects all sockets for good: what was emitted before leaves first, except what SocketOptions.Retries keep until it
// is acknowledged, which is given up. (Servers of Node.js may ignore events that come together with the end: what must arrive,
// send with EmitWithAck.) It waits until nothing of the Manager runs any more, the application's handlers included, whose
// contexts are cancelled. When ctx ends first the rest is cut off, events that wait for handlers are dropped with it, for which
// Close takes a second more at most; the error is ErrStillRunning if something runs on even then, a function of the application
// that ignores its context. It is idempotent. A handler may call it, with its context: it then does not wait for that handler,
// and not at all when another call is under way; of the context only the deadline counts.
func (m *Manager) Close(ctx context.Context) error {
	inside := 0
	if ctx.Value(insideKey{}) == m {
		inside = 1
		deadline, bounded := ctx.Deadline()
		ctx = context.WithoutCancel(ctx)
		if bounded {
			var cancel context.CancelFunc
			ctx, cancel = m.clock.Context(ctx, untilDeadline(deadline))
			defer cancel()
		}
	}
	m.mutex.Lock()
	if m.closed && inside > 0 {
		m.mutex.Unlock()
		return nil
	}
	if !m.closed {
		m.closed = true
		for _, s := range m.sockets {
			s.leave(ReasonClientDisconnect, ErrClosed)
		}
	}
	m.unlink()
	m.mutex.Unlock()
	m.cancel(ErrClosed)
	err := m.goroutines.wait(ctx, inside)
	if err != nil {
		m.abort()
		grace, cancel := m.clock.Context(context.WithoutCancel(ctx), graceTime)
		defer cancel()
		err = m.goroutines.wait(grace, inside)
	}
	if m.options.HTTPClient == nil {
		m.http.CloseIdleConnections()
	}
	return err
}

// unlink lets go of the connection, which ends in good order. It runs under the mutex.
func (m *Manager) unlink() {
	l := m.link
	m.link = nil
	if l == nil {
		return
	}
	if l.session != nil && m.options.Hooks.Close != nil {
		m.tell(func() { m.options.Hooks.Close(m.ctx, ReasonForcedClose, nil) })
	}
	for _, s := range m.sockets {
		s.stale, s.left = nil, nil
	}
	l.release()
	m.room.Broadcast()
}

// abort cuts off all connections, those that were let go of among them.
func (m *Manager) abort() {
	m.mutex.Lock()
	m.aborted = true
	var sessions []*engine.Session
	for l := range m.links {
		l.aborted = true
		if l.session != nil {
			sessions = append(sessions, l.session)
		}
	}
	m.mutex.Unlock()
	for _, s := range sessions {
		s.Abort(ErrClosed)
	}
}

// unlinkUnused runs under the mutex.
func (m *Manager) unlinkUnused() {
	for _, s := range m.sockets {
		if s.active {
			return
		}
	}
	m.unlink()
}

// start runs f in a goroutine that Close waits for.
func (m *Manager) start(f func()) {
	m.goroutines.add(1)
	go func() {
		defer m.goroutines.add(-1)
		f()
	}()
}
