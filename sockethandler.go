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
	if p := h.namespace.parent; p != nil {
		for _, f := range p.connected.all() {
			f.call(ctx, (*Socket)(h))
		}
	}
	for _, f := range h.namespace.connected.all() {
		f.call(ctx, (*Socket)(h))
	}
}

// Event handles one event.
func (h *socketHandler) Event(ctx context.Context, e connection.Event) {
	n := h.namespace
	if h.extras.Load() != nil || n.parent != nil || n.catchAll.all() != nil {
		h.eventWithExtras(ctx, &Event{Name: e.Name, Args: e.Args, reply: e.Replier})
		return
	}
	if own, shared := h.handlers.of(e.Name), n.handlers.of(e.Name); len(own)+len(shared) > 0 {
		h.run(ctx, &Event{Name: e.Name, Args: e.Args, reply: e.Replier}, own, shared)
		return
	}
	n.server.countUnhandled()
}

// run calls handlers with an event, in their order, and returns how many there are.
func (h *socketHandler) run(ctx context.Context, e *Event, lists ...[]entry[HandlerFunc]) (called int) {
	for _, l := range lists {
		for _, f := range l {
			f.call(ctx, (*Socket)(h), e)
			called++
		}
	}
	return called
}

// eventWithExtras handles an event that not only handlers are called with: first what is called with all events, then the
// middlewares, and then the handlers for the name that they leave it. What is nearer to the socket comes first.
func (h *socketHandler) eventWithExtras(ctx context.Context, e *Event) {
	s, n, x := (*Socket)(h), h.namespace, h.extras.Load()
	called := 0
	if x != nil {
		called += h.run(ctx, e, x.catchAll.all())
	}
	called += h.run(ctx, e, n.catchAll.all())
	if n.parent != nil {
		called += h.run(ctx, e, n.parent.catchAll.all())
	}
	if x != nil {
		for _, f := range x.middlewares.all() {
			if err := f.call(ctx, e); err != nil {
				s.replyError(e, err)
				return
			}
		}
	}
	called += h.run(ctx, e, s.handlers.of(e.Name), n.handlers.of(e.Name))
	if n.parent != nil {
		called += h.run(ctx, e, n.parent.handlers.of(e.Name))
	}
	if called == 0 {
		n.server.countUnhandled()
	}
}

// Disconnected is the last job.
func (h *socketHandler) Disconnected(r Reason) {
	if f := h.namespace.server.options.ClientDisconnected; f != nil {
		f((*Socket)(h), r)
	}
	if p := h.namespace.parent; p != nil {
		for _, f := range p.disconnected.all() {
			f.call((*Socket)(h), r)
		}
	}
	for _, f := range h.namespace.disconnected.all() {
		f.call((*Socket)(h), r)
	}
}
