package redisbridge_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/actio-go/actio/actors/actortest"
	"github.com/actio-go/actio/redisbridge"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of these tests.
const patience = 20 * time.Second

// member is a bridge with what it stands before.
type member struct {
	*redisbridge.Bridge

	in *instance
}

// sid makes a socket's id, which must be as long as that of a real one, of its short form.
func sid(short string) string { return (short + strings.Repeat("-", 20))[:20] }

// add starts a bridge with some sockets, which each are in a room "in" + id.
func add(t testing.TB, server *redisproc.Server, o redisbridge.Options, ids ...string) *member {
	t.Helper()
	return addTo(t, server.Client(), o, ids...)
}

// addTo is add, with a client of whatever Redis.
func addTo(t testing.TB, client redis.UniversalClient, o redisbridge.Options, ids ...string) *member {
	t.Helper()
	o.Client = client
	m := &member{in: &instance{sockets: make(map[string][]string)}}
	for _, id := range ids {
		m.in.sockets[sid(id)] = []string{sid(id), "in" + id}
	}
	b, err := redisbridge.Start(t.Context(), actortest.NewSystem(t), o, "test", []string{"/", "/x"}, m.in)
	require.NoError(t, err)
	m.Bridge = b
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		assert.NoError(t, m.Close(ctx))
	})
	if o.NeedsRooms() {
		for _, id := range ids {
			m.RoomChanged("/", "in"+id, true)
			if o.NeedsOwnRooms() {
				m.RoomChanged("/", sid(id), true)
			}
		}
	}
	return m
}

func until(t testing.TB, what string, f func() bool) {
	t.Helper()
	require.Eventually(t, f, patience, time.Millisecond, what)
}

// acquainted waits until all know of each other, and listen to their rooms.
func acquainted(t *testing.T, members ...*member) {
	t.Helper()
	for _, m := range members {
		until(t, "not acquainted", func() bool { return len(m.Status().Peers) == len(members)-1 })
	}
}

// flavours are the ways to configure bridges that all do the same.
func flavours(t *testing.T, test func(t *testing.T, server *redisproc.Server, o redisbridge.Options)) {
	t.Helper()
	server := redisproc.Start(t)
	for name, o := range map[string]redisbridge.Options{
		"classic":          {},
		"classic dynamic":  {DynamicRooms: true},
		"classic specific": {SpecificResponses: true},
		"sharded":          {Adapter: redisbridge.ShardedAdapter},
		"sharded static":   {Adapter: redisbridge.ShardedAdapter, SubscriptionMode: format.StaticMode},
		"sharded private":  {Adapter: redisbridge.ShardedAdapter, SubscriptionMode: format.DynamicPrivateMode},
		"streams":          {Adapter: redisbridge.StreamsAdapter, Streams: redisbridge.StreamsOptions{Name: "one"}},
		"streams several": {Adapter: redisbridge.StreamsAdapter, Streams: redisbridge.StreamsOptions{
			Name: "several", Count: 3, ReadCount: 7, BlockTime: 100 * time.Millisecond, UseShardedPubSub: true,
		}},
	} {
		o.Prefix = name + "*[x]?" // applications beside each other
		t.Run(name, func(t *testing.T) { test(t, server, o) })
	}
}

func event(text string, attachments ...[]byte) format.Payload {
	return format.NewPayload([]byte(text), attachments)
}

func TestBridges_MessagesWithoutAnswer_TakeEffectInOrder(t *testing.T) {
	flavours(t, func(t *testing.T, server *redisproc.Server, o redisbridge.Options) {
		a, b := add(t, server, o, "a1"), add(t, server, o, "b1", "b2")
		acquainted(t, a, b)
		for _, from := range []*member{a, b} {
			to := map[*member]*member{a: b, b: a}[from]
			id := map[*member]string{a: "b1", b: "a1"}[from]
			emit := func(m *format.Message) {
				m.Namespace = "/"
				from.Emit(m, nil)
			}
			at := redisbridge.Target{Rooms: []string{sid(id)}}
			emit(&format.Message{Kind: format.Broadcast, Event: event(`["id",9007199254740993,12345678901234567890123]`), Target: at})
			emit(&format.Message{Kind: format.Broadcast, Event: event(`["bin",{"_placeholder":true,"num":0}]`, []byte("xyz")), Target: at})
			emit(&format.Message{Kind: format.Broadcast, Event: event(`["nobody"]`), Target: redisbridge.Target{Rooms: []string{"nobody"}}})
			emit(&format.Message{Kind: format.Broadcast, Event: event(`["user"]`), Target: redisbridge.Target{User: "user of " + id}})
			emit(&format.Message{Kind: format.Join, Target: at, Rooms: []string{"j"}})
			emit(&format.Message{Kind: format.Broadcast, Event: event(`["all",null,1.5]`), Target: redisbridge.Target{Except: []string{sid("b2")}}})
			emit(&format.Message{Kind: format.Leave, Target: redisbridge.Target{Rooms: []string{"j", "k"}}, Rooms: []string{"j"}})
			emit(&format.Message{Kind: format.ServerEvent, Event: event(`["se",1]`)})
			emit(&format.Message{Kind: format.Disconnect, Target: at})
			want := []string{
				`["id",9007199254740993,12345678901234567890123] ` + id, `["bin",{"_placeholder":true,"num":0}]+xyz ` + id, `["user"] ` + id,
				"join " + id, `["all",null,1.5] ` + id, "leave " + id, "event se[1]", "disconnect " + id,
			}
			until(t, "not all done", func() bool { return len(to.in.story()) >= len(want) })
			// Room channels and private ones are others than the general one: order holds on each.
			assert.ElementsMatch(t, want, to.in.story())
			assert.Empty(t, from.Stats().Malformed)
		}
	})
}

func TestBridges_Requests_AnsweredByAllBothWays(t *testing.T) {
	flavours(t, func(t *testing.T, server *redisproc.Server, o redisbridge.Options) {
		a, b, c := add(t, server, o, "a1"), add(t, server, o, "b1", "b2"), add(t, server, o)
		acquainted(t, a, b, c)
		sockets, missing, err := a.Fetch(t.Context(), "/", redisbridge.Target{Rooms: []string{"inb1", "inb2"}, Except: []string{sid("b2")}}, 0)
		require.NoError(t, err)
		assert.True(t, missing.None())
		require.Len(t, sockets, 1)
		assert.Equal(t, []string{sid("b1"), "inb1"}, sockets[0].Rooms)
		assert.Equal(t, "user of b1", sockets[0].User)
		var handshake struct{ URL string }
		require.NoError(t, sockets[0].Handshake.Decode(&handshake))
		assert.Equal(t, "/b1", handshake.URL)
		sockets, missing, err = b.Fetch(t.Context(), "/", redisbridge.Target{User: "user of a1"}, 0)
		require.NoError(t, err)
		assert.True(t, missing.None())
		require.Len(t, sockets, 1)

		rs, err := a.Ask(t.Context(), redisbridge.Question{Namespace: "/", Event: event(`["q",{"_placeholder":true,"num":0}]`, []byte{1})}, 0)
		require.NoError(t, err)
		assert.True(t, rs.Missing.None())
		require.Len(t, rs.Answers, 2)
		for _, one := range rs.Answers {
			require.NoError(t, one.Err)
			assert.JSONEq(t, `"`+one.SocketID+`"`, string(one.Args.Raw(0)))
			assert.Equal(t, `12345678901234567890123`, string(one.Args.Raw(1)))
		}
		c.in.silent, a.in.silent = true, true
		rs, err = b.Ask(t.Context(), redisbridge.Question{Namespace: "/", Event: event(`["q"]`)}, 100*time.Millisecond)
		require.NoError(t, err)
		require.Len(t, rs.Answers, 1)
		assert.Equal(t, sid("a1"), rs.Answers[0].SocketID)
		require.ErrorIs(t, rs.Answers[0].Err, redisbridge.ErrTimeout)

		replies, missing, err := c.ServerEvent(t.Context(), "/x", event(`["sum",1,2]`), 0)
		require.NoError(t, err)
		assert.True(t, missing.None())
		require.Len(t, replies, 2)
		for _, r := range replies {
			assert.Contains(t, []string{a.UID(), b.UID()}, r.Instance)
			var text string
			var blob []byte
			require.NoError(t, r.Args.DecodeAll(&text, &blob))
			assert.Equal(t, "re: sum", text)
		}
	})
}

func TestBridges_OneDiesWithoutFarewell_IsMissedByName(t *testing.T) {
	flavours(t, func(t *testing.T, server *redisproc.Server, o redisbridge.Options) {
		o.RequestTimeout = 2 * time.Second
		a, b, c := add(t, server, o), add(t, server, o, "b1"), add(t, server, o, "c1")
		acquainted(t, a, b, c)
		require.NoError(t, c.Close(t.Context())) // no Leave before
		begun := time.Now()
		sockets, missing, err := a.Fetch(t.Context(), "/", redisbridge.Target{}, 0)
		require.NoError(t, err)
		require.Len(t, sockets, 1)
		assert.Equal(t, []string{c.UID()}, missing.Instances)
		assert.Zero(t, missing.Unnamed)
		assert.Less(t, time.Since(begun), patience)
		require.NoError(t, b.Leave(t.Context()))
		until(t, "the farewell is not heard", func() bool { return len(a.Status().Peers) == 1 })
		until(t, "who left is still counted", func() bool {
			_, missing, err = a.Fetch(t.Context(), "/", redisbridge.Target{}, 0)
			return err == nil && missing.Unnamed == 0 && len(missing.Instances) == 1
		})
	})
}

func TestBridges_GarbageOnEveryChannel_CountedAndHarmless(t *testing.T) {
	flavours(t, func(t *testing.T, server *redisproc.Server, o redisbridge.Options) {
		a, b := add(t, server, o, "a1"), add(t, server, o, "b1")
		acquainted(t, a, b)
		publish := "PUBLISH"
		if o.Adapter == redisbridge.ShardedAdapter || o.Streams.UseShardedPubSub {
			publish = "SPUBLISH"
		}
		p := o.Prefix
		channels := []string{p + "#/#", p + "-request#/#", p + "-response#/#", p + "-response#/#" + a.UID() + "#", p + "#/#" + a.UID() + "#", p + "#/#ina1#", p + "-actio#/#", p + "-actio-members#"}
		payloads := []string{"", "{", "{}", "\x93", "\xc1", "null", "[]", "\x83", `{"type":-3}`, `{"type":5,"uid":7}`, `{"actio":1}`, "\xdf\xff\xff\xff\xff"}
		for range 3 {
			for _, c := range channels {
				for _, payload := range payloads {
					_, err := server.Do(t.Context(), publish, c, payload)
					require.NoError(t, err)
				}
			}
			for _, payload := range payloads { // nobody reads it but with streams
				for _, words := range [][]any{
					{"uid", "x", "nsp", "/", "type", "3", "data", payload}, {"uid", payload, "nsp", "/", "type", payload}, {payload, payload},
				} {
					for _, stream := range []string{o.Streams.Name, o.Streams.Name + "-2"} {
						_, err := server.Do(t.Context(), append([]any{"XADD", stream, "*"}, words...)...)
						require.NoError(t, err)
					}
				}
			}
		}
		sockets, missing, err := a.Fetch(t.Context(), "/", redisbridge.Target{}, 0)
		require.NoError(t, err)
		require.Len(t, sockets, 1)
		assert.True(t, missing.None())
		assert.NotZero(t, a.Stats().Malformed)
		assert.Len(t, a.Status().Peers, 1)
		assert.Empty(t, a.in.story())
	})
}

func TestEmitter_RealRedis_ReachesTheSockets(t *testing.T) {
	flavours(t, func(t *testing.T, server *redisproc.Server, o redisbridge.Options) {
		a := add(t, server, o, "a1")
		e, err := redisbridge.NewEmitter(server.Client(), redisbridge.EmitterOptions{
			Adapter: o.Adapter, Prefix: o.Prefix, SubscriptionMode: o.SubscriptionMode, Streams: o.Streams,
		})
		require.NoError(t, err)
		ctx := t.Context()
		require.NoError(t, e.Emit(ctx, "all", []byte("x")))
		require.NoError(t, e.To("ina1", "other").Emit(ctx, "rooms"))
		require.NoError(t, e.ToUser("user of a1").Emit(ctx, "user"))
		require.NoError(t, e.To(sid("a1")).SocketsJoin(ctx, "j"))
		require.NoError(t, e.To(sid("a1")).SocketsLeave(ctx, "j"))
		require.NoError(t, e.ServerSideEmit(ctx, "sse", 1))
		require.NoError(t, e.DisconnectSockets(ctx, true))
		want := []string{
			`["all",{"_placeholder":true,"num":0}]+x a1`, `["rooms"] a1`, `["user"] a1`, "join a1", "leave a1", "event sse[1]", "disconnect a1",
		}
		until(t, "not all done", func() bool { return len(a.in.story()) == len(want) })
		assert.ElementsMatch(t, want, a.in.story())
	})
}

func TestBridges_ManyMessages_InOrderNoneTwice(t *testing.T) {
	flavours(t, func(t *testing.T, server *redisproc.Server, o redisbridge.Options) {
		a, b := add(t, server, o), add(t, server, o, "b1")
		const n = 5000
		for i := range n {
			a.Emit(&format.Message{Kind: format.Broadcast, Namespace: "/", Event: event(`["` + strconv.Itoa(i) + `"]`)}, nil)
		}
		until(t, "not all there", func() bool { return len(b.in.story()) >= n })
		for i, what := range b.in.story() {
			require.Equal(t, `["`+strconv.Itoa(i)+`"] b1`, what)
		}
		until(t, "not all confirmed", func() bool {
			s := a.Stats().Link
			return s.Emitted == n && s.Delivered == n
		})
	})
}
