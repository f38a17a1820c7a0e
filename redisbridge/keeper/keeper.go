package keeper

import (
	"context"
	"errors"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/redisbridge"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/wire"
)

// Options of a Keeper. All are required.
type Options struct {
	// Bridge returns the bridge; nil before it is there.
	Bridge func() *redisbridge.Bridge
	// Data is what the application keeps with a socket. It is called in goroutines of their own, for one session one after
	// another: it may run the application's code.
	Data func(s *connection.Socket) format.Payload
	// Timeout bounds how long a session is looked for, and what was missed.
	Timeout time.Duration
	// Authenticates says that sockets are authenticated here: then sessions of Node.js, which does not do so, are not taken up.
	Authenticates bool
}

// Keeper is the handle of the keeper's actor. All methods are safe for concurrent use and return at once, but for Stop.
type Keeper struct {
	env     *connection.Env
	options Options
	pid     *actor.PID
	life    context.Context //nolint:containedctx // ends with Stop, and with it what is asked of Redis
	end     context.CancelFunc
}

var _ connection.Recovery = (*Keeper)(nil)

// Start spawns the keeper and makes it the one that env's connections tell of their sockets.
func Start(env *connection.Env, o Options) *Keeper {
	k := &Keeper{env: env, options: o}
	k.life, k.end = context.WithCancel(context.Background())
	k.pid = env.System.Spawn(actor.PropsFromProducer(func() actor.Actor {
		return &node{Keeper: k, guard: actors.NewGuard(env.System, "sessions"), sessions: make(map[string]*session)}
	}, actors.Queued()), "actio-sessions")
	env.Recovery = k
	return k
}

func (k *Keeper) tell(m any) { k.env.System.Send(k.pid, m) }

// Stop stops the actor. What it was told before the bridge has been told then, and what was taken for clients that did not get
// it is left to others: that is waited for until ctx ends. The connections must have ended, the bridge must not. Idempotent.
func (k *Keeper) Stop(ctx context.Context) error {
	done := make(chan struct{})
	k.tell(&settle{done: done})
	select {
	case <-done:
	case <-k.life.Done(): // stopped before
	case <-ctx.Done():
	}
	k.end()
	return k.env.System.Stop(context.WithoutCancel(ctx), k.pid)
}

// Outlasts implements connection.Recovery.
func (*Keeper) Outlasts() bool { return true }

// Emit implements connection.Recovery: what is for one socket goes by way of the stream, too.
func (k *Keeper) Emit(b *roomregistry.Broadcast) {
	bridge := k.options.Bridge()
	if bridge == nil {
		k.env.Registry.Broadcast(b)
		return
	}
	array, attachments, _ := b.Message.Event()
	bridge.Emit(&format.Message{
		Kind: format.Broadcast, Namespace: b.Namespace, Target: format.Target{Rooms: []string{b.Socket}},
		Flags: format.Flags{Volatile: b.Volatile, Compress: b.Compress}, Event: format.NewPayload(array, attachments),
	}, nil)
}

// Opened implements connection.Recovery.
func (k *Keeper) Opened(s *connection.Socket) { k.tell(&opened{socket: s}) }

// Changed implements connection.Recovery.
func (k *Keeper) Changed(s *connection.Socket, rooms []string) {
	k.tell(&changed{socket: s, rooms: rooms})
}

// Ended implements connection.Recovery.
func (k *Keeper) Ended(s *connection.Socket, kept *connection.Kept) {
	kept.LetGo() // Redis remembers, for all namespaces
	k.tell(&ended{socket: s, kept: kept})
}

// Claim implements connection.Recovery.
func (k *Keeper) Claim(c *connection.Claim) { k.tell(&claim{claim: c}) }

// Unclaim implements connection.Recovery.
func (k *Keeper) Unclaim(c *connection.Claim) { k.tell(&unclaim{claim: c}) }

// Spent implements connection.Recovery.
func (k *Keeper) Spent(c *connection.Claim, _ *connection.Kept) { k.tell(&spent{claim: c}) }

// Restore implements connection.Recovery: the stream has what was missed.
func (k *Keeper) Restore(c *connection.Claim, kept *connection.Kept, r *roomregistry.Restore) {
	k.env.System.Go("replay", func() {
		ctx, cancel := k.env.System.Clock().Context(k.life, "replay", k.options.Timeout)
		defer cancel()
		err := redisbridge.ErrNoSession
		if bridge := k.options.Bridge(); bridge != nil {
			s := k.sessionOf(kept, format.Payload{})
			end := bridge.Unfiltered()
			defer end()
			limit := redisbridge.ReplayLimit{Bytes: r.MaxBytes, EachBytes: r.EachBytes}
			err = bridge.Replay(ctx, s, kept.Namespace, c.Offset, limit, func(missed []*wire.Prepared) {
				k.env.Registry.Replay(&roomregistry.Replay{Restore: r, Missed: missed})
			})
		}
		if err == nil {
			_ = k.env.Registry.Flush(k.life) // its rooms are known then
		} else {
			r.Member.Process.SendUserMessage(nil, &roomregistry.Restored{Member: r.Member, Err: reason(err)})
		}
	})
}

// reason is an error in words of the layers above.
func reason(err error) error {
	switch {
	case errors.Is(err, redisbridge.ErrNoSession), errors.Is(err, redisbridge.ErrSessionOver), errors.Is(err, errUnfit):
		return connection.ErrSessionUnknown
	case errors.Is(err, redisbridge.ErrNoOffset):
		return connection.ErrOffsetUnknown
	case errors.Is(err, redisbridge.ErrTooMuch):
		return connection.ErrHistoryTooMuch
	case errors.Is(err, context.DeadlineExceeded):
		return connection.ErrRecoveryTimeout
	default:
		return connection.ErrHistoryLost
	}
}
