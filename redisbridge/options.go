package redisbridge

import (
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actio-go/actio/redisbridge/format"
)

// Defaults of Options.
const (
	DefaultPrefix            = "socket.io"
	DefaultRequestTimeout    = 5 * time.Second
	DefaultReadyTimeout      = 30 * time.Second
	DefaultHeartbeatInterval = 5 * time.Second
	DefaultHeartbeatTimeout  = 12 * time.Second
	DefaultSessionKeyPrefix  = "sio:session:"
	DefaultReplayBytes       = 64 << 20
)

// Adapter is the adapter of Socket.IO whose wire is spoken. All instances of a cluster must agree.
type Adapter uint8

// The adapters.
const (
	ClassicAdapter Adapter = iota // @socket.io/redis-adapter, createAdapter
	ShardedAdapter                // @socket.io/redis-adapter, createShardedAdapter; needs Redis 7
	StreamsAdapter                // @socket.io/redis-streams-adapter
)

// String returns classic, sharded or streams.
func (a Adapter) String() string {
	switch a {
	case ClassicAdapter:
		return "classic"
	case ShardedAdapter:
		return "sharded"
	case StreamsAdapter:
		return "streams"
	default:
		return fmt.Sprintf("Adapter(%d)", uint8(a))
	}
}

// StreamsOptions are those of the streams adapter. The zero value is valid.
type StreamsOptions struct {
	// Name is that of the stream, streamName in Node.js; "" = DefaultPrefix.
	Name string
	// Count is the number of streams, streamCount in Node.js: each namespace has one of Name-0, Name-1 and so on, each of which is
	// read on a connection of its own, and in a Redis Cluster they are on several nodes. 0 = 1: Name itself. All instances must
	// agree. With more than one Node.js cannot use some namespaces: see package format.
	Count int
	// MaxLen is about how many entries a stream keeps, maxLen in Node.js; 0 = 10 000. What is pushed out by newer ones while an
	// instance, or a client that means to recover, has no connection is lost for it.
	MaxLen int
	// ReadCount bounds how many entries are read at a time, readCount in Node.js; 0 = 100.
	ReadCount int
	// BlockTime is how long a reader waits in Redis at a time, blockTimeInMs in Node.js; 0 = 5 s.
	BlockTime time.Duration
	// SessionKeyPrefix begins the keys of sessions, sessionKeyPrefix in Node.js; "" = "sio:session:".
	SessionKeyPrefix string
	// UseShardedPubSub takes the sharded channels of Redis 7 for requests and answers, useShardedPubSub in Node.js.
	UseShardedPubSub bool
}

// Options of a Bridge. Apart from Client the zero value is valid.
type Options struct {
	// Client is the parent of the connections: a *redis.Client for one server or Sentinel, or a *redis.ClusterClient. Its
	// options are taken; the client itself is neither used nor closed. nil: no Redis.
	Client redis.UniversalClient
	// Adapter is the wire that the neighbours speak. The zero value is ClassicAdapter.
	Adapter Adapter
	// Prefix of all channels, key or channelPrefix in Node.js; "" = DefaultPrefix. Applications with different prefixes hear
	// nothing of each other.
	Prefix string
	// RequestTimeout is how long neighbours may take to answer where the caller does not say, and how long a neighbour's
	// request may take here; 0 = DefaultRequestTimeout.
	RequestTimeout time.Duration
	// ReadyTimeout bounds the wait for the connections at the start; 0 = DefaultReadyTimeout.
	ReadyTimeout time.Duration
	// DynamicRooms (classic) listens to the channels of rooms with members only, in place of one pattern for all rooms. An
	// instance listens one round trip to Redis after its first socket has joined: what others send to the room alone until then
	// does not reach that socket, unless they put it there themselves (SocketsJoin).
	DynamicRooms bool
	// SubscriptionMode (sharded) says which rooms have a channel of their own, with the same consequence for their first members as
	// DynamicRooms has. In StaticMode none has.
	SubscriptionMode format.SubscriptionMode
	// SpecificResponses (classic) answers on the channel of the instance that asked, as publishOnSpecificResponseChannel does.
	SpecificResponses bool
	// Streams are the options of the streams adapter.
	Streams StreamsOptions
	// Recovery (streams) is how long the session of a client that is gone is kept in Redis, for it to return on any instance,
	// maxDisconnectionDuration in Node.js; 0: not at all. A server that is configured for the recovery of connections sets it.
	Recovery time.Duration
	// ReplayBytes (streams) bounds the memory of the latest entries of a stream, about, which the clients that come back at the same
	// time read together; 0 = 64 MiB. Who has missed more reads what is before it alone, and one client after another.
	ReplayBytes int
	// SkipUnheard does not publish a message while nobody else is subscribed. What is known of that is up to one
	// HeartbeatInterval old, so that a message just after the start of a neighbour may miss it.
	SkipUnheard bool
	// BufferMessages and BufferBytes bound what waits for Redis to return; 0 = 10 000 and 16 MiB.
	BufferMessages int
	BufferBytes    int
	// HeartbeatInterval is how often instances of actio tell each other that they live, HeartbeatTimeout after which silence
	// one is taken for dead; 0 = DefaultHeartbeatInterval and DefaultHeartbeatTimeout. The timeout must exceed the interval.
	HeartbeatInterval time.Duration
	HeartbeatTimeout  time.Duration
}

// maxStreams bounds Streams.Count: each is a connection.
const maxStreams = 1024

// ErrInvalidOptions is wrapped by what Options.Validate returns.
var ErrInvalidOptions = errors.New("redisbridge: invalid options")

// Validate reports all that is wrong with the options, joined; each error is an ErrInvalidOptions. Without a Client nothing is.
func (o Options) Validate() error {
	if o.Client == nil {
		return nil
	}
	var problems []error
	wrong := func(bad bool, text string) {
		if bad {
			problems = append(problems, fmt.Errorf("%w: %s", ErrInvalidOptions, text))
		}
	}
	wrong(o.Adapter > StreamsAdapter, "Adapter is unknown")
	wrong(o.SubscriptionMode > format.DynamicPrivateMode, "SubscriptionMode is unknown")
	wrong(o.DynamicRooms && o.Adapter != ClassicAdapter, "DynamicRooms is an option of the classic adapter")
	wrong(o.SpecificResponses && o.Adapter != ClassicAdapter, "SpecificResponses is an option of the classic adapter")
	wrong(o.SubscriptionMode != format.DynamicMode && o.Adapter != ShardedAdapter,
		"SubscriptionMode is an option of the sharded adapter")
	streams := o.Adapter == StreamsAdapter
	wrong(o.Streams != StreamsOptions{} && !streams, "Streams are options of the streams adapter")
	wrong(o.Recovery != 0 && !streams, "Recovery is an option of the streams adapter")
	wrong(o.ReplayBytes != 0 && !streams, "ReplayBytes is an option of the streams adapter")
	wrong(o.ReplayBytes < 0, "ReplayBytes is negative")
	wrong(o.Recovery > 0 && o.SkipUnheard, "SkipUnheard does not go with Recovery: what nobody else hears is to be recovered")
	wrong(o.Streams.Count < 0 || o.Streams.Count > maxStreams, fmt.Sprintf("Streams.Count is not in 0 to %d", maxStreams))
	wrong(o.Streams.MaxLen < 0, "Streams.MaxLen is negative")
	wrong(o.Streams.ReadCount < 0, "Streams.ReadCount is negative")
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"Recovery", o.Recovery},
		{"Streams.BlockTime", o.Streams.BlockTime},
		{"RequestTimeout", o.RequestTimeout},
		{"ReadyTimeout", o.ReadyTimeout},
		{"HeartbeatInterval", o.HeartbeatInterval},
		{"HeartbeatTimeout", o.HeartbeatTimeout},
	} {
		wrong(d.value < 0, d.name+" is negative")
	}
	wrong(o.BufferMessages < 0, "BufferMessages is negative")
	wrong(o.BufferBytes < 0, "BufferBytes is negative")
	filled := o.withDefaults()
	wrong(filled.HeartbeatTimeout <= filled.HeartbeatInterval, "HeartbeatTimeout does not exceed HeartbeatInterval")
	return errors.Join(problems...)
}

func (o Options) withDefaults() Options {
	if o.Prefix == "" {
		o.Prefix = DefaultPrefix
	}
	if o.Streams.SessionKeyPrefix == "" {
		o.Streams.SessionKeyPrefix = DefaultSessionKeyPrefix
	}
	if o.ReplayBytes == 0 {
		o.ReplayBytes = DefaultReplayBytes
	}
	for _, d := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{
		{&o.RequestTimeout, DefaultRequestTimeout},
		{&o.ReadyTimeout, DefaultReadyTimeout},
		{&o.HeartbeatInterval, DefaultHeartbeatInterval},
		{&o.HeartbeatTimeout, DefaultHeartbeatTimeout},
	} {
		if *d.value == 0 {
			*d.value = d.fallback
		}
	}
	return o
}

// NeedsRooms reports whether Bridge.RoomChanged is to be called: rooms have channels of their own, which are listened to only
// while they have members here.
func (o Options) NeedsRooms() bool {
	if o.Adapter == ShardedAdapter {
		return o.SubscriptionMode != format.StaticMode
	}
	return o.DynamicRooms // of the classic adapter; with streams no room has a channel
}

// NeedsOwnRooms reports whether Bridge.RoomChanged is to be called also for the own rooms of sockets.
func (o Options) NeedsOwnRooms() bool {
	if o.Adapter == ShardedAdapter {
		return o.SubscriptionMode == format.DynamicPrivateMode
	}
	return o.DynamicRooms
}

// newUID makes the name of this instance in the cluster.
func (o Options) newUID() string {
	if o.Adapter == ClassicAdapter {
		return format.NewClassicUID()
	}
	return format.NewShardedUID()
}

// newRequest makes the id of a request.
func (o Options) newRequest() string { return o.newUID() }

// dialect makes the dialect that the options choose.
func (o Options) dialect(uid string) format.Dialect {
	c := format.Config{Prefix: o.Prefix, UID: uid}
	if o.Adapter == ShardedAdapter {
		return format.Sharded(format.ShardedConfig{Config: c, Mode: o.SubscriptionMode})
	}
	if o.Adapter == StreamsAdapter {
		return o.streamDialect(uid)
	}
	return format.Classic(format.ClassicConfig{
		Config: c, SpecificResponses: o.SpecificResponses, DynamicRooms: o.DynamicRooms,
	})
}

// streamDialect is that of the streams adapter, for an instance with this uid; "" is one to which no entry is its own.
func (o Options) streamDialect(uid string) format.StreamDialect {
	return format.Streams(format.StreamsConfig{
		Config: format.Config{Prefix: o.Prefix, UID: uid}, Stream: o.Streams.Name, Count: o.Streams.Count,
		ShardedChannels: o.Streams.UseShardedPubSub, Echo: o.Recovery > 0,
	})
}
