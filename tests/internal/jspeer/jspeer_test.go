package jspeer

import (
	"context"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/jsprocess"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

// adapters are the adapters with each of their modes.
func adapters() map[string]Options {
	return map[string]Options{
		"classic":                 {Adapter: Classic},
		"classic specific":        {Adapter: Classic, Specific: true},
		"classic prefix":          {Adapter: Classic, Prefix: "app"},
		"sharded":                 {Adapter: Sharded},
		"sharded static":          {Adapter: Sharded, Mode: Static, Prefix: "app"},
		"sharded dynamic-private": {Adapter: Sharded, Mode: DynamicPrivate},
	}
}

func oneRedis(t *testing.T) Redis {
	t.Helper()
	return Redis{Nodes: []string{redisproc.Start(t).Addr()}}
}

// everywhere runs a test in a cluster of two servers with one client each, for each adapter.
func everywhere(t *testing.T, test func(t *testing.T, p [2]*Peer, c [2]*jsclient.Client)) {
	t.Helper()
	node := jsclient.Start(t)
	for name, options := range adapters() {
		t.Run(name, func(t *testing.T) {
			options.Redis = oneRedis(t)
			var peers [2]*Peer
			var clients [2]*jsclient.Client
			for i := range peers {
				peers[i] = Start(t, options)
				clients[i] = connect(t, node, peers[i])
				wait(t, peers[i], "connection")
			}
			test(t, peers, clients)
		})
	}
}

func connect(t *testing.T, node *jsclient.Harness, p *Peer) *jsclient.Client {
	t.Helper()
	o := jsclient.Options{
		Transports: jsclient.WebSocket, Path: p.Path(), Auth: map[string]any{"token": "good"}, Answer: []any{"answer"},
	}
	c, err := node.Dial(t.Context(), p.URL(), o)
	require.NoError(t, err)
	return c
}

type waiter interface {
	WaitEvent(ctx context.Context, name string) (jsclient.Args, error)
}

func wait(t *testing.T, from waiter, event string) []any {
	t.Helper()
	args, err := from.WaitEvent(t.Context(), event)
	require.NoError(t, err)
	return args.Values()
}

func TestPeer_Broadcasts_ReachTheOthersClients(t *testing.T) {
	everywhere(t, func(t *testing.T, p [2]*Peer, c [2]*jsclient.Client) {
		ctx := t.Context()
		require.NoError(t, p[1].Join(ctx, "", c[1].ID(), "room", "other"))
		require.NoError(t, p[1].Subscribed(ctx))
		date := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		require.NoError(t, p[0].Emit(ctx, Target{Rooms: []string{"room"}}, "news", []byte{1}, nil, Date(date)))
		require.NoError(t, p[0].Emit(ctx, Target{Rooms: []string{c[1].ID()}}, "news", 1.5))
		require.NoError(t, p[0].Emit(ctx, Target{Except: []string{"room"}}, "news", "except"))
		require.NoError(t, p[0].Emit(ctx, Target{Local: true, Volatile: true}, "news", "local"))
		require.NoError(t, p[0].Emit(ctx, Target{Rooms: []string{"room", "other"}}, "mark"))
		wait(t, c[1], "mark")
		assert.Equal(t, []any{[]byte{1}, nil, "2026-01-02T03:04:05.000Z"}, wait(t, c[1], "news"))
		assert.Equal(t, []any{1.5}, wait(t, c[1], "news"))
		assert.Zero(t, c[1].Received("news"))
		assert.Equal(t, []any{"except"}, wait(t, c[0], "news"))
		assert.Equal(t, []any{"local"}, wait(t, c[0], "news"))

		answers, err := p[0].EmitWithAck(ctx, Target{}, time.Second, "question")
		require.NoError(t, err)
		assert.Equal(t, []any{"answer", "answer"}, answers.Values())
		require.NoError(t, p[1].Send(ctx, "", c[1].ID(), "direct", 1))
		assert.Equal(t, []any{1.0}, wait(t, c[1], "direct"))
		c[1].Emit("from client", 2)
		assert.Equal(t, []any{c[1].ID(), "from client", 2.0}, wait(t, p[1], "received"))
	})
}

func TestPeer_Sockets_AreFetchedAndMovedAndEnded(t *testing.T) {
	everywhere(t, func(t *testing.T, p [2]*Peer, c [2]*jsclient.Client) {
		ctx := t.Context()
		require.NoError(t, p[1].SetData(ctx, "", c[1].ID(), map[string]any{"name": "ann"}))
		require.NoError(t, p[0].SocketsJoin(ctx, Target{Rooms: []string{c[1].ID()}}, "a", "b"))
		require.NoError(t, p[0].SocketsLeave(ctx, Target{}, "b"))
		sockets, err := p[0].FetchSockets(ctx, Target{Rooms: []string{"a"}})
		require.NoError(t, err)
		require.Len(t, sockets, 1)
		assert.Equal(t, Socket{
			ID: c[1].ID(), Rooms: []string{c[1].ID(), "a"}, Data: map[string]any{"name": "ann"},
			Handshake: sockets[0].Handshake,
		}, sockets[0])
		assert.Equal(t, map[string]any{"token": "good"}, sockets[0].Handshake["auth"])
		own, err := p[1].Clients(ctx, "")
		require.NoError(t, err)
		require.Len(t, own, 1)
		assert.Equal(t, sockets[0].Rooms, own[0].Rooms)
		require.NoError(t, p[1].Leave(ctx, "", c[1].ID(), "a"))
		require.ErrorContains(t, p[1].Leave(ctx, "", "nobody", "a"), "no socket nobody")

		require.NoError(t, p[0].DisconnectSockets(ctx, Target{Except: []string{c[0].ID()}}, true))
		<-c[1].Disconnected()
		assert.Equal(t, c[1].ID(), wait(t, p[1], "disconnect")[0])
		assert.Zero(t, p[0].Received("disconnect"))
	})
}

func TestPeer_ServerSideEvents_AreAnswered(t *testing.T) {
	everywhere(t, func(t *testing.T, p [2]*Peer, _ [2]*jsclient.Client) {
		ctx := t.Context()
		require.NoError(t, p[1].Answer(ctx, "", "hello", map[string]any{"from": "b"}))
		require.NoError(t, p[0].ServerSideEmit(ctx, "", "hello", 1))
		assert.Equal(t, []any{"hello", 1.0}, wait(t, p[1], "server"))
		answers, err := p[0].ServerSideEmitWithAck(ctx, "", "hello", 2)
		require.NoError(t, err)
		assert.Equal(t, []any{map[string]any{"from": "b"}}, answers.Values())
		assert.Equal(t, []any{"hello", 2.0}, wait(t, p[1], "server"))
	})
}

func TestPeer_SilentServer_CostsAnAnswer(t *testing.T) {
	o := Options{Redis: oneRedis(t), Timeout: 200 * time.Millisecond, Namespaces: []string{"/custom"}}
	a, b := Start(t, o), Start(t, o)
	require.NoError(t, b.NeverAnswer(t.Context(), "/custom", "hello"))
	answers, err := a.ServerSideEmitWithAck(t.Context(), "/custom", "hello")
	require.ErrorContains(t, err, "only 0 responses received out of 1")
	assert.Empty(t, answers)
	assert.Len(t, a.UID("/custom"), 6)
	rooms, err := a.AllRooms(t.Context(), "/custom")
	require.NoError(t, err)
	assert.Empty(t, rooms)

	require.NoError(t, b.Process().Signal(os.Kill))
	_, err = b.WaitEvent(t.Context(), "nothing")
	require.ErrorIs(t, err, jsprocess.ErrEnded)
}

func TestIgnis_TheHelper_AuthenticatesAndSends(t *testing.T) {
	redis := oneRedis(t)
	p := StartIgnis(t, redis)
	c := connect(t, jsclient.Start(t), p)
	c.Emit("authenticate")
	assert.Equal(t, c.ID(), wait(t, c, "authenticated")[0].(map[string]any)["id"])
	wait(t, p, "authenticated")
	states, err := p.States(t.Context())
	require.NoError(t, err)
	assert.Equal(t, map[string]string{c.ID(): "authenticated"}, states)

	c.Emit("join", map[string]any{"rooms": []string{"room", "deny"}})
	_, err = c.EmitWithAck(t.Context(), "flush") // it comes after the join
	require.NoError(t, err)
	require.NoError(t, p.HelperSend(t.Context(), c.ID(), "news", []byte{1}))
	require.NoError(t, p.HelperSend(t.Context(), nil, "news", "all"))
	assert.Equal(t, []any{[]byte{1}}, wait(t, c, "news"))
	assert.Equal(t, []any{"all"}, wait(t, c, "news"))
	sockets, err := p.Clients(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, sockets, 1)
	slices.Sort(sockets[0].Rooms)
	want := []string{c.ID(), "io-default", "io-notification", "room"}
	slices.Sort(want)
	assert.Equal(t, want, sockets[0].Rooms)
}

func TestEmitter_WithoutAServer_ReachesClients(t *testing.T) {
	ctx := t.Context()
	redis := oneRedis(t)
	p := Start(t, Options{Redis: redis, Prefix: "app", Namespaces: []string{"/", "/custom"}})
	e, deaf := StartEmitter(t, redis, "app"), StartEmitter(t, redis, "")
	c := connect(t, jsclient.Start(t), p)
	custom, err := c.Of(ctx, "/custom", nil)
	require.NoError(t, err)
	require.NoError(t, deaf.Emit(ctx, Target{}, "news", "other prefix"))
	require.NoError(t, e.SocketsJoin(ctx, Target{Rooms: []string{c.ID()}}, "room", "more"))
	require.NoError(t, e.SocketsLeave(ctx, Target{}, "more"))
	require.NoError(t, e.Emit(ctx, Target{Rooms: []string{"more"}}, "news", "nobody"))
	require.NoError(t, e.Emit(ctx, Target{Rooms: []string{"room"}}, "news", []byte{2}))
	assert.Equal(t, []any{[]byte{2}}, wait(t, c, "news"))
	require.NoError(t, e.Emit(ctx, Target{Namespace: "/custom"}, "news", 1))
	assert.Equal(t, []any{1.0}, wait(t, custom, "news"))
	require.NoError(t, p.Answer(ctx, "/custom", "hello"))
	require.NoError(t, e.ServerSideEmit(ctx, "/custom", "hello", "emitter"))
	assert.Equal(t, []any{"hello", "emitter"}, wait(t, p, "server"))
	require.NoError(t, e.DisconnectSockets(ctx, Target{}, false))
	<-c.Disconnected()
}
