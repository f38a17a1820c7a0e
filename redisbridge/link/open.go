package link

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/redisbridge/format"
)

const (
	defaultBuffer         = 10_000
	defaultBufferBytes    = 16 << 20
	defaultCommandTimeout = 3 * time.Second
	// defaultResume is what is left of five seconds after the longest pause between two attempts to connect, and a moment for the
	// connection itself: so much after Redis has come back, what waits leaves at the latest.
	defaultResume     = 3500 * time.Millisecond
	defaultMaxBackoff = time.Second
	// abandonTime is how long a Link that could not be opened, or whose Close has no time left, may take to let go.
	abandonTime = 250 * time.Millisecond
)

// withDefaults returns the options with the defaults filled in.
func (o Options) withDefaults() Options {
	if o.Name == "" {
		o.Name = "actio"
	}
	o.Name = strings.Join(strings.Fields(o.Name), "-")
	if o.Buffer <= 0 {
		o.Buffer = defaultBuffer
	}
	if o.BufferBytes <= 0 {
		o.BufferBytes = defaultBufferBytes
	}
	if o.CommandTimeout <= 0 {
		o.CommandTimeout = defaultCommandTimeout
	}
	if o.Resume == 0 {
		o.Resume = defaultResume
	}
	if o.MaxBackoff <= 0 {
		o.MaxBackoff = defaultMaxBackoff
	}
	if o.Streams != nil {
		o.Streams = o.Streams.withDefaults()
	}
	return o
}

// Open makes the connections and returns when all are up and everything in base is subscribed to. It tries until ctx
// ends, except that a refusal of the credentials is final. The error is ErrNotReady, names each part that is not up with the
// reason, and wraps the reasons; or it is ErrClient. Nothing is left open then.
func Open(ctx context.Context, sys *actors.System, o Options, h Handler, base []format.Subscription) (*Link, error) {
	src, err := duplicate(o.Client)
	if err != nil {
		return nil, err
	}
	l := newLink(sys, o.withDefaults(), h, src)
	l.subscriber.base(base)
	l.start("redis emitter", l.emitter.run)
	l.start("redis publisher", l.publisher.run)
	l.start("redis subscriber", l.subscriber.run)
	if l.topology != nil {
		l.start("redis survey", l.topology.survey)
	}
	l.startStreams()
	if err := l.awaitParts(ctx); err != nil {
		abandon, cancel := sys.Clock().Context(context.WithoutCancel(ctx), "redis close", abandonTime)
		defer cancel()
		if left := l.end(abandon); left != nil {
			return nil, fmt.Errorf("%w; %w", err, left)
		}
		return nil, err
	}
	_, _ = l.Count(ctx, l.censusSubs()) // this instance included, now that it is subscribed
	return l, nil
}

// start starts a goroutine that Close waits for.
func (l *Link) start(name string, run func()) {
	l.running.Add(1)
	l.sys.Go(name, func() {
		defer l.running.Done()
		run()
	})
}

// newLink makes a Link without goroutines.
func newLink(sys *actors.System, o Options, h Handler, src *source) *Link {
	l := &Link{sys: sys, o: o, handler: h, source: src, ended: make(chan struct{})}
	l.jobs, l.ranges = make(chan job, storeQueue), make(chan job, storeQueue)
	l.ctx, l.cancel = context.WithCancel(context.Background())
	for i := range l.states {
		l.states[i].init()
	}
	if src.cluster != nil {
		l.topology = newTopology(l)
	}
	l.emitter = newEmitter(l)
	l.publisher = newPublisher(l)
	l.subscriber = newSubscriber(l)
	l.streams = newStreams(l)
	return l
}

// awaitParts waits until every part was up once.
func (l *Link) awaitParts(ctx context.Context) error {
	for p := range parts {
		select {
		case <-l.states[p].ready:
		case <-l.states[EmitterPart].fatal:
			return l.notReady(nil)
		case <-l.states[PublishPart].fatal:
			return l.notReady(nil)
		case <-l.states[SubscribePart].fatal:
			return l.notReady(nil)
		case <-l.states[StreamPart].fatal:
			return l.notReady(nil)
		case <-ctx.Done():
			return l.notReady(ctx.Err())
		}
	}
	return nil
}

// notReady names the parts that are not up. cause is why Open gives up, nil when a part says it all.
func (l *Link) notReady(cause error) error {
	var which []string
	reasons := []error{ErrNotReady}
	for p := range parts {
		up, err := l.states[p].get()
		if up {
			continue
		}
		if err == nil {
			which = append(which, p.String()+": no answer yet")
			continue
		}
		which = append(which, p.String()+": "+err.Error())
		reasons = append(reasons, err)
	}
	if cause != nil {
		reasons = append(reasons, cause)
		which = append(which, cause.Error())
	}
	return &openError{text: ErrNotReady.Error() + ": " + strings.Join(which, "; "), reasons: reasons}
}

// openError is an ErrNotReady with all its reasons.
type openError struct {
	text    string
	reasons []error
}

// Error names the parts.
func (e *openError) Error() string { return e.text }

// Unwrap returns ErrNotReady and the reasons.
func (e *openError) Unwrap() []error { return e.reasons }

// Close sends what waits for the emitter as long as ctx lasts and its connection is not known to be down, then closes all
// connections by force and waits for the goroutines. What was not sent is Dropped, what was in flight Unconfirmed. The
// neighbours are not waited for any more. When it returns nil nothing of the Link is left; else the error is ErrStillRunning:
// a Dialer of the parent ignores its context, or the Handler does not return. It may be called again, and concurrently.
func (l *Link) Close(ctx context.Context) error {
	l.emitter.flush(ctx, l.reserve(ctx))
	return l.end(ctx)
}

// reserve is how much of the time left is kept for closing by force.
func (l *Link) reserve(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	return min(time.Until(deadline)/5, abandonTime)
}

// end closes everything by force and waits for the goroutines.
func (l *Link) end(ctx context.Context) error {
	l.closing.Do(func() {
		l.cancel()
		l.tracker.close()
		l.sys.Go("redis close", func() {
			l.running.Wait()
			close(l.ended)
		})
	})
	select {
	case <-l.ended:
		return nil
	case <-ctx.Done():
	}
	// The time is up, but what was just closed needs a moment to notice.
	last, cancel := l.sys.Clock().Context(context.WithoutCancel(ctx), "redis close", abandonTime)
	defer cancel()
	select {
	case <-l.ended:
		return nil
	case <-last.Done():
		return fmt.Errorf("%w: %s: %w", ErrStillRunning, l.tracker.describe(), ctx.Err())
	}
}

// isClosing tells whether the Link is being closed by force.
func (l *Link) isClosing() bool { return l.ctx.Err() != nil }

// closedOr returns ErrClosed in place of the errors that closing causes.
func (l *Link) closedOr(err error) error {
	if err != nil && l.isClosing() && !errors.Is(err, ErrClosed) {
		return ErrClosed
	}
	return err
}
