package actio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/wire"
)

// Args are the arguments of an event or an acknowledgement. They stay raw JSON until they are decoded; binary is []byte
// wherever it stands.
type Args = wire.Args

// Event is one event of a client.
type Event struct {
	// Name of the event.
	Name string
	// Args that came with it.
	Args  Args
	reply connection.Replier
}

// Reply acknowledges the event; the first call counts, further ones return ErrAcknowledged. When the client did not ask for
// an acknowledgement it does nothing.
func (e *Event) Reply(args ...any) error {
	if e.reply == nil {
		return nil
	}
	return e.reply.Reply(args...)
}

// WantsReply tells whether the client asked for an acknowledgement.
func (e *Event) WantsReply() bool { return e.reply != nil }

// HandlerFunc handles an event. The context ends with the socket. A panic is caught, logged and counted; it closes the
// connection unless Options.SurvivePanics is set.
type HandlerFunc func(ctx context.Context, s *Socket, e *Event)

// None is the type of what a typed handler does not take or return.
type None struct{}

// Target is what handlers can be added to: a Socket, or a Namespace for all of its sockets. Errors of all methods that return
// one: ErrInvalidTopic, ErrInvalidHandler, ErrReservedEvent. What is added or taken off while an event is handled holds from the
// next event on.
//
// Reserved are the names of the protocol, and those that the server handles itself, whose handlers would never be called:
// `join` and `leave` unless Options has NoAuthentication and no ValidateRooms, and `authenticate` in namespaces whose clients
// authenticate. If they do so only later (Namespace.Authenticate), that its handlers are not called any more is logged at Warn.
type Target interface {
	// Handle adds a handler for an event.
	Handle(event string, h HandlerFunc) error
	// Listen is Handle, and returns what takes this one handler off again; stop is idempotent and never nil.
	Listen(event string, h HandlerFunc) (stop func(), err error)
	// Once is Listen for a handler that the first event takes off: for a Namespace, the first of any of its sockets.
	Once(event string, h HandlerFunc) (stop func(), err error)
	// Off takes all handlers of an event off that were added here.
	Off(event string)
	// OffAll takes the handlers of all events off that were added here.
	OffAll()
}

var (
	_ Target = (*Socket)(nil)
	_ Target = (*Namespace)(nil)
)

// On adds a typed handler, see Typed, also of what becomes of its errors. It stays until Off takes it off; Listen and Once take
// what Typed returns. Errors: those of Target.
func On[In, Out any](t Target, event string, h func(ctx context.Context, s *Socket, in In) (Out, error)) error {
	return t.Handle(event, Typed(h))
}

// Typed makes a handler of a typed function; of a nil one none. In is what the event's first argument is decoded into: any type
// that encoding/json could decode, with []byte for binary; Args takes all arguments raw; None takes none. Out is the
// acknowledgement's argument; None acknowledges without one. An argument that is missing or null leaves In at its zero value.
//
// An error of the handler, and of a payload that does not fit In (ErrInvalidPayload), is acknowledged with {"error": "…"},
// where the CLIENT GETS THE TEXT of the error: wrapped errors, of a database for instance, tell everybody what stands in them.
// Return errors whose text is meant for clients, or set Options.ErrorForClient. Errors are logged, once for each connection at
// Warn and then at Debug; they never end the connection.
func Typed[In, Out any](h func(ctx context.Context, s *Socket, in In) (Out, error)) HandlerFunc {
	if h == nil {
		return nil
	}
	return func(ctx context.Context, s *Socket, e *Event) {
		in, err := decodeInput[In](e)
		if err != nil {
			s.replyError(e, fmt.Errorf("%w: %w", ErrInvalidPayload, err))
			return
		}
		out, err := h(ctx, s, in)
		if err != nil {
			s.replyError(e, err)
			return
		}
		replyWith(s, e, out)
	}
}

func decodeInput[In any](e *Event) (In, error) {
	var in In
	switch v := any(&in).(type) {
	case *Args:
		*v = e.Args
	case *None:
	default:
		if e.Args.Len() > 0 {
			return in, e.Args.Decode(0, &in)
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
	if err != nil && !errors.Is(err, ErrClosed) {
		s.log().Warn("acknowledgement not sent", slog.String("event", e.Name), slog.Any("err", err))
	}
}

// errorReply is what a client gets instead of an answer.
type errorReply struct {
	Error string `json:"error"`
}

func (s *Socket) replyError(e *Event, err error) {
	if s.handle.Closed() {
		return // whatever it was, there is nobody to tell
	}
	s.log().LogAttrs(s.Context(), s.handle.Session().Blame(), "handler error", slog.String("event", e.Name), slog.Any("err", err))
	if e.WantsReply() {
		replyWith(s, e, errorReply{Error: s.textForClient(e, err)})
	}
}

// internalError is what clients are told of an error that is none of their business.
const internalError = "Internal server error"

// textForClient is what the client is told of an error.
func (s *Socket) textForClient(e *Event, err error) string {
	if choose := s.namespace.server.options.ErrorForClient; choose != nil {
		err = choose(s.Context(), s, e, err)
	}
	if err == nil {
		return internalError
	}
	return err.Error()
}

// handlers are those of the events of clients.
type handlers struct{ table[HandlerFunc] }

// add adds a handler that stays until stop or off takes it off.
func (t *handlers) add(event string, h HandlerFunc, taken func(event string) error) (stop func(), err error) {
	if err := checkHandler(event, h, taken); err != nil {
		return nothingToStop, err
	}
	return t.put(event, h), nil
}

// once adds a handler that is taken off by the first event that it is called for.
func (t *handlers) once(event string, h HandlerFunc, taken func(event string) error) (stop func(), err error) {
	if err := checkHandler(event, h, taken); err != nil {
		return nothingToStop, err
	}
	m, called := new(mark), new(atomic.Bool)
	stop = func() { t.remove(event, m) }
	t.table.add(event, func(ctx context.Context, s *Socket, e *Event) {
		if called.CompareAndSwap(false, true) { // events of two sockets may come at the same time
			stop()
			h(ctx, s, e)
		}
	}, m)
	return stop, nil
}

// checkHandler tells why a handler cannot be added; taken, why the server would never call it.
func checkHandler(event string, h HandlerFunc, taken func(event string) error) error {
	switch {
	case event == "":
		return ErrInvalidTopic
	case h == nil:
		return fmt.Errorf("%w | topic: %s", ErrInvalidHandler, event)
	case wire.IsReserved(event):
		return fmt.Errorf("%w: %q", ErrReservedEvent, event)
	}
	return taken(event)
}
