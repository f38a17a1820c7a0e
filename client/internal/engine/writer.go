package engine

import (
	"slices"

	"github.com/actio-go/actio/wire"
)

// Deaf tells whether the server takes nothing any more, though the session has not ended yet: what is sent is lost.
func (s *Session) Deaf() bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.deaf
}

// Waits tells whether packets that were sent have not been written yet.
func (s *Session) Waits(m *wire.Prepared) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return slices.Contains(s.queue, m) || slices.Contains(s.batch, m)
}

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
	if s.writing || len(s.queue) > 0 || s.upgrade.writer || s.err != nil || s.farewells || s.deaf {
		return false
	}
	s.enqueue(m)
	return true
}

// packetCost is what packets that wait cost beside their bytes.
const packetCost = 64

// Cost is what packets count for in Queued, in bytes.
func Cost(m *wire.Prepared) int { return m.Size() + packetCost }

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
	s.queued += Cost(m)
	s.startWriter()
}

// startWriter runs under the mutex. While the upgrade has paused the session, resume does it.
func (s *Session) startWriter() {
	if s.writing || s.upgrade.writer || s.err != nil {
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
	case s.upgrade.writer:
		s.writing = false
		close(s.upgrade.parked)
	case len(s.queue) > 0:
		n := s.transport.take(s.queue)
		batch := slices.Clone(s.queue[:n])
		clear(s.queue[:n])
		s.queue = s.queue[n:]
		if len(s.queue) == 0 {
			s.queue = nil
		}
		if s.pong != nil && slices.Contains(batch, s.pong) {
			s.pong = nil
		}
		s.batch = batch
		return s.transport, batch
	case s.farewells:
		return s.transport, nil
	default:
		s.writing = false
	}
	return nil, nil
}

// answerPing queues a pong, unless one waits already. Like the official client's, it does not repeat what the ping said.
func (s *Session) answerPing() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.pong == nil {
		s.pong = wire.PrepareEngine(wire.EnginePacket{Type: wire.EnginePong})
		s.enqueue(s.pong)
	}
}

func (s *Session) written(batch []*wire.Prepared) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.batch = nil
	for _, m := range batch {
		s.queued -= Cost(m)
	}
}

// writeFailed ends the session, except on a websocket: what the server said before it closed may still have to be read, the
// reason above all, and then the reader ends it, or the heartbeat when the application keeps the reader.
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
