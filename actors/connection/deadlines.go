package connection

import (
	"log/slog"
	"math"
	"time"

	"github.com/actio-go/actio/actors"
)

// deadline names what a session waits for. Those of its sockets are kept by the sockets.
type deadline uint8

const (
	deadlinePing        deadline = iota // send the next ping
	deadlinePong                        // the answer to the last one; in revision 3, the next ping of the client
	deadlineHandshake                   // the second request of a polling client
	deadlineConnect                     // a namespace joined
	deadlineUpgrade                     // the probing websocket's upgrade packet
	deadlineNoop                        // a GET that waits while a websocket probes
	deadlineClose                       // the end of a farewell
	deadlineAttachments                 // the last attachment of the binary packet that was begun last
	deadlineCount
)

// deadlines is the one alarm of a connection and what it is set for: the nearest of all deadlines of the session and of its
// sockets. What is due is done a little later (actors.Lateness), together with what is due to others.
type deadlines struct {
	alarm actors.Alarm
	at    [deadlineCount]moment // zero: not armed
	next  moment                // what the alarm is set for

	awaited uint64 // the binary packet that deadlineAttachments is for
}

// moment is a point in time: nanoseconds on the clock of the Env. Zero stands for none. A connection keeps many, most of them
// zero, and compares them with each packet.
type moment int64

// add never runs over: what is far away stays so.
func (m moment) add(d time.Duration) moment {
	if d > math.MaxInt64-time.Duration(m) {
		return math.MaxInt64
	}
	return max(1, m+moment(d))
}

// now is the time of the deadlines.
func (c *connection) now() moment { return moment(time.Since(c.env.began)) }

func (c *connection) arm(d deadline, after time.Duration) { c.at[d] = c.now().add(after) }

// soonest is what passes at least before the first heartbeat, unless half of its interval is shorter: who has just come has
// better things to do.
const soonest = time.Second

// firstOf is after how long the first of many heartbeats is due; 0: there is none. It comes early by chance: what begins at the
// same moment, as after a restart, would else be pinged at the same moment for as long as it lives, and each of these pings
// would be late for those behind it.
func (e *Env) firstOf(interval time.Duration) time.Duration {
	if interval <= 0 {
		return 0
	}
	return interval - e.Options.Early(interval-min(interval/2, soonest))
}

func (c *connection) disarm(d deadline) { c.at[d] = 0 }

// rearm sets the alarm to the nearest deadline. One that would ring too early is left alone: it finds nothing due and comes
// back here, which costs less than moving it with every packet.
func (c *connection) rearm() {
	nearest := c.nearest()
	switch {
	case nearest == 0:
		c.alarm.Stop()
		c.next = 0
	case c.next == 0 || nearest < c.next:
		c.next = nearest
		c.alarm.Set(time.Duration(nearest - c.now()))
	}
}

// silence keeps the alarm from ever ringing again.
func (c *connection) silence() {
	c.alarm.Stop()
	c.alarm = actors.Alarm{}
	for _, claim := range c.claims.all() { // none, unless this actor has failed
		claim.late.Stop()
	}
}

func (c *connection) nearest() moment {
	var nearest moment
	for _, m := range c.at {
		nearest = sooner(nearest, m)
	}
	for _, s := range c.sockets {
		for _, m := range s.at {
			nearest = sooner(nearest, m)
		}
	}
	return nearest
}

func sooner(a, b moment) moment {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// due handles every deadline that has passed.
func (c *connection) due() {
	c.next = 0
	now := c.now()
	for d := range deadlineCount {
		if at := c.at[d]; passed(at, now) {
			c.at[d] = 0
			c.passed(d, at)
		}
	}
	c.socketsDue(now)
	c.rearm()
}

func passed(m, now moment) bool { return m != 0 && m <= now }

func (c *connection) passed(d deadline, at moment) {
	switch d {
	case deadlinePing:
		c.ping()
	case deadlinePong:
		c.pongDue(at)
	case deadlineHandshake:
		c.returnDue()
	case deadlineConnect:
		c.connectDue()
	case deadlineUpgrade:
		c.upgradeFailed()
	case deadlineNoop:
		c.releasePoll()
	case deadlineClose:
		c.abort(c.reason)
	case deadlineAttachments:
		c.attachmentsMissed()
	case deadlineCount:
	}
}

// overdue handles deadlines that have passed although the alarm has not rung yet: a request that comes after a deadline
// finds the session as it is after it.
func (c *connection) overdue() {
	if passed(c.next, c.now()) {
		c.due()
	}
}

// ping sends the heartbeat of Engine.IO, unless the last one is not answered yet: then its answer is waited for. Time runs from
// now, however late it is: the client shall have all of it. While an upgrade is under way the ping waits: it might not leave.
func (c *connection) ping() {
	switch {
	case c.stage != stageOpen:
		return
	case c.probed:
		c.arm(deadlinePing, min(c.env.Options.PingInterval, time.Second))
		return
	case c.at[deadlinePong] != 0 && c.session.pong.awaited():
		return
	}
	c.session.pong.expect()
	_, c.pinged = c.session.gate.stalled()
	c.send(c.env.ping, FlagKeep)
	c.mark()
	c.arm(deadlinePing, c.env.Options.PingInterval)
	c.arm(deadlinePong, c.env.Options.PingTimeout)
}

// stoodStill tells whether a deadline of the heartbeat is handled so late that the process must have stood still or starved:
// then the client may have answered long ago, or was never asked.
func (c *connection) stoodStill(at moment) bool {
	return time.Duration(c.now()-at) > max(c.env.Options.PingTimeout/2, time.Second)
}

const (
	alarmLag    = 10 * time.Millisecond  // beyond its Lateness, by which an alarm may ring without meaning anything
	readersTurn = 100 * time.Millisecond // that readers get for what came while the process stood still
)

// mayLieUnread tells whether the deadline of a pong is handled so late that the pong may have come in time: the alarm and the
// reader race when the process goes on.
func (c *connection) mayLieUnread(at moment) bool {
	return time.Duration(c.now()-at) > actors.Lateness(c.env.Options.PingTimeout)+alarmLag
}

// returnDue ends a session whose client has not come back since its handshake. Nobody would miss it, and it took the place of
// others until its heartbeat failed.
func (c *connection) returnDue() {
	if c.session.returned.Load() {
		return
	}
	c.env.Counters.HandshakesAbandoned.Add(1)
	if c.env.abandoned.Allow() {
		c.env.System.Logger().Info("polling client never came back", slog.String("remote", c.session.handshake.Remote()))
	}
	c.lost(ReasonTransportClose)
}

// attachmentsAwaited bounds the time in which a binary packet becomes complete.
func (c *connection) attachmentsAwaited(packet uint64) {
	if c.stage != stageOpen || c.env.Options.AttachmentTimeout <= 0 {
		return
	}
	c.awaited = packet
	c.arm(deadlineAttachments, c.env.Options.AttachmentTimeout)
	c.rearm()
}

// attachmentsMissed ends the session if its last binary packet is still incomplete. That packet cannot be waiting for a
// handler of this server: it comes to the gate as a whole.
func (c *connection) attachmentsMissed() {
	if c.session.completed.Load() < c.awaited {
		c.protocolBroken(ReasonParseError)
	}
}

// ponged sends the ping that had to wait for a pong.
func (c *connection) ponged() {
	c.session.pong.came()
	if c.at[deadlinePing] == 0 {
		c.ping()
	}
}

// pongDue looks whether the last ping was answered.
func (c *connection) pongDue(at moment) {
	switch {
	case c.session.revision3:
		c.pingMissed(at)
	case c.session.pong.missing():
		c.pongMissed(at)
	case c.at[deadlinePing] == 0: // a websocket that never took over had the pong
		c.ping()
	}
}

// pongMissed ends the session, unless the pong may lie unread because the session itself stopped reading, or the whole
// process: then the client is asked again, or the reader gets its turn. A peer that is really dead shows by its connection, or
// once reading goes on.
func (c *connection) pongMissed(at moment) {
	now, times := c.session.gate.stalled()
	switch {
	case now || times != c.pinged || c.stoodStill(at):
		c.env.Counters.PongsExcused.Add(1)
		c.ping()
	case c.mayLieUnread(at):
		c.arm(deadlinePong, readersTurn)
	default:
		c.lost(ReasonPingTimeout)
	}
}
