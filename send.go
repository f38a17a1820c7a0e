package actio

import (
	"context"
	"log/slog"
	"reflect"
)

// Payload is an event and its data.
type Payload struct {
	// Topic is the event name.
	Topic string
	// Data is its only argument.
	Data any
}

// Message is what Send sends.
type Message struct {
	// Destination is a socket id or a room; empty: all clients of the default namespace.
	Destination string
	// Payload is what they get.
	Payload Payload
	// Compress asks for compression where a client negotiated it, on whatever instance.
	Compress bool
	// Log logs one line with destination and topic.
	Log bool
	// Callback is called once, on a goroutine of its own, when the message was handed to all clients of this instance and it is
	// known what became of it for the others: Redis has it, or it was dropped or lost (see Stats.Redis). While Redis
	// is down it waits as the message does. It is not called for a message that is dropped or logged instead of sent.
	Callback func()
}

// Send sends a message and forgets it. One without a topic or without data (nil; a 0, false or "" is data) is dropped
// silently, as the reference says; what cannot be sent for another reason is logged.
func (s *Server) Send(m Message) {
	b := Broadcast{namespace: s.Root()}
	if m.Destination != "" {
		b = b.To(m.Destination)
	}
	s.send(b, m, m.Destination)
}

// SendToUser sends a message to all clients of a user in the default namespace, on all instances of actio. Message.Destination
// means nothing here. Otherwise it is Send; the empty user is nobody.
func (s *Server) SendToUser(user string, m Message) { s.send(s.ToUser(user), m, "user") }

func (s *Server) send(b Broadcast, m Message, destination string) {
	if m.Payload.Topic == "" || isNil(m.Payload.Data) {
		return
	}
	if m.Compress {
		b = b.Compress()
	}
	var settled func()
	if e := s.live.Load(); e != nil && m.Callback != nil {
		settled = func() { e.system.Workers().Run(callback{engine: e, f: m.Callback}) }
	}
	if err := b.emit(settled, m.Payload.Topic, []any{m.Payload.Data}); err != nil {
		s.options.Logger.Error("message not sent", slog.String("topic", m.Payload.Topic), slog.Any("err", err))
		return
	}
	if m.Log {
		s.options.Logger.Info("message emitted", slog.String("destination", destination), slog.String("topic", m.Payload.Topic))
	}
}

// isNil tells whether data would be null on the wire.
func isNil(data any) bool {
	v := reflect.ValueOf(data)
	switch v.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Interface, reflect.Func, reflect.Chan:
		return v.IsNil()
	default:
		return false
	}
}

// callback is that of a Message whose publish is settled.
type callback struct {
	engine *Engine
	f      func()
}

// Run is called by a worker.
func (c callback) Run() {
	_ = c.engine.env.Registry.Flush(context.Background()) // a stopped registry has handed over all it will
	c.f()
}
