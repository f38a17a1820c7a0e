package actio

import (
	"context"
	"errors"
	"fmt"

	"github.com/actio-go/actio/actors/connection"
)

// How sockets come into a namespace.

// ConnectError refuses a socket that wants to enter a namespace, with the message and the data of its client's connect_error.
// Return a pointer to one, wrapped or not, from a function of Use or OfFunc, or from an Authenticator with OnConnect.
type ConnectError = connection.ConnectError

// AuthenticateOn says when clients authenticate.
type AuthenticateOn uint8

const (
	// OnEvent is after they have entered a namespace, by the event `authenticate`.
	OnEvent AuthenticateOn = iota
	// OnConnect is before, with the payload of CONNECT (the option auth of the official clients): who is refused never enters, and
	// gets a connect_error with the reason. Who is let in gets the event `authenticated` as well, so that clients of either
	// manner work, and may renew by `authenticate` with a payload. Of an event `authenticate` without one nothing is thought.
	OnConnect
)

// NamespaceAuth is how the sockets of a namespace authenticate, in place of what the options of the server say.
type NamespaceAuth struct {
	// Authenticate decides. Nil: that of the server.
	Authenticate Authenticator
	// On says when.
	On AuthenticateOn
	// None: they do not authenticate at all.
	None bool
}

func (a NamespaceAuth) translate(s *Server) (*connection.Auth, error) {
	switch {
	case a.On > OnConnect:
		return nil, fmt.Errorf("unknown AuthenticateOn: %d", a.On)
	case a.None && a.Authenticate != nil:
		return nil, errors.New("NamespaceAuth: Authenticate and None exclude each other")
	case a.None:
		return &connection.Auth{}, nil
	case a.Authenticate == nil && s.options.Authenticate == nil:
		return nil, errors.New("NamespaceAuth: the server has no Authenticate either")
	case a.Authenticate == nil:
		a.Authenticate = s.options.Authenticate
	}
	return &connection.Auth{Verify: connection.Verifier(a.Authenticate), OnConnect: a.On == OnConnect}, nil
}

// Authenticate sets how sockets that enter the namespace from now on authenticate. Errors: None together with Authenticate,
// neither of the two on a server without an Authenticator, an unknown On. Handlers that were added for the event `authenticate`
// are not called for these sockets: that is logged.
func (n *Namespace) Authenticate(a NamespaceAuth) error {
	auth, err := a.translate(n.server)
	if err != nil {
		return fmt.Errorf("actio: namespace %q: %w", n.name, err)
	}
	n.setAuth(auth)
	if n.authenticates() {
		above := []*hooks{&n.hooks}
		if n.parent != nil {
			above = append(above, &n.parent.hooks)
		}
		n.server.warnTaken(n.name, above...)
	}
	return nil
}

// setAuth prepares the ways in, so that nobody who comes has to wait for that.
func (n *Namespace) setAuth(a *connection.Auth) {
	n.doors.Store(&[2]connection.Entrance{{Auth: a}, {Auth: a, Admit: n.admit}})
}

// entrance is the way in as it is now.
func (n *Namespace) entrance() *connection.Entrance {
	doors, p := n.doors.Load(), n.parent
	guarded := len(n.middlewares.all()) > 0
	if p == nil {
		if guarded {
			return &doors[1]
		}
		return &doors[0]
	}
	e := doors[0]
	if e.Auth == nil {
		e.Auth = p.auth.Load()
	}
	if guarded || len(p.middlewares.all()) > 0 {
		e.Admit = n.admit
	}
	return &e
}

// admit asks the middlewares, in their order. It runs on a worker.
func (n *Namespace) admit(ctx context.Context, h *connection.Socket) error {
	s := n.server.socketOf(h)
	if n.parent != nil {
		if err := n.parent.admitted(ctx, s); err != nil {
			return err
		}
	}
	return n.admitted(ctx, s)
}

// admitted asks those that were added here.
func (h *hooks) admitted(ctx context.Context, s *Socket) error {
	for _, f := range h.middlewares.all() {
		if err := f.call(ctx, s); err != nil {
			return err
		}
		if ctx.Err() != nil { // nobody waits for the next any more
			return context.Cause(ctx)
		}
	}
	return nil
}
