package connection

import "slices"

// The attempts of a session to authenticate with the payload of CONNECT. What is bounded is how many fail, not how many
// namespaces a client enters: those that could be one failure too many wait until the verdicts before them are known.

// attempt starts the verifier for a socket on its way in, or lets it wait, or ends a session that has no attempt left.
func (c *connection) attempt(s *socket) {
	switch running := c.verifying(); {
	case c.mayFail(running):
		c.authenticate(s, inVerify)
	case running == 0:
		c.authenticate(s, inExhausted)
	}
}

// mayFail tells whether one more attempt is left, should all that run fail.
func (c *connection) mayFail(running int) bool {
	return int(c.failures)+running < c.env.Options.MaxAuthAttempts
}

// verifying is the number of sockets whose CONNECT is being verified.
func (c *connection) verifying() (n int) {
	for _, s := range c.sockets {
		if s.phase == phaseVerifying {
			n++
		}
	}
	return n
}

// verifyWaiting goes on with the sockets that wait for an attempt, in the order in which they came. It is called when one that
// was verified no longer is.
func (c *connection) verifyWaiting() {
	for c.stage == stageOpen {
		i := slices.IndexFunc(c.sockets, c.awaitsAttempt)
		if running := c.verifying(); i < 0 || running > 0 && !c.mayFail(running) {
			return
		}
		c.attempt(c.sockets[i])
	}
}

func (c *connection) awaitsAttempt(s *socket) bool {
	if s.phase != phaseEntering || s.extra.entrance.Find != nil {
		return false
	}
	a := c.auth(s)
	return a != nil && a.OnConnect
}
