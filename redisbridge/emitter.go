package redisbridge

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/link"
	"github.com/actio-go/actio/wire"
)

// EmitterOptions say how the servers are configured that an Emitter speaks to. The zero value is that of the classic adapter.
type EmitterOptions struct {
	// Adapter is that of the servers.
	Adapter Adapter
	// Prefix is that of the servers; "" = DefaultPrefix.
	Prefix string
	// SubscriptionMode is that of the servers (sharded).
	SubscriptionMode format.SubscriptionMode
	// Streams are those of the servers (streams): Name, Count, MaxLen and UseShardedPubSub.
	Streams StreamsOptions
}

// Emitter speaks to the servers of a cluster from a program that has none, as @socket.io/redis-emitter does. It is immutable:
// its methods return another one and leave their receiver as it was, so that it can be kept, shared and reused. It is safe for
// concurrent use. It keeps nothing open and owns nothing: each call publishes one message with the client that it was made
// with, and returns what Redis said of it. That says nothing of whether anybody got the message. Nothing is sent twice, whatever
// the client's MaxRetries: when the connection breaks before Redis has answered the call returns an error, and the message may
// have been sent or not. Calls one after the other take
// effect in that order, except in a Redis Cluster, where different channels are served by different nodes, and except that
// servers whose rooms have channels of their own (see SubscriptionMode and DynamicRooms in Options) hear a room one round trip
// after it has got its first member there.
type Emitter struct {
	client    redis.UniversalClient
	dialect   format.Dialect
	maxLen    int // of streams
	namespace string
	target    Target
	addressed bool // to rooms or a user, of which there may be none
	flags     format.Flags
	problem   error // in how it was put together
}

// NewEmitter makes an Emitter for the namespace "/", that publishes with the given client. Errors: ErrInvalidOptions.
func NewEmitter(client redis.UniversalClient, o EmitterOptions) (*Emitter, error) {
	if client == nil {
		return nil, fmt.Errorf("%w: client is nil", ErrInvalidOptions)
	}
	all := Options{
		Client: client, Adapter: o.Adapter, Prefix: o.Prefix, SubscriptionMode: o.SubscriptionMode, Streams: o.Streams,
	}
	if err := all.Validate(); err != nil {
		return nil, err
	}
	all = all.withDefaults()
	return &Emitter{client: client, dialect: all.dialect(format.Emitter), maxLen: all.Streams.MaxLen, namespace: "/"}, nil
}

func (e *Emitter) with(change func(*Emitter)) *Emitter {
	other := *e
	change(&other)
	return &other
}

// Of addresses another namespace; a missing leading slash is added.
func (e *Emitter) Of(namespace string) *Emitter {
	if namespace == "" || namespace[0] != '/' {
		namespace = "/" + namespace
	}
	return e.with(func(o *Emitter) { o.namespace = namespace })
}

// To adds rooms: a socket that is in any of them is addressed, once. A socket's id is a room too. Without any, nobody is
// addressed unless rooms are added otherwise: a list that was computed and is empty must not reach everybody. Empty names are no
// rooms.
func (e *Emitter) To(rooms ...string) *Emitter {
	return e.with(func(o *Emitter) { o.addressed, o.target = true, o.target.With(rooms...) })
}

// In is To.
func (e *Emitter) In(rooms ...string) *Emitter { return e.To(rooms...) }

// ToUser adds the sockets of a user, which only servers of actio know. The empty user is nobody. A second user is an error
// (ErrTwoUsers) of whatever the Emitter is used for.
func (e *Emitter) ToUser(user string) *Emitter {
	return e.with(func(o *Emitter) {
		o.addressed = true
		target, err := o.target.WithUser(user)
		if err != nil {
			o.problem = err
		}
		o.target = target
	})
}

// Except excludes the sockets that are in any of the rooms.
func (e *Emitter) Except(rooms ...string) *Emitter {
	return e.with(func(o *Emitter) { o.target = o.target.Without(rooms...) })
}

// Volatile makes the event one that may be lost: a client that is not ready for it does not get it.
func (e *Emitter) Volatile() *Emitter { return e.with(func(o *Emitter) { o.flags.Volatile = true }) }

// Compress makes the event compressed where a client negotiated it.
func (e *Emitter) Compress() *Emitter { return e.with(func(o *Emitter) { o.flags.Compress = true }) }

// Emit sends an event to the addressed sockets. Errors: wire.ErrReservedEvent, what the encoding of an argument returned, what
// Redis returned, and that of ctx.
func (e *Emitter) Emit(ctx context.Context, event string, args ...any) error {
	if wire.IsReserved(event) {
		return fmt.Errorf("%w: %q", wire.ErrReservedEvent, event)
	}
	payload, err := encodeEvent(event, args)
	if err != nil {
		return err
	}
	return e.publish(ctx, &format.Message{Kind: format.Broadcast, Flags: e.flags, Event: payload})
}

// SocketsJoin puts the addressed sockets into rooms. Errors: ErrEmptyRoom (then nothing is sent), what Redis returned, and that
// of ctx.
func (e *Emitter) SocketsJoin(ctx context.Context, rooms ...string) error {
	switch {
	case slices.Contains(rooms, ""):
		return fmt.Errorf("redisbridge: emitter: sockets join: %w", ErrEmptyRoom)
	case len(rooms) == 0:
		return nil
	}
	return e.publish(ctx, &format.Message{Kind: format.Join, Rooms: rooms})
}

// SocketsLeave takes the addressed sockets out of rooms. Empty names are no rooms.
func (e *Emitter) SocketsLeave(ctx context.Context, rooms ...string) error {
	rooms = slices.DeleteFunc(slices.Clone(rooms), func(name string) bool { return name == "" })
	if len(rooms) == 0 {
		return nil
	}
	return e.publish(ctx, &format.Message{Kind: format.Leave, Rooms: rooms})
}

// DisconnectSockets ends the addressed sockets; closeConnections ends their connections with all their namespaces.
func (e *Emitter) DisconnectSockets(ctx context.Context, closeConnections bool) error {
	return e.publish(ctx, &format.Message{Kind: format.Disconnect, Close: closeConnections})
}

// ServerSideEmit hands an event to the handlers of all servers that have the namespace; whom the Emitter addresses does not
// matter. Nobody can answer it.
func (e *Emitter) ServerSideEmit(ctx context.Context, event string, args ...any) error {
	payload, err := encodeEvent(event, args)
	if err != nil {
		return err
	}
	return e.send(ctx, &format.Message{Kind: format.ServerEvent, Event: payload})
}

func encodeEvent(event string, args []any) (format.Payload, error) {
	array, attachments, err := wire.EncodeArgs(append([]any{event}, args...)...)
	if err != nil {
		return format.Payload{}, fmt.Errorf("redisbridge: emit %q: %w", event, err)
	}
	return format.NewPayload(array, attachments), nil
}

// publish sends a message to the addressed sockets, if there are any.
func (e *Emitter) publish(ctx context.Context, m *format.Message) error {
	if e.problem != nil {
		return fmt.Errorf("redisbridge: emitter: %w", e.problem)
	}
	if e.addressed && e.target.All() {
		return nil
	}
	m.Target = e.target
	return e.send(ctx, m)
}

// once is a command that the client does not send again when it gets no answer: it may have been executed.
type once struct{ *redis.IntCmd }

// NoRetry implements redis.Cmder.
func (once) NoRetry() bool { return true }

// Clone implements redis.Cmder.
func (o once) Clone() redis.Cmder {
	if c, ok := o.IntCmd.Clone().(*redis.IntCmd); ok {
		return once{c}
	}
	return o
}

// addedOnce is the same for an entry of a stream.
type addedOnce struct{ *redis.StringCmd }

// NoRetry implements redis.Cmder.
func (addedOnce) NoRetry() bool { return true }

// Clone implements redis.Cmder.
func (o addedOnce) Clone() redis.Cmder {
	if c, ok := o.StringCmd.Clone().(*redis.StringCmd); ok {
		return addedOnce{c}
	}
	return o
}

func (e *Emitter) send(ctx context.Context, m *format.Message) error {
	m.Sender, m.Namespace = format.Emitter, e.namespace
	f, err := e.dialect.Encode(m)
	if err != nil {
		return fmt.Errorf("redisbridge: emitter: %w", err)
	}
	if err := e.client.Process(ctx, e.command(ctx, f)); err != nil {
		return fmt.Errorf("redisbridge: emitter: %w", errors.Join(err, ctx.Err()))
	}
	return nil
}

// command is what sends a frame.
func (e *Emitter) command(ctx context.Context, f format.Frame) redis.Cmder {
	switch {
	case f.Entry != nil:
		arguments := link.AddArguments(f, e.maxLen)
		return addedOnce{redis.NewStringCmd(ctx, arguments...)}
	case f.Sharded:
		return once{redis.NewIntCmd(ctx, "spublish", f.Channel, f.Payload)}
	default:
		return once{redis.NewIntCmd(ctx, "publish", f.Channel, f.Payload)}
	}
}
