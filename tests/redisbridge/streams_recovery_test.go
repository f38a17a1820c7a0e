package redisbridge_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/link"
	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/jspeer"
	"github.com/actio-go/actio/tests/internal/redisproc"
	"github.com/actio-go/actio/wire"
)

func TestEchoes_OwnBroadcasts_AreHandedOutWithTheirOffsetInOneOrderEverywhere(t *testing.T) {
	server := redisproc.Start(t)
	a, b := add(t, server, recovering(time.Minute), "x"), add(t, server, recovering(time.Minute), "x")
	const n = 500
	var both sync.WaitGroup
	for _, m := range []*member{a, b} {
		both.Go(func() {
			for i := range n {
				m.Emit(&format.Message{Kind: format.Broadcast, Namespace: "/", Event: event(fmt.Sprintf(`["%s",%d]`, m.UID(), i))}, nil)
			}
		})
	}
	both.Wait()
	require.NoError(t, a.CatchUp(t.Context()))
	require.NoError(t, b.CatchUp(t.Context()))
	until(t, "not all there", func() bool { return len(a.in.story()) == 2*n && len(b.in.story()) == 2*n })
	assert.Equal(t, a.in.story(), b.in.story())
	last := format.EntryID{}
	for _, what := range a.in.story() {
		id, ok := format.ParseEntryID(offsetOf(what))
		require.True(t, ok, what)
		require.Positive(t, id.Compare(last))
		last = id
	}
}

// offsetOf is the last argument of an event of a story.
func offsetOf(what string) string {
	parts := strings.Split(what, `"`)
	return parts[len(parts)-2]
}

func TestEchoes_VolatileAndLocalOnes_HaveNoOffset(t *testing.T) {
	o := recovering(time.Minute)
	o.BufferBytes = 1000
	a := add(t, redisproc.Start(t), o, "x")
	a.Emit(&format.Message{
		Kind: format.Broadcast, Namespace: "/", Event: event(`["v"]`), Flags: format.Flags{Volatile: true},
	}, nil)
	require.NoError(t, a.CatchUp(t.Context()))
	large := `["` + strings.Repeat("l", 1000) + `"]`
	a.Emit(&format.Message{Kind: format.Broadcast, Namespace: "/", Event: event(large)}, nil)
	require.NoError(t, a.CatchUp(t.Context()))
	assert.Equal(t, []string{`["v"] x`, large + " x"}, a.in.story(), "the second is too large for the buffer: Redis never gets it")
	assert.EqualValues(t, 1, a.Stats().Link.Dropped)
}

func TestEchoes_RedisDownAndTheBufferFull_LocalSocketsGetItAllTheSame(t *testing.T) {
	server := redisproc.Start(t)
	o := recovering(time.Minute)
	o.BufferMessages = 1
	a := add(t, server, o, "x")
	server.Kill()
	until(t, "not all parts are down", func() bool { return len(a.Status().Reasons) == 4 })
	settled := make(chan struct{}, 2)
	for _, name := range []string{"waits", "dropped"} {
		a.Emit(&format.Message{Kind: format.Broadcast, Namespace: "/", Event: event(`["` + name + `"]`)}, func() { settled <- struct{}{} })
	}
	<-settled
	assert.Equal(t, []string{`["dropped"] x`}, a.in.story())
	require.ErrorIs(t, a.CatchUp(t.Context()), link.ErrDown, "nobody waits for Redis")
	server.Restart()
	until(t, "not up", func() bool { return a.Status().Up })
	require.NoError(t, a.CatchUp(t.Context()))
	require.Len(t, a.in.story(), 2)
	assert.Contains(t, a.in.story()[1], `["waits","`)
}

// TestEchoes_StreamGoesBackUnderLoad_LocalSocketsGetEachEventOnce: a clock was ahead, and what is added to the stream
// afterwards is behind what was read. The reader notices when its connection breaks; events are emitted before, while it looks,
// and behind.
func TestEchoes_StreamGoesBackUnderLoad_LocalSocketsGetEachEventOnce(t *testing.T) {
	server := redisproc.Start(t)
	client := server.Client()
	a := add(t, server, recovering(time.Minute), "x")
	n := 0
	emit := func() {
		a.Emit(&format.Message{Kind: format.Broadcast, Namespace: "/", Event: event(fmt.Sprintf(`["e%d.",0]`, n))}, nil)
		n++
	}
	for range 10 {
		unknown := a.Stats().Unknown
		ahead := fmt.Sprintf("%d-0", time.Now().Add(time.Hour).UnixMilli())
		require.NoError(t, client.XAdd(t.Context(), &redis.XAddArgs{
			Stream: "socket.io", ID: ahead, Values: []string{"uid", "other", "nsp", "/", "type", "1"},
		}).Err())
		until(t, "not read", func() bool { return a.Stats().Unknown > unknown })
		require.NoError(t, client.Del(t.Context(), "socket.io").Err())
		emit() // there is a stream again
		reconnects := a.Stats().Link.Reconnects
		killReader(t, client)
		for a.Stats().Link.Reconnects == reconnects {
			emit()
			until(t, "not confirmed", func() bool { return a.Stats().Link.Buffered < 5 })
		}
		for range 20 {
			emit()
		}
		until(t, "not all there", func() bool { return a.CatchUp(t.Context()) == nil })
	}
	times := map[string]int{}
	for _, what := range a.in.story() {
		times[what[:strings.Index(what, ".")]]++
	}
	assert.Len(t, times, n)
	for what, n := range times {
		assert.Equal(t, 1, n, what)
	}
}

// killReader breaks the connection that reads the stream.
func killReader(t *testing.T, client *redis.Client) {
	t.Helper()
	id := ""
	until(t, "nobody reads", func() bool {
		list, err := client.ClientList(t.Context()).Result()
		require.NoError(t, err)
		for line := range strings.Lines(list) {
			if strings.Contains(line, " cmd=xread ") {
				id = strings.TrimPrefix(strings.Fields(line)[0], "id=")
			}
		}
		return id != ""
	})
	require.NoError(t, client.Do(t.Context(), "CLIENT", "KILL", "ID", id).Err())
}

// TestReplay_UnderLoad_EachEventOnceInOrder: a client that got the first events comes back to another instance again and again
// while events are added, some of which are not for it.
func TestReplay_UnderLoad_EachEventOnceInOrder(t *testing.T) {
	server := redisproc.Start(t)
	a, b := add(t, server, recovering(time.Minute), "x"), add(t, server, recovering(time.Minute))
	emit := func(i int) {
		rooms := [][]string{nil, {"inx"}, {"other"}, {"inx", "other"}}[i%4]
		a.Emit(&format.Message{
			Kind: format.Broadcast, Namespace: "/", Event: event(fmt.Sprintf(`["e",%d]`, i)), Target: redisbridge.Target{Rooms: rooms},
		}, nil)
	}
	const n = 4000
	emit(0)
	require.NoError(t, a.CatchUp(t.Context()))
	offset := offsetOf(a.in.story()[0])
	var load sync.WaitGroup
	load.Go(func() {
		for i := 1; i < n; i++ {
			emit(i)
		}
	})
	s := session("x", "inx")
	for range 20 {
		var missed []string
		require.NoError(t, b.Replay(t.Context(), s, "/", offset, most(1<<30), func(events []*wire.Prepared) {
			for _, p := range events {
				array, _, _ := p.Event()
				missed = append(missed, string(array)+" x")
			}
			b.in.mu.Lock()
			defer b.in.mu.Unlock()
			b.in.sockets[sid("x")] = s.Rooms
			b.in.happened = missed
		}))
		before := len(b.in.story())
		until(t, "nothing comes", func() bool { return len(b.in.story()) > before || len(b.in.story()) == len(a.in.story())-1 })
	}
	load.Wait()
	require.NoError(t, a.CatchUp(t.Context()))
	until(t, "not all there", func() bool { return len(b.in.story()) >= len(a.in.story())-1 })
	assert.Equal(t, a.in.story()[1:], b.in.story())
	assert.Len(t, b.in.story(), n*3/4-1)
}

func most(bytes int) redisbridge.ReplayLimit { return redisbridge.ReplayLimit{Bytes: bytes} }

func TestReplay_BadOffsets_AreRefused(t *testing.T) {
	server := redisproc.Start(t)
	o := recovering(time.Minute)
	o.Streams.MaxLen = 10
	a := add(t, server, o, "x")
	attach := func([]*wire.Prepared) { t.Error("attached") }
	for _, offset := range []string{"", "$", "x", "1-1", "99999999999999-0"} {
		require.ErrorIs(t, a.Replay(t.Context(), session("x"), "/", offset, most(1), attach), redisbridge.ErrNoOffset, offset)
	}
	for i := range 1000 {
		a.Emit(&format.Message{Kind: format.Broadcast, Namespace: "/", Event: event(fmt.Sprintf(`["%d"]`, i))}, nil)
	}
	require.NoError(t, a.CatchUp(t.Context()))
	emit := func(name string) string {
		a.Emit(&format.Message{Kind: format.Broadcast, Namespace: "/", Event: event(`["` + name + `"]`)}, nil)
		require.NoError(t, a.CatchUp(t.Context()))
		return offsetOf(a.in.story()[len(a.in.story())-1])
	}
	story := a.in.story()
	assert.Len(t, story, 1000, "they push each other out before they are read, but those who sent them have them")
	early, late := emit("early"), emit("late")
	require.ErrorIs(t, a.Replay(t.Context(), session("x"), "/", offsetOf(story[0]), most(1<<20), attach), redisbridge.ErrNoOffset, "pushed out")
	for _, limit := range []redisbridge.ReplayLimit{most(1), {Bytes: 1000, EachBytes: 1000}} {
		require.ErrorIs(t, a.Replay(t.Context(), session("x"), "/", early, limit, attach), redisbridge.ErrTooMuch)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, a.Replay(ctx, session("x"), "/", late, most(1), attach), context.Canceled)
}

// TestNode_SessionOfActioKilled_IsRecoveredByNode: what an instance has written while it lived, and the offset that its client
// got, is all that Node.js needs.
func TestNode_SessionOfActioKilled_IsRecoveredByNode(t *testing.T) {
	server := redisproc.Start(t)
	peer := jspeer.Start(t, jspeer.Options{
		Redis: jspeer.Redis{Nodes: []string{server.Addr()}}, Adapter: jspeer.Streams, Recovery: time.Minute,
	})
	a := add(t, server, recovering(time.Minute), "x")
	a.KeepSession(session("x", "inx"), a.NewHolder(), nil)
	emit := func(name string, rooms ...string) {
		a.Emit(&format.Message{
			Kind: format.Broadcast, Namespace: "/", Event: event(`["`+name+`",{"_placeholder":true,"num":0}]`, []byte{1}),
			Target: redisbridge.Target{Rooms: rooms},
		}, nil)
	}
	emit("seen")
	require.NoError(t, a.CatchUp(t.Context()))
	offset := offsetOf(strings.TrimSuffix(a.in.story()[0], "+\x01 x"))
	emit("missed one")
	emit("not for it", "other")
	emit("missed two", "inx")
	require.NoError(t, a.CatchUp(t.Context()))
	until(t, "not written", func() bool { return stored(t, server.Client(), "private x") != nil })

	js := jsclient.Start(t)
	client, err := js.Dial(t.Context(), peer.URL(), jsclient.Options{
		Transports: jsclient.WebSocket, Auth: map[string]any{"pid": "private x", "offset": offset},
	})
	require.NoError(t, err)
	assert.Equal(t, sid("x"), client.ID())
	for _, want := range []string{"missed one", "missed two"} {
		args, err := client.WaitEvent(t.Context(), want)
		require.NoError(t, err)
		assert.Equal(t, []byte{1}, args.Values()[0])
	}
	emit("after", "inx")
	_, err = client.WaitEvent(t.Context(), "after")
	require.NoError(t, err)
	events := slices.DeleteFunc(client.Events(), func(name string) bool { return name == "connect" })
	assert.Equal(t, []string{"missed one", "missed two", "after"}, events)
	sockets, err := peer.Clients(t.Context(), "/")
	require.NoError(t, err)
	require.Len(t, sockets, 1)
	assert.ElementsMatch(t, []string{sid("x"), "inx"}, sockets[0].Rooms)
}

// TestNode_SessionThatNodeLeft_IsTakenAndReplayed: a client whose transport to Node.js was lost comes to actio.
func TestNode_SessionThatNodeLeft_IsTakenAndReplayed(t *testing.T) {
	server := redisproc.Start(t)
	redisClient := server.Client()
	peer := jspeer.Start(t, jspeer.Options{
		Redis: jspeer.Redis{Nodes: []string{server.Addr()}}, Adapter: jspeer.Streams, Recovery: time.Minute,
	})
	b := add(t, server, recovering(time.Minute))
	js := jsclient.Start(t)
	client, err := js.Dial(t.Context(), peer.URL(), jsclient.Options{Transports: jsclient.WebSocket})
	require.NoError(t, err)
	id := client.ID()
	require.NoError(t, peer.Join(t.Context(), "", id, "room"))
	require.NoError(t, peer.SetData(t.Context(), "", id, map[string]any{"n": 1}))
	require.NoError(t, peer.Emit(t.Context(), jspeer.Target{}, "seen"))
	_, err = client.WaitEvent(t.Context(), "seen")
	require.NoError(t, err)
	entries, err := redisClient.XRevRangeN(t.Context(), "socket.io", "+", "-", 1).Result()
	require.NoError(t, err)
	offset := entries[0].ID
	require.NoError(t, peer.Shut(t.Context()))
	keys, err := redisClient.Keys(t.Context(), "sio:session:*").Result()
	require.NoError(t, err)
	require.Len(t, keys, 1)
	b.Emit(&format.Message{
		Kind: format.Broadcast, Namespace: "/", Event: event(`["missed"]`), Target: redisbridge.Target{Rooms: []string{"room"}},
	}, nil)
	require.NoError(t, b.CatchUp(t.Context()))

	s, _, err := b.TakeSession(t.Context(), strings.TrimPrefix(keys[0], "sio:session:"), anything)
	require.NoError(t, err)
	assert.Equal(t, id, s.ID)
	assert.ElementsMatch(t, []string{id, "room"}, s.Rooms)
	assert.Empty(t, s.Namespace, "Node.js does not say")
	var data map[string]int
	require.NoError(t, s.Data.Decode(&data))
	assert.Equal(t, map[string]int{"n": 1}, data)
	attached := 0
	require.NoError(t, b.Replay(t.Context(), s, "/", offset, most(1<<30), func(missed []*wire.Prepared) {
		attached++
		require.Len(t, missed, 1)
		array, _, _ := missed[0].Event()
		assert.Contains(t, string(array), `["missed","`)
	}))
	assert.Equal(t, 1, attached)
}
