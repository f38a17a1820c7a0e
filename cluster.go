package actio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/redisbridge"
	"github.com/actio-go/actio/redisbridge/format"
)

// Types of the layer below that are part of the API.
type (
	// RedisOptions join a server to others by way of Redis.
	RedisOptions = redisbridge.Options
	// RedisStats counts what went to the other instances and came from them.
	RedisStats = redisbridge.Stats
	// RedisStatus is how the connections to Redis are.
	RedisStatus = redisbridge.Status
	// Adapter is the adapter of Socket.IO whose wire the cluster speaks.
	Adapter = redisbridge.Adapter
	// StreamsOptions are those of the streams adapter.
	StreamsOptions = redisbridge.StreamsOptions
	// SubscriptionMode of the sharded adapter says which rooms have a channel of their own.
	SubscriptionMode = format.SubscriptionMode
	// Missing are the instances that did not answer: by their ids as far as they are instances of actio that are known, else by
	// their number.
	Missing = redisbridge.Missing
)

// The adapters.
const (
	ClassicAdapter = redisbridge.ClassicAdapter
	ShardedAdapter = redisbridge.ShardedAdapter
	StreamsAdapter = redisbridge.StreamsAdapter
)

// The modes of the sharded adapter.
const (
	DynamicMode        = format.DynamicMode
	StaticMode         = format.StaticMode
	DynamicPrivateMode = format.DynamicPrivateMode
)

// ID is the name of this instance in the cluster, as Missing and Health of its neighbours tell it; one that nobody else knows
// without Redis, and empty before Configure.
func (s *Server) ID() string {
	if e := s.live.Load(); e != nil {
		return e.uid
	}
	return ""
}

// registryOptions make the registry tell the bridge of rooms, where the bridge subscribes to rooms.
func (s *Server) registryOptions(e *Engine) roomregistry.Options {
	o := roomregistry.Options{Shards: s.options.RegistryShards, Failed: s.registryFailed, History: s.historyOptions()}
	if r := s.options.Redis; r.Client != nil && r.NeedsRooms() {
		o.OwnRooms = r.NeedsOwnRooms()
		o.RoomChanged = func(namespace, room string, present bool) {
			if bridge := e.bridge.Load(); bridge != nil { // without it there are no sockets yet
				bridge.RoomChanged(namespace, room, present)
			}
		}
	}
	return o
}

// joinCluster connects a server that is not live yet to Redis.
func (s *Server) joinCluster(ctx context.Context, e *Engine) error {
	if s.options.Redis.Client == nil {
		e.uid = format.NewShardedUID()
		return nil
	}
	bridge, err := redisbridge.Start(ctx, e.system, s.redisOptions(), s.options.Identifier, s.namespaces.names(), e.neighbour)
	if err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	e.uid = bridge.UID()
	e.bridge.Store(bridge)
	return nil
}

// announce tells the bridge of a namespace that is new. It is idempotent.
func (s *Server) announce(name string) {
	if e := s.live.Load(); e != nil {
		if bridge := e.bridge.Load(); bridge != nil {
			bridge.AddNamespace(name)
		}
	}
}

// retract tells the bridge of a namespace that has ended.
func (s *Server) retract(name string) {
	if e := s.live.Load(); e != nil {
		if bridge := e.bridge.Load(); bridge != nil {
			bridge.RemoveNamespace(name)
		}
	}
}

// leaveCluster makes the neighbours stop waiting for this instance. It is a courtesy, and bounded.
func (e *Engine) leaveCluster(ctx context.Context) {
	bridge := e.bridge.Load()
	if bridge == nil {
		return
	}
	if err := bridge.Leave(ctx); err != nil {
		e.system.Logger().Warn("neighbours not told of the end", slog.Any("err", err))
	}
}

// closeRedis sends what waits as long as the grace lasts, and closes the connections. What Redis does not take by then is
// dropped and counted, which is no failure of the shutdown unless its own time is over.
func (e *Engine) closeRedis(ctx context.Context) error {
	bridge := e.bridge.Load()
	if bridge == nil {
		return nil
	}
	grace, cancel := e.system.Clock().Context(ctx, "redis grace", e.options.DrainGrace)
	defer cancel()
	err := bridge.Close(grace)
	if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		e.system.Logger().Warn("messages to the cluster dropped", slog.Any("err", err))
		return nil
	}
	return err
}
