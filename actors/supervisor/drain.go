package supervisor

import (
	"github.com/actio-go/actio/actors/connection"
)

// drain refuses new connections from now on, and makes the connections refuse new events.
func (s *supervisor) drain() {
	if s.draining {
		return
	}
	s.draining = true
	s.publish()
	s.tellAll(&connection.Drain{})
}

// closeAll closes all connections in batches, so that their clients do not come back all in the same instant.
func (s *supervisor) closeAll(m *closeAll) {
	s.drain()
	s.gone = append(s.gone, m.gone)
	if s.closing == nil {
		s.closing = make([]string, 0, len(s.connections))
		for sid := range s.connections {
			s.closing = append(s.closing, sid)
		}
		s.closeBatch()
	}
	s.goneIfEmpty()
}

func (s *supervisor) closeBatch() {
	n := min(len(s.closing), s.options.CloseBatch)
	for _, sid := range s.closing[:n] {
		if e := s.connections[sid]; e != nil {
			s.env.System.Send(e.pid, &connection.Shutdown{})
		}
	}
	s.closing = s.closing[n:]
	if len(s.closing) > 0 && !s.stopping {
		s.timer.Reset(s.options.CloseInterval)
	}
}

func (s *supervisor) goneIfEmpty() {
	if len(s.connections) > 0 {
		return
	}
	for _, c := range s.gone {
		close(c)
	}
	s.gone = nil
}
