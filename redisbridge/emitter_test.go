package redisbridge

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/wire"
)

// tap is a hook that keeps the commands of a client to itself.
type tap struct {
	mu       sync.Mutex
	commands [][]any
	err      error
}

func (p *tap) DialHook(redis.DialHook) redis.DialHook {
	return func(context.Context, string, string) (net.Conn, error) { return nil, errFake }
}

func (p *tap) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.commands = append(p.commands, cmd.Args())
		err := p.err
		if err == nil {
			err = ctx.Err()
		}
		cmd.SetErr(err)
		return err
	}
}

func (p *tap) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// emitter makes an Emitter whose messages are told as an instance reads them.
func emitter(t *testing.T, o EmitterOptions) (*Emitter, *tap, func() *format.Message) {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	t.Cleanup(func() { assert.NoError(t, client.Close()) })
	p := &tap{}
	client.AddHook(p)
	e, err := NewEmitter(client, o)
	require.NoError(t, err)
	dialect := Options{Adapter: o.Adapter, Prefix: o.Prefix, SubscriptionMode: o.SubscriptionMode}.withDefaults().dialect("reader")
	read := 0
	return e, p, func() *format.Message {
		t.Helper()
		require.Len(t, p.commands, read+1, "one command for each message")
		c := p.commands[read]
		read++
		require.Equal(t, map[Adapter]string{ClassicAdapter: "publish", ShardedAdapter: "spublish"}[o.Adapter], c[0])
		m, err := dialect.Decode(c[1].(string), c[2].([]byte))
		require.NoError(t, err)
		return m
	}
}

func TestEmitter_AllOperations_AsInstancesReadThem(t *testing.T) {
	for _, a := range []Adapter{ClassicAdapter, ShardedAdapter} {
		t.Run(a.String(), func(t *testing.T) {
			e, _, next := emitter(t, EmitterOptions{Adapter: a, Prefix: "app"})
			ctx := t.Context()
			require.NoError(t, e.Emit(ctx, "hello", 1, []byte{2}, map[string]any{"a": nil}))
			m := next()
			assert.Equal(t, format.Broadcast, m.Kind)
			assert.Equal(t, "/", m.Namespace)
			assert.True(t, m.Target.All())
			array, attachments, err := m.Event.JSON()
			require.NoError(t, err)
			assert.JSONEq(t, `["hello",1,{"_placeholder":true,"num":0},{"a":null}]`, string(array))
			assert.Equal(t, [][]byte{{2}}, attachments)

			to := e.Of("chat").To("r1").In("r2").Except("x", "y").Volatile().Compress()
			require.NoError(t, to.Emit(ctx, "e"))
			m = next()
			assert.Equal(t, "/chat", m.Namespace)
			assert.Equal(t, []string{"r1", "r2"}, m.Target.Rooms)
			assert.Equal(t, []string{"x", "y"}, m.Target.Except)
			assert.True(t, m.Flags.Volatile && m.Flags.Compress)

			require.NoError(t, e.ToUser("ann").Emit(ctx, "e"))
			assert.Equal(t, "ann", next().Target.User)
			require.NoError(t, to.SocketsJoin(ctx, "j1", "j2"))
			m = next()
			assert.Equal(t, format.Join, m.Kind)
			assert.Equal(t, []string{"j1", "j2"}, m.Rooms)
			assert.Equal(t, []string{"r1", "r2"}, m.Target.Rooms)
			require.NoError(t, to.SocketsLeave(ctx, "j1"))
			assert.Equal(t, format.Leave, next().Kind)
			require.NoError(t, to.DisconnectSockets(ctx, true))
			m = next()
			assert.Equal(t, format.Disconnect, m.Kind)
			assert.True(t, m.Close)
			require.NoError(t, to.ServerSideEmit(ctx, "sse", 1))
			m = next()
			assert.Equal(t, format.ServerEvent, m.Kind)
			name, rest, err := parseEvent(m.Event)
			require.NoError(t, err)
			assert.Equal(t, "sse", name)
			assert.JSONEq(t, `1`, string(rest.Raw(0)))
			assert.Empty(t, m.Request)
		})
	}
}

func TestEmitter_KeptAndReused_DoesNotChange(t *testing.T) {
	e, _, next := emitter(t, EmitterOptions{})
	rooms := e.To("a")
	one, two := rooms.To("b"), rooms.To("c")
	for want, from := range map[string]*Emitter{"b": one, "c": two} {
		require.NoError(t, from.Emit(t.Context(), "e"))
		assert.Equal(t, []string{"a", want}, next().Target.Rooms)
	}
	require.NoError(t, rooms.Emit(t.Context(), "e"))
	assert.Equal(t, []string{"a"}, next().Target.Rooms)
	require.NoError(t, e.Emit(t.Context(), "e"))
	assert.True(t, next().Target.All())
}

func TestEmitter_AddressedToNobody_PublishesNothing(t *testing.T) {
	e, p, _ := emitter(t, EmitterOptions{})
	for _, nobody := range []*Emitter{e.To(), e.ToUser("")} {
		require.NoError(t, nobody.Emit(t.Context(), "e"))
		require.NoError(t, nobody.SocketsJoin(t.Context(), "r"))
		require.NoError(t, nobody.DisconnectSockets(t.Context(), true))
	}
	assert.Empty(t, p.commands)
}

func TestEmitter_Failures_AreReturned(t *testing.T) {
	_, err := NewEmitter(nil, EmitterOptions{})
	require.ErrorIs(t, err, ErrInvalidOptions)
	_, err = NewEmitter(someClient(), EmitterOptions{SubscriptionMode: format.StaticMode})
	require.ErrorIs(t, err, ErrInvalidOptions)
	e, p, _ := emitter(t, EmitterOptions{})
	require.ErrorIs(t, e.Emit(t.Context(), "connect"), wire.ErrReservedEvent)
	require.Error(t, e.Emit(t.Context(), "e", make(chan int)))
	require.Error(t, e.ServerSideEmit(t.Context(), "e", make(chan int)))
	assert.Empty(t, p.commands)
	p.err = errFake
	require.ErrorIs(t, e.Emit(t.Context(), "e"), errFake)
	p.err = nil
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, e.Emit(ctx, "e"), context.Canceled)
}

func TestEmitter_EmptyRooms_AreRefusedOrLeftOutAsByServers(t *testing.T) {
	e, p, next := emitter(t, EmitterOptions{})
	ctx := t.Context()
	require.ErrorIs(t, e.SocketsJoin(ctx, ""), ErrEmptyRoom)
	require.ErrorIs(t, e.To("a").SocketsJoin(ctx, "r", ""), ErrEmptyRoom)
	require.NoError(t, e.SocketsJoin(ctx))
	require.NoError(t, e.SocketsLeave(ctx, ""))
	assert.Empty(t, p.commands)
	require.NoError(t, e.SocketsLeave(ctx, "", "r"))
	assert.Equal(t, []string{"r"}, next().Rooms)
}

func TestEmitter_TwoUsersOrEmptyNames_AsABroadcast(t *testing.T) {
	e, _, next := emitter(t, EmitterOptions{})
	ctx := t.Context()
	require.NoError(t, e.ToUser("ann").ToUser("").ToUser("ann").To("", "r").Except("", "x").Emit(ctx, "e"))
	assert.Equal(t, format.Target{User: "ann", Rooms: []string{"r"}, Except: []string{"x"}}, next().Target)
	two := e.ToUser("ann").ToUser("bob")
	require.ErrorIs(t, two.Emit(ctx, "e"), ErrTwoUsers)
	require.ErrorIs(t, two.SocketsJoin(ctx, "r"), ErrTwoUsers)
	require.NoError(t, e.To("").Emit(ctx, "to nobody"))
	require.NoError(t, e.Emit(ctx, "to all"))
	assert.True(t, next().Target.All())
}
