package link

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/redisbridge/format"
)

// Errors of this package; what is returned wraps one of them.
var (
	// ErrClient: the parent is nil, or of a kind that cannot be duplicated.
	ErrClient = errors.New("redisbridge: client cannot be duplicated")
	// ErrNotReady: Open gave up; the text names which of the connections and why.
	ErrNotReady = errors.New("redisbridge: no connection to Redis")
	// ErrDown: the connection that would be needed is down.
	ErrDown = errors.New("redisbridge: connection to Redis is down")
	// ErrClosed: the Link is closed.
	ErrClosed = errors.New("redisbridge: link closed")
	// ErrNotWanted: Subscribed was asked for something that Subscribe was not called for, or Unsubscribe was.
	ErrNotWanted = errors.New("redisbridge: not subscribed to")
	// ErrWanted: Unsubscribed was asked for something that is still subscribed to.
	ErrWanted = errors.New("redisbridge: still subscribed to")
	// ErrUncountable: Redis does not count the subscribers of patterns.
	ErrUncountable = errors.New("redisbridge: subscribers of a pattern cannot be counted")
	// ErrStillRunning: the context of Close ended before everything had; the text says what has not.
	ErrStillRunning = errors.New("redisbridge: link still running")
)

// Options configures a Link.
type Options struct {
	// Client is the parent: a *redis.Client, of one server or of Sentinel, or a *redis.ClusterClient. Its options are copied; it
	// is not used to send anything and is not closed. The dialer of a Sentinel client asks the parent's sentinels for the
	// master, so leave such a parent open as long as the Link.
	Client redis.UniversalClient
	// Name goes to CLIENT SETNAME, followed by ":emitter", ":publish" or ":subscribe". Spaces are replaced. "": "actio".
	Name string
	// Buffer bounds how many frames wait for the emitter while its connection is down. 0: 10 000.
	Buffer int
	// BufferBytes bounds, at any time, the bytes of channel and payload that wait for the emitter, plus 64 for each frame; the
	// same bound applies to those that wait for the publisher, which takes a larger one when nothing waits. 0: 16 MiB.
	BufferBytes int
	// CommandTimeout bounds one round trip. 0: 3 s. A silent connection counts as broken after at most a second more.
	CommandTimeout time.Duration
	// Resume is how long a broken emitter, connected again, waits for the neighbours to be subscribed again. 0: 3.5 s, which with
	// the pause before the connection is less than 5 s after Redis has come back; < 0: not at all.
	Resume time.Duration
	// MaxBackoff bounds the pause between two attempts to connect, which begins with 50 ms and doubles. The time that the first
	// of them took is part of it: a silent Redis has an attempt waiting for it nearly always. 0: 1 s.
	MaxBackoff time.Duration
	// Census returns the channels whose subscribers are the neighbours. It is called about once a second and must not block.
	// nil: there is nobody to wait for.
	Census func() []format.Subscription
	// Streams are what is read and written of streams; nil: nothing.
	Streams *Streams
	// Home is a channel. In a cluster, what belongs to no slot goes by way of the node that serves its slot, as long as that can be
	// reached when it is looked for, and comes from there: name the same for all instances.
	Home string
}

// Part is one of the connections. In a cluster each is as many connections as it needs nodes.
type Part uint8

// The parts.
const (
	EmitterPart   Part = iota // buffered and accounted for: Emit
	PublishPart               // Publish and Count
	SubscribePart             // Subscribe
	StreamPart                // Options.Streams: one connection for each; always up when there are none
	parts
)

// String returns emitter, publish, subscribe or stream, as in the name of the connection.
func (p Part) String() string {
	switch p {
	case EmitterPart:
		return "emitter"
	case PublishPart:
		return "publish"
	case SubscribePart:
		return "subscribe"
	case StreamPart:
		return "stream"
	default:
		return "unknown"
	}
}

// Outcome is what became of an emitted frame.
type Outcome uint8

// The outcomes.
const (
	// Delivered: Redis confirmed it. Who was subscribed got it, as far as Redis promises that. An entry of a stream is there, and
	// its ID is that which Redis gave it.
	Delivered Outcome = iota + 1
	// Dropped: it was never executed. The buffer was full, Redis refused it, it was not wanted any more (EmitUntil), or the Link was
	// closed before it was sent.
	Dropped
	// Unconfirmed: it was in flight when the connection broke, or went to a node of a cluster that another had replaced. It may have
	// been executed, or heard, and is not sent again.
	Unconfirmed
)

// String returns the outcome in one lower-case word.
func (o Outcome) String() string {
	switch o {
	case Delivered:
		return "delivered"
	case Dropped:
		return "dropped"
	case Unconfirmed:
		return "unconfirmed"
	default:
		return "unknown"
	}
}

// Handler is told what arrives. Its methods are called in goroutines of the Link, which they must not keep for long, and may
// be called before Open has returned.
type Handler interface {
	// Received is called for each message, one at a time and in the order of arrival. The payload is the callee's.
	Received(channel string, payload []byte)
	// Changed is called once for each change: err is why the part is down (Reason tells what keeps it down); nil: it is up and,
	// for SubscribePart, subscribed to everything again that it was subscribed to. All parts count as up when Open returns;
	// that is not a change. The calls for one part follow one another, those for different parts may overlap.
	Changed(p Part, err error)
}

// Stats counts since Open. At any moment, and so also when all is quiet, Emitted is the sum of Delivered, Dropped, Unconfirmed
// and Buffered.
type Stats struct {
	// Of what Emit was given: see there what becomes of it.
	Emitted     uint64 // calls of Emit
	Delivered   uint64
	Dropped     uint64
	Unconfirmed uint64
	Buffered    uint64 // waiting or in flight now
	// BufferedBytes is what Buffered holds, as Options.BufferBytes counts.
	BufferedBytes uint64
	Published     uint64 // calls of Publish
	PublishLost   uint64 // of them known or feared to be lost
	Received      uint64 // messages handed to the Handler
	Reconnects    uint64 // connections made to replace one that was lost, all parts
	// Resubscriptions counts subscriptions that were confirmed anew after they were lost.
	Resubscriptions uint64
}

// Link is three connections to Redis that come back by themselves. Its methods are safe for concurrent use.
type Link struct {
	sys        *actors.System
	o          Options
	handler    Handler
	source     *source
	tracker    tracker
	topology   *topology // nil: no cluster
	emitter    *emitter
	publisher  *publisher
	subscriber *subscriber
	streams    *streams
	jobs       chan job // of Run
	ranges     chan job // of Range
	states     [parts]partState
	reconnects atomic.Uint64

	ctx     context.Context //nolint:containedctx // ends with the Link, whose goroutines have no caller
	cancel  context.CancelFunc
	running sync.WaitGroup // the goroutines of the three parts and of the survey

	closing sync.Once
	ended   chan struct{} // closed when no goroutine is left
}

// Emit sends a frame after those emitted before, now or when the connection is back. It never blocks. settled, if not nil, is
// called exactly once, in another goroutine or before Emit returns, and must not block. The payload must not be changed
// until then. While the connection is down and Options.Buffer frames wait, and whenever Options.BufferBytes would be exceeded,
// the new frame is Dropped and those that wait stay.
func (l *Link) Emit(f format.Frame, settled func(Outcome)) {
	l.emitter.emit(emission{frame: f, settled: settled})
}

// EmitUntil is Emit, except that the frame is Dropped if over is closed before it is sent.
func (l *Link) EmitUntil(over <-chan struct{}, f format.Frame, settled func(Outcome)) {
	l.emitter.emit(emission{frame: f, settled: settled, over: over})
}

// Publish sends a frame after those published before, if the connection is up: else it is lost, which Stats.PublishLost
// counts. It never blocks. The payload must not be changed afterwards.
func (l *Link) Publish(f format.Frame) { l.publisher.publish(f) }

// Count asks how many connections are subscribed to each of subs, which are no patterns, in the whole cluster. Errors:
// ErrUncountable, ErrDown, ErrClosed, and ctx's.
func (l *Link) Count(ctx context.Context, subs []format.Subscription) ([]int, error) {
	return l.publisher.count(ctx, subs)
}

// Expect says how many instances are known to be there, this one included, and has the channels of the census counted at once.
// Until that is done, an emitter that breaks and comes back waits for so many subscribers of each of them. It never blocks.
func (l *Link) Expect(instances int) { l.publisher.expect(instances) }

// Subscribe adds to what the Link is subscribed to, in this order, now and after every reconnection. It never blocks. What is
// subscribed to already stays where it is.
func (l *Link) Subscribe(subs ...format.Subscription) { l.subscriber.want(subs) }

// Unsubscribe takes away from what the Link is subscribed to. It never blocks; messages that are on their way still arrive.
func (l *Link) Unsubscribe(subs ...format.Subscription) { l.subscriber.unwant(subs) }

// Subscribed waits until Redis has confirmed the subscriptions. Errors: ErrNotWanted, ErrClosed, what Redis says when it does not
// allow one of them, which is tried again all the same, and ctx's.
func (l *Link) Subscribed(ctx context.Context, subs ...format.Subscription) error {
	return l.subscriber.awaitOn(ctx, subs)
}

// Unsubscribed waits until Redis does not count this Link among the subscribers any more. Errors: ErrWanted, ErrClosed, and
// ctx's.
func (l *Link) Unsubscribed(ctx context.Context, subs ...format.Subscription) error {
	return l.subscriber.awaitOff(ctx, subs)
}

// Reason says why a part is down, as of its last attempt to come back; nil: it is up.
func (l *Link) Reason(p Part) error {
	if p >= parts {
		return nil
	}
	_, err := l.states[p].get()
	return err
}

// Stats returns the counters.
func (l *Link) Stats() Stats {
	s := Stats{Reconnects: l.reconnects.Load()}
	l.emitter.stats(&s)
	l.publisher.stats(&s)
	l.subscriber.stats(&s)
	return s
}
