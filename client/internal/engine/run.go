package engine

import (
	"fmt"
	"time"

	"github.com/actio-go/actio/wire"
)

// Run reads until the session ends and returns why: ErrClosed, ErrServerClosed, ErrPingTimeout, ErrProtocol, ErrTooBig, what
// receive returned, or an error of the transport. When it returns, nothing of the session runs any more. receive is called
// for each message, one at a time, in order, and owns its data; its error ends the session. While it waits nothing is read:
// the server's heartbeat is not missed, and not answered either. It has to return when the session has ended, see AfterEnd.
func (s *Session) Run(receive func(wire.EnginePacket) error) error {
	s.ping = s.options.Clock.AfterFunc(s.patience(), s.pingTimedOut)
	if s.wantsUpgrade() {
		s.work.Go(s.probe)
	}
	handle := func(p wire.EnginePacket) error { return s.handle(p, receive) }
	err := s.readAll(handle)
	s.fail(err)
	s.ping.Stop()
	s.work.Wait()
	return s.reason()
}

func (s *Session) readAll(handle func(wire.EnginePacket) error) error {
	for _, p := range s.early {
		if err := handle(p); err != nil {
			return err
		}
	}
	s.early = nil
	for {
		t, err := s.reader()
		if err != nil {
			return err
		}
		if err := t.read(handle); err != nil {
			return err
		}
	}
}

// handle takes one packet of the server.
func (s *Session) handle(p wire.EnginePacket, receive func(wire.EnginePacket) error) error {
	switch p.Type {
	case wire.EngineMessage:
		s.setReceiving(true)
		err := receive(p)
		s.setReceiving(false)
		return err
	case wire.EnginePing:
		s.ping.Reset(s.patience())
		s.answerPing()
	case wire.EngineClose:
		return ErrServerClosed
	case wire.EngineNoop:
	case wire.EngineOpen, wire.EnginePong, wire.EngineUpgrade:
		return fmt.Errorf("%w: unexpected %s", ErrProtocol, p.Type)
	default:
		return fmt.Errorf("%w: unexpected packet", ErrProtocol)
	}
	return nil
}

// patience is how long the next ping may take.
func (s *Session) patience() time.Duration { return s.open.PingInterval + s.open.PingTimeout }

func (s *Session) setReceiving(receiving bool) {
	s.mutex.Lock()
	s.receiving = receiving
	s.mutex.Unlock()
}

// pingTimedOut ends the session, unless it is our own side that does not read.
func (s *Session) pingTimedOut() {
	s.mutex.Lock()
	receiving := s.receiving && s.err == nil && !s.deaf
	if receiving {
		s.ping.Reset(s.patience())
	}
	s.mutex.Unlock()
	if !receiving {
		s.fail(ErrPingTimeout)
	}
}
