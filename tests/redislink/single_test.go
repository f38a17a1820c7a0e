package redislink_test

import (
	"context"
	"net"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors/actortest"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/link"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

func TestOpen_Single_ThreeNamedConnectionsAndTheParentIsLeftAlone(t *testing.T) {
	for name, o := range map[string]redisproc.Options{
		"plain": {}, "password": {Password: "secret"}, "tls": {TLS: true},
	} {
		t.Run(name, func(t *testing.T) {
			server := redisproc.StartWith(t, o)
			parent := server.Client()
			i := open(t, link.Options{Client: parent, Name: "my app"}, plain("a"), format.Subscription{Kind: format.Pattern, Name: "b*"})
			names := server.ClientNames()
			slices.Sort(names)
			assert.Equal(t, []string{"my-app:emitter", "my-app:publish", "my-app:subscribe"}, names)
			assert.Zero(t, parent.PoolStats().TotalConns)

			i.Emit(format.Frame{Channel: "a", Payload: []byte("1")}, i.tally.add)
			i.Publish(format.Frame{Channel: "bc", Payload: []byte("2")})
			heard(t, i, "a", "1")
			heard(t, i, "bc", "2")
			counts, err := i.Count(t.Context(), []format.Subscription{plain("a"), plain("none"), sharded("s")})
			require.NoError(t, err)
			assert.Equal(t, []int{1, 0, 0}, counts)

			require.NoError(t, i.close(patience))
			assert.Empty(t, i.sys.Clock().Armed())
			require.NoError(t, parent.Ping(t.Context()).Err())
			until(t, "connections are left", func() bool { return len(server.ClientNames()) == 0 })
		})
	}
}

func TestSubscribe_LaterAndGone_TakesEffectInOrder(t *testing.T) {
	server := redisproc.Start(t)
	i := open(t, quick(server.Client()), plain("base"))
	i.Subscribe(plain("room"), sharded("shard"))
	require.NoError(t, i.Subscribed(t.Context(), plain("room"), sharded("shard")))
	i.emit("room", false, 0, 1)
	i.emit("shard", true, 0, 1)
	heard(t, i, "room", "0")
	heard(t, i, "shard", "0")
	i.Unsubscribe(plain("room"))
	require.ErrorIs(t, i.Subscribed(t.Context(), plain("room")), link.ErrNotWanted)
	i.Subscribe(plain("room"))
	i.Unsubscribe(plain("room"))
	until(t, "still subscribed", func() bool {
		n, err := i.Count(t.Context(), []format.Subscription{plain("room")})
		return err == nil && n[0] == 0
	})
	_, err := i.Count(t.Context(), []format.Subscription{{Kind: format.Pattern, Name: "*"}})
	require.ErrorIs(t, err, link.ErrUncountable)
}

func TestEmit_TenThousand_ArriveOnceInOrder(t *testing.T) {
	server := redisproc.Start(t)
	sender := open(t, quick(server.Client()))
	first := open(t, quick(server.Client()), plain("n"))
	second := open(t, quick(server.Client()), plain("n"))
	sender.emit("n", false, 0, 10_000)
	heard(t, first, "n", "9999")
	heard(t, second, "n", "9999")
	for _, i := range []*instance{first, second} {
		assert.Len(t, i.hearer.messages("n"), 10_000)
		inOrder(t, i.hearer.messages("n"))
	}
	assert.EqualValues(t, 10_000, sender.settled(t).Delivered)
}

func TestKilledAndRestarted_UnderLoad_ComesBackWithExactAccounts(t *testing.T) {
	server := redisproc.Start(t)
	census := func() []format.Subscription { return []format.Subscription{plain("n")} }
	o := quick(server.Client())
	o.Buffer, o.Census = 1000, census
	sender := open(t, o, plain("n"))
	receiver := open(t, o, plain("n"))
	sender.emit("n", false, 0, 100)
	heard(t, receiver, "n", "99")
	before := sender.settled(t)
	counts, err := sender.Count(t.Context(), census())
	require.NoError(t, err)
	require.Equal(t, []int{2}, counts)

	server.Kill()
	until(t, "nothing noticed", func() bool {
		return sender.hearer.count("emitter down") >= 1 && sender.hearer.count("subscribe down") >= 1 &&
			sender.hearer.count("publish down") >= 1 && receiver.hearer.count("subscribe down") >= 1
	})
	broken := sender.Stats()
	assert.Equal(t, before.Unconfirmed, broken.Unconfirmed, "nothing was in flight")
	sender.emit("n", false, 100, 1600)
	sender.Publish(format.Frame{Channel: "n", Payload: []byte("lost")})
	_, err = sender.Count(t.Context(), census())
	require.ErrorIs(t, err, link.ErrDown)
	down := sender.Stats()
	assert.EqualValues(t, 1000, down.Buffered)
	assert.EqualValues(t, 500, down.Dropped)
	assert.EqualValues(t, 1, down.PublishLost)

	server.Restart()
	heard(t, receiver, "n", "1099")
	after := sender.settled(t)
	assert.EqualValues(t, 1100, after.Delivered)
	assert.Zero(t, after.Unconfirmed)
	inOrder(t, receiver.hearer.messages("n"))
	assert.Len(t, receiver.hearer.messages("n"), 1100)
	until(t, "not up", func() bool {
		return sender.hearer.count("emitter up") >= 1 && sender.hearer.count("subscribe up") >= 1 &&
			sender.hearer.count("publish up") >= 1 && receiver.hearer.count("subscribe up") >= 1
	})
	assert.EqualValues(t, 1, receiver.Stats().Resubscriptions)
	assert.EqualValues(t, 3, sender.Stats().Reconnects)
}

func TestKilledAndRestarted_WhileEmitting_NothingTwiceAndTheSumHolds(t *testing.T) {
	server := redisproc.Start(t)
	sender := open(t, quick(server.Client()))
	receiver := open(t, quick(server.Client()), plain("n"))
	n := 0
	for round := range 3 {
		for range 200 {
			sender.emit("n", false, n, n+10)
			n += 10
			if n%500 == 0 {
				_, err := server.Do(t.Context(), "PING")
				_ = err // only to let time pass in which things are in flight
			}
		}
		server.Kill()
		sender.emit("n", false, n, n+100)
		n += 100
		server.Restart()
		until(t, "the receiver is not back", func() bool { return receiver.hearer.count("subscribe up") == round+1 })
		s := sender.settled(t)
		assert.EqualValues(t, n, s.Emitted)
	}
	sender.emit("n", false, n, n+1)
	heard(t, receiver, "n", strconv.Itoa(n))
	inOrder(t, receiver.hearer.messages("n"))
	s := sender.settled(t)
	assert.LessOrEqual(t, uint64(len(receiver.hearer.messages("n"))), s.Delivered+s.Unconfirmed)
}

func TestStalled_ThenGoesOn_NothingTwice(t *testing.T) {
	server := redisproc.Start(t)
	sender := open(t, quick(server.Client()))
	receiver := open(t, quick(server.Client()), plain("n"))
	sender.emit("n", false, 0, 100)
	heard(t, receiver, "n", "99")
	server.Pause()
	defer server.Resume()
	sender.emit("n", false, 100, 200)
	until(t, "nothing noticed", func() bool {
		return sender.hearer.count("emitter down") >= 1 && receiver.hearer.count("subscribe down") >= 1
	})
	unconfirmed := sender.Stats().Unconfirmed // the batch that was in flight; the rest waits
	assert.Positive(t, unconfirmed)
	assert.LessOrEqual(t, unconfirmed, uint64(100))
	sender.emit("n", false, 200, 300)
	assert.Equal(t, 200-unconfirmed, sender.Stats().Buffered)
	server.Resume()
	until(t, "not up", func() bool { return receiver.hearer.count("subscribe up") >= 1 })
	sender.settled(t)
	sender.emit("n", false, 300, 301)
	heard(t, receiver, "n", "300")
	inOrder(t, receiver.hearer.messages("n"))
	s := sender.settled(t)
	assert.Equal(t, 301-unconfirmed, s.Delivered)
	assert.Equal(t, unconfirmed, s.Unconfirmed)
}

func TestClose_DeadOrStalled_WithinTheContextAndNothingIsLeft(t *testing.T) {
	for name, harm := range map[string]func(*redisproc.Server){
		"dead": (*redisproc.Server).Kill, "stalled": (*redisproc.Server).Pause, "well": func(*redisproc.Server) {},
	} {
		t.Run(name, func(t *testing.T) {
			server := redisproc.Start(t)
			defer server.Resume()
			i := open(t, link.Options{Client: server.Client(), Name: "test"}, plain("n"))
			harm(server)
			i.emit("n", false, 0, 1000)
			start := time.Now()
			require.NoError(t, i.close(time.Second))
			assert.Less(t, time.Since(start), 1500*time.Millisecond)
			s := i.settled(t)
			assert.EqualValues(t, 1000, s.Emitted)
			if name == "well" {
				assert.EqualValues(t, 1000, s.Delivered)
			}
			assert.Empty(t, i.sys.Clock().Armed())
			i.emit("n", false, 1000, 1001)
			assert.Equal(t, s.Dropped+1, i.Stats().Dropped)
			require.ErrorIs(t, i.Subscribed(t.Context(), plain("n")), link.ErrClosed)
			_, err := i.Count(t.Context(), []format.Subscription{plain("n")})
			require.ErrorIs(t, err, link.ErrClosed)
		})
	}
}

func TestClose_WhileReconnectingToAStalledServer_IsPrompt(t *testing.T) {
	server := redisproc.StartWith(t, redisproc.Options{TLS: true})
	defer server.Resume()
	i := open(t, quick(server.Client()), plain("n"))
	server.Pause()
	until(t, "nothing noticed", func() bool {
		return i.hearer.count("emitter down") >= 1 && i.hearer.count("subscribe down") >= 1 && i.hearer.count("publish down") >= 1
	})
	start := time.Now()
	require.NoError(t, i.close(patience))
	assert.Less(t, time.Since(start), time.Second)
}

func TestOpen_CannotConnect_NamesThePartsAndLeavesNothing(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = silent.Close() }()
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, dead.Close())
	guarded := redisproc.StartWith(t, redisproc.Options{Password: "secret"})
	for name, c := range map[string]struct {
		options *redis.Options
		want    string
	}{
		"dead":     {&redis.Options{Addr: dead.Addr().String()}, "refused"},
		"silent":   {&redis.Options{Addr: silent.Addr().String()}, ""},
		"password": {&redis.Options{Addr: guarded.Addr(), Password: "wrong"}, "WRONGPASS"},
		"none":     {&redis.Options{Addr: guarded.Addr()}, "NOAUTH"},
	} {
		t.Run(name, func(t *testing.T) {
			parent := redis.NewClient(c.options)
			defer func() { _ = parent.Close() }()
			sys := actortest.NewSystem(t)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			l, err := link.Open(ctx, sys, link.Options{Client: parent, CommandTimeout: 300 * time.Millisecond}, &hearer{},
				[]format.Subscription{plain("n")})
			require.ErrorIs(t, err, link.ErrNotReady)
			require.NotErrorIs(t, err, link.ErrStillRunning)
			assert.Nil(t, l)
			assert.Contains(t, err.Error(), c.want)
			for _, part := range []string{"emitter: ", "publish: ", "subscribe: "} {
				assert.Contains(t, err.Error(), part)
			}
			assert.Empty(t, sys.Clock().Armed())
		})
	}
}

func TestOpen_ClusterOfOneByWayOfAPlainClient_SlotsAreKeptApart(t *testing.T) {
	server := redisproc.StartClusterOfOne(t)
	until(t, "the cluster is not in order", func() bool {
		_, err := server.Do(t.Context(), "SPUBLISH", "any", "")
		return err == nil
	})
	channels := names(10)
	i := open(t, quick(server.Client()), shards(channels)...)
	for _, c := range channels {
		i.emit(c, true, 0, 1)
		heard(t, i, c, "0")
	}
	i.Unsubscribe(shards(channels)...)
	require.NoError(t, i.Unsubscribed(t.Context(), shards(channels)...))
}

func TestOpen_NotAllowedToSubscribe_NamesThatPartAtOnce(t *testing.T) {
	server := redisproc.Start(t)
	_, err := server.Do(t.Context(), "ACL", "SETUSER", "limited", "on", ">pw", "+@all", "resetchannels", "&ok")
	require.NoError(t, err)
	o := server.ClientOptions()
	o.Username, o.Password = "limited", "pw"
	parent := redis.NewClient(o)
	defer func() { _ = parent.Close() }()
	sys := actortest.NewSystem(t)
	_, err = link.Open(t.Context(), sys, quick(parent), &hearer{}, []format.Subscription{plain("ok"), plain("not")})
	require.ErrorIs(t, err, link.ErrNotReady)
	assert.Contains(t, err.Error(), "subscribe: NOPERM")
	until(t, "connections are left", func() bool { return len(server.ClientNames()) == 0 })

	i := open(t, quick(parent), plain("ok"))
	i.emit("not", false, 0, 1)
	i.emit("ok", false, 0, 1)
	heard(t, i, "ok", "0")
	s := i.settled(t)
	assert.EqualValues(t, 1, s.Dropped)
	assert.EqualValues(t, 1, s.Delivered)
}

func TestSubscribed_NotAllowed_SaysSoAtOnceUntilItIs(t *testing.T) {
	server := redisproc.Start(t)
	allow := func(channels ...any) {
		_, err := server.Do(t.Context(), append([]any{"ACL", "SETUSER", "limited", "on", ">pw", "+@all", "resetchannels"}, channels...)...)
		require.NoError(t, err)
	}
	allow("&ok")
	o := server.ClientOptions()
	o.Username, o.Password = "limited", "pw"
	parent := redis.NewClient(o)
	defer func() { _ = parent.Close() }()
	i := open(t, quick(parent), plain("ok"))
	i.Subscribe(plain("not"))
	require.ErrorContains(t, i.Subscribed(t.Context(), plain("ok"), plain("not")), "NOPERM")
	require.NoError(t, i.Subscribed(t.Context(), plain("ok")))

	allow("&ok", "&not")
	until(t, "it is not tried again", func() bool { return i.Subscribed(t.Context(), plain("not")) == nil })
	i.emit("not", false, 0, 1)
	heard(t, i, "not", "0")
}

func TestOpen_RedisComesLater_Waits(t *testing.T) {
	server := redisproc.Start(t)
	server.Kill()
	opened := make(chan error, 1)
	sys := actortest.NewSystem(t)
	var l *link.Link
	go func() {
		var err error
		l, err = link.Open(context.Background(), sys, quick(server.Client()), &hearer{}, []format.Subscription{plain("n")})
		opened <- err
	}()
	server.Restart()
	require.NoError(t, <-opened)
	require.NoError(t, l.Close(t.Context()))
}

func TestOneConnectionKilled_ComesBackAndTheOthersGoOn(t *testing.T) {
	server := redisproc.Start(t)
	o := quick(server.Client())
	o.Census = func() []format.Subscription { return []format.Subscription{plain("n")} }
	i := open(t, o, plain("n"))
	for _, kind := range []string{"pubsub", "normal"} {
		_, err := server.Do(t.Context(), "CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
		require.NoError(t, err)
	}
	i.emit("n", false, 0, 50)
	until(t, "not up", func() bool {
		return i.hearer.count("subscribe up") >= 1 && i.hearer.count("emitter up") >= 1 && i.hearer.count("publish up") >= 1
	})
	heard(t, i, "n", "49")
	s := i.settled(t)
	assert.EqualValues(t, 50, s.Delivered, "the break was seen before anything was written")
	names := server.ClientNames()
	slices.Sort(names)
	assert.Equal(t, []string{"test:emitter", "test:publish", "test:subscribe"}, names)
}
