package connection

import (
	"context"
	"errors"
	"fmt"

	"github.com/actio-go/actio/wire"
)

// ackWait is one awaited acknowledgement. It is answered at most once, by the actor.
type ackWait struct {
	id    uint64
	reply chan ackResult // of capacity 1
}

type ackResult struct {
	args wire.Args
	err  error
}

func (w *ackWait) answer(r ackResult) {
	select {
	case w.reply <- r:
	default:
	}
}

// await registers a wait before its packet leaves.
func (c *connection) await(s *socket, w *ackWait) error {
	if c.pendingAcks(s) >= c.env.Options.MaxPendingAcks {
		return c.tooManyAcks()
	}
	if s.acks == nil {
		s.acks = make(map[uint64]*ackWait)
	}
	s.acks[w.id] = w
	return nil
}

// pendingAcks counts the acknowledgements that the client owes.
func (c *connection) pendingAcks(s *socket) int { return len(s.acks) + int(s.handle.asked.Load()) }

func (c *connection) tooManyAcks() error {
	c.env.Counters.AcksRefused.Add(1)
	return fmt.Errorf("%w: at most %d", ErrTooManyAcks, c.env.Options.MaxPendingAcks)
}

// acked takes an acknowledgement of the client. One that nobody awaits is late, or made up: it is counted.
func (c *connection) acked(s *socket, id uint64, args wire.Args) {
	if w := s.acks[id]; w != nil {
		s.forget(id)
		w.answer(ackResult{args: args})
		return
	}
	if e := c.session.gate.acked(s.handle, id); e != nil {
		e.settle(ackResult{args: args})
		return
	}
	c.env.Counters.AcksUnknown.Add(1)
}

func (c *connection) ackCancelled(m *ackCancelled) {
	if s := c.own(m.socket); s != nil {
		s.forget(m.id)
	}
}

func (s *socket) forget(id uint64) {
	delete(s.acks, id)
	if len(s.acks) == 0 {
		s.acks = nil
	}
}

// emit queues a packet of the application.
func (c *connection) emit(m *emit) {
	s := c.own(m.socket)
	if s == nil {
		if m.wait != nil {
			m.wait.answer(ackResult{err: ErrClosed})
		}
		return
	}
	if m.wait != nil {
		if err := c.await(s, m.wait); err != nil {
			m.wait.answer(ackResult{err: err})
			return
		}
	}
	if s.extra != nil && (m.flags&FlagVolatile == 0 || c.writable()) {
		s.extra.watcher.saw(m.message)
	}
	if c.unwritten || !c.straight(m.flags&FlagCompress != 0) {
		c.send(m.message, m.flags)
		return
	}
	c.env.Counters.PacketsOut.Add(c.stripe, 1)
	if whole, n := c.writeStraight(m.message.WebSocket()); !whole {
		c.out.append(outgoing{message: m.message, flags: m.flags})
		c.out.offset = n
		c.unwritten = true
	}
}

// EmitWithAck sends a packet that was encoded with the id of NextAckID, and waits for its acknowledgement: until it
// comes, the context ends (WhyEnded, and ErrTimeout at its deadline), or the socket ends (ErrClosed). While it waits the session
// reads on past its usual bound; when the second bound is hit too, it fails with ErrInboxFull.
func (s *Socket) EmitWithAck(ctx context.Context, id uint64, m *wire.Prepared, f Flags) (wire.Args, error) {
	if err := s.ready(); err != nil {
		return wire.Args{}, err
	}
	m, err := s.session.env.Form(m)
	if err != nil {
		return wire.Args{}, err
	}
	w := &ackWait{id: id, reply: make(chan ackResult, 1)}
	overflow := s.session.gate.await()
	defer s.session.gate.awaited()
	s.direct(&emit{socket: s, message: m, flags: f | FlagKeep, wait: w})
	select {
	case r := <-w.reply:
		return r.args, r.err
	case <-ctx.Done():
		if s.Closed() { // ctx may be the socket's own
			return s.lastAnswer(w)
		}
		s.direct(&ackCancelled{socket: s, id: id})
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return wire.Args{}, fmt.Errorf("%w: %w", ErrTimeout, WhyEnded(ctx))
		}
		return wire.Args{}, fmt.Errorf("actio: acknowledgement: %w", WhyEnded(ctx))
	case <-s.ctx.Done():
		return s.lastAnswer(w)
	case <-overflow:
		s.session.env.Counters.AcksOverflown.Add(1)
		s.direct(&ackCancelled{socket: s, id: id})
		return wire.Args{}, ErrInboxFull
	}
}

// WhyEnded is the error of a context that has ended, and its cause if that is another.
func WhyEnded(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// lastAnswer prefers an acknowledgement that came before the end.
func (s *Socket) lastAnswer(w *ackWait) (wire.Args, error) {
	select {
	case r := <-w.reply:
		return r.args, r.err
	default:
		return wire.Args{}, ErrClosed
	}
}

// NextAckID returns an id that is unique for the whole server.
func (s *Socket) NextAckID() uint64 { return s.session.env.nextAckID() }
