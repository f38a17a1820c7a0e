package actors

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// ErrStillRunning is returned by System.Close, System.Stop, Workers.Stop and Workers.WaitBusy when the context ended
// before everything had. The caller may call again with a fresh context; the text names what still runs.
var ErrStillRunning = errors.New("actors: still running")

// Options configures a System. The zero value is valid.
type Options struct {
	// ActorSystem is where the actors live. It is not changed, and Close leaves it alone. nil: the System makes its own,
	// which logs to Logger from Warn on and so never prints a message or a dead letter.
	ActorSystem *actor.ActorSystem
	// Logger gets panics, at Error. nil: nothing is logged.
	Logger *slog.Logger
	// OnPanic is called for each panic that was caught, in the goroutine that panicked. It must be safe for concurrent
	// use and must not block; its own panic is swallowed. nil: not called.
	OnPanic func(where string, recovered any, stack []byte)
}

// System is what all actors of one server share. Several Systems may live in one actor.ActorSystem without touching
// each other. All methods are safe for concurrent use.
type System struct {
	actors     *actor.ActorSystem
	root       *actor.RootContext
	logger     *slog.Logger
	onPanic    func(where string, recovered any, stack []byte)
	clock      *Clock
	workers    *Workers
	goroutines ledger
	panics     atomic.Uint64
}

// NewSystem makes a System. It owns no goroutine and no timer until it is used. Close ends it.
func NewSystem(o Options) *System {
	s := &System{actors: o.ActorSystem, logger: o.Logger, onPanic: o.OnPanic}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	if s.actors == nil {
		s.actors = newActorSystem(s.logger)
	}
	s.root = actor.NewRootContext(s.actors, nil)
	s.clock = &Clock{sys: s}
	s.workers = newWorkers(s)
	return s
}

// newActorSystem makes an actor system that prints no messages: it reports dead letters with their content at Info.
func newActorSystem(logger *slog.Logger) *actor.ActorSystem {
	return actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
			return slog.New(fromWarn{logger.Handler()})
		}),
		// The first dead letter of an interval starts a goroutine that lives as long as the interval.
		actor.WithDeadLetterThrottleInterval(time.Millisecond),
		actor.WithDeadLetterRequestLogging(false),
	)
}

// fromWarn drops what is below slog.LevelWarn.
type fromWarn struct{ slog.Handler }

// Enabled reports whether a record of the level is logged.
func (h fromWarn) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

// WithAttrs keeps the level when attributes are added.
func (h fromWarn) WithAttrs(attrs []slog.Attr) slog.Handler {
	return fromWarn{h.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the level when a group is opened.
func (h fromWarn) WithGroup(name string) slog.Handler { return fromWarn{h.Handler.WithGroup(name)} }

// Actors returns the actor system the actors live in.
func (s *System) Actors() *actor.ActorSystem { return s.actors }

// Root returns the context to spawn and send from outside of actors. It belongs to this System: middleware and guardian
// of the actor system's own root context do not apply. Do not change it.
func (s *System) Root() *actor.RootContext { return s.root }

// Logger returns the logger of the Options, or one that discards. It is never nil.
func (s *System) Logger() *slog.Logger { return s.logger }

// Clock returns the clock that makes all timers of this System.
func (s *System) Clock() *Clock { return s.clock }

// Workers returns the pool that runs user code.
func (s *System) Workers() *Workers { return s.workers }

// Send posts m to pid. It never waits and never allocates by itself; see Inline for what may run before it returns.
// A message to a stopped actor or to nil becomes a dead letter. The receiver owns m afterwards.
func (s *System) Send(pid *actor.PID, m any) {
	if pid == nil {
		s.actors.DeadLetter.SendUserMessage(nil, m)
		return
	}
	s.root.Send(pid, m)
}

// Spawn starts an actor that has no parent and returns its address. Its name begins with prefix and is unique in the
// actor system and unguessable. Its Started runs in another goroutine and may do so after Spawn has returned, except with
// InlineFromStart.
func (s *System) Spawn(props *actor.Props, prefix string) *actor.PID {
	for {
		pid, err := s.root.SpawnNamed(props, s.Name(prefix))
		if err == nil {
			return pid
		}
		if !errors.Is(err, actor.ErrNameExists) {
			panic(fmt.Errorf("actors: spawn %s: %w", prefix, err)) // a spawn middleware of the Props refused
		}
	}
}

// Name returns a fresh name for an actor, to be used with SpawnNamed of an actor's own context: prefix, then something
// unique in the actor system and unguessable.
func (s *System) Name(prefix string) string {
	var secret [8]byte
	_, _ = rand.Read(secret[:]) // never fails
	return prefix + "-" + strconv.FormatUint(binary.LittleEndian.Uint64(secret[:]), 36) + s.actors.ProcessRegistry.NextId()
}

// Go runs fn in a goroutine that is counted under name until it ends. A panic in fn is reported and ends it. The name
// says what the goroutine is for; it is not an identifier: use few of them.
func (s *System) Go(name string, fn func()) {
	a := s.goroutines.account(name)
	a.open()
	go func() {
		defer a.close()
		defer func() {
			if r := recover(); r != nil {
				s.Report(name, r, debug.Stack())
			}
		}()
		fn()
	}()
}

// Running returns the goroutines that have not ended yet, by name: those of Go, and as "worker" those of Workers, parked
// ones included. It is empty after a successful Close. The map belongs to the caller.
func (s *System) Running() map[string]int {
	running := s.goroutines.counts()
	if n := s.workers.alive.value(); n > 0 {
		running[workerName] += n
	}
	return running
}

// Panics returns how many panics were caught so far.
func (s *System) Panics() uint64 { return s.panics.Load() }

// Report is for panics that were recovered: it counts, logs at Error with the stack, and calls Options.OnPanic. where
// says what panicked, in a few words without data of a user.
func (s *System) Report(where string, recovered any, stack []byte) {
	s.panics.Add(1)
	s.logger.Error("panic", slog.String("where", where), slog.String("panic", fmt.Sprint(recovered)),
		slog.String("stack", string(stack)))
	if s.onPanic == nil {
		return
	}
	defer func() { _ = recover() }()
	s.onPanic(where, recovered, stack)
}
