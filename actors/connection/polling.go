package connection

import (
	"time"

	"github.com/actio-go/actio/transport"
	"github.com/actio-go/actio/wire"
)

// pollOpened takes a waiting GET: it is answered at once when something is queued or when the farewell was waiting for it,
// and soon when a websocket is taking over.
func (c *connection) pollOpened(p *transport.Poll) {
	c.overdue()
	switch {
	case c.stage == stageNew || c.stage == stageClosed:
		p.Reject(transport.UnknownSID())
	case c.out.ws != nil:
		p.Reject(transport.BadRequest())
	case c.poll != nil:
		c.overlap(p)
	default:
		c.poll = p
		c.flush()
		c.releaseSoon()
	}
	c.rearm()
}

// noopDelay is how long a GET may wait for something to carry while a websocket probes; then it is answered with nothing, so
// that the client can stop polling. Whatever is sent within it comes sooner than over the websocket, which the client uses
// when its GET is answered. A GET that arrives after the probe may also have been overtaken by the upgrade packet on the
// other connection. Node waits as long.
const noopDelay = 100 * time.Millisecond

// releaseSoon sees to it that a GET which waits while a websocket probes does not wait for long.
func (c *connection) releaseSoon() {
	if c.poll != nil && c.probed {
		c.arm(deadlineNoop, noopDelay)
	}
}

// overlap ends a session whose client polls twice at a time: the protocol allows one GET, and which of two would get a
// packet is anybody's guess.
func (c *connection) overlap(second *transport.Poll) {
	if c.stage == stageOpen {
		c.env.Counters.ParseErrors.Add(1)
	}
	first := c.poll
	c.poll = nil
	first.Respond(c.lonePayload(c.env.bye))
	second.Reject(transport.BadRequest())
	c.lost(ReasonTransportError)
}

// pollAborted ends a polling session: what was on its way to that GET may be lost.
func (c *connection) pollAborted(p *transport.Poll) {
	if c.poll == p {
		c.poll = nil
	}
	if c.out != nil && c.out.ws == nil {
		c.lost(ReasonTransportError)
	}
}

// answerPoll gives the waiting GET the whole queue, or the last word when the session is over and the queue is empty. That holds
// while a websocket probes, too: the client takes it into use when it has no GET under way.
func (c *connection) answerPoll() {
	if c.poll == nil {
		return
	}
	over := c.stage == stageClosing && c.out.empty()
	if c.out.empty() && !over {
		return
	}
	p := c.poll
	c.poll = nil
	c.env.Counters.BytesOut.Add(c.stripe, c.respond(p, over))
	if over {
		c.finished()
	}
}

// respond answers a GET with the queue or the last word, and returns how many bytes that is.
func (c *connection) respond(p *transport.Poll, over bool) int {
	var body []byte
	switch {
	case over:
		body = c.lonePayload(c.lastWord)
	case c.out.dialect != usual:
		return c.out.respond3(p)
	default:
		body = c.out.payload()
	}
	p.Respond(body)
	return len(body)
}

// releasePoll answers the waiting GET without giving it anything.
func (c *connection) releasePoll() {
	if c.poll != nil {
		p := c.poll
		c.poll = nil
		p.Respond(c.lonePayload(c.env.noop))
	}
}

// closedByPeer handles the close packet. Over a websocket the farewell is that of the websocket: Node goes on as if nothing had
// come, but the protocol and its official suite want the session to end. A polling client waits for its GET to end, which may
// still be under way on another connection: it is answered, too.
func (c *connection) closedByPeer() {
	if c.out.ws != nil {
		c.close(ReasonTransportClose)
		return
	}
	if c.poll != nil {
		c.releasePoll()
		c.lost(ReasonTransportClose)
		return
	}
	c.upgradeFailed()
	c.end(ReasonTransportClose)
	c.stage = stageClosing
	c.at = [deadlineCount]moment{}
	c.arm(deadlineClose, c.env.Options.Linger)
	c.out.clear()
	c.out = &lane{}
	c.lastWord = c.env.noop
}

// probeOpened takes a websocket as a candidate for the upgrade.
func (c *connection) probeOpened(ws *transport.WebSocket) {
	if c.session != nil {
		c.session.handed.taken(ws)
	}
	if c.stage != stageOpen || c.out.ws != nil || c.candidate != nil {
		c.env.Counters.UpgradesFailed.Add(1)
		ws.Abort()
		return
	}
	c.candidate = new(lane)
	c.candidate.carry(ws, c.session.dialectOf(ws.OnlyText()))
	c.start(ws)
	c.arm(deadlineUpgrade, c.env.Options.UpgradeTimeout)
	c.rearm()
}

// receiveCandidate handles what comes on the probing websocket: the probe, then the upgrade, and nothing else.
func (c *connection) receiveCandidate(m *received) {
	c.leaveGate(m)
	probe := m.err == nil && m.packet.Type == wire.EnginePing && string(m.packet.Data) == "probe"
	switch {
	case probe && !c.probed:
		c.probe()
	case m.err == nil && m.packet.Type == wire.EngineUpgrade && c.probed:
		c.upgrade()
	default:
		c.upgradeFailed()
	}
	c.rearm()
}

// probe answers the probe. From here on a waiting GET is answered after a moment at the latest, so that the client can stop
// polling without waiting for the next ping.
func (c *connection) probe() {
	c.probed = true
	pong := wire.PrepareEngine(wire.EnginePacket{Type: wire.EnginePong, Data: []byte("probe")})
	c.candidate.append(outgoing{message: pong, flags: FlagKeep})
	c.drain(c.candidate)
	c.releaseSoon()
}

// upgrade makes the candidate the transport: what was queued meanwhile goes out on it, in order.
func (c *connection) upgrade() {
	c.disarm(deadlineUpgrade)
	c.disarm(deadlineNoop)
	if c.poll != nil {
		c.poll.Reject(transport.BadRequest())
		c.poll = nil
	}
	old := c.out
	c.out, c.candidate, c.probed = c.candidate, nil, false
	c.session.onSocket.Store(true)
	c.out.adopt(old)
	c.env.Counters.Upgrades.Add(1)
	if c.stage == stageClosing {
		c.closeSocket()
	}
	c.flush()
}

// upgradeFailed gives the candidate up. Polling goes on as if nothing had been.
func (c *connection) upgradeFailed() {
	if c.candidate == nil {
		return
	}
	c.disarm(deadlineUpgrade)
	c.disarm(deadlineNoop)
	c.env.Counters.UpgradesFailed.Add(1)
	c.candidate.ws.Abort()
	c.candidate.clear()
	c.candidate, c.probed = nil, false
	c.flush()
}
