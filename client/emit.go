package client

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/actio-go/actio/client/internal/engine"
	"github.com/actio-go/actio/wire"
)

// outgoing is an event of the application.
type outgoing struct {
	packet *wire.Prepared // nil when it was taken back
	ack    *pendingAck    // nil without acknowledgement
}

// Emit sends an event. Each argument is anything that encoding/json could encode, with []byte anywhere as binary. It never
// waits for the server: while the socket is not connected, the event is kept until it is. What was sent and not received when a
// connection breaks is lost, see SocketOptions.Retries. Errors: ErrClosed, ErrBufferFull, ErrReservedEvent, ErrInvalidTopic, or
// what the encoding of an argument returned.
func (s *Socket) Emit(event string, args ...any) error {
	if s.options.Retries > 0 {
		_, err := s.enqueue(event, args)
		return err
	}
	p, err := s.encode(event, args)
	if err != nil {
		return err
	}
	s.manager.mutex.Lock()
	defer s.manager.mutex.Unlock()
	return s.send(&outgoing{packet: p})
}

// EmitVolatile sends an event that may be lost: it is dropped unless the socket is connected and nothing else waits to be
// written. Errors: as Emit, except ErrBufferFull.
func (s *Socket) EmitVolatile(event string, args ...any) error {
	p, err := s.encode(event, args)
	if err != nil {
		return err
	}
	m := s.manager
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.closed {
		return ErrClosed
	}
	if s.connected && m.link != nil && m.link.session != nil {
		m.link.session.SendVolatile(p)
	}
	return nil
}

// emitConnected sends an event if the socket is connected, after allow, which runs under the mutex, has said so.
func (s *Socket) emitConnected(allow func() error, event string, args ...any) error {
	if !s.Connected() {
		return ErrNotConnected
	}
	p, err := s.encode(event, args)
	if err != nil {
		return err
	}
	s.manager.mutex.Lock()
	defer s.manager.mutex.Unlock()
	if !s.connected {
		return ErrNotConnected
	}
	if allow != nil {
		if err := allow(); err != nil {
			return err
		}
	}
	return s.send(&outgoing{packet: p})
}

// EmitWithAck sends an event and waits for the server's acknowledgement. An event that still waits for a connection when the
// wait ends is not sent any more. It may be called from a handler. A handler of actio that failed acknowledges with
// {"error": "…"}, which is an acknowledgement like any other. Errors: those of Emit; ErrTimeout when the context's deadline
// or SocketOptions.AckTimeout passed; the context's error when it was cancelled; ErrDisconnected when the connection
// ended first; ErrInboxFull. With SocketOptions.Retries the end of a connection is an error only when no try is left.
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	if s.options.Retries > 0 {
		q, err := s.enqueue(event, args)
		if err != nil {
			return Args{}, err
		}
		return s.awaitQueued(ctx, q)
	}
	if s.options.AckTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = s.manager.clock.Context(ctx, s.options.AckTimeout)
		defer cancel()
	}
	pending := &pendingAck{result: make(chan ackResult, 1)}
	if err := s.ask(pending, event, args); err != nil {
		return Args{}, err
	}
	defer s.forget(pending)
	select {
	case r := <-pending.result:
		return r.args, r.err
	case <-ctx.Done():
		return Args{}, waitError(ctx, event)
	}
}

// ask sends an event whose acknowledgement is awaited.
func (s *Socket) ask(pending *pendingAck, event string, args []any) error {
	s.manager.mutex.Lock()
	s.lastAck++
	pending.id = s.lastAck
	s.manager.mutex.Unlock()
	p, err := s.encodeAck(pending.id, event, args)
	if err != nil {
		return err
	}
	s.manager.mutex.Lock()
	defer s.manager.mutex.Unlock()
	s.acks[pending.id] = pending
	pending.event = &outgoing{packet: p, ack: pending}
	if err := s.send(pending.event); err != nil {
		delete(s.acks, pending.id)
		return err
	}
	pending.wait = &wait{fail: func(err error) { s.settle(pending, ackResult{err: err}) }}
	s.manager.await(pending.wait)
	return nil
}

// forget ends a wait, however it ended.
func (s *Socket) forget(pending *pendingAck) {
	m := s.manager
	m.mutex.Lock()
	defer m.mutex.Unlock()
	delete(m.waits, pending.wait)
	delete(s.acks, pending.id)
	s.unbuffer(pending)
}

// waitError is what a wait returns whose context ended.
func waitError(ctx context.Context, event string) error {
	if ctx.Err() == context.DeadlineExceeded {
		return fmt.Errorf("%w: acknowledgement of %q: %w", ErrTimeout, event, context.DeadlineExceeded)
	}
	err, cause := ctx.Err(), context.Cause(ctx)
	if !errors.Is(cause, err) {
		cause = fmt.Errorf("%w: %w", err, cause)
	}
	return fmt.Errorf("client: acknowledgement of %q: %w", event, cause)
}

func (s *Socket) encode(event string, args []any) (*wire.Prepared, error) {
	if err := checkName(event); err != nil {
		return nil, err
	}
	p, err := s.manager.parser.event(s.namespace, event, args)
	if err != nil {
		return nil, fmt.Errorf("client: emit %q: %w", event, err)
	}
	return p, nil
}

func (s *Socket) encodeAck(id uint64, event string, args []any) (*wire.Prepared, error) {
	if err := checkName(event); err != nil {
		return nil, err
	}
	p, err := s.manager.parser.eventAck(s.namespace, id, event, args)
	if err != nil {
		return nil, fmt.Errorf("client: emit %q: %w", event, err)
	}
	return p, nil
}

func checkName(event string) error {
	switch {
	case event == "":
		return ErrInvalidTopic
	case wire.IsReserved(event):
		return fmt.Errorf("%w: %q", ErrReservedEvent, event)
	}
	return nil
}

// send hands an event to the session, or keeps it until there is one. It runs under the mutex, like everything below.
func (s *Socket) send(o *outgoing) error {
	m := s.manager
	if m.closed {
		return ErrClosed
	}
	waiting := m.buffered
	if m.link != nil && m.link.session != nil {
		waiting += m.link.session.Queued()
	}
	if err := m.admits(waiting, o.packet); err != nil {
		return err
	}
	if s.connected && !m.link.session.Deaf() {
		s.transmit(o)
		return nil
	}
	s.buffer = append(s.buffer, o)
	m.buffered += cost(o.packet)
	return nil
}

// admits tells whether a packet may be added to the bytes that wait.
func (m *Manager) admits(waiting int, p *wire.Prepared) error {
	if waiting > 0 && waiting+cost(p) > m.options.SendBuffer {
		return fmt.Errorf("%w: %d bytes wait", ErrBufferFull, waiting)
	}
	return nil
}

// cost is what a packet counts for that waits.
func cost(p *wire.Prepared) int { return engine.Cost(p) }

// transmit hands an event to the session of the connection.
func (s *Socket) transmit(o *outgoing) {
	if o.ack != nil {
		o.ack.sent = true
	}
	s.manager.link.session.Send(o.packet)
}

// flush sends what has waited for the connection.
func (s *Socket) flush(l *link) {
	for _, o := range s.buffer {
		if o.packet == nil {
			continue
		}
		s.manager.buffered -= cost(o.packet)
		if o.ack != nil {
			o.ack.sent = true
		}
		l.session.Send(o.packet)
	}
	s.buffer, s.taken = nil, 0
}

// unbuffer takes an event back whose acknowledgement nobody awaits any more. Its place in the buffer stays until half of them
// are such.
func (s *Socket) unbuffer(pending *pendingAck) {
	o := pending.event
	if pending.sent || o == nil || o.packet == nil {
		return
	}
	s.manager.buffered -= cost(o.packet)
	o.packet = nil
	if s.taken++; 2*s.taken > len(s.buffer) {
		s.buffer = slices.DeleteFunc(s.buffer, func(o *outgoing) bool { return o.packet == nil })
		s.taken = 0
	}
}
