package roomregistry

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/actio-go/actio/actors"
)

// sequencer gives all shards the same order of broadcasts. It is the parent of the shards: it restarts them, and learns
// when one is lost. Beside the history it has no state that a panic could harm, so it survives its own. It only passes on, and so
// does it in the goroutine of whoever broadcasts.
type sequencer struct {
	registry *Registry
	guard    actors.Guard
	recorder *recorder       // nil without Options.History
	ready    chan<- struct{} // closed when the shards are spawned
	stopping bool
}

func sequencerProps(r *Registry, ready chan<- struct{}) *actor.Props {
	restart := func(any) actor.Directive { return actor.RestartDirective }
	return actor.PropsFromProducer(func() actor.Actor {
		return &sequencer{registry: r, guard: actors.NewGuard(r.sys, "room registry sequencer"), recorder: newRecorder(r), ready: ready}
	}, actors.Inline(), actor.WithSupervisor(actor.NewOneForOneStrategy(maxRestarts, restartWindow, restart)))
}

// Receive implements actor.Actor.
func (q *sequencer) Receive(ctx actor.Context) {
	defer q.guard.CatchAll(ctx)
	switch m := ctx.Message().(type) {
	case *Broadcast:
		q.broadcast(m)
	case *barrier:
		q.toAll(m)
	case *direct:
		q.registry.sys.Send(m.shard.pid, m)
	case *actor.Started:
		q.spawn(ctx)
	case *actor.Terminated:
		q.lost(m.Who)
	case *actor.Stopping:
		q.stopping = true
		q.recorder.stop()
	case *actor.Stopped, *actor.Restarting:
	default:
		if q.receiveHistory(ctx) {
			return
		}
		q.registry.sys.Logger().Error("room registry sequencer: unknown message", slog.String("type", fmt.Sprintf("%T", m)))
	}
}

func (q *sequencer) spawn(ctx actor.Context) {
	defer close(q.ready)
	for _, s := range q.registry.shards {
		s.pid = ctx.SpawnPrefix(shardProps(q.registry, s), "shard")
	}
}

func (q *sequencer) broadcast(b *Broadcast) {
	if q.recorder != nil {
		b = q.recorder.record(b)
	}
	if b.Socket != "" {
		q.registry.sys.Send(q.registry.Shard(b.Socket).pid, b)
		return
	}
	q.toAll(b)
}

func (q *sequencer) toAll(m any) {
	for _, s := range q.registry.shards {
		q.registry.sys.Send(s.pid, m)
	}
}

// lost handles the end of a shard: unless the registry is stopping, its restarts are exhausted.
func (q *sequencer) lost(pid *actor.PID) {
	if q.stopping {
		return
	}
	for _, s := range q.registry.shards {
		if s.pid.Equal(pid) {
			q.registry.fail(fmt.Errorf("%w: shard %d, more than %d restarts in %v",
				ErrShardFailed, s.index, maxRestarts, restartWindow))
		}
	}
}

// barrier goes the way of a broadcast and tells when all shards have delivered what came before it.
type barrier struct {
	missing atomic.Int32 // shards that it has not passed
	passed  chan struct{}
}

// pass is called once by every shard.
func (b *barrier) pass() {
	if b.missing.Add(-1) == 0 {
		close(b.passed)
	}
}

// Flush returns when every broadcast and direct message accepted before is handed to its members, or ctx ends. It waits
// for shards that are being rebuilt.
func (r *Registry) Flush(ctx context.Context) error {
	b := &barrier{passed: make(chan struct{})}
	b.missing.Store(int32(len(r.shards))) //nolint:gosec // a number of shards
	if !r.closed() {
		r.sys.Send(r.entry, b)
	}
	if err := r.await(ctx, b.passed); err != nil {
		return fmt.Errorf("roomregistry: flush: %w", err)
	}
	return nil
}

// await waits for done, the end of ctx or the end of the registry, whichever comes first; done wins.
func (r *Registry) await(ctx context.Context, done <-chan struct{}) error {
	var err error
	select {
	case <-done:
		return nil
	case <-r.done:
		err = ErrStopped
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	select {
	case <-done:
		return nil
	default:
		return err
	}
}
