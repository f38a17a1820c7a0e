package connection

import (
	"context"
	"errors"
	"slices"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/wire"
)

// The way of a socket into a namespace that does not let everybody in at once. It is one of the session's sockets from its
// CONNECT on, so that it counts and cannot come twice; but neither the client nor the registry nor the supervisor know it until
// it is opened. User code is asked beside the actor, one question at a time: which namespace it is, who the socket belongs to,
// and whether it may come in.

// The texts of refusals.
const (
	textInvalid    = "Invalid namespace"
	textManySpaces = "Too many namespaces"
	textTooLarge   = "Handshake payload too large"
	textDraining   = "Server is shutting down"
	textInternal   = "Internal server error"
	textLate       = "Connection timed out"
	textSentAway   = "Disconnected by the server"
	stateEntering  = uint32(Authenticated) + 1 // of a handle
)

// errNoNamespace is what nothing that was found comes down to.
var errNoNamespace = errors.New(textInvalid) //nolint:staticcheck // the text that clients know

func asConnectError(err error) (*ConnectError, bool) { return errors.AsType[*ConnectError](err) }

// enter opens a socket, or begins to ask whether it may come in. The hold of the Entrance belongs to it.
func (c *connection) enter(s *socket, e *Entrance, h *hold) {
	if e.plain() && (c.env.auth == nil || !c.env.auth.OnConnect) {
		c.open(s)
		return
	}
	x := s.more()
	x.entrance, x.hold = e, h
	if a := c.auth(s); e.Find == nil && e.Admit == nil && (a == nil || !a.OnConnect) {
		c.open(s)
		return
	}
	c.setOut(s)
	c.proceed(s)
	c.rearm()
}

// setOut puts a socket on its way in.
func (c *connection) setOut(s *socket) {
	s.extra.by = c.now().add(c.env.Options.ConnectTimeout)
	c.sockets = append(c.sockets, s)
	s.handle.state.Store(stateEntering)
	c.authenticate(s, inEnter)
}

// proceed asks the next question, or opens the socket when none is left.
func (c *connection) proceed(s *socket) {
	x, a := s.extra, c.auth(s)
	if a != nil {
		c.env.demand() // who is refused was not authenticated either
	}
	switch e := x.entrance; {
	case e.Find != nil:
		find, handle := e.Find, s.handle
		c.ask(s, "namespace matcher", func(ctx context.Context) (*Entrance, error) {
			found, err := find(ctx, handle.namespace, handle.handshake)
			if err == nil && found == nil {
				err = errNoNamespace
			}
			if err != nil {
				return nil, err
			}
			x.hold.take(found.Release)
			return found, nil
		})
	case a != nil && a.OnConnect && s.phase == phaseEntering:
		c.attempt(s)
	case e.Admit != nil && !x.asked:
		x.asked = true
		s.app = c.env.App.NewSocket(s.handle)
		admit, handle := e.Admit, s.handle
		c.ask(s, "namespace middleware", func(ctx context.Context) (*Entrance, error) { return nil, admit(ctx, handle) })
	case x.claim != nil:
		c.readmit(s)
	default:
		c.open(s)
	}
}

func (c *connection) ask(s *socket, where string, question func(context.Context) (*Entrance, error)) {
	t := &step{socket: s.handle, where: where, ask: question}
	t.attempt, t.ctx = s.begin()
	c.beside(t)
}

// begin numbers what is about to run beside the actor for the socket, and makes its context.
func (s *socket) begin() (attempt uint32, ctx context.Context) {
	s.attempt++
	// No child of the socket's context, which would keep a table of children. It ends with the socket all the same: see closed.
	ctx, s.cancel = context.WithCancelCause(context.Background())
	return s.attempt, ctx
}

// beside has a worker do what a socket needs that is on its way in. It counts at the gate until it has ended, also when nobody
// waits for it any more: a client that comes and goes in a loop does not pile up what ignores its context.
func (c *connection) beside(t actors.Task) {
	c.session.gate.hold()
	if !c.env.System.Workers().Run(t) {
		c.session.gate.leave(0)
	}
}

// stepped goes on with the answer, unless it comes too late.
func (c *connection) stepped(m *stepped) {
	s := c.own(m.socket)
	if s == nil || m.attempt != s.attempt {
		return
	}
	s.stopJob()
	switch {
	case m.refusal != nil:
		c.deny(s, m.refusal, ReasonServerDisconnect)
	case m.entrance != nil:
		c.found(s, m.entrance)
	default:
		c.proceed(s)
	}
	c.rearm()
}

// found goes on in a namespace that had to be looked for: with the session of a client that has come back, if it has one there.
func (c *connection) found(s *socket, e *Entrance) {
	x := s.extra
	x.entrance = e
	if !c.claim(s.namespace, s.handle.handshake.Auth, e, x.hold) {
		c.proceed(s)
		return
	}
	x.hold = nil // the claim's
	c.abandon(s, ReasonServerDisconnect)
}

// packetOfEntering handles a packet for a namespace that the client is on its way into. It may give up; whatever else it sends
// before the answer breaks the protocol.
func (c *connection) packetOfEntering(s *socket, m *received) {
	if m.head.Type != wire.Disconnect {
		c.broke(m)
		return
	}
	c.abandon(s, ReasonClientDisconnect)
	c.idle()
	c.verifyWaiting()
	c.leaveGate(m)
}

// deny refuses a socket that is on its way in. The session goes on, under the connect timeout.
func (c *connection) deny(s *socket, m *wire.Prepared, r Reason) {
	c.abandon(s, r)
	c.refuse(m)
	c.idle()
}

// refuse answers a CONNECT.
func (c *connection) refuse(m *wire.Prepared) {
	c.env.Counters.ConnectsRefused.Add(1)
	c.send(m, FlagKeep)
}

// abandon forgets a socket that was never opened. It has ended before the context of a middleware does, which may look at it
// then.
func (c *connection) abandon(s *socket, r Reason) {
	c.sockets = slices.DeleteFunc(c.sockets, func(o *socket) bool { return o == s })
	s.handle.reason.Store(uint32(r))
	s.handle.cancel(&ended{reason: r})
	s.stopJob()
	c.authenticate(s, inClosed)
	c.forgo(s, r)
	s.extra.hold.end()
	if s == &c.first {
		c.first = socket{}
	} else {
		s.at = [socketDeadlines]moment{}
	}
}

// beginDrain refuses what is new: also the sockets that are on their way in.
func (c *connection) beginDrain() {
	c.draining = true
	for _, s := range slices.Clone(c.sockets) {
		if s.phase.entering() {
			c.deny(s, c.session.refusal(s.namespace, textDraining), ReasonServerShutdown)
		}
	}
	c.rearm()
}

// connectDue ends a session that has joined no namespace in time. Sockets on their way in and claims, which have deadlines of
// their own, are the last that it may try.
func (c *connection) connectDue() {
	if c.lastTry = len(c.sockets)+len(c.claims.all()) > 0; !c.lastTry {
		c.close(ReasonConnectTimeout)
	}
}

// idle puts a session without an open socket under the connect timeout again, unless it is under it already.
func (c *connection) idle() {
	switch {
	case c.stage != stageOpen || slices.ContainsFunc(c.sockets, func(s *socket) bool { return !s.phase.entering() }):
	case !c.lastTry && c.at[deadlineConnect] == 0:
		c.arm(deadlineConnect, c.env.Options.ConnectTimeout)
	case c.lastTry && len(c.sockets)+len(c.claims.all()) == 0:
		c.close(ReasonConnectTimeout)
	}
}
