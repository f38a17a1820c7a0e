package actio

import (
	"context"

	"github.com/actio-go/actio/actors/connection"
)

// socketHandler is the side of a Socket that its connection calls, kept out of the public methods.
type socketHandler Socket

var _ connection.Handler = (*socketHandler)(nil)

// Connected is the first job of the socket.
func (h *socketHandler) Connected(ctx context.Context) {
	if f := h.namespace.server.options.ClientConnected; f != nil {
		f(ctx, (*Socket)(h))
	}
	for _, f := range h.namespace.connected.all() {
		f.call(ctx, (*Socket)(h))
	}
}

// Event handles one event.
func (h *socketHandler) Event(ctx context.Context, e connection.Event) {
	if h.extras.Load() != nil || h.namespace.catchAll.all() != nil {
		h.eventWithExtras(ctx, &Event{Name: e.Name, Args: e.Args, reply: e.Replier})
		return
	}
	if own, shared := h.handlersOf(e.Name); len(own)+len(shared) > 0 {
		h.run(ctx, &Event{Name: e.Name, Args: e.Args, reply: e.Replier}, own, shared)
		return
	}
	h.namespace.server.countUnhandled()
}

// handlersOf are the handlers for an event: of the socket, and of its namespace.
func (h *socketHandler) handlersOf(event string) (own, shared []entry[HandlerFunc]) {
	return h.handlers.of(event), h.namespace.handlers.of(event)
}

// run calls handlers with an event, in their order.
func (h *socketHandler) run(ctx context.Context, e *Event, lists ...[]entry[HandlerFunc]) {
	for _, l := range lists {
		for _, f := range l {
			f.call(ctx, (*Socket)(h), e)
		}
	}
}

// eventWithExtras handles an event that not only handlers are called with: first what is called with all events, then the middlewares,
// and then the handlers for the name that they leave it.
func (h *socketHandler) eventWithExtras(ctx context.Context, e *Event) {
	var caught []entry[HandlerFunc]
	var middlewares []entry[MiddlewareFunc]
	if x := h.extras.Load(); x != nil {
		caught, middlewares = x.catchAll.all(), x.middlewares.all()
	}
	everywhere := h.namespace.catchAll.all()
	h.run(ctx, e, caught, everywhere)
	for _, f := range middlewares {
		if err := f.call(ctx, e); err != nil {
			(*Socket)(h).replyError(e, err)
			return
		}
	}
	own, shared := h.handlersOf(e.Name)
	h.run(ctx, e, own, shared)
	if len(own)+len(shared)+len(caught)+len(everywhere) == 0 {
		h.namespace.server.countUnhandled()
	}
}

// Disconnected is the last job.
func (h *socketHandler) Disconnected(r Reason) {
	if f := h.namespace.server.options.ClientDisconnected; f != nil {
		f((*Socket)(h), r)
	}
	for _, f := range h.namespace.disconnected.all() {
		f.call((*Socket)(h), r)
	}
}
