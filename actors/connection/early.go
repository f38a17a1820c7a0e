package connection

import "log/slog"

// What whoever writes a client must know of authentication, and the client itself is not told: it is logged, once for each
// connection, and names the socket as its client knows it. Clients can cause it, so that it is Info for a few in a second only.

// mostLoggedName bounds what is logged of a name that a client made up.
const mostLoggedName = 64

// dropped drops an event that comes too early, or too late.
func (c *connection) dropped(s *socket, m *received) {
	c.env.Counters.EventsDropped.Add(1)
	if c.toldEarly || c.draining || s.phase.public() == Authenticated {
		return
	}
	c.toldEarly = true
	name := m.name
	if len(name) > mostLoggedName {
		name = name[:mostLoggedName] + "…"
	}
	c.log(s).LogAttrs(s.handle.ctx, within(c.env.early, slog.LevelInfo), "event dropped, and further ones until the client is authenticated",
		slog.String("event", name), slog.String("state", s.phase.public().String()))
}

// timedOut logs that the time for authentication is over, as long as it is known what it was used for.
func (c *connection) timedOut(s *socket) {
	var cause string
	switch s.phase {
	case phaseUnauthorized:
		cause = "the client sent no " + eventAuthenticate
	case phaseVerifying, phaseAuthenticating, phaseRenewing:
		cause = "no verdict"
	default:
		return
	}
	c.log(s).LogAttrs(s.handle.ctx, within(c.env.early, slog.LevelInfo), "authentication timed out",
		slog.String("cause", cause), slog.Duration("timeout", c.env.Options.AuthenticateTimeout))
}
