package roomregistry

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/actio-go/actio/actors"
)

// Errors of the registry.
var (
	// ErrStopped is returned by what waits for a registry that is stopped or has failed: nothing will come any more.
	ErrStopped = errors.New("roomregistry: stopped")
	// ErrShardFailed is given to Options.Failed when the restarts of a shard are exhausted, and returned by a query that
	// met the crash of a shard: the query may be repeated, the registry may not.
	ErrShardFailed = errors.New("roomregistry: shard failed")
	// ErrEmptyRoom: a room needs a name.
	ErrEmptyRoom = errors.New("actio: empty room name")
)

// Defaults of Options.
const (
	DefaultHoldLimit      = 16384
	DefaultRebuildTimeout = 2 * time.Second
)

const (
	maxRestarts   = 10
	restartWindow = 10 * time.Second
)

// Options of a registry. The zero value is ready to use.
type Options struct {
	// Shards is the number of shards; 0 or less = GOMAXPROCS.
	Shards int
	// HoldLimit is the number of broadcasts a shard holds while it is rebuilt; those over it are dropped and counted by
	// Registry.Dropped. 0 or less = DefaultHoldLimit.
	HoldLimit int
	// RebuildTimeout is how long a restarted shard waits for the announcements of all connections before it delivers to
	// those it knows. 0 or less = DefaultRebuildTimeout.
	RebuildTimeout time.Duration
	// RoomChanged, if not nil, is told when the first socket of the registry is in a room (present) and when the last has
	// left it. The calls for one room come one after another, in the right order; a crash of a shard causes none for a
	// room that has members before and after it. It is called in the shards' goroutines, before the Join that makes the
	// room is Done and before a broadcast can reach its member there. It must not block.
	RoomChanged func(namespace, room string, present bool)
	// OwnRooms has RoomChanged be told of the room that each socket is in by its id too.
	OwnRooms bool
	// History, if not nil, has every event that wants no acknowledgement carry an offset, as its last argument, and what may not
	// be lost remembered, for sockets that come back: see Restore.
	History *HistoryOptions
	// Failed, if not nil, is called at most once, when the restarts of a shard are exhausted; the error is an
	// ErrShardFailed. The registry is closed then as by Stop, except that Stop must still be called. Failed runs on a
	// goroutine of the System and so must not wait for System.Close.
	Failed func(error)
}

func (o Options) withDefaults() Options {
	if o.Shards <= 0 {
		o.Shards = runtime.GOMAXPROCS(0)
	}
	if o.HoldLimit <= 0 {
		o.HoldLimit = DefaultHoldLimit
	}
	if o.RebuildTimeout <= 0 {
		o.RebuildTimeout = DefaultRebuildTimeout
	}
	return o
}

// Registry is the handle of the registry's actors. All its methods are safe for concurrent use, in Receive of an actor
// too as far as they do not wait (those with a context wait).
type Registry struct {
	sys     *actors.System
	options Options
	seed    maphash.Seed
	shards  []*Shard
	root    *actor.PID // the sequencer
	entry   *actor.PID // whoever orders: the sequencer, or the only shard
	source  atomic.Pointer[actor.PID]
	dropped atomic.Uint64
	rolls   rolls
	changes *changes  // nil without RoomChanged
	history *eventLog // nil without Options.History
	closing sync.Once
	done    chan struct{}
}

// Start spawns the actors of a registry and returns when they are ready.
func Start(sys *actors.System, o Options) *Registry {
	r := &Registry{sys: sys, options: o.withDefaults(), seed: maphash.MakeSeed(), done: make(chan struct{})}
	for i := range r.options.Shards {
		r.shards = append(r.shards, &Shard{index: i, seed: r.seed})
	}
	r.changes = newChanges(r)
	if o.History != nil {
		r.history = newEventLog(*o.History)
	}
	ready := make(chan struct{})
	r.root = sys.Spawn(sequencerProps(r, ready), "registry")
	<-ready
	r.entry = r.root
	if len(r.shards) == 1 && r.history == nil {
		r.entry = r.shards[0].pid
	}
	return r
}

// SetSource names the actor that gets Rebuild: the one that knows all connections. Without a source a shard that crashed
// goes on empty.
func (r *Registry) SetSource(pid *actor.PID) { r.source.Store(pid) }

// Stop closes the registry and stops its actors; it returns when they are gone or ctx ends. Broadcasts that are not yet
// delivered are discarded: call Flush before. Idempotent.
func (r *Registry) Stop(ctx context.Context) error {
	r.close()
	if err := r.sys.Stop(ctx, r.root); err != nil {
		return fmt.Errorf("roomregistry: stop: %w", err)
	}
	return nil
}

// Done is closed when Stop is called or the registry has failed: Done functions of messages under way may never be
// called.
func (r *Registry) Done() <-chan struct{} { return r.done }

// Dropped counts the broadcasts that were dropped, once per shard that dropped it: over the HoldLimit, in a delivery
// that crashed, or (all shards at once) because the registry was closed.
func (r *Registry) Dropped() uint64 { return r.dropped.Load() }

// Shard returns the shard that owns the socket, always the same for one socket id.
func (r *Registry) Shard(socketID string) *Shard {
	if len(r.shards) == 1 {
		return r.shards[0]
	}
	return r.shards[maphash.String(r.seed, socketID)%uint64(len(r.shards))]
}

// Broadcast hands b to its audience. It never blocks. A broadcast without a message is ignored; one to a closed
// registry is dropped and counted. With a Roll, Begin was called when it returns.
func (r *Registry) Broadcast(b *Broadcast) {
	if b == nil {
		r.sys.Logger().Error("broadcast without a message ignored")
		return
	}
	if b.Message == nil {
		r.sys.Logger().Error("broadcast without a message ignored")
		r.refuse(b.Roll)
		return
	}
	if r.closed() {
		r.dropped.Add(uint64(len(r.shards)))
		r.refuse(b.Roll)
		return
	}
	if b.Roll != nil {
		called := *b
		called.call = r.begin(b.Roll)
		b = &called
	}
	if b.Socket != "" {
		r.Shard(b.Socket).broadcasts.Add(1)
		r.sys.Send(r.entry, b)
		return
	}
	for _, s := range r.shards {
		s.broadcasts.Add(1)
	}
	r.sys.Send(r.entry, b)
}

// Direct sends m to the connection `to` of a socket that s owns, so that it overtakes neither broadcasts nor earlier
// direct messages to the same connection: straight when the shard has none of them undelivered, else through sequencer
// and shard. It never blocks and, on the straight way, does not allocate.
func (r *Registry) Direct(s *Shard, to actors.Address, m any) {
	lane, straight := s.admit(to)
	if straight || r.closed() {
		to.Send(m)
		return
	}
	s.enter(lane)
	r.sys.Send(r.entry, &direct{shard: s, to: to, lane: lane, message: m})
}

// close makes the registry refuse work; it reports whether this call did it.
func (r *Registry) close() (first bool) {
	r.closing.Do(func() {
		first = true
		close(r.done)
	})
	return first
}

func (r *Registry) closed() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// fail closes the registry because a shard is lost for good.
func (r *Registry) fail(err error) {
	if !r.close() {
		return
	}
	r.sys.Logger().Error("room registry failed", slog.Any("err", err))
	if r.options.Failed != nil {
		r.sys.Go("registry failed", func() { r.options.Failed(err) })
	}
}
