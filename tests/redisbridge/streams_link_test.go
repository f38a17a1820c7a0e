package redisbridge_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
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

// reading is a Link with the entries that it has read.
type reading struct {
	*link.Link

	mu      sync.Mutex
	entries map[string][]*format.Entry // by stream
	parts   map[link.Part]error
}

func (r *reading) Received(string, []byte) {}

func (r *reading) Changed(p link.Part, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.parts[p] = err
}

func (r *reading) entry(stream string, e *format.Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries[stream] = append(r.entries[stream], e)
}

// data returns the data of what was read.
func (r *reading) data(stream string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, e := range r.entries[stream] {
		all = append(all, string(e.Data))
	}
	return all
}

func (r *reading) broken() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.parts[link.StreamPart]
}

// open opens a Link that reads streams.
func open(t *testing.T, client redis.UniversalClient, s link.Streams, names ...string) *reading {
	t.Helper()
	r := &reading{entries: map[string][]*format.Entry{}, parts: map[link.Part]error{}}
	s.Names, s.Entry = names, r.entry
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var err error
	r.Link, err = link.Open(ctx, actortest.NewSystem(t), link.Options{Client: client, Streams: &s, CommandTimeout: time.Second}, r, nil)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		assert.NoError(t, r.Close(ctx))
	})
	return r
}

// entry makes a frame with a number for its data.
func entry(stream string, n int) format.Frame {
	return format.Frame{
		Channel: stream, Entry: &format.Entry{UID: "u", Namespace: "/", Type: "3"}, Payload: []byte(strconv.Itoa(n)),
	}
}

func numbers(from, to int) (texts []string) {
	for n := from; n < to; n++ {
		texts = append(texts, strconv.Itoa(n))
	}
	return texts
}

func TestStreams_EmittedEntries_AreReadInOrderByAllSinceTheyOpened(t *testing.T) {
	server := redisproc.Start(t)
	_, err := server.Do(t.Context(), "XADD", "s", "*", "nsp", "/", "data", "before")
	require.NoError(t, err)
	a := open(t, server.Client(), link.Streams{ReadCount: 7}, "s", "other")
	b := open(t, server.Client(), link.Streams{}, "s")
	const n = 3000
	frames := make([]format.Frame, n)
	for i := range frames {
		frames[i] = entry("s", i)
		a.Emit(frames[i], nil)
	}
	private := entry("other", 1)
	private.Entry.Namespace, private.Entry.Private = "", "/x"
	settled := make(chan link.Outcome, 1)
	a.Emit(private, func(o link.Outcome) { settled <- o })
	assert.Equal(t, link.Delivered, <-settled)
	for _, r := range []*reading{a, b} {
		until(t, "not all read", func() bool { return len(r.data("s")) >= n })
		assert.Equal(t, numbers(0, n), r.data("s"))
		for i, e := range r.entries["s"] {
			assert.Equal(t, frames[i].Entry.ID, e.ID, "the emitter learns the id")
			assert.Equal(t, []string{"u", "/", "", "3"}, []string{e.UID, e.Namespace, e.Private, e.Type})
		}
	}
	until(t, "the other stream is not read", func() bool { return len(a.data("other")) == 1 })
	assert.Equal(t, "/x", a.entries["other"][0].Private)
	assert.Equal(t, uint64(n+1), a.Stats().Delivered)
}

func TestStreams_ForeignEntries_DoNotStopTheReader(t *testing.T) {
	server := redisproc.Start(t)
	r := open(t, server.Client(), link.Streams{}, "s")
	many := []any{"XADD", "s", "*"}
	for i := range 300 {
		many = append(many, fmt.Sprintf("field%d", i), "value")
	}
	for _, command := range [][]any{many, {"XADD", "s", "*", "a", ""}, {"XADD", "s", "*", "", "\r\n-ERR"}, {"XADD", "s", "*", "data", "end"}} {
		_, err := server.Do(t.Context(), command...)
		require.NoError(t, err)
	}
	until(t, "not all read", func() bool { return len(r.data("s")) == 4 })
	assert.Equal(t, []string{"", "", "", "end"}, r.data("s"))
	assert.Zero(t, r.Stats().Reconnects)
}

func TestStreams_MaxLen_BoundsTheStream(t *testing.T) {
	server := redisproc.Start(t)
	r := open(t, server.Client(), link.Streams{MaxLen: 100}, "s")
	for i := range 2000 {
		r.Emit(entry("s", i), nil)
	}
	until(t, "not all confirmed", func() bool { return r.Stats().Delivered == 2000 })
	length, err := server.Do(t.Context(), "XLEN", "s")
	require.NoError(t, err)
	assert.Less(t, length, int64(500), "Redis cuts whole nodes of about a hundred")
}

// TestStreams_ConnectionsKilledUnderLoad_NothingAcceptedIsLostOrTwice cuts all connections again and again while entries are
// added.
func TestStreams_ConnectionsKilledUnderLoad_NothingAcceptedIsLostOrTwice(t *testing.T) {
	server := redisproc.Start(t)
	a, b := open(t, server.Client(), link.Streams{}, "s"), open(t, server.Client(), link.Streams{}, "s")
	const rounds, each = 8, 500
	for round := range rounds {
		for i := range each {
			a.Emit(entry("s", round*each+i), nil)
		}
		_, err := server.Do(t.Context(), "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
		require.NoError(t, err)
		again := -1 - round // what was in flight may never have been added; what comes afterwards is
		until(t, "nothing is read again", func() bool {
			a.Emit(entry("s", again), nil)
			return slices.Contains(b.data("s"), strconv.Itoa(again))
		})
	}
	until(t, "not all settled", func() bool { return a.Stats().Buffered == 0 })
	checkAgainstRedis(t, server.Client(), "s", a, b)
	assert.NotZero(t, b.Stats().Reconnects)
	assert.Zero(t, a.Stats().Dropped)
}

// checkAgainstRedis compares what was read with what is in the stream.
func checkAgainstRedis(t *testing.T, client redis.UniversalClient, stream string, all ...*reading) {
	t.Helper()
	kept, err := client.XRange(t.Context(), stream, "-", "+").Result()
	require.NoError(t, err)
	var want []string
	for _, e := range kept {
		data, ok := e.Values["data"].(string)
		require.True(t, ok)
		want = append(want, data)
	}
	require.NotEmpty(t, want)
	for _, r := range all {
		until(t, "not all read", func() bool { return len(r.data(stream)) >= len(want) })
		require.Equal(t, want, r.data(stream))
	}
}

func TestStreams_RedisKilledAndRestartedWithItsLog_NothingAcceptedIsLostOrTwice(t *testing.T) {
	server := redisproc.StartWith(t, redisproc.Options{Arguments: []string{"--appendonly", "yes", "--appendfsync", "always"}})
	a, b := open(t, server.Client(), link.Streams{}, "s"), open(t, server.Client(), link.Streams{}, "s")
	const rounds, each = 3, 1000
	for round := range rounds {
		for i := range each {
			a.Emit(entry("s", round*each+i), nil)
		}
		server.Kill()
		until(t, "not down", func() bool { return b.broken() != nil })
		server.Restart()
		again := -1 - round
		until(t, "nothing is read again", func() bool {
			a.Emit(entry("s", again), nil)
			return slices.Contains(b.data("s"), strconv.Itoa(again))
		})
	}
	until(t, "not all settled", func() bool { return a.Stats().Buffered == 0 })
	checkAgainstRedis(t, server.Client(), "s", a, b)
	require.NoError(t, b.Reason(link.StreamPart))
}

func TestStreams_RedisForgotEverything_GoesOnWithWhatIsNew(t *testing.T) {
	server := redisproc.Start(t)
	r := open(t, server.Client(), link.Streams{}, "s")
	_, err := server.Do(t.Context(), "XADD", "s", "99999999999999-1", "data", "of a clock ahead")
	require.NoError(t, err)
	until(t, "not read", func() bool { return len(r.data("s")) == 1 })
	server.Restart()
	until(t, "not back", func() bool { return r.Stats().Reconnects > 0 && r.Reason(link.StreamPart) == nil })
	r.Emit(entry("s", 1), nil)
	until(t, "what is new is not read", func() bool { return slices.Contains(r.data("s"), "1") })
}

func TestStreams_Close_EndsAReaderThatWaits(t *testing.T) {
	server := redisproc.Start(t)
	r := open(t, server.Client(), link.Streams{Block: time.Hour}, "s", "t")
	r.Emit(entry("s", 1), nil)
	until(t, "not read", func() bool { return len(r.data("s")) == 1 })
	begun := time.Now()
	require.NoError(t, r.Close(t.Context()))
	assert.Less(t, time.Since(begun), 2*time.Second)
}

func TestStreams_Cluster_SlotsMoveAndMastersDie_NothingAcceptedIsLost(t *testing.T) {
	cluster := redisproc.StartCluster(t)
	a, b := open(t, cluster.Client(), link.Streams{}, "s-0", "s-1"), open(t, cluster.Client(), link.Streams{}, "s-0", "s-1")
	next := 0
	add := func(n int) {
		t.Helper()
		for range n {
			a.Emit(entry("s-0", next), nil)
			a.Emit(entry("s-1", next), nil)
			next++
		}
		for _, stream := range []string{"s-0", "s-1"} {
			until(t, "not read: "+stream, func() bool { return slices.Contains(b.data(stream), strconv.Itoa(next-1)) })
		}
	}
	add(200)
	cluster.Failover("s-0")
	add(200)
	cluster.WaitStable()
	add(200)
	cluster.KillMaster("s-1")
	add(200) // waits until the replica has taken its place
	cluster.WaitStable()
	add(200)
	assert.Zero(t, a.Stats().Dropped)
	for _, stream := range []string{"s-0", "s-1"} {
		checkAgainstRedis(t, cluster.Client(), stream, a, b)
	}
}

func TestStreams_SentinelFailover_GoesOnWithTheNewMaster(t *testing.T) {
	sentinels := redisproc.StartSentinel(t)
	a, b := open(t, sentinels.Client(), link.Streams{}, "s"), open(t, sentinels.Client(), link.Streams{}, "s")
	for i := range 100 {
		a.Emit(entry("s", i), nil)
	}
	until(t, "not read", func() bool { return len(b.data("s")) == 100 })
	sentinels.Failover()
	for i := range 100 {
		a.Emit(entry("s", 100+i), nil)
	}
	until(t, "not read from the new master", func() bool { return slices.Contains(b.data("s"), "199") })
}

func TestHold_EntriesWait_AndFollowWithoutAGap(t *testing.T) {
	server := redisproc.Start(t)
	r := open(t, server.Client(), link.Streams{}, "s")
	r.Emit(entry("s", 0), nil)
	until(t, "not read", func() bool { return len(r.data("s")) == 1 })
	called := 0
	r.Hold("s", func(last format.EntryID) {
		called++
		assert.Equal(t, r.entries["s"][0].ID, last.String())
		settled := make(chan link.Outcome, 1)
		r.Emit(entry("s", 1), func(o link.Outcome) { settled <- o })
		assert.Equal(t, link.Delivered, <-settled)
		assert.Len(t, r.data("s"), 1)
	})
	until(t, "not read", func() bool { return len(r.data("s")) == 2 })
	r.Hold("no such stream", func(format.EntryID) { called++ })
	assert.Equal(t, 1, called)
}

func TestRange_FirstOrLatest_InOrderAndNoMoreThanAskedFor(t *testing.T) {
	for name, client := range map[string]func() redis.UniversalClient{
		"single":  func() redis.UniversalClient { return redisproc.Start(t).Client() },
		"cluster": func() redis.UniversalClient { return redisproc.StartCluster(t).Client() },
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, client(), link.Streams{}, "s-0", "s-1", "s-2")
			for _, stream := range []string{"s-0", "s-1", "s-2"} {
				for i := range 20 {
					r.Emit(entry(stream, i), nil)
				}
				until(t, "not all read", func() bool { return len(r.data(stream)) == 20 })
				id := func(n int) format.EntryID {
					at, ok := format.ParseEntryID(r.entries[stream][n].ID)
					require.True(t, ok)
					return at
				}
				check := func(asked link.Range, from, to int) {
					t.Helper()
					asked.Stream = stream
					got, err := r.Range(t.Context(), asked)
					require.NoError(t, err)
					assert.Equal(t, r.entries[stream][from:to], got)
				}
				check(link.Range{First: id(3), Last: id(12), Count: 100}, 3, 13)
				check(link.Range{First: id(3), Last: id(12), Count: 4}, 3, 7)
				check(link.Range{First: id(3), Last: id(12), Count: 4, Latest: true}, 9, 13)
				check(link.Range{Last: id(3).Prev(), Count: 100, Latest: true}, 0, 3)
			}
			require.NoError(t, r.Close(t.Context()))
			_, err := r.Range(t.Context(), link.Range{Stream: "s-0", Count: 1})
			require.ErrorIs(t, err, link.ErrClosed)
		})
	}
}

func TestRange_RedisGoneAndBack_WorksAgain(t *testing.T) {
	server := redisproc.Start(t)
	r := open(t, server.Client(), link.Streams{}, "s")
	read := func() error {
		_, err := r.Range(t.Context(), link.Range{Stream: "s", Count: 1})
		return err
	}
	require.NoError(t, read())
	server.Kill()
	require.Error(t, read())
	require.ErrorIs(t, read(), link.ErrDown)
	server.Restart()
	require.NoError(t, read())
	_, err := server.Do(t.Context(), "SET", "s", "no stream")
	require.NoError(t, err)
	require.ErrorContains(t, read(), "WRONGTYPE")
	_, err = server.Do(t.Context(), "DEL", "s")
	require.NoError(t, err)
	require.NoError(t, read())
}

func TestRun_KeysOfAllNodes_AreReached(t *testing.T) {
	for name, client := range map[string]func() redis.UniversalClient{
		"single":  func() redis.UniversalClient { return redisproc.Start(t).Client() },
		"cluster": func() redis.UniversalClient { return redisproc.StartCluster(t).Client() },
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, client(), link.Streams{}, "s")
			for i := range 30 {
				key := "key" + strconv.Itoa(i)
				require.NoError(t, r.Run(t.Context(), key, func(ctx context.Context, conn *redis.Conn) error {
					return conn.Set(ctx, key, i, 0).Err()
				}))
				require.NoError(t, r.Run(t.Context(), key, func(ctx context.Context, conn *redis.Conn) error {
					got, err := conn.Get(ctx, key).Int()
					assert.Equal(t, i, got)
					return err
				}))
			}
			require.ErrorIs(t, r.Run(t.Context(), "none", func(ctx context.Context, conn *redis.Conn) error {
				return conn.Get(ctx, "none").Err()
			}), redis.Nil)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			require.ErrorIs(t, r.Run(ctx, "k", func(context.Context, *redis.Conn) error { return nil }), context.Canceled)
			require.NoError(t, r.Close(t.Context()))
			require.ErrorIs(t, r.Run(t.Context(), "k", func(context.Context, *redis.Conn) error { return nil }), link.ErrClosed)
		})
	}
}

func TestRun_RedisGoneAndBack_WorksAgain(t *testing.T) {
	server := redisproc.Start(t)
	r := open(t, server.Client(), link.Streams{}, "s")
	set := func() error {
		return r.Run(t.Context(), "k", func(ctx context.Context, conn *redis.Conn) error { return conn.Set(ctx, "k", 1, 0).Err() })
	}
	require.NoError(t, set())
	server.Kill()
	require.Error(t, set())
	require.ErrorIs(t, set(), link.ErrDown)
	server.Restart()
	require.NoError(t, set())
}

// TestStreams_PlaceOfTheReader_IsToldBeforeItReads: after a break, too, and whether what it has read is there no more.
func TestStreams_PlaceOfTheReader_IsToldBeforeItReads(t *testing.T) {
	server := redisproc.Start(t)
	client := server.Client()
	add := func(id, data string) {
		_, err := server.Do(t.Context(), "XADD", "s", id, "nsp", "/", "data", data)
		require.NoError(t, err)
	}
	var mu sync.Mutex
	var story []string
	note := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		story = append(story, fmt.Sprintf(format, args...))
	}
	told := func(want ...string) {
		t.Helper()
		var so []string
		until(t, "not all told", func() bool {
			mu.Lock()
			defer mu.Unlock()
			so = slices.Clone(story)
			return len(so) >= len(want)
		})
		assert.Equal(t, want, so)
	}
	add("5-0", "before")
	r := open(t, client, link.Streams{
		Seek:  func(stream string) { note("seek %s", stream) },
		Found: func(stream string, last format.EntryID, back bool) { note("found %s %v %v", stream, last, back) },
	}, "s")
	told("seek s", "found s 5-0 false")
	add("7-0", "read")
	until(t, "not read", func() bool { return len(r.data("s")) == 1 })
	killReader(t, client)
	told("seek s", "found s 5-0 false", "seek s", "found s 7-0 false")
	require.NoError(t, client.Del(t.Context(), "s").Err())
	add("3-0", "behind what was read")
	killReader(t, client)
	told("seek s", "found s 5-0 false", "seek s", "found s 7-0 false", "seek s", "found s 3-0 true")
	add("4-0", "read from there on")
	until(t, "not read", func() bool { return len(r.data("s")) == 2 })
	assert.Equal(t, []string{"read", "read from there on"}, r.data("s"))
}
