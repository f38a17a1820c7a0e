package client

import (
	"fmt"

	"github.com/actio-go/actio/wire"
)

// pendingAck is an acknowledgement that is awaited. Its fields are under the mutex of the manager.
type pendingAck struct {
	id     uint64
	sent   bool           // on the current connection, or on one that has ended
	result chan ackResult // takes one without blocking
	wait   *wait
	event  *outgoing
}

type ackResult struct {
	args wire.Args
	err  error
}

// acknowledged is an acknowledgement of the server; one that nobody awaits is ignored. All here runs under the mutex.
func (s *Socket) acknowledged(id uint64, args wire.Args) {
	if s.queue.acknowledged(id, args) {
		return
	}
	if pending := s.acks[id]; pending != nil {
		s.settle(pending, ackResult{args: args})
	}
}

// settle gives a wait its result; the first counts.
func (s *Socket) settle(pending *pendingAck, r ackResult) {
	if s.acks[pending.id] != pending {
		return
	}
	delete(s.acks, pending.id)
	s.unbuffer(pending)
	pending.result <- r
}

// failSent fails the waits for what was sent: its acknowledgement cannot come any more.
func (s *Socket) failSent(err error) {
	for _, pending := range s.acks {
		if pending.sent {
			s.settle(pending, ackResult{err: err})
		}
	}
}

// failAll fails all waits.
func (s *Socket) failAll(err error) {
	for _, pending := range s.acks {
		s.settle(pending, ackResult{err: err})
	}
	s.queue.fail(err)
	for _, o := range s.buffer {
		if o.packet != nil {
			s.manager.buffered -= cost(o.packet)
		}
	}
	s.buffer, s.taken = nil, 0
}

// reply is how an event of the server is acknowledged.
type reply struct {
	socket   *Socket
	id       uint64
	connects uint64 // which connection of the socket asked
	done     bool   // under the mutex of the manager
}

func (r *reply) send(args []any) error {
	s := r.socket
	p, err := s.manager.parser.ack(s.namespace, r.id, args)
	if err != nil {
		return fmt.Errorf("client: acknowledge: %w", err)
	}
	m := s.manager
	m.mutex.Lock()
	defer m.mutex.Unlock()
	switch {
	case r.done:
		return ErrAcknowledged
	case m.closed:
		return ErrClosed
	case !s.connected || s.connects != r.connects || m.link.session.Deaf():
		return ErrDisconnected
	}
	if err := m.admits(m.link.session.Queued(), p); err != nil {
		return err
	}
	r.done = true
	m.link.session.Send(p)
	return nil
}
