package recovery

import (
	"context"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/actors/roomregistry"
)

// Options of a Keeper. All are required.
type Options struct {
	Duration    time.Duration // for which the session of a lost transport is kept
	MaxSessions int           // that are kept at a time; the oldest go first
}

// Keeper is the handle of the keeper's actor. All methods are safe for concurrent use and return at once, but for Stop.
type Keeper struct {
	env    *connection.Env
	pid    *actor.PID
	counts counts
}

var _ connection.Recovery = (*Keeper)(nil)

// Start spawns the keeper and makes it the one that env's connections tell of their sockets. The registry of env must have
// a history.
func Start(env *connection.Env, o Options) *Keeper {
	handle := &Keeper{env: env}
	props := actor.PropsFromProducer(func() actor.Actor {
		k := &keeper{
			guard: actors.NewGuard(env.System, "recovery"), env: env, options: o, counts: &handle.counts,
			sessions: make(map[string]*session),
		}
		k.timer = env.System.Clock().NewTimer("recovery", func() { handle.tell(&expire{}) })
		return k
	}, actors.Queued())
	handle.pid = env.System.Spawn(props, "actio-recovery")
	env.Recovery = handle
	return handle
}

func (k *Keeper) tell(m any) { k.env.System.Send(k.pid, m) }

// Stop stops the actor. Idempotent.
func (k *Keeper) Stop(ctx context.Context) error { return k.env.System.Stop(ctx, k.pid) }

// Kept is how many sessions wait for their clients.
func (k *Keeper) Kept() int { return int(k.counts.kept.Load()) }

// Expired counts the sessions whose clients did not come back in time; Dropped those that went over Options.MaxSessions.
func (k *Keeper) Expired() uint64 { return k.counts.expired.Load() }

// Dropped is explained by Expired.
func (k *Keeper) Dropped() uint64 { return k.counts.dropped.Load() }

// Emit implements connection.Recovery.
func (k *Keeper) Emit(b *roomregistry.Broadcast) { k.env.Registry.Broadcast(b) }

// Opened implements connection.Recovery.
func (k *Keeper) Opened(s *connection.Socket) { k.tell(&opened{socket: s}) }

// Changed implements connection.Recovery: the rooms come with the end.
func (*Keeper) Changed(*connection.Socket, []string) {}

// Ended implements connection.Recovery.
func (k *Keeper) Ended(s *connection.Socket, kept *connection.Kept) {
	k.tell(&ended{socket: s, kept: kept})
}

// Claim implements connection.Recovery.
func (k *Keeper) Claim(c *connection.Claim) { k.tell(&claim{claim: c}) }

// Unclaim implements connection.Recovery.
func (k *Keeper) Unclaim(c *connection.Claim) { k.tell(&unclaim{claim: c}) }

// Spent implements connection.Recovery.
func (k *Keeper) Spent(c *connection.Claim, _ *connection.Kept) { k.tell(&spent{claim: c}) }

// Outlasts implements connection.Recovery.
func (*Keeper) Outlasts() bool { return false }

// Restore implements connection.Recovery: the registry has the history.
func (k *Keeper) Restore(c *connection.Claim, kept *connection.Kept, r *roomregistry.Restore) {
	after, err := kept.After(k.env.Registry, c.Offset)
	if err != nil {
		r.Member.Process.SendUserMessage(nil, &roomregistry.Restored{Member: r.Member, Err: err})
		return
	}
	r.After = after
	k.env.Registry.Restore(r)
}
