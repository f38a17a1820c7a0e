package client

import (
	"context"
	"fmt"
	"log/slog"
)

// EventHandler handles an event of a Helper. An error, or a panic, is logged and does no harm.
type EventHandler func(ctx context.Context, e *Event) error

// Data makes an EventHandler of a function that takes the first argument of its event, the data, as a type of Go. Data that
// does not fit is an error, which is logged; no data is the zero value.
func Data[T any](f func(ctx context.Context, data T) error) EventHandler {
	return func(ctx context.Context, e *Event) error {
		data, err := decodeInput[T](e)
		if err != nil {
			return err
		}
		return f(ctx, data)
	}
}

// SubscribeOption changes what Subscribe does.
type SubscribeOption uint8

// AllowDuplicate subscribes a handler although the event has one; they run in the order of their subscriptions.
const AllowDuplicate SubscribeOption = 1

// Subscribe adds a handler for an event, also for one that the Helper itself listens to, unless the event has one already, which
// is logged. It returns the subscription, to be given to Unsubscribe, or nil when there is none. Subscriptions outlive
// connections.
func (h *Helper) Subscribe(event string, handler EventHandler, options ...SubscribeOption) *Subscription {
	if handler == nil {
		h.log.Warn("No handler provided", slog.String("event", event))
		return nil
	}
	sub, err := h.add(event, h.shield(event, handler), len(options) > 0 && options[0] == AllowDuplicate)
	switch {
	case err != nil:
		h.log.Warn("Cannot subscribe", slog.String("event", event), slog.Any("error", err))
	case sub == nil:
		h.log.Info("Handler already exists", slog.String("event", event))
	default:
		h.log.Info("Subscribed", slog.String("event", event))
	}
	return sub
}

// add returns nil when the event has a handler and duplicates are not wanted.
func (h *Helper) add(event string, f HandlerFunc, duplicate bool) (*Subscription, error) {
	switch {
	case event == "":
		return nil, ErrInvalidTopic
	case h.isOver():
		return nil, ErrClosed
	case duplicate:
		return h.socket.handlers.add(event, f), nil
	}
	return h.socket.handlers.addFirst(event, f), nil
}

// shield logs what a handler does wrong.
func (h *Helper) shield(event string, handler EventHandler) HandlerFunc {
	return func(ctx context.Context, _ *Socket, e *Event) {
		if err := protect(func() error { return handler(ctx, e) }); err != nil {
			h.log.Error("Handler error", slog.String("event", event), slog.Any("error", err))
		}
	}
}

// SubscribeMany subscribes a handler for each event, and returns the subscriptions that came of it, by event.
func (h *Helper) SubscribeMany(events map[string]EventHandler, options ...SubscribeOption) map[string]*Subscription {
	subscriptions := make(map[string]*Subscription, len(events))
	for event, handler := range events {
		if sub := h.Subscribe(event, handler, options...); sub != nil {
			subscriptions[event] = sub
		}
	}
	return subscriptions
}

// Unsubscribe removes the given handlers of an event, or all of them when none is given; what the Helper itself listens to goes
// on. Without handlers to remove it only logs.
func (h *Helper) Unsubscribe(event string, which ...*Subscription) {
	current := h.socket.handlers.of(event)
	if len(current) == 0 {
		h.log.Info("No listeners to remove", slog.String("event", event))
		return
	}
	if len(which) == 0 {
		for _, sub := range current {
			sub.Cancel()
		}
		h.log.Info("Removed all handlers", slog.String("event", event))
		return
	}
	for _, sub := range which {
		if err := h.cancel(event, sub); err != nil {
			h.log.Info("No listeners to remove", slog.String("event", event), slog.Any("error", err))
			continue
		}
		h.log.Info("Removed specific handler", slog.String("event", event))
	}
}

func (h *Helper) cancel(event string, sub *Subscription) error {
	switch {
	case sub == nil:
		return fmt.Errorf("%w: subscription is nil", ErrInvalidHandler)
	case sub.set != &h.socket.handlers || sub.event != event:
		return fmt.Errorf("%w: subscription of another event", ErrInvalidHandler)
	}
	sub.Cancel()
	return nil
}

// UnsubscribeMany removes all handlers of each event.
func (h *Helper) UnsubscribeMany(events ...string) {
	for _, event := range events {
		h.Unsubscribe(event)
	}
}
