package actio

import (
	"context"
	"sync"
)

// What a socket does with the events of its client beyond handlers of its own, and with those that go out to it.

// extras are what few sockets have.
type extras struct {
	catchAll    list[HandlerFunc]
	middlewares list[MiddlewareFunc]
	outgoing    outgoing
}

// MiddlewareFunc looks at an event before its handlers. It may change it. With an error the event goes no further.
type MiddlewareFunc func(ctx context.Context, e *Event) error

// withExtras returns the socket's extras and makes them when there are none.
func (s *Socket) withExtras() *extras {
	if x := s.extras.Load(); x != nil {
		return x
	}
	s.extras.CompareAndSwap(nil, new(extras)) // or another has just made them
	return s.extras.Load()
}

// Handle adds a raw handler for an event of this socket. Handlers of the socket run before those of its namespace. For
// typed handlers see On.
func (s *Socket) Handle(event string, h HandlerFunc) error {
	_, err := s.handlers.add(event, h, s.namespace.takes)
	return err
}

// Listen is Handle, and returns what takes this one handler off again.
func (s *Socket) Listen(event string, h HandlerFunc) (stop func(), err error) {
	return s.handlers.add(event, h, s.namespace.takes)
}

// Once is Listen for a handler that is called for one event alone.
func (s *Socket) Once(event string, h HandlerFunc) (stop func(), err error) {
	return s.handlers.once(event, h, s.namespace.takes)
}

// Off takes all handlers of an event off that were added to this socket. Those of its namespace stay.
func (s *Socket) Off(event string) { s.handlers.off(event) }

// OffAll takes the handlers of all events off that were added to this socket.
func (s *Socket) OffAll() { s.handlers.clear() }

// OnAny adds what is called with every event of this socket, before its middlewares and all handlers, and also when there is no
// handler. What was added to the socket is called before what was added to its namespace. It returns what takes it off
// again. Nil is ignored. The events `authenticate`, and `join` and `leave` where the server handles them, do not come here.
func (s *Socket) OnAny(f HandlerFunc) (stop func()) {
	return addCatchAll(&s.withExtras().catchAll, f, false)
}

// PrependAny is OnAny for what is called before those that were added earlier.
func (s *Socket) PrependAny(f HandlerFunc) (stop func()) {
	return addCatchAll(&s.withExtras().catchAll, f, true)
}

// OffAny takes all off that OnAny and PrependAny added to this socket.
func (s *Socket) OffAny() {
	if x := s.extras.Load(); x != nil {
		x.catchAll.clear()
	}
}

// Use adds a middleware for the events of this socket. They run in their order, before all handlers. An error stops the event:
// it is acknowledged with {"error": "…"} if the client wants that, and logged, as an error of a handler is (see Typed). A panic
// is one of a handler. Nil is ignored.
func (s *Socket) Use(f MiddlewareFunc) {
	if f != nil {
		s.withExtras().middlewares.add(f, false)
	}
}

// OnAnyOutgoing adds what is called with every event that goes out to this socket, sent to it alone or as a broadcast, and
// those of the authentication; not with acknowledgements, nor with volatile events that were dropped. It is called beside the
// sending, which does not wait for it: one event at a time, in the order in which they leave. What it is too slow for, beyond
// Engine.QueueBytes, passes it by and is counted (Stats.OutgoingUnseen). The arguments are shared and must not be changed. It
// returns what takes it off again. Nil is ignored.
//
// It sees what leaves from now on. The events that a socket missed before it went on with its session (see RecoveryOptions)
// have left before functions of OnConnection are called: what is added there does not see them.
func (s *Socket) OnAnyOutgoing(f func(event string, args Args)) (stop func()) {
	return s.watchOutgoing(f, false)
}

// PrependAnyOutgoing is OnAnyOutgoing for what is called before those that were added earlier.
func (s *Socket) PrependAnyOutgoing(f func(event string, args Args)) (stop func()) {
	return s.watchOutgoing(f, true)
}

// OffAnyOutgoing takes all off that OnAnyOutgoing and PrependAnyOutgoing added.
func (s *Socket) OffAnyOutgoing() {
	if x := s.extras.Load(); x != nil {
		x.outgoing.change(s, x.outgoing.called.clear)
	}
}

func (s *Socket) watchOutgoing(f func(string, Args), front bool) (stop func()) {
	if f == nil {
		return nothingToStop
	}
	o := &s.withExtras().outgoing
	var remove func()
	o.change(s, func() { remove = o.called.add(f, front) })
	return func() { o.change(s, remove) }
}

// outgoing are the functions that are called with what goes out. The connection of the socket is told when there are some, so
// that it pays for nothing when there are none.
type outgoing struct {
	mu     sync.Mutex // held while called changes
	called list[func(string, Args)]
}

func (o *outgoing) change(s *Socket, how func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before := len(o.called.all())
	how()
	switch after := len(o.called.all()); {
	case before == 0 && after > 0:
		s.handle.Watch(o.call)
	case before > 0 && after == 0:
		s.handle.Watch(nil)
	}
}

// call is called on a worker.
func (o *outgoing) call(event string, args Args) {
	for _, f := range o.called.all() {
		f.call(event, args)
	}
}
