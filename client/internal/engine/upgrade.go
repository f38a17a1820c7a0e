package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/actio-go/actio/wire"
)

// pausePatience bounds how long an upgrade waits for the poll that is under way, or for a receive that keeps the reader.
// Servers end a probe that is not followed by the upgrade, those of Node.js after 10 s.
const pausePatience = 5 * time.Second

// pause is how the probe stops both directions of polling: first the reader, which may take its time, then the writer. All
// fields are under the mutex of the session.
type pause struct {
	reader, writer bool          // is to stand still
	parked         chan struct{} // closed when the one that was told last does
	over           chan struct{} // closed when the reader may go on
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

// pause stops both directions and waits until they stand still. It fails with the context, when the session ends, when it is
// about to, as then polling says the farewell, and when it takes too long.
func (s *Session) pause(ctx context.Context) bool {
	ctx, cancel := s.options.Clock.Context(ctx, pausePatience)
	defer cancel()
	for _, stop := range []func(parked chan struct{}){s.stopReader, s.stopWriter} {
		parked := make(chan struct{})
		s.mutex.Lock()
		if s.err != nil || s.farewells {
			s.mutex.Unlock()
			return false
		}
		stop(parked)
		s.mutex.Unlock()
		select {
		case <-parked:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

func (s *Session) stopReader(parked chan struct{}) {
	s.upgrade = pause{reader: true, parked: parked, over: make(chan struct{})}
}

func (s *Session) stopWriter(parked chan struct{}) {
	s.upgrade.writer, s.upgrade.parked = true, parked
	if !s.writing {
		close(parked)
	}
}

// resume lets both directions go on, by w if it is not nil.
func (s *Session) resume(w *socket) {
	s.mutex.Lock()
	if w != nil {
		s.transport = w
	}
	ended := s.err != nil
	if s.upgrade.reader {
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
		if s.err != nil || !s.upgrade.reader {
			defer s.mutex.Unlock()
			return s.transport, s.err
		}
		close(s.upgrade.parked)
		over := s.upgrade.over
		s.mutex.Unlock()
		select {
		case <-over:
		case <-s.ctx.Done():
		}
	}
}
