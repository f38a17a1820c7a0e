package actio

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/redisbridge"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/wire"
)

// ServerReply is what one instance answered. Its Instance is empty when the wire does not say whose it is.
type ServerReply = redisbridge.Reply

// ServerReplies are the answers of the other instances.
type ServerReplies struct {
	// Replies, one of each instance that answered.
	Replies []ServerReply
	// Missing are the instances that did not answer in time, also because they have no handler for the event.
	Missing Missing
}

// ServerEvent is an event that another instance sent with ServerSideEmit.
type ServerEvent struct {
	// Name of the event.
	Name string
	// Args that came with it.
	Args Args

	replied atomic.Bool
	reply   func(args ...any) error
}

// Reply answers; the first call of all handlers that can be sent counts, further ones return ErrAcknowledged. When no answer is
// wanted it does nothing. Node.js neighbours take only the first argument. Other errors: what the encoding of an argument
// returned, and ErrClosed.
func (e *ServerEvent) Reply(args ...any) error {
	switch {
	case e.reply == nil:
		return nil
	case !e.replied.CompareAndSwap(false, true):
		return ErrAcknowledged
	}
	if err := e.reply(args...); err != nil {
		e.replied.Store(false)
		return fmt.Errorf("actio: reply to %q: %w", e.Name, closedIfStopped(err))
	}
	return nil
}

// WantsReply tells whether an answer is wanted.
func (e *ServerEvent) WantsReply() bool { return e.reply != nil }

// ServerEventFunc handles an event of another instance. The context ends with the server. A panic is caught, logged and
// counted.
type ServerEventFunc func(ctx context.Context, e *ServerEvent)

// OnServerSideEmit adds a handler for an event that other instances send to this namespace with ServerSideEmit. Those that
// want no answer are handled one at a time, in the order in which they came; those that want one at once and in parallel, 1000
// at a time at most. What is over the bounds is dropped and counted. Errors:
// ErrInvalidTopic, ErrInvalidHandler, ErrReservedEvent.
func (n *Namespace) OnServerSideEmit(event string, h ServerEventFunc) error {
	switch {
	case event == "":
		return ErrInvalidTopic
	case h == nil:
		return fmt.Errorf("%w | topic: %s", ErrInvalidHandler, event)
	case reservedAmongServers(event):
		return fmt.Errorf("%w: %q", ErrReservedEvent, event)
	}
	n.serverHandlers.put(event, h)
	return nil
}

// ServerSideEmit sends an event to the handlers of this namespace on all other instances, Node.js included, and waits for
// nothing. Without other instances it does nothing. Errors: ErrNotConfigured, ErrClosed, ErrReservedEvent, or what the
// encoding of an argument returned.
func (n *Namespace) ServerSideEmit(event string, args ...any) error {
	e, payload, err := n.serverEvent(event, args)
	if err != nil {
		return err
	}
	if bridge := e.bridge.Load(); bridge != nil {
		bridge.Emit(&format.Message{Kind: format.ServerEvent, Namespace: n.name, Event: payload}, nil)
	}
	return nil
}

// ServerSideEmitWithAck does so and waits for the answers: until all other instances have given one,
// Options.Redis.RequestTimeout is over, or the context's deadline, which counts as a timeout. That an instance does not answer
// is no error but a missing entry. Errors: those of ServerSideEmit, and of a context that was cancelled.
func (n *Namespace) ServerSideEmitWithAck(ctx context.Context, event string, args ...any) (ServerReplies, error) {
	e, payload, err := n.serverEvent(event, args)
	switch {
	case err != nil:
		return ServerReplies{}, err
	case ctx.Err() != nil:
		return ServerReplies{}, fmt.Errorf("actio: server side emit %q: %w", event, connection.WhyEnded(ctx))
	}
	bridge := e.bridge.Load()
	if bridge == nil {
		return ServerReplies{}, nil
	}
	ctx, timeout, release := n.server.patience(ctx, 0)
	defer release()
	replies, missing, err := bridge.ServerEvent(ctx, n.name, payload, timeout)
	if err != nil && ctx.Err() != nil {
		err = connection.WhyEnded(ctx)
	}
	if err != nil {
		err = fmt.Errorf("actio: server side emit %q: %w", event, closedIfStopped(err))
	}
	return ServerReplies{Replies: replies, Missing: missing}, err
}

func (n *Namespace) serverEvent(event string, args []any) (*Engine, format.Payload, error) {
	if reservedAmongServers(event) {
		return nil, format.Payload{}, fmt.Errorf("%w: %q", ErrReservedEvent, event)
	}
	e, err := Broadcast{namespace: n}.begin()
	if err != nil {
		return nil, format.Payload{}, err
	}
	array, attachments, err := wire.EncodeArgs(append([]any{event}, args...)...)
	if err != nil {
		return nil, format.Payload{}, fmt.Errorf("actio: server side emit %q: %w", event, err)
	}
	return e, format.NewPayload(array, attachments), nil
}

// reservedAmongServers tells which names Node.js refuses here: others than between server and client.
func reservedAmongServers(event string) bool {
	return slices.Contains([]string{"connect", "connection", "new_namespace"}, event)
}

// OnServerSideEmit is OnServerSideEmit of the default namespace.
func (s *Server) OnServerSideEmit(event string, h ServerEventFunc) error {
	return s.Root().OnServerSideEmit(event, h)
}

// ServerSideEmit is ServerSideEmit of the default namespace.
func (s *Server) ServerSideEmit(event string, args ...any) error {
	return s.Root().ServerSideEmit(event, args...)
}

// ServerSideEmitWithAck is ServerSideEmitWithAck of the default namespace.
func (s *Server) ServerSideEmitWithAck(ctx context.Context, event string, args ...any) (ServerReplies, error) {
	return s.Root().ServerSideEmitWithAck(ctx, event, args...)
}

// ServerEvent hands an event of another instance to its handlers.
func (n *instance) ServerEvent(namespace, event string, args wire.Args, reply func(args ...any) error) {
	ns := n.server.namespaces.lookup(namespace)
	if ns == nil {
		return
	}
	list := ns.serverHandlers.of(event)
	if len(list) == 0 {
		return
	}
	j := &serverJob{engine: n.engine, handlers: list, event: &ServerEvent{Name: event, Args: args, reply: reply}}
	if !n.engine.take(ns, j) {
		n.engine.serverEventsDropped.Add(1)
	}
}

// take has a worker run the job, or drops it: false.
func (e *Engine) take(ns *Namespace, j *serverJob) bool {
	if !j.event.WantsReply() {
		return ns.serverJobs.push(j)
	}
	if e.serverQuestions.Add(1) > maxServerQuestions || !e.system.Workers().Run(j) {
		e.serverQuestions.Add(-1)
		return false
	}
	return true
}

// serverJob is one event of another instance with its handlers.
type serverJob struct {
	engine   *Engine
	handlers []entry[ServerEventFunc]
	event    *ServerEvent
}

// Run is called by a worker.
func (j *serverJob) Run() {
	if j.event.WantsReply() {
		defer j.engine.serverQuestions.Add(-1)
	}
	for _, h := range j.handlers {
		j.call(h.call)
	}
}

func (j *serverJob) call(h ServerEventFunc) {
	defer func() {
		if r := recover(); r != nil {
			j.engine.env.Counters.HandlerPanics.Add(1)
			j.engine.system.Report("server side event handler", r, debug.Stack())
		}
	}()
	h(j.engine.life, j.event)
}

// maxServerQuestions bounds the events of other instances that want an answer and are being handled.
const maxServerQuestions = 1000

// maxServerJobs bounds the events of other instances that wait for their handlers in one namespace.
const maxServerJobs = 10_000

// serverJobs runs the events of other instances one at a time, in a worker while there are any.
type serverJobs struct {
	mu      sync.Mutex
	waiting []*serverJob
	running bool
}

// push is false when the event was dropped: too many wait already, or the server has ended.
func (q *serverJobs) push(j *serverJob) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) >= maxServerJobs {
		return false
	}
	q.waiting = append(q.waiting, j)
	if !q.running {
		q.running = j.engine.system.Workers().Run(q)
		if !q.running {
			q.waiting = nil
		}
	}
	return q.running
}

// Run is called by a worker.
func (q *serverJobs) Run() {
	for jobs := q.take(); jobs != nil; jobs = q.take() {
		for _, j := range jobs {
			if j.engine.life.Err() == nil {
				j.Run()
			}
		}
	}
}

// take returns all that wait; when none do, the worker is released.
func (q *serverJobs) take() []*serverJob {
	q.mu.Lock()
	defer q.mu.Unlock()
	jobs := q.waiting
	q.waiting = nil
	q.running = jobs != nil
	return jobs
}

// endServerEvents tells the handlers of events of other instances to end.
func (e *Engine) endServerEvents() {
	if e.endLife != nil {
		e.endLife(ErrClosed)
	}
	if n := e.serverEventsDropped.Load(); n > 0 {
		e.system.Logger().Warn("server side events were dropped", slog.Uint64("count", n))
	}
}
