package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/actio-go/actio/wire"
)

// The events that the client itself makes; handlers can be added to them like to all others.
const (
	// EventConnect: the server has confirmed the namespace.
	EventConnect = "connect"
	// EventDisconnect: the connection ended; the argument is the Reason.
	EventDisconnect = "disconnect"
	// EventConnectError: an attempt to connect failed, or the server refused the namespace; the argument has a message and
	// data.
	EventConnectError = "connect_error"
)

// Args are the arguments of an event or an acknowledgement. They stay raw JSON until they are decoded; binary is []byte
// wherever it stands. On a server with connection state recovery, events have its offset, a string, as a further argument.
type Args = wire.Args

// Event is one event of the server, or of the client itself.
type Event struct {
	// Name of the event.
	Name string
	// Args that came with it.
	Args Args
	// Reason is set with EventDisconnect.
	Reason Reason
	// Err is set with EventConnectError, and with EventDisconnect has the details.
	Err error

	reply *reply
}

// WantsReply tells whether the server asked for an acknowledgement.
func (e *Event) WantsReply() bool { return e.reply != nil }

// Reply acknowledges the event; the first call counts, further ones return ErrAcknowledged. When the server did not ask for an
// acknowledgement it does nothing. After the end of the connection that the event came by it returns ErrDisconnected, as ids of
// acknowledgements mean nothing on another.
func (e *Event) Reply(args ...any) error {
	if e.reply == nil {
		return nil
	}
	return e.reply.send(args)
}

// HandlerFunc handles an event. Its context ends when the Manager is closed. A panic is caught and logged.
type HandlerFunc func(ctx context.Context, s *Socket, e *Event)

// None is the type of what a typed handler does not take or return.
type None struct{}

// Subscription is a handler that was added.
type Subscription struct {
	set       *handlers
	event     string
	handle    HandlerFunc
	cancelled atomic.Bool
}

// Cancel removes the handler, and no other. A call that is under way, or about to begin, is not waited for. Idempotent.
func (s *Subscription) Cancel() {
	if !s.cancelled.Swap(true) {
		s.set.remove(s)
	}
}

// Event is the name of the event that the handler is for; empty when it is for all.
func (s *Subscription) Event() string { return s.event }

// Handle adds a handler for an event of the server, or of the client itself. Handlers of one event run in the order in which
// they were added. For typed handlers see On. Errors: ErrInvalidTopic, ErrInvalidHandler.
func (s *Socket) Handle(event string, h HandlerFunc) (*Subscription, error) {
	switch {
	case event == "":
		return nil, ErrInvalidTopic
	case h == nil:
		return nil, fmt.Errorf("%w: event %q", ErrInvalidHandler, event)
	}
	return s.handlers.add(event, h), nil
}

// HandleAny adds a handler for all events of the server, which runs before the others. Error: ErrInvalidHandler.
func (s *Socket) HandleAny(h HandlerFunc) (*Subscription, error) {
	if h == nil {
		return nil, ErrInvalidHandler
	}
	return s.handlers.addAny(h), nil
}

// HasHandlers tells whether an event has handlers.
func (s *Socket) HasHandlers(event string) bool { return len(s.handlers.of(event)) > 0 }

// RemoveHandlers removes all handlers of an event.
func (s *Socket) RemoveHandlers(event string) {
	for _, sub := range s.handlers.of(event) {
		sub.Cancel()
	}
}

// OnConnect adds a function that is called each time the socket was connected.
func (s *Socket) OnConnect(f func(ctx context.Context)) *Subscription {
	return s.handlers.add(EventConnect, func(ctx context.Context, _ *Socket, _ *Event) { f(ctx) })
}

// OnDisconnect adds a function that is called each time the connection of the socket ended. The error has the details.
func (s *Socket) OnDisconnect(f func(ctx context.Context, r Reason, err error)) *Subscription {
	return s.handlers.add(EventDisconnect, func(ctx context.Context, _ *Socket, e *Event) { f(ctx, e.Reason, e.Err) })
}

// OnConnectError adds a function that is called each time an attempt to connect failed. After a *ConnectError the socket does
// not try again by itself.
func (s *Socket) OnConnectError(f func(ctx context.Context, err error)) *Subscription {
	return s.handlers.add(EventConnectError, func(ctx context.Context, _ *Socket, e *Event) { f(ctx, e.Err) })
}

// On adds a typed handler. In is what the event's first argument is decoded into: any type that encoding/json could decode,
// with []byte for binary; Args takes all arguments raw; None takes none. Out is the acknowledgement's argument; None
// acknowledges without one. A payload that does not fit In, and an error of the handler, are acknowledged with
// {"error": "…"} and logged. Errors: as Handle.
func On[In, Out any](
	s *Socket, event string, h func(ctx context.Context, s *Socket, in In) (Out, error),
) (*Subscription, error) {
	if h == nil {
		return nil, fmt.Errorf("%w: event %q", ErrInvalidHandler, event)
	}
	return s.Handle(event, func(ctx context.Context, s *Socket, e *Event) {
		in, err := decodeInput[In](e)
		var out Out
		if err == nil {
			out, err = h(ctx, s, in)
		}
		if err != nil {
			s.log().Warn("event failed", slog.String("event", event), slog.Any("err", err))
			_ = e.Reply(struct {
				Error string `json:"error"`
			}{err.Error()})
			return
		}
		replyWith(s, e, out)
	})
}

func decodeInput[In any](e *Event) (In, error) {
	var in In
	switch v := any(&in).(type) {
	case *Args:
		*v = e.Args
	case *None:
	default:
		if e.Args.Len() > 0 {
			if err := e.Args.Decode(0, &in); err != nil {
				return in, fmt.Errorf("invalid payload: %w", err)
			}
		}
	}
	return in, nil
}

func replyWith[Out any](s *Socket, e *Event, out Out) {
	var err error
	if _, none := any(out).(None); none {
		err = e.Reply()
	} else {
		err = e.Reply(out)
	}
	if err != nil && !errors.Is(err, ErrDisconnected) && !errors.Is(err, ErrClosed) {
		s.log().Warn("acknowledgement not sent", slog.String("event", e.Name), slog.Any("err", err))
	}
}

// dispatch runs the handlers of an event, in the worker of the inbox.
func (s *Socket) dispatch(e *Event) {
	if s.observer != nil {
		s.manager.guard(func() { s.observer.handle(e) })
	}
	if e.Name != EventConnect && e.Name != EventDisconnect && e.Name != EventConnectError {
		s.run(s.handlers.ofAll(), e)
	}
	s.run(s.handlers.of(e.Name), e)
}

func (s *Socket) run(subscriptions []*Subscription, e *Event) {
	for _, sub := range subscriptions {
		if !sub.cancelled.Load() {
			s.manager.guard(func() { sub.handle(s.manager.ctx, s, e) })
		}
	}
}

// handlers are the subscriptions by event, and those to all events. The lists are never changed, only replaced.
type handlers struct {
	mutex sync.Mutex
	lists map[string][]*Subscription
	all   []*Subscription
}

func (h *handlers) add(event string, f HandlerFunc) *Subscription {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return h.append(event, f)
}

// addFirst adds a handler to an event that has none; otherwise it returns nil.
func (h *handlers) addFirst(event string, f HandlerFunc) *Subscription {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if len(h.lists[event]) > 0 {
		return nil
	}
	return h.append(event, f)
}

func (h *handlers) addAny(f HandlerFunc) *Subscription {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	sub := &Subscription{set: h, handle: f}
	h.all = append(slices.Clip(h.all), sub)
	return sub
}

// append runs under the mutex.
func (h *handlers) append(event string, f HandlerFunc) *Subscription {
	if h.lists == nil {
		h.lists = map[string][]*Subscription{}
	}
	sub := &Subscription{set: h, event: event, handle: f}
	h.lists[event] = append(slices.Clip(h.lists[event]), sub)
	return sub
}

// clear removes all handlers.
func (h *handlers) clear() {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	for _, list := range h.lists {
		for _, sub := range list {
			sub.cancelled.Store(true)
		}
	}
	for _, sub := range h.all {
		sub.cancelled.Store(true)
	}
	h.lists, h.all = nil, nil
}

func (h *handlers) of(event string) []*Subscription {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return h.lists[event]
}

func (h *handlers) ofAll() []*Subscription {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return h.all
}

func (h *handlers) remove(sub *Subscription) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	without := func(list []*Subscription) []*Subscription {
		return slices.DeleteFunc(slices.Clone(list), func(s *Subscription) bool { return s == sub })
	}
	h.all = without(h.all)
	if rest := without(h.lists[sub.event]); len(rest) > 0 {
		h.lists[sub.event] = rest
	} else {
		delete(h.lists, sub.event)
	}
}
