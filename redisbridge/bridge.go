package redisbridge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/redis/go-redis/v9"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/link"
)

// linkage is what the bridge needs of a *link.Link.
type linkage interface {
	Emit(f format.Frame, settled func(link.Outcome))
	EmitUntil(over <-chan struct{}, f format.Frame, settled func(link.Outcome))
	Publish(f format.Frame)
	Count(ctx context.Context, subs []format.Subscription) ([]int, error)
	Expect(instances int)
	Subscribe(subs ...format.Subscription)
	Unsubscribe(subs ...format.Subscription)
	Subscribed(ctx context.Context, subs ...format.Subscription) error
	Unsubscribed(ctx context.Context, subs ...format.Subscription) error
	Hold(stream string, f func(last format.EntryID))
	Run(ctx context.Context, key string, do func(ctx context.Context, conn *redis.Conn) error) error
	Range(ctx context.Context, r link.Range) ([]*format.Entry, error)
	Nodes(keys []string) [][]int
	Reason(p link.Part) error
	Stats() link.Stats
	Close(ctx context.Context) error
}

// opener opens a linkage, as link.Open does.
type opener func(
	ctx context.Context, h link.Handler, s *link.Streams, census func() []format.Subscription, base []format.Subscription,
) (linkage, error)

// Bridge is the handle of the actor that joins this instance to the others. All its methods are safe for concurrent use.
type Bridge struct {
	sys     *actors.System
	options Options
	uid     string
	dialect format.Dialect
	entries format.StreamDialect // dialect, where it has streams; else nil
	in      Instance
	pid     *actor.PID

	link    atomic.Pointer[linkage]               // nil until it is open
	view    atomic.Pointer[view]                  // what the actor lets everybody know
	heard   atomic.Pointer[map[string]bool]       // by namespace, whether somebody else listens; nil: not known
	scope   atomic.Pointer[[]format.Subscription] // the census of every namespace
	count   counters                              // what Stats returns
	echo    echoes                                // what was added to streams and has not come back, with Options.Recovery
	past    pasts                                 // what clients that come back may have missed, with Options.Recovery
	wide    atomic.Int32                          // calls of Unfiltered
	holders atomic.Uint64                         // how many NewHolder has made
	scripts scripts                               // that Redis runs
	fresh   freshRooms                            // those that sockets of neighbours have just been put into
	limit   actors.LogLimit                       // of what neighbours can make us log
	known   actors.LogLimit                       // of their coming and going
	life    context.Context                       //nolint:containedctx // ends with Close, and with it all that is done for neighbours
	end     context.CancelCauseFunc               // ends life
	left    atomic.Bool                           // Leave has been called

	closing sync.Once
	closed  chan struct{} // Close is over
	outcome error         // of Close; set before closed is closed
}

// Start connects this instance to the others. It returns when all connections to Redis are up and the channels of the given
// namespaces are listened to, at most after Options.ReadyTimeout; if that fails, nothing is left open and the error says which
// connection it was. identifier names the connections in CLIENT LIST. The Instance may be called before Start returns.
func Start(ctx context.Context, sys *actors.System, o Options, identifier string, namespaces []string, in Instance) (*Bridge, error) {
	if o.Client == nil {
		return nil, fmt.Errorf("%w: Client is nil", ErrInvalidOptions)
	}
	return start(ctx, sys, o, namespaces, in, func(
		ctx context.Context, h link.Handler, s *link.Streams, census func() []format.Subscription, base []format.Subscription,
	) (linkage, error) {
		l, err := link.Open(ctx, sys, link.Options{
			Client: o.Client, Name: identifier, Buffer: o.BufferMessages, BufferBytes: o.BufferBytes, Census: census,
			Home: base[0].Name, Streams: s,
		}, h, base)
		if err != nil {
			return nil, err
		}
		return l, nil
	})
}

func start(ctx context.Context, sys *actors.System, o Options, namespaces []string, in Instance, open opener) (*Bridge, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	b := &Bridge{sys: sys, options: o.withDefaults(), in: in, closed: make(chan struct{}), scripts: newScripts()}
	b.uid = b.options.newUID()
	b.dialect = b.options.dialect(b.uid)
	b.entries, _ = b.dialect.(format.StreamDialect)
	b.past.begin(b.options)
	b.life, b.end = context.WithCancelCause(context.Background())
	b.view.Store(&view{})
	b.scope.Store(new([]format.Subscription))
	b.pid = spawn(b)
	ctx, cancel := sys.Clock().Context(ctx, "redis ready", b.options.ReadyTimeout)
	defer cancel()
	if err := b.connect(ctx, namespaces, open); err != nil {
		// ctx may be over, but what is to be ended here does not wait for Redis.
		brief, cancel := sys.Clock().Context(context.WithoutCancel(ctx), "redis stop", stopTimeout)
		defer cancel()
		return nil, errors.Join(fmt.Errorf("redisbridge: start: %w", err), b.shut(brief))
	}
	return b, nil
}

// connect opens the connections and listens to the namespaces. The link begins with the members' channel alone, so that
// nothing asks us anything before we can answer. It is the same for all instances.
func (b *Bridge) connect(ctx context.Context, namespaces []string, open opener) error {
	l, err := open(ctx, handler{b}, b.streaming(), b.census, []format.Subscription{b.dialect.Members()})
	if err != nil {
		return err
	}
	b.link.Store(&l)
	var wanted []format.Subscription
	for _, n := range namespaces {
		b.AddNamespace(n)
		wanted = append(wanted, b.dialect.Channels(n)...)
	}
	listening := make(chan struct{})
	b.tell(&opened{listening: listening})
	if err := b.await(ctx, listening); err != nil {
		return err
	}
	if err := l.Subscribed(ctx, wanted...); err != nil {
		if why := l.Reason(link.SubscribePart); why != nil && ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", why, err)
		}
		return fmt.Errorf("subscribe: %w", err)
	}
	b.tell(&hello{})
	return nil
}

// handler is the Bridge as its link sees it.
type handler struct{ *Bridge }

// UID is the name of this instance among the others.
func (b *Bridge) UID() string { return b.uid }

// AddNamespace listens to the channels of a namespace from now on. It never blocks, and is idempotent.
func (b *Bridge) AddNamespace(name string) { b.tell(&addNamespace{name: name}) }

// RemoveNamespace listens to the channels of a namespace no longer. What neighbours have sent by then still arrives. It never
// blocks, and is idempotent; calls for one namespace take effect in their order.
func (b *Bridge) RemoveNamespace(name string) { b.tell(&removeNamespace{name: name}) }

// RoomChanged says that the first local socket has come into a room, or the last has left it; calls for one room must be
// made in the order of what they say. It never blocks. Only to be called when Options.NeedsRooms, for rooms that are the own
// room of a socket only when Options.NeedsOwnRooms.
func (b *Bridge) RoomChanged(namespace, room string, present bool) {
	b.tell(&roomChanged{namespace: namespace, room: room, present: present})
}

// Stats returns the counters.
func (b *Bridge) Stats() Stats {
	v := b.view.Load()
	s := b.count.stats()
	s.Peers, s.Namespaces, s.Rooms = len(v.peers), v.namespaces, v.rooms
	if l := b.link.Load(); l != nil {
		s.Link = (*l).Stats()
	}
	return s
}

// Status tells how the bridge is.
func (b *Bridge) Status() Status {
	v := b.view.Load()
	s := Status{Up: v.health.up(), Since: v.health.since, Peers: slices.Clone(v.peers)}
	if l := b.link.Load(); l != nil {
		s.Reasons = v.health.reasons((*l).Reason)
		s.Buffered = int((*l).Stats().Buffered) //nolint:gosec // bounded by Options.BufferMessages
	}
	if b.life.Err() != nil {
		s.Up, s.Reasons = false, []string{ErrClosed.Error()}
	}
	return s
}

// Close ends everything: requests that wait return ErrClosed, what neighbours asked is given up, and what waits to be sent is
// flushed while ctx lasts and counted as dropped then. When it returns no goroutine and no connection of the bridge is left.
// Idempotent: later calls wait for the first. Leave should be called before.
func (b *Bridge) Close(ctx context.Context) error {
	first := false
	b.closing.Do(func() { first = true })
	if first {
		b.outcome = b.shut(ctx)
		close(b.closed)
		return b.outcome // also when ctx is over by now: it says what is left
	}
	select {
	case <-b.closed:
		return b.outcome
	case <-ctx.Done():
		return fmt.Errorf("redisbridge: close: %w", context.Cause(ctx))
	}
}

// stopTimeout bounds the wait for the actor, which waits for nothing.
const stopTimeout = 2 * time.Second

func (b *Bridge) shut(ctx context.Context) error {
	b.flushSessions(ctx)
	b.end(ErrClosed)
	var closed error
	if l := b.link.Load(); l != nil {
		if err := (*l).Close(ctx); err != nil {
			closed = fmt.Errorf("redisbridge: close: %w", err)
		}
	}
	b.echo.end()
	brief, cancel := b.sys.Clock().Context(context.WithoutCancel(ctx), "redis stop", stopTimeout)
	defer cancel()
	// What came last from the link may hold on to something: it is let go of before the rest of the mailbox is dropped.
	done := make(chan struct{})
	b.tell(&over{done: done})
	select {
	case <-done:
	case <-brief.Done():
	}
	if err := b.sys.Stop(brief, b.pid); err != nil {
		return errors.Join(closed, fmt.Errorf("redisbridge: close: %w", err))
	}
	return closed
}

func (b *Bridge) tell(m any) { b.sys.Send(b.pid, m) }

// await waits until done is closed; ErrClosed when the bridge is closed before.
func (b *Bridge) await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-b.life.Done():
		return ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// census is what the link counts the subscribers of.
func (b *Bridge) census() []format.Subscription { return *b.scope.Load() }
