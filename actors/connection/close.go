package connection

import (
	"errors"
	"net"

	"github.com/actio-go/actio/transport"
	"github.com/actio-go/actio/wire"
)

// close ends the session in good order: its sockets end now, what is queued is written, then the farewell of the
// transport. A websocket gets a close frame, is half-closed and read until the peer closes; a polling client gets what is
// queued with one GET and the close packet with the next: official clients handle a close packet before the messages that
// came with it. A client whose probe was answered has stopped polling, or is about to: the farewell waits for its upgrade.
// Nothing is accepted from the client any more.
func (c *connection) close(r Reason) {
	if c.stage == stageNew {
		c.doomed = r
	}
	if c.stage != stageOpen {
		return
	}
	if !c.probed {
		c.upgradeFailed()
	}
	if r.dismisses() {
		c.dismiss()
	}
	c.end(r)
	c.stage = stageClosing
	c.at = [deadlineCount]moment{}
	if c.out.ws != nil {
		c.closeSocket()
	} else {
		c.arm(deadlineClose, c.env.Options.PollLinger)
		c.lastWord = c.env.bye
	}
	c.flush()
	c.rearm()
}

// closeSocket queues the farewell of a websocket.
func (c *connection) closeSocket() {
	code := c.reason.closeCode()
	if c.notText {
		code = 1007
	}
	c.out.append(outgoing{frame: wire.AppendCloseFrame(nil, code, ""), flags: FlagKeep})
	c.arm(deadlineClose, c.env.Options.WriteTimeout+c.env.Options.Linger)
}

// dismisses tells whether the sockets are told to stay away: the official clients do not reconnect by themselves after a
// DISCONNECT, but do after the loss of the transport.
func (r Reason) dismisses() bool {
	switch r {
	case ReasonServerDisconnect, ReasonForcedServerClose, ReasonAuthenticationFailed, ReasonAuthenticationTimeout,
		ReasonPrincipalExpired, ReasonRateLimited:
		return true
	default:
		return false
	}
}

// closeCode is the websocket's close code.
func (r Reason) closeCode() uint16 {
	switch r {
	case ReasonServerShutdown:
		return 1001
	case ReasonParseError, ReasonForcedClose:
		return 1002
	case ReasonRateLimited:
		return 1008
	case ReasonHandlerPanic, ReasonCrash:
		return 1011
	default:
		return 1000
	}
}

func (c *connection) dismiss() {
	for _, s := range c.sockets {
		packet := disconnectPacket(s.handle.namespace)
		if s.phase.entering() {
			packet = c.session.refusal(s.namespace, textSentAway)
		}
		if m := c.formed(packet); m != nil {
			c.out.append(outgoing{message: m, flags: FlagKeep})
		}
	}
}

// fail ends a session whose client broke the protocol. A polling client learns it from the answer to its request.
func (c *connection) fail(r Reason) {
	if c.stage == stageOpen && c.out.ws == nil {
		if c.poll != nil {
			p := c.poll
			c.poll = nil
			p.Respond(c.lonePayload(c.env.bye))
		}
		c.lost(r)
		return
	}
	c.close(r)
}

// lost ends a session whose transport is gone, or has to go at once.
func (c *connection) lost(r Reason) {
	if c.stage == stageNew || c.stage == stageClosed {
		return
	}
	c.end(r)
	c.stage = stageClosed
	c.at = [deadlineCount]moment{}
	if c.poll != nil {
		p := c.poll
		c.poll = nil
		p.Reject(transport.UnknownSID())
	}
	for _, l := range []*lane{c.out, c.candidate} {
		if l != nil {
			l.clear()
			if l.ws != nil {
				l.ws.Abort()
			}
		}
	}
	c.candidate, c.probed = nil, false
	c.rearm()
	c.stopIfOver()
}

// abort ends the session at once.
func (c *connection) abort(r Reason) {
	if c.stage == stageNew {
		c.doomed = r
	}
	c.lost(r)
}

// end tells everybody above that the session is over: once.
func (c *connection) end(r Reason) {
	if c.stage != stageOpen {
		return
	}
	c.reason = r
	c.session.gate.close()
	c.unclaimAll()
	for len(c.sockets) > 0 {
		c.endSocket(c.sockets[len(c.sockets)-1], r)
	}
	if c.rawInbox != nil {
		c.rawInbox.push(&rawJob{session: c.session, handler: c.raw, kind: rawClosed, reason: r})
	}
	c.env.Counters.SessionsClosed.Add(1)
}

// finished is called when the farewell is written.
func (c *connection) finished() {
	if c.out.ws == nil {
		c.lost(c.reason)
		return
	}
	if c.out.done {
		return
	}
	c.out.done = true
	c.out.ws.FinishWrites(c.env.Options.Linger)
	if c.readers == 0 {
		c.stage = stageClosed // the linger goes on without this actor
		c.stopIfOver()
	}
}

// transportClosed handles the end of a reader.
func (c *connection) transportClosed(m *transportClosed) {
	c.readers--
	switch {
	case c.candidate != nil && m.ws == c.candidate.ws:
		c.upgradeFailed()
	case c.out != nil && m.ws == c.out.ws:
		c.readerEnded(m.err)
	}
	c.rearm()
	c.stopIfOver()
}

// readerEnded: where the peer may still read, what is queued is written before the connection ends, the close frame that
// answers it included.
func (c *connection) readerEnded(err error) {
	r := reasonOf(err)
	if c.stage == stageOpen && r == ReasonParseError {
		c.env.Counters.ParseErrors.Add(1)
	}
	switch {
	case c.out.done || !peerMayRead(err):
		c.lost(r)
	case c.stage == stageOpen:
		c.end(r)
		c.stage = stageClosing
		c.at = [deadlineCount]moment{}
		c.arm(deadlineClose, c.env.Options.WriteTimeout)
		c.flush()
	}
}

func peerMayRead(err error) bool {
	return errors.Is(err, transport.ErrPeerClosed) || errors.Is(err, transport.ErrTooBig) ||
		errors.Is(err, transport.ErrProtocol)
}

// reasonOf is the one place where an error of a transport becomes a reason.
func reasonOf(err error) Reason {
	switch {
	case err == nil, errors.Is(err, transport.ErrPeerClosed):
		return ReasonTransportClose
	case errors.Is(err, transport.ErrTooBig), errors.Is(err, transport.ErrProtocol):
		return ReasonParseError
	case transport.IsReset(err), errors.Is(err, net.ErrClosed):
		// A write finds the connection closed when its reader has seen the end and not told of it yet.
		return ReasonTransportClose
	default:
		return ReasonTransportError
	}
}

// stopIfOver stops the actor when neither the transport nor a reader is left.
func (c *connection) stopIfOver() {
	if c.stage == stageClosed && c.readers == 0 {
		c.ctx.Stop(c.self)
	}
}

// stopping is reached in good order, by the supervisor's stop, and after a crash of this actor: then the transport is
// still there, and the fields are not to be trusted.
func (c *connection) stopping() {
	if c.session == nil {
		return
	}
	if c.stage != stageClosed {
		c.lost(ReasonCrash)
	}
	c.silence()
}

// stopped lets go of everything: somebody may hold the PID, and with it this actor, for long.
func (c *connection) stopped() {
	c.silence()
	if c.session != nil {
		c.session.gate.close()
		for _, e := range c.session.gate.ended(nil) { // none, unless the end itself crashed
			e.settle(ackResult{err: ErrClosed})
		}
		c.session.handed.end()
	}
	// The session, which others may keep, keeps the empty shell.
	*c = connection{env: c.env, guard: c.guard, stage: stageClosed}
}
