package outage

import (
	"context"
	"errors"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/rawclient"
)

// patience bounds every wait of a test.
const patience = 60 * time.Second

// overAdapters runs a test for each adapter.
func overAdapters(t *testing.T, test func(t *testing.T, adapter actio.Adapter)) {
	t.Helper()
	t.Run("classic", func(t *testing.T) { test(t, actio.ClassicAdapter) })
	t.Run("sharded", func(t *testing.T) { test(t, actio.ShardedAdapter) })
}

// overConnections runs a test for one adapter, and for each of them in the full run: for what is a matter of the connections,
// which are the same.
func overConnections(t *testing.T, test func(t *testing.T, adapter actio.Adapter)) {
	t.Helper()
	if full {
		overAdapters(t, test)
		return
	}
	t.Run("classic", func(t *testing.T) { test(t, actio.ClassicAdapter) })
}

// instance is a server of the cluster, on a TCP port of its own.
type instance struct {
	*actio.Server

	web *httptest.Server
}

// newServer makes a plain Socket.IO server with the handlers that the tests need. Its clients may call "echo", which
// is acknowledged, and "join" with a room.
func newServer(o actio.Options) (*actio.Server, error) {
	o.NoAuthentication = true
	server, err := actio.New(o)
	if err != nil {
		return nil, err
	}
	return server, errors.Join(
		server.Root().Handle("echo", func(_ context.Context, _ *actio.Socket, e *actio.Event) { _ = e.Reply(e.Args.Len()) }),
		server.Root().Handle("join", func(ctx context.Context, s *actio.Socket, e *actio.Event) {
			var room string
			if e.Args.Decode(0, &room) == nil && s.Join(ctx, room) == nil {
				_ = e.Reply(room)
			}
		}),
	)
}

// serve starts an instance. The test ends it.
func serve(t *testing.T, o actio.Options) *instance {
	t.Helper()
	o.OnPanic = func(where string, recovered any, stack []byte) {
		t.Errorf("panic in %s: %v\n%s", where, recovered, stack)
	}
	server, err := newServer(o)
	require.NoError(t, err)
	require.NoError(t, server.Configure(t.Context()))
	s := serveConfigured(server)
	t.Cleanup(func() { s.end(t) })
	return s
}

// serveConfigured serves HTTP on a free port.
func serveConfigured(server *actio.Server) *instance {
	return &instance{Server: server, web: httptest.NewServer(server)}
}

// end shuts the instance down. Idempotent.
func (s *instance) end(t *testing.T) {
	t.Helper()
	if s.web == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	assert.NoError(t, s.Shutdown(ctx))
	s.web.Close()
	s.web = nil
}

// cluster starts n instances, each with a Redis client of its own, and returns when all know each other.
func cluster(t *testing.T, n int, client func() redis.UniversalClient, adapter actio.Adapter) []*instance {
	t.Helper()
	instances := make([]*instance, n)
	for i := range instances {
		instances[i] = serve(t, actio.Options{
			Identifier: "instance-" + string(rune('a'+i)), Redis: actio.RedisOptions{Client: client(), Adapter: adapter},
		})
	}
	acquainted(t, instances, n-1)
	return instances
}

// acquainted waits until each instance knows so many others.
func acquainted(t *testing.T, instances []*instance, others int) {
	t.Helper()
	for _, s := range instances {
		eventually(t, "the instances know each other", func() bool { return len(s.Health().Redis.Peers) == others },
			func() any { return *s.Health().Redis })
	}
}

// newClient makes a Redis client, which the test closes.
func newClient(t *testing.T, o *redis.Options) *redis.Client {
	t.Helper()
	client := redis.NewClient(o)
	t.Cleanup(func() { assert.NoError(t, client.Close()) })
	return client
}

// dial connects a client. The test closes it.
func (s *instance) dial(t *testing.T) (c *rawclient.Client, id string) {
	t.Helper()
	c, err := rawclient.Dial(s.address(), rawclient.Options{})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	id, err = c.Join("/", nil)
	require.NoError(t, err)
	return c, id
}

func (s *instance) address() string { return s.web.Listener.Addr().String() }

// redisStats are the counters of an instance.
func (s *instance) redisStats(t *testing.T) actio.RedisStats {
	t.Helper()
	stats, err := s.Stats(t.Context())
	require.NoError(t, err)
	return stats.Redis
}

// untilReady waits until all connections of all instances are up and nothing waits for them.
func untilReady(t *testing.T, instances []*instance) {
	t.Helper()
	for _, s := range instances {
		eventually(t, "Redis is reached again", func() bool {
			return s.Health().Status == actio.HealthReady && s.redisStats(t).Link.Buffered == 0
		}, func() any { return *s.Health().Redis })
	}
}

// untilDown waits until an instance knows that none of its connections works.
func untilDown(t *testing.T, s *instance) {
	t.Helper()
	const connections = 3
	eventually(t, "the outage is known", func() bool { return len(s.Health().Reasons) == connections },
		func() any { return s.Health() })
	assert.Equal(t, actio.HealthDegraded, s.Health().Status)
}

// eventually waits for a condition of which no signal tells.
func eventually(t *testing.T, what string, condition func() bool, last func() any) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	giveUp := time.NewTimer(patience)
	defer giveUp.Stop()
	for !condition() {
		select {
		case <-ticker.C:
		case <-giveUp.C:
			t.Fatalf("%s: not within %v; last: %+v", what, patience, last())
		}
	}
}

// pause lets time pass: an outage lasts.
func pause(d time.Duration) { <-time.After(d) }

// each calls f for 0 to n-1, as many at a time as there are workers, and returns the errors joined: the first few.
func each(n, workers int, f func(i int) error) error {
	const few = 5
	var (
		next  atomic.Int64
		group sync.WaitGroup
		mutex sync.Mutex
		errs  []error
	)
	for range workers {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := f(i); err != nil {
					mutex.Lock()
					if len(errs) < few {
						errs = append(errs, err)
					}
					mutex.Unlock()
				}
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// goroutines counts those of the process. Workers that wait for work end in their own time and do not count.
func goroutines() int {
	return runtime.NumGoroutine() - strings.Count(stacks(), "actors.(*Workers).work(")
}

// settledGoroutines counts them when their number does not change any more: what was begun ends in its own time.
func settledGoroutines(t *testing.T) int {
	t.Helper()
	n, same := goroutines(), 0
	eventually(t, "the number of goroutines settles", func() bool {
		last := n
		if n = goroutines(); n == last {
			same++
		} else {
			same = 0
		}
		return same == 20
	}, func() any { return stacks() })
	return n
}

// untilGoroutines waits until no more goroutines run than before.
func untilGoroutines(t *testing.T, before int) {
	t.Helper()
	eventually(t, "no more goroutines than before", func() bool { return goroutines() <= before },
		func() any { return stacks() })
}

// stacks are those of all goroutines.
func stacks() string {
	buffer := make([]byte, 16<<20)
	return string(buffer[:runtime.Stack(buffer, true)])
}

// heap is what lives on the heap, in bytes.
func heap() int64 {
	// The second collection takes what the first has left in pools.
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
