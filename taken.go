package actio

import (
	"fmt"
	"log/slog"
)

// The events that the server takes itself: handlers for them would never be called, so that nobody may add any.
const (
	eventAuthenticate = "authenticate"
	eventJoin         = "join"
	eventLeave        = "leave"
)

// roomEvents tells whether the server handles `join` and `leave` of clients.
func (o *Options) roomEvents() bool { return !o.NoAuthentication || o.ValidateRooms != nil }

// taken is an error for an event that the server takes itself where clients authenticate or not.
func (s *Server) taken(event string, authenticates bool) error {
	switch {
	case (event == eventJoin || event == eventLeave) && s.options.roomEvents():
		return fmt.Errorf("%w: %q is handled by the server, which asks ValidateRooms; it is free on a server with NoAuthentication "+
			"and without ValidateRooms", ErrReservedEvent, event)
	case event == eventAuthenticate && authenticates:
		return fmt.Errorf("%w: %q is handled by the server; it is free where clients do not authenticate (NoAuthentication, "+
			"NamespaceAuth.None)", ErrReservedEvent, event)
	}
	return nil
}

// takes is an error for an event that the server takes itself in this namespace.
func (n *Namespace) takes(event string) error { return n.server.taken(event, n.authenticates()) }

// authenticates tells whether those authenticate who enter the namespace now.
func (n *Namespace) authenticates() bool {
	switch a := n.doors.Load()[0].Auth; {
	case a != nil:
		return a.Verify != nil
	case n.parent != nil:
		return n.parent.authenticates()
	default:
		return n.server.options.Authenticate != nil
	}
}

// takes is Namespace.takes for the namespaces of the parent that have no authentication of their own.
func (p *ParentNamespace) takes(event string) error { return p.server.taken(event, p.authenticates()) }

func (p *ParentNamespace) authenticates() bool {
	if a := p.auth.Load(); a != nil {
		return a.Verify != nil
	}
	return p.server.options.Authenticate != nil
}

// warnTaken logs that handlers for `authenticate` which were added before are not called from now on.
func (s *Server) warnTaken(where string, all ...*hooks) {
	for _, h := range all {
		if len(h.handlers.of(eventAuthenticate)) > 0 {
			s.options.Logger.Warn("handlers for an event that the server handles itself are not called",
				slog.String("event", eventAuthenticate), slog.String("nsp", where))
			return
		}
	}
}
