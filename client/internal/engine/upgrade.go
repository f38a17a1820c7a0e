package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/actio-go/actio/wire"
)

// pause is how the probe stops both directions of polling. All fields are under the mutex of the session.
type pause struct {
	wanted       bool
	readerParked bool
	writerParked bool
	parked       chan struct{} // closed when both are
	over         chan struct{} // closed when the reader may go on
}

// park notes that one direction stands still.
func (p *pause) park(which *bool) {
	*which = true
	if p.readerParked && p.writerParked && p.parked != nil {
		close(p.parked)
		p.parked = nil
	}
}

func (s *Session) wantsUpgrade() bool {
	o := s.options
	if !o.Upgrade || s.transport.name() != Polling || !o.allows(WebSocket) {
		return false
	}
	return slices.Contains(s.open.Upgrades, string(WebSocket))
}

// probe tries to bring the session to a websocket. Until the server's answer nothing is changed, and a failure is no more
// than an upgrade that does not happen.
func (s *Session) probe() {
	ctx, cancel := s.options.Clock.Context(s.ctx, s.patience()) // some networks swallow websockets without a word
	defer cancel()
	w, err := dialWebSocket(ctx, s.options, s.open.SID)
	if err != nil {
		return
	}
	defer context.AfterFunc(ctx, w.cut)()
	if w.exchangeProbe() != nil || !s.pause(ctx) ||
		w.write([]*wire.Prepared{wire.PrepareEngine(wire.EnginePacket{Type: wire.EngineUpgrade})}) != nil {
		s.resume(nil)
		w.cut()
		return
	}
	s.resume(w)
	if s.options.OwnHTTP {
		s.options.HTTP.CloseIdleConnections() // polling needs none any more
	}
}

// exchangeProbe asks the server over the new websocket and awaits its answer.
func (s *socket) exchangeProbe() error {
	err := s.write([]*wire.Prepared{wire.PrepareEngine(wire.EnginePacket{Type: wire.EnginePing, Data: []byte("probe")})})
	if err != nil {
		return err
	}
	answer, err := s.packet(context.Background())
	if err == nil && (answer.Type != wire.EnginePong || string(answer.Data) != "probe") {
		err = fmt.Errorf("%w: the probe was answered with a %s", ErrProtocol, answer.Type)
	}
	return err
}

// pause stops both directions and waits until they stand still. It fails with the context, when the session ends, and when it
// is about to: then polling says the farewell.
func (s *Session) pause(ctx context.Context) bool {
	s.mutex.Lock()
	if s.err != nil || s.farewells {
		s.mutex.Unlock()
		return false
	}
	parked := make(chan struct{})
	s.upgrade = pause{wanted: true, parked: parked, over: make(chan struct{})}
	if !s.writing {
		s.upgrade.park(&s.upgrade.writerParked)
	}
	s.mutex.Unlock()
	select {
	case <-parked:
		return true
	case <-ctx.Done():
		return false
	}
}

// resume lets both directions go on, by w if it is not nil.
func (s *Session) resume(w *socket) {
	s.mutex.Lock()
	if w != nil {
		s.transport = w
	}
	ended := s.err != nil
	if s.upgrade.wanted {
		close(s.upgrade.over)
		s.upgrade = pause{}
		if len(s.queue) > 0 || s.farewells {
			s.startWriter()
		}
	}
	s.mutex.Unlock()
	if ended && w != nil {
		w.cut() // the session ended with the transport that it had
	}
}

// reader returns the transport to read next from. It waits while an upgrade is decided.
func (s *Session) reader() (transport, error) {
	for {
		s.mutex.Lock()
		if s.err != nil || !s.upgrade.wanted {
			defer s.mutex.Unlock()
			return s.transport, s.err
		}
		s.upgrade.park(&s.upgrade.readerParked)
		over := s.upgrade.over
		s.mutex.Unlock()
		select {
		case <-over:
		case <-s.ctx.Done():
		}
	}
}
