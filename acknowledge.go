package actio

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/redisbridge"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/wire"
)

// Responses are what the sockets of a broadcast acknowledged.
type Responses struct {
	// Answers holds one for each socket that was asked. Of clients of Node.js neighbours it holds those that answered.
	Answers []Answer
	// Unanswered counts the clients of Node.js neighbours that did not answer in time: the wire does not say which.
	Unanswered int
	// Missing are the instances that did not say in time whom they asked.
	Missing Missing
}

// Answer is what became of one socket that was asked.
type Answer struct {
	// SocketID is empty for clients of Node.js neighbours: the wire does not say whose answer it is.
	SocketID string
	// Args of the acknowledgement. A Node.js neighbour passes only the first on.
	Args Args
	// Err is nil, ErrTimeout, ErrGone when the socket ended before it answered, or ErrTooManyAcks when it was not asked.
	Err error
}

// Acknowledged returns the answers that came.
func (r Responses) Acknowledged() []Answer {
	var came []Answer
	for _, a := range r.Answers {
		if a.Err == nil {
			came = append(came, a)
		}
	}
	return came
}

// EmitWithAck sends an event to the sockets and waits for their acknowledgements: until all have answered or ended, the
// timeout is over (see Timeout), or the context's deadline, which counts as a timeout. That a client does not answer, ends, or
// that an instance is dead is no error but part of the result; nothing is awaited any more when it returns. In a handler
// it may await its own client. While Redis is down the other instances are not asked, and the event does not wait for it:
// Missing.Unreached. Errors: those of Emit; those of a context that was cancelled, with what had come by then, or that was over
// before, when nothing is sent.
func (b Broadcast) EmitWithAck(ctx context.Context, event string, args ...any) (Responses, error) {
	e, err := b.begin(event)
	if err != nil {
		return Responses{}, err
	}
	array, attachments, err := wire.EncodeArgs(append([]any{event}, args...)...)
	switch {
	case err != nil:
		return Responses{}, fmt.Errorf("actio: emit %q: %w", event, err)
	case ctx.Err() != nil:
		return Responses{}, fmt.Errorf("actio: emit %q: %w", event, connection.WhyEnded(ctx))
	case b.nobody():
		return Responses{}, nil
	}
	if err := e.sendable(b.namespace.name, array, attachments); err != nil {
		return Responses{}, fmt.Errorf("actio: emit %q: %w", event, err)
	}
	ctx, timeout, release := b.namespace.server.patience(ctx, b.flags.Timeout)
	defer release()
	q := redisbridge.Question{
		Namespace: b.namespace.name, Target: b.target, Flags: b.flags, Event: format.NewPayload(array, attachments),
	}
	q.Flags.Timeout = timeout
	return b.ask(ctx, e, q)
}

// sendable tells why Options.Parser has no form for an event, before anybody is asked. Without one there is nothing to ask.
func (e *Engine) sendable(namespace string, array []byte, attachments [][]byte) error {
	if e.env.Options.Parser == nil {
		return nil
	}
	m, err := wire.PrepareEvent(namespace, false, 0, array, attachments)
	if err == nil {
		_, err = e.env.Form(m)
	}
	return err
}

// ask puts a question to the sockets of this instance, then to the other instances, and waits for both.
func (b Broadcast) ask(ctx context.Context, e *Engine, q redisbridge.Question) (Responses, error) {
	waiting, stop := e.system.Clock().Context(ctx, "acknowledgements", q.Flags.Timeout)
	defer stop()
	here := newTally()
	q.Counted, q.Answered = here.count, here.answer
	cancel := e.neighbour.Ask(q)
	defer cancel()

	var r Responses
	var remote error
	if bridge := e.bridge.Load(); bridge != nil && !b.local {
		var others redisbridge.Responses
		others, remote = bridge.Ask(ctx, q, q.Flags.Timeout)
		r.Unanswered, r.Missing = others.Unanswered, others.Missing
		for _, a := range others.Answers {
			r.Answers = append(r.Answers, Answer{SocketID: a.SocketID, Args: a.Args, Err: outcome(a.Err)})
		}
	}
	select {
	case <-here.done:
	case <-waiting.Done():
	case <-e.env.Registry.Done():
		remote = errors.Join(remote, ErrClosed)
	}
	cancel()
	own, counted := here.answers()
	r.Answers = append(own, r.Answers...)
	if !counted { // a part of the registry is being rebuilt
		r.Missing.Instances = append(r.Missing.Instances, e.uid)
	}
	if ctx.Err() != nil {
		return r, fmt.Errorf("actio: acknowledgements: %w", connection.WhyEnded(ctx))
	}
	return r, closedIfStopped(remote)
}

// outcome is the public form of what a socket answered instead.
func outcome(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, redisbridge.ErrTimeout):
		return ErrTimeout
	case errors.Is(err, redisbridge.ErrGone), errors.Is(err, ErrClosed):
		return ErrGone
	default:
		return err
	}
}

// patience says how long answers are waited for, and returns a context that ends when ctx is cancelled, but not with its
// deadline, which is part of the patience: a wait that is over in time has a result, and no error.
func (s *Server) patience(ctx context.Context, d time.Duration) (context.Context, time.Duration, func()) {
	if d <= 0 {
		d = s.options.Redis.RequestTimeout
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, d, func() {}
	}
	d = max(min(d, time.Until(deadline)), 1) // 0 is the default
	long, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		if errors.Is(ctx.Err(), context.Canceled) {
			cancel(connection.WhyEnded(ctx))
		}
	})
	return long, d, func() {
		stop()
		cancel(nil)
	}
}

// tally gathers the answers of the sockets of this instance.
type tally struct {
	mu    sync.Mutex
	asked []string // nil until it is known
	came  map[string]Answer
	done  chan struct{} // closed when all have answered
}

func newTally() *tally { return &tally{came: make(map[string]Answer), done: make(chan struct{})} }

// count says who was asked.
func (t *tally) count(ids []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked = append([]string{}, ids...)
	if len(ids) == 0 {
		close(t.done)
	}
}

// answer says what one of them answered.
func (t *tally) answer(id string, args wire.Args, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, again := t.came[id]; again {
		return
	}
	t.came[id] = Answer{SocketID: id, Args: args, Err: outcome(err)}
	if len(t.came) == len(t.asked) {
		close(t.done)
	}
}

// answers are one for each socket that was asked; false when it is not known who was.
func (t *tally) answers() ([]Answer, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]Answer, len(t.asked))
	for i, id := range t.asked {
		a, ok := t.came[id]
		if !ok {
			a = Answer{SocketID: id, Err: ErrTimeout}
		}
		all[i] = a
	}
	return all, t.asked != nil
}
