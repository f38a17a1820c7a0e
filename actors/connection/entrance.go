package connection

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"

	"github.com/actio-go/actio/wire"
)

// Entrance is how a namespace is entered. The zero value lets everybody in at once, who then authenticates as the options
// say. It is immutable; its functions are safe for concurrent use.
type Entrance struct {
	// Auth, if not nil, holds in place of that of the options.
	Auth *Auth
	// Find, if not nil, is asked first, on a worker: which namespace is it that does not exist yet? Its error refuses.
	Find func(ctx context.Context, namespace string, h *Handshake) (*Entrance, error)
	// Admit, if not nil, is asked last, on a worker, with a socket that the application knows already. Its error refuses.
	Admit func(ctx context.Context, s *Socket) error
	// Opened, if not nil, is called when a socket that came this way is connected. It returns at once and runs no user code.
	Opened func()
	// Release, if not nil, is called once for each time that the Entrance was given out: when the socket that came this way is
	// gone, and its session not kept any more, or was not let in. It returns at once and runs no user code.
	Release func()
}

// plain tells that a socket is opened as soon as it comes.
func (e *Entrance) plain() bool {
	return e.Auth == nil && e.Find == nil && e.Admit == nil && e.Opened == nil && e.Release == nil
}

// Auth is how the sockets of a namespace authenticate.
type Auth struct {
	// Verify decides who they belong to. Nil: they do not authenticate.
	Verify Verifier
	// OnConnect: with the payload of CONNECT, before that is answered. Else with the event `authenticate`, afterwards.
	OnConnect bool
}

// ConnectError refuses a socket, with a message and data for its client. It wraps ErrRefused.
type ConnectError struct {
	// Message is the message of the client's connect_error.
	Message string
	// Data is what its data is: anything that encoding/json could encode, without binary. Nil: there is none.
	Data any
}

// Error returns the message.
func (e *ConnectError) Error() string { return e.Message }

// Unwrap makes it a refusal where a Verifier returns it.
func (e *ConnectError) Unwrap() error { return ErrRefused }

// extra is what few sockets have.
type extra struct {
	watcher *watcher

	entrance *Entrance      // nil: a plain one
	hold     *hold          // of the entrance
	by       moment         // when the socket must be in
	asked    bool           // Admit was
	claim    *Claim         // of the session that the socket goes on with, as long as it is on its way in
	refusal  *wire.Prepared // what a Verifier wants its client to be told
}

// more returns the socket's extra and makes it when there is none.
func (s *socket) more() *extra {
	if s.extra == nil {
		s.extra = new(extra)
	}
	return s.extra
}

// auth is how the socket authenticates; nil: it does not.
func (c *connection) auth(s *socket) *Auth {
	if s.extra != nil && s.extra.entrance != nil {
		return c.authOf(s.extra.entrance)
	}
	return c.authOf(&Entrance{})
}

// authOf is how those authenticate who come in this way; nil: they do not.
func (c *connection) authOf(e *Entrance) *Auth {
	a := c.env.auth
	if e.Auth != nil {
		a = e.Auth
	}
	if a == nil || a.Verify == nil {
		return nil
	}
	return a
}

// hold is the Release that a socket owes. Who comes last calls it: the worker that found the entrance, or the end of the
// socket.
type hold struct {
	mu      sync.Mutex
	release func()
	over    bool
}

// newHold is the hold of an Entrance; nil when nothing will have to be given back.
func newHold(e *Entrance) *hold {
	if e.Release == nil && e.Find == nil {
		return nil
	}
	return &hold{release: e.Release}
}

// take remembers a Release, or calls it at once when the socket has ended.
func (h *hold) take(release func()) {
	h.mu.Lock()
	over := h.over
	if !over {
		h.release = release
	}
	h.mu.Unlock()
	if over && release != nil {
		release()
	}
}

// end calls what was taken. Idempotent; a nil hold owes nothing.
func (h *hold) end() {
	if h == nil {
		return
	}
	h.mu.Lock()
	release := h.release
	h.release, h.over = nil, true
	h.mu.Unlock()
	if release != nil {
		release()
	}
}

// step is what a worker asks user code of a socket on its way into a namespace. The answer is a stepped.
type step struct {
	socket   *Socket
	attempt  uint32
	where    string                                       // for the report of a panic
	ask      func(ctx context.Context) (*Entrance, error) // the entrance that was found; nil when that was not the question
	ctx      context.Context                              //nolint:containedctx // a task's own, from its start to its end
	answered bool
}

// Run asks and reports what came out.
func (t *step) Run() {
	m := &stepped{socket: t.socket, attempt: t.attempt}
	session := t.socket.session
	defer func() {
		if r := recover(); r != nil {
			session.env.panicked(t.where, r, debug.Stack())
		}
		if !t.answered {
			m.refusal = session.refusal(t.socket.namespace, textInternal)
		}
		session.tell(m)
		session.gate.leave(0)
	}()
	var err error
	if m.entrance, err = t.ask(t.ctx); err != nil {
		m.refusal = session.refusalOf(t.socket.namespace, err)
	}
	t.answered = true
}

// refusalOf is what a client is told of an error of user code. It runs user code, if the data of a ConnectError does.
func (s *Session) refusalOf(namespace string, err error) *wire.Prepared {
	refused, ok := asConnectError(err)
	switch {
	case !ok:
		return s.refusal(namespace, err.Error())
	case refused.Data == nil:
		return s.refusal(namespace, refused.Message)
	}
	var payload any = map[string]any{"message": refused.Message, "data": refused.Data}
	if s.revision3 {
		payload = refused.Data
	}
	m, err := wire.EncodePacketJSON(wire.ConnectError, namespace, payload)
	if err != nil {
		s.env.System.Logger().Error("data of a connect error does not encode", slog.String("nsp", namespace), slog.Any("err", err))
		return s.refusal(namespace, refused.Message)
	}
	return m
}

// refusal is a CONNECT_ERROR.
func (s *Session) refusal(namespace, message string) *wire.Prepared {
	var payload any = map[string]string{"message": message}
	if s.revision3 {
		payload = message
	}
	m, err := wire.EncodePacketJSON(wire.ConnectError, namespace, payload)
	if err != nil {
		panic(fmt.Sprintf("connection: own packet does not encode: %v", err))
	}
	return m
}
