package actio

import "context"

// hooks are what the application added for all sockets of a namespace.
type hooks struct {
	taken        func(event string) error // why the server would never call a handler
	connected    list[func(context.Context, *Socket)]
	disconnected list[func(*Socket, Reason)]
	handlers     handlers
	catchAll     list[HandlerFunc]
	middlewares  list[func(context.Context, *Socket) error]
}

// Use adds a middleware: it is asked whether a socket may enter, before its CONNECT is answered and, with OnConnect, after it is
// known who it is. They are asked in their order, on a worker, and the connection goes on meanwhile. An error refuses the socket;
// its client gets a connect_error whose message is the text of the error, or what a ConnectError says. A panic is caught, logged
// and counted, and refuses; the client is told nothing of it. The context ends with the connection, and with
// Options.ConnectTimeout, when the socket is refused.
//
// The socket is not connected yet: nothing can be sent to it (ErrNotConnected). Data is kept, what it joins it is in when it
// enters, and Disconnect refuses it. About a socket that goes on with its session they are asked with
// RecoveryOptions.RunMiddlewares only. Nil is ignored.
func (h *hooks) Use(f func(ctx context.Context, s *Socket) error) {
	if f != nil {
		h.middlewares.add(f, false)
	}
}

// OnConnection adds what is called for each socket that is connected, which with authentication means authenticated:
// before any of its events. Nil is ignored.
func (h *hooks) OnConnection(f func(ctx context.Context, s *Socket)) {
	if f != nil {
		h.connected.add(f, false)
	}
}

// OnDisconnect adds what is called for each socket that was connected, after all of its events. It is in no room any more;
// Socket.LastRooms tells in which it was. Nil is ignored.
func (h *hooks) OnDisconnect(f func(s *Socket, r Reason)) {
	if f != nil {
		h.disconnected.add(f, false)
	}
}

// Handle adds a handler for an event of any socket of the namespace. For typed handlers see On.
func (h *hooks) Handle(event string, f HandlerFunc) error {
	_, err := h.handlers.add(event, f, h.taken)
	return err
}

// Listen is Handle, and returns what takes this one handler off again.
func (h *hooks) Listen(event string, f HandlerFunc) (stop func(), err error) {
	return h.handlers.add(event, f, h.taken)
}

// Once is Listen for a handler that is called for one event alone: the first of any socket.
func (h *hooks) Once(event string, f HandlerFunc) (stop func(), err error) {
	return h.handlers.once(event, f, h.taken)
}

// Off takes all handlers of an event off that were added to the namespace. Those of sockets stay.
func (h *hooks) Off(event string) { h.handlers.off(event) }

// OffAll takes the handlers of all events off that were added to the namespace.
func (h *hooks) OffAll() { h.handlers.clear() }

// OnAny adds what is called with every event of any socket, before the middlewares of the socket and all handlers, and also when
// there is no handler. It returns what takes it off again. Nil is ignored.
func (h *hooks) OnAny(f HandlerFunc) (stop func()) { return addCatchAll(&h.catchAll, f, false) }

// PrependAny is OnAny for what is called before those that were added earlier.
func (h *hooks) PrependAny(f HandlerFunc) (stop func()) { return addCatchAll(&h.catchAll, f, true) }

// OffAny takes all off that OnAny and PrependAny added.
func (h *hooks) OffAny() { h.catchAll.clear() }

func addCatchAll(l *list[HandlerFunc], f HandlerFunc, front bool) (stop func()) {
	if f == nil {
		return nothingToStop
	}
	return l.add(f, front)
}
