package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/actio-go/actio/client/internal/clock"
	"github.com/actio-go/actio/wire"
)

// transport is one way to the server. Only Run reads, only the writer writes; cut may be called at any time.
type transport interface {
	name() Transport
	// read waits for the server and yields what it said, in order.
	read(yield func(wire.EnginePacket) error) error
	// take tells how many packets at the head of the queue go with one write.
	take(queue []*wire.Prepared) int
	write(batch []*wire.Prepared) error
	// farewell tells the server in good order that the session is over; it waits for the server, within bounds.
	farewell()
	// cut ends what is under way, reads, writes and farewells.
	cut()
}

var (
	_ transport = (*polling)(nil)
	_ transport = (*socket)(nil)
)

// Session is one Engine.IO session. All methods are safe for concurrent use; Run is called once.
type Session struct {
	options *Options
	open    wire.Open
	early   []wire.EnginePacket // came with the handshake
	ctx     context.Context     //nolint:containedctx // of everything under way; ends with the session
	cancel  context.CancelCauseFunc
	work    sync.WaitGroup // goroutines beside Run
	ping    *clock.Timer   // armed while Run runs

	mutex     sync.Mutex
	transport transport
	queue     []*wire.Prepared
	batch     []*wire.Prepared // what the writer has taken
	queued    int              // bytes of both
	pong      *wire.Prepared   // in the queue: one answers all pings that came before it leaves
	writing   bool             // a writer runs, or the last one failed
	deaf      bool             // the server takes nothing any more
	farewells bool             // Close was called
	closing   *clock.Timer     // bounds what Close began
	upgrade   pause            // of both directions, while a websocket takes over
	receiving bool             // receive runs, and may have been made to wait
	err       error            // why the session ended; the first reason counts
}

// Dial makes the handshake: with the first transport, or with the first that gets through. The context bounds it and
// nothing more. Errors: of the network, *StatusError, ErrProtocol, ErrTooBig.
func Dial(ctx context.Context, o *Options) (*Session, error) {
	var problems []error
	for _, t := range o.Transports {
		s, err := dial(ctx, o, t)
		if err == nil {
			return s, nil
		}
		problems = append(problems, err)
		if !o.TryAll || ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(problems...)
}

func dial(ctx context.Context, o *Options, t Transport) (*Session, error) {
	s := &Session{options: o}
	s.ctx, s.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	var err error
	switch t {
	case Polling:
		err = s.dialPolling(ctx)
	case WebSocket:
		err = s.dialWebSocket(ctx)
	default:
		err = fmt.Errorf("%w: unknown transport %q", ErrProtocol, t)
	}
	if err == nil {
		return s, nil
	}
	s.cancel(err)
	if s.transport != nil {
		s.transport.cut()
	}
	return nil, err
}

// mostEarly bounds the packets that may come with the handshake.
const mostEarly = 1000

func (s *Session) dialPolling(ctx context.Context) error {
	p := &polling{options: s.options, ctx: s.ctx}
	s.transport = p
	err := p.handshake(ctx, func(packet wire.EnginePacket) error {
		if s.open.SID == "" {
			return s.handshake(packet)
		}
		if len(s.early) == mostEarly {
			return fmt.Errorf("%w: more than %d packets with the handshake", ErrTooBig, mostEarly)
		}
		s.early = append(s.early, packet)
		return nil
	})
	if err == nil && s.open.SID == "" {
		err = fmt.Errorf("%w: an empty answer", ErrProtocol)
	}
	if err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	p.sid, p.maxPayload = s.open.SID, s.open.MaxPayload
	return nil
}

func (s *Session) dialWebSocket(ctx context.Context) error {
	w, err := dialWebSocket(ctx, s.options, "")
	if err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	s.transport = w
	packet, err := w.packet(ctx)
	if err == nil {
		err = s.handshake(packet)
	}
	if err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	return nil
}

// handshake takes the first packet of a session.
func (s *Session) handshake(p wire.EnginePacket) error {
	if p.Type != wire.EngineOpen {
		return fmt.Errorf("%w: the first packet is a %s", ErrProtocol, p.Type)
	}
	open, err := wire.DecodeOpen(p.Data)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	s.open = open
	return nil
}

// ID is the id of the session.
func (s *Session) ID() string { return s.open.SID }

// Transport tells which one the session has now.
func (s *Session) Transport() Transport {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.transport.name()
}

// closePatience bounds how long a session may take to end in good order.
const closePatience = 30 * time.Second

// Close ends the session in good order: what was sent before leaves first, within 30 s. It does not wait; Run returns when it
// is done, with ErrClosed.
func (s *Session) Close() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.farewells || s.err != nil {
		return
	}
	s.farewells = true
	s.closing = s.options.Clock.AfterFunc(closePatience, func() { s.fail(ErrClosed) })
	s.startWriter()
	if s.deaf {
		s.work.Go(func() { s.fail(ErrClosed) })
	}
}

// Abort ends the session at once with a reason; of several the first counts.
func (s *Session) Abort(reason error) { s.fail(fmt.Errorf("%w: %w", ErrClosed, reason)) }

// fail ends the session.
func (s *Session) fail(err error) {
	s.mutex.Lock()
	if s.err != nil {
		s.mutex.Unlock()
		return
	}
	if s.farewells {
		err = ErrClosed // however the farewell went
	}
	s.err = err
	s.closing.Stop()
	t := s.transport
	s.mutex.Unlock()
	s.cancel(err)
	t.cut()
}

// AfterEnd has a function called in a goroutine of its own when the session has ended, also when Run has not returned yet
// because its receive waits. stop takes that back.
func (s *Session) AfterEnd(f func()) (stop func() bool) { return context.AfterFunc(s.ctx, f) }

// Ended tells whether the session has ended.
func (s *Session) Ended() bool { return s.reason() != nil }

// reason is why the session ended, nil while it has not.
func (s *Session) reason() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.err
}
