package connection

import (
	"log/slog"
	"time"

	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/transport"
	"github.com/actio-go/actio/wire"
)

// send queues one packet. It is written at the end of this message's handling, with whatever else it caused.
func (c *connection) send(m *wire.Prepared, f Flags) {
	if c.stage != stageOpen {
		return
	}
	if f&FlagVolatile != 0 && !c.writable() {
		c.env.Counters.MessagesDropped.Add(1)
		return
	}
	if m = c.formed(m); m == nil {
		return
	}
	c.env.Counters.PacketsOut.Add(c.stripe, 1)
	c.out.append(outgoing{message: m, flags: f})
	c.unwritten = true
}

// writeOut writes what the handling of one message has queued: with one system call, into one polling payload.
func (c *connection) writeOut() {
	if c.unwritten {
		c.unwritten = false
		c.flush()
		c.bound()
	}
}

// writable tells whether a packet would leave at once: what a volatile packet asks for.
func (c *connection) writable() bool {
	if c.out.ws == nil {
		return c.poll != nil
	}
	return c.out.empty()
}

// deliver queues a run of broadcasts. The usual case, a websocket that takes everything, is one system call with bytes
// that all members share, and allocates nothing.
func (c *connection) deliver(d *roomregistry.Delivery) {
	if c.stage != stageOpen {
		return
	}
	s := c.receiver(d)
	if s == nil {
		return
	}
	if d.Volatile && !c.writable() {
		c.env.Counters.MessagesDropped.Add(uint64(len(d.Messages)))
		return
	}
	if d.Roll != nil && !c.expected(d) {
		return
	}
	if d.Position != 0 {
		c.follow(d)
	}
	c.env.Counters.PacketsOut.Add(c.stripe, len(d.Messages))
	if s.extra != nil {
		s.extra.watcher.saw(d.Messages...)
	}
	from := 0
	if c.straight(d.Compress) {
		whole, n := c.writeStraight(d.Joined)
		if whole {
			return
		}
		from = c.out.resume(d.Messages, n)
	}
	var f Flags
	if d.Compress {
		f = FlagCompress
	}
	if d.Volatile {
		f |= FlagVolatile
	}
	if d.Roll != nil {
		f |= FlagKeep
	}
	for _, m := range d.Messages[from:] {
		c.out.append(outgoing{message: m, flags: f})
	}
	c.unwritten = true
}

// straight tells whether prepared bytes can be written as they are, past the queue.
func (c *connection) straight(compress bool) bool {
	l := c.out
	return c.stage == stageOpen && l.straight && l.empty() && !(compress && l.ws.Deflate() != nil)
}

// writeStraight writes what it can. What is left of a connection that goes on is for the queue.
func (c *connection) writeStraight(p []byte) (whole bool, n int) {
	n, err := c.out.ws.TryWrite(p)
	if err != nil {
		c.lost(reasonOf(err))
		return true, 0
	}
	c.env.Counters.BytesOut.Add(c.stripe, n)
	return n == len(p), n
}

// receiver is the socket that a broadcast of its namespace goes to; nil when there is none.
func (c *connection) receiver(d *roomregistry.Delivery) *socket {
	for _, s := range c.sockets {
		if s.namespace == d.Namespace {
			if s.phase.entering() || d.AuthenticatedOnly && s.phase.public() != Authenticated {
				return nil
			}
			return s
		}
	}
	return nil
}

// resume queues the message in which a shared write of n bytes stopped, begun, and returns the index of the next.
func (l *lane) resume(messages []*wire.Prepared, n int) int {
	for i, m := range messages {
		size := m.Size()
		if n < size {
			l.append(outgoing{message: m})
			l.offset = n
			return i + 1
		}
		n -= size
	}
	return len(messages)
}

// flush moves the queue along.
func (c *connection) flush() {
	if c.stage != stageOpen && c.stage != stageClosing {
		return
	}
	if c.out.ws == nil {
		c.answerPoll()
		return
	}
	c.drain(c.out)
}

// drain writes a lane without blocking; what does not fit is left to a temporary writer.
func (c *connection) drain(l *lane) {
	if l.writing {
		return
	}
	before := l.written
	blocked, err := l.flush()
	c.env.Counters.BytesOut.Add(c.stripe, l.written-before)
	switch {
	case err != nil:
		c.broken(l, err)
	case blocked:
		c.writeBehind(l)
	case l == c.out && c.stage == stageClosing:
		c.finished()
	}
}

// writeBehind lets a goroutine write the next batch, blocking. Until it has said that it is done nobody else writes.
func (c *connection) writeBehind(l *lane) {
	batch, ws := l.batch(), l.ws // the lane may be gone before the writer has ended
	system, pid := c.env.System, c.self
	timeout := c.env.Options.WriteTimeout * time.Duration(1+l.batched/batchBytes) // one message may be larger than a batch
	system.Go("connection writer", func() {
		err := ws.WriteAll(batch, timeout)
		system.Send(pid, &written{lane: l, err: err})
	})
}

// written goes on after the temporary writer: without blocking, if the client reads again.
func (c *connection) written(m *written) {
	m.lane.settled()
	if m.err == nil {
		c.env.Counters.BytesOut.Add(c.stripe, m.lane.batched)
	}
	if m.lane != c.out && m.lane != c.candidate {
		return
	}
	if m.err != nil {
		c.writeFailed(m)
		return
	}
	c.drain(m.lane)
}

func (c *connection) writeFailed(m *written) {
	switch {
	case m.lane == c.candidate:
		c.upgradeFailed()
	case transport.IsTimeout(m.err):
		c.slow()
	default:
		c.lost(reasonOf(m.err))
	}
}

// broken handles a failed write.
func (c *connection) broken(l *lane, err error) {
	if l == c.candidate {
		c.upgradeFailed()
		return
	}
	c.lost(reasonOf(err))
}

// bound keeps the queue within its bytes, by the policy. The slow one pays, nobody else.
func (c *connection) bound() {
	limit := c.env.Options.QueueBytes
	if c.stage != stageOpen || c.out.bytes <= limit {
		return
	}
	switch c.env.Options.QueuePolicy {
	case DisconnectSlow:
	case DropVolatile:
		c.shed(limit, func(f Flags) bool { return f&FlagVolatile != 0 })
	case DropOldest:
		c.shed(limit, func(f Flags) bool { return f&FlagKeep == 0 })
	}
	if c.out.bytes > limit {
		c.slow()
	}
}

func (c *connection) shed(limit int, expendable func(Flags) bool) {
	c.env.Counters.MessagesDropped.Add(uint64(c.out.shed(limit, expendable))) //nolint:gosec // a count
}

// slow cuts a client that does not read what it is sent.
func (c *connection) slow() {
	c.env.Counters.SlowConsumers.Add(1)
	log := c.env.System.Logger()
	if len(c.sockets) > 0 {
		log = c.log(c.sockets[0])
	}
	log.Warn("client disconnected", slog.String("reason", ReasonSlowConsumer.String()), slog.Int("bytes", c.out.bytes))
	c.lost(ReasonSlowConsumer)
}

// candidateBytes bounds what waits for a websocket that still probes: its answer, and pongs if it likes.
const candidateBytes = 64 << 10

// controlQueued puts a control frame of the reader into the queue: one party writes a connection.
func (c *connection) controlQueued(m *controlQueued) {
	if c.stage != stageOpen {
		return // behind a close frame nothing follows
	}
	for _, l := range []*lane{c.out, c.candidate} {
		if l != nil && l.ws == m.ws && !l.done {
			l.append(outgoing{frame: m.frame, flags: FlagKeep})
			c.drain(l)
			if l == c.candidate && l.bytes > candidateBytes {
				c.upgradeFailed() // a probe is no reason to have so much written
			}
			c.bound()
			return
		}
	}
}
