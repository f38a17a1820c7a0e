package engine

import (
	"slices"

	"github.com/actio-go/actio/wire"
)

// Send queues packets and never blocks. After the end of the session it does nothing.
func (s *Session) Send(m *wire.Prepared) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.enqueue(m)
}

// SendVolatile sends packets if nothing else waits to be written, and otherwise drops them: it reports whether they were
// queued.
func (s *Session) SendVolatile(m *wire.Prepared) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.writing || len(s.queue) > 0 || s.upgrade.wanted || s.err != nil || s.farewells || s.deaf {
		return false
	}
	s.enqueue(m)
	return true
}

// Queued is the number of bytes that were sent and have not been written yet.
func (s *Session) Queued() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.queued
}

// enqueue runs under the mutex.
func (s *Session) enqueue(m *wire.Prepared) {
	if s.err != nil || s.farewells || s.deaf {
		return
	}
	s.queue = append(s.queue, m)
	s.queued += m.Size()
	s.startWriter()
}

// startWriter runs under the mutex. While the upgrade has paused the session, resume does it.
func (s *Session) startWriter() {
	if s.writing || s.upgrade.wanted || s.err != nil {
		return
	}
	s.writing = true
	s.work.Go(s.write)
}

// write takes the queue along until it is empty. Then there is no writer any more: an idle session has no goroutine for it.
func (s *Session) write() {
	for {
		t, batch := s.nextBatch()
		if t == nil {
			return
		}
		if batch == nil {
			t.farewell()
			s.fail(ErrClosed)
			return
		}
		if err := t.write(batch); err != nil {
			s.writeFailed(t, err)
			return
		}
		s.written(batch)
	}
}

// nextBatch returns what to write by which transport; no batch when it is time for the farewell, and no transport when there
// is nothing to do.
func (s *Session) nextBatch() (transport, []*wire.Prepared) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	switch {
	case s.err != nil:
	case s.upgrade.wanted:
		s.writing = false
		s.upgrade.park(&s.upgrade.writerParked)
	case len(s.queue) > 0:
		n := s.transport.take(s.queue)
		batch := slices.Clone(s.queue[:n])
		s.queue = slices.Delete(s.queue, 0, n)
		if len(s.queue) == 0 {
			s.queue = nil
		}
		return s.transport, batch
	case s.farewells:
		return s.transport, nil
	default:
		s.writing = false
	}
	return nil, nil
}

func (s *Session) written(batch []*wire.Prepared) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, m := range batch {
		s.queued -= m.Size()
	}
}

// writeFailed ends the session, except on a websocket: what the server said before it closed may still have to be read, the
// reason above all, and then the reader ends it.
func (s *Session) writeFailed(t transport, err error) {
	s.mutex.Lock()
	s.deaf = t.name() == WebSocket && !s.farewells
	deaf := s.deaf
	if deaf {
		s.queue, s.queued = nil, 0
	}
	s.mutex.Unlock()
	if !deaf {
		s.fail(err)
	}
}
