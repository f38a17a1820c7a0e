package client

import (
	"context"
	"fmt"
	"slices"

	"github.com/actio-go/actio/client/internal/clock"
	"github.com/actio-go/actio/wire"
)

// retryQueue sends the events of a socket with SocketOptions.Retries one at a time: the next when the one before it was
// acknowledged or given up, so that their order stays. All of it is under the mutex of the manager.
type retryQueue struct {
	socket *Socket
	events []*queued
	timer  *clock.Timer // of the head's try; nil until the first
	try    uint64       // counts tries, so that a timer that fired late is told apart
}

// queued is one event. Its id stays the same in all tries, so that a late acknowledgement counts too.
type queued struct {
	packet *wire.Prepared
	name   string
	id     uint64
	tries  int
	flying bool // the current try is under way
	result chan ackResult
	wait   *wait // nil unless somebody awaits the result
}

// enqueue adds an event to the queue.
func (s *Socket) enqueue(event string, args []any) (*queued, error) {
	m := s.manager
	m.mutex.Lock()
	s.lastAck++
	q := &queued{name: event, id: s.lastAck, result: make(chan ackResult, 1)}
	m.mutex.Unlock()
	var err error
	if q.packet, err = s.encodeAck(q.id, event, args); err != nil {
		return nil, err
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.closed {
		return nil, ErrClosed
	}
	if err := m.admits(m.buffered, q.packet); err != nil {
		return nil, err
	}
	m.buffered += cost(q.packet)
	s.queue.events = append(s.queue.events, q)
	s.queue.sendHead()
	return q, nil
}

// awaitQueued waits for what becomes of an event of the queue. When the context ends first, the event is taken out of the
// queue unless it is under way, which it then is for the last time.
func (s *Socket) awaitQueued(ctx context.Context, q *queued) (Args, error) {
	m := s.manager
	m.mutex.Lock()
	q.wait = &wait{fail: func(err error) { s.queue.settle(q, ackResult{err: err}) }}
	m.await(q.wait)
	m.mutex.Unlock()
	select {
	case r := <-q.result:
		m.mutex.Lock()
		delete(m.waits, q.wait)
		m.mutex.Unlock()
		return r.args, r.err
	case <-ctx.Done():
		m.mutex.Lock()
		defer m.mutex.Unlock()
		delete(m.waits, q.wait)
		s.queue.settle(q, ackResult{err: ErrTimeout})
		return Args{}, waitError(ctx, q.name)
	}
}

// sendHead sends the head of the queue, if the socket is connected and no try is under way.
func (r *retryQueue) sendHead() {
	s := r.socket
	if len(r.events) == 0 || !s.connected || r.events[0].flying {
		return
	}
	q := r.events[0]
	q.flying = true
	q.tries++
	s.manager.link.session.Send(q.packet)
	r.try++
	try := r.try
	r.timer.Stop()
	r.timer = s.manager.clock.AfterFunc(s.options.AckTimeout, func() {
		s.manager.mutex.Lock()
		defer s.manager.mutex.Unlock()
		if r.try == try && len(r.events) > 0 && r.events[0] == q && q.flying {
			r.failed(ErrTimeout)
		}
	})
}

// failed ends the try of the head, which is given up when it was the last.
func (r *retryQueue) failed(err error) {
	q := r.events[0]
	q.flying = false
	r.timer.Stop()
	if q.tries > r.socket.options.Retries {
		r.settle(q, ackResult{err: fmt.Errorf("client: %q, %d tries: %w", q.name, q.tries, err)})
		return
	}
	r.sendHead()
}

// interrupted: the connection ended.
func (r *retryQueue) interrupted(err error) {
	if len(r.events) > 0 && r.events[0].flying {
		r.failed(err)
	}
}

// acknowledged tells whether the acknowledgement was one of the queue's.
func (r *retryQueue) acknowledged(id uint64, args wire.Args) bool {
	for _, q := range r.events {
		if q.id == id {
			r.settle(q, ackResult{args: args})
			return true
		}
	}
	return false
}

// settle takes an event out of the queue, with its result.
func (r *retryQueue) settle(q *queued, result ackResult) {
	for i, other := range r.events {
		if other != q {
			continue
		}
		if i == 0 {
			r.events[0], r.events = nil, r.events[1:]
		} else {
			r.events = slices.Delete(r.events, i, i+1)
		}
		r.socket.manager.buffered -= cost(q.packet)
		q.result <- result
		if i == 0 {
			r.timer.Stop()
		}
		r.sendHead()
		return
	}
}

// fail gives all events up.
func (r *retryQueue) fail(err error) {
	r.timer.Stop()
	for _, q := range r.events {
		r.socket.manager.buffered -= cost(q.packet)
		q.result <- ackResult{err: err}
	}
	r.events = nil
}
