package outage

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/jsprocess"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

const (
	fetchTimeout = 2 * time.Second
	// late is how much longer than its timeout a request may take on a busy machine.
	late = 2 * time.Second
	// members is how many clients each instance has.
	members = 10
)

// fetch is the outcome of FetchSockets.
type fetch struct {
	ids      []string
	missing  actio.Missing
	err      error
	took     time.Duration
	afterEnd bool // it began when the instance was gone
}

// fetchDuring makes n calls of FetchSockets, some at a time, and has the end happen after a fifth of them.
func (s *instance) fetchDuring(t *testing.T, n int, end func()) []fetch {
	t.Helper()
	var (
		done  atomic.Int64
		ended atomic.Bool
		once  sync.Once
		calls = make([]fetch, n)
	)
	require.NoError(t, each(n, 8, func(i int) error {
		if done.Load() >= int64(n/5) {
			once.Do(func() {
				end()
				ended.Store(true)
			})
		}
		after := ended.Load()
		begin := time.Now()
		found, err := s.Root().Timeout(fetchTimeout).FetchSockets(t.Context())
		calls[i] = fetched(found, err, begin)
		calls[i].afterEnd = after
		done.Add(1)
		return nil
	}))
	require.True(t, ended.Load())
	return calls
}

func fetched(found actio.Fetched, err error, begin time.Time) fetch {
	f := fetch{missing: found.Missing, err: err, took: time.Since(begin)}
	for _, s := range found.Sockets {
		f.ids = append(f.ids, s.ID)
	}
	slices.Sort(f.ids)
	return f
}

// sorted are ids in order.
func sorted(ids ...[]string) []string { return slices.Sorted(slices.Values(slices.Concat(ids...))) }

// dialMany connects clients and returns their ids.
func (s *instance) dialMany(t *testing.T, n int) []string {
	t.Helper()
	ids := make([]string, n)
	for i := range ids {
		_, ids[i] = s.dial(t)
	}
	return ids
}

func TestFetch_InstanceKilled_PartialResultsNameIt(t *testing.T) {
	overAdapters(t, func(t *testing.T, adapter actio.Adapter) {
		r := redisproc.Start(t)
		a := serve(t, actio.Options{Redis: actio.RedisOptions{
			Client: r.Client(), Adapter: adapter, HeartbeatTimeout: patience, // the dead are not forgotten before the end
		}})
		b := startChild(t, r.Addr(), adapter)
		c := startChild(t, r.Addr(), adapter)
		acquainted(t, []*instance{a}, 2)
		living := sorted(a.dialMany(t, members), b.dial(t, members))
		everybody := sorted(living, c.dial(t, members))

		complete, partial := 0, 0
		for i, f := range a.fetchDuring(t, 100, c.kill) {
			require.NoError(t, f.err, "call %d", i)
			require.Less(t, f.took, fetchTimeout+late, "call %d", i)
			if f.missing.None() {
				require.False(t, f.afterEnd, "call %d does not say that one is missing", i)
				require.Equal(t, everybody, f.ids, "call %d", i)
				complete++
				continue
			}
			require.Equal(t, actio.Missing{Instances: []string{c.ID}}, f.missing, "call %d", i)
			require.Equal(t, living, f.ids, "call %d", i)
			partial++
		}
		t.Logf("%d complete, %d partial", complete, partial)
		assert.Positive(t, complete)
		assert.Positive(t, partial)
		assert.Zero(t, a.redisStats(t).Pending)
	})
}

func TestFetch_InstanceStalled_PartialResultsNameIt(t *testing.T) {
	overAdapters(t, func(t *testing.T, adapter actio.Adapter) {
		r := redisproc.Start(t)
		a := serve(t, actio.Options{Redis: actio.RedisOptions{Client: r.Client(), Adapter: adapter}})
		b := startChild(t, r.Addr(), adapter)
		acquainted(t, []*instance{a}, 1)
		living := sorted(a.dialMany(t, members))
		b.dial(t, members)
		require.NoError(t, b.process.Signal(syscall.SIGSTOP))
		require.NoError(t, each(20, 20, func(int) error {
			begin := time.Now()
			found, err := a.Root().Timeout(fetchTimeout).FetchSockets(t.Context())
			f := fetched(found, err, begin)
			if f.err != nil || f.took < fetchTimeout || f.took > fetchTimeout+late ||
				!slices.Equal(f.ids, living) || !slices.Equal(f.missing.Instances, []string{b.ID}) || f.missing.Unnamed != 0 {
				return fmt.Errorf("%+v", f)
			}
			return nil
		}))
	})
}

// startNode starts a Socket.IO server of Node.js that can be killed, and connects clients to it.
func startNode(t *testing.T, r *redisproc.Server, adapter string) *jsprocess.Process {
	t.Helper()
	config, err := json.Marshal(map[string]any{"redis": map[string]any{"nodes": []string{r.Addr()}}, "adapter": adapter})
	require.NoError(t, err)
	listening := make(chan int, 1)
	p := jsprocess.Start(t, func(line []byte) {
		var hello struct{ Listening int }
		if json.Unmarshal(line, &hello) == nil && hello.Listening != 0 {
			listening <- hello.Listening
		}
	}, "fixtures/cluster-peer.mjs", string(config))
	var port int
	select {
	case port = <-listening:
	case <-p.Ended():
		require.NoError(t, p.Err())
	}
	clients := jsclient.Start(t)
	_, err = clients.ConnectMany(t.Context(), members, fmt.Sprintf("http://127.0.0.1:%d", port), jsclient.Options{})
	require.NoError(t, err)
	return p
}

func TestFetch_NodeKilled_PartialResultsCountIt(t *testing.T) {
	// All questions are to be under way before the first one's time is up, for which each of them waits.
	const timeout = 5 * time.Second
	overAdapters(t, func(t *testing.T, adapter actio.Adapter) {
		r := redisproc.Start(t)
		name := map[actio.Adapter]string{actio.ClassicAdapter: "classic", actio.ShardedAdapter: "sharded"}[adapter]
		node := startNode(t, r, name)
		a := serve(t, actio.Options{Redis: actio.RedisOptions{Client: r.Client(), Adapter: adapter}})
		own := sorted(a.dialMany(t, members))
		found, err := a.Root().FetchSockets(t.Context())
		require.NoError(t, err)
		require.True(t, found.Missing.None(), "%+v", found.Missing)
		require.Len(t, found.Sockets, 2*members)

		// It is asked while it cannot answer any more, and dies thereafter.
		require.NoError(t, node.Signal(syscall.SIGSTOP))
		eventually(t, "the first question is accounted for", func() bool { return a.redisStats(t).Link.Buffered == 0 },
			func() any { return a.redisStats(t) })
		before := a.redisStats(t).Link.Delivered
		calls := make(chan error, 1)
		go func() {
			calls <- each(100, 100, func(int) error {
				begin := time.Now()
				found, err := a.Root().Timeout(timeout).FetchSockets(t.Context())
				f := fetched(found, err, begin)
				if f.err != nil || f.took > timeout+late || !slices.Equal(f.ids, own) || !slices.Equal(
					[]int{len(f.missing.Instances), f.missing.Unnamed}, []int{0, 1}) {
					return fmt.Errorf("%+v", f)
				}
				return nil
			})
		}()
		eventually(t, "all are under way", func() bool { return a.redisStats(t).Link.Delivered-before >= 100 },
			func() any { return a.redisStats(t) })
		require.NoError(t, node.Signal(os.Kill))
		require.NoError(t, <-calls)

		found, err = a.Root().FetchSockets(t.Context())
		require.NoError(t, err)
		require.True(t, found.Missing.None(), "nobody waits for it any more")
		require.Len(t, found.Sockets, members)
	})
}
