package outage

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/rawclient"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

// scheduling is how much longer than its deadline a call may take on a busy machine.
const scheduling = time.Second

// ending is how a server that has clients and messages on their way to Redis is shut down.
type ending struct {
	harm   func(r *redisproc.Server)
	known  bool          // the server knows of the harm before
	within time.Duration // deadline of Shutdown
	clean  bool          // Shutdown returns nil
	during bool          // the harm happens meanwhile
	after  time.Duration // how long after its beginning
}

// shutDown does it and wants nothing to be left.
func (e ending) shutDown(t *testing.T, r *redisproc.Server, adapter actio.Adapter) {
	t.Helper()
	client, other := r.Client(), r.Client()
	before := settledGoroutines(t)
	neighbour, err := newServer(actio.Options{Redis: actio.RedisOptions{Client: other, Adapter: adapter}})
	require.NoError(t, err)
	require.NoError(t, neighbour.Configure(t.Context()))
	server, err := newServer(actio.Options{
		Engine: actio.EngineOptions{DrainGrace: time.Second}, Redis: actio.RedisOptions{Client: client, Adapter: adapter},
	})
	require.NoError(t, err)
	require.NoError(t, server.Configure(t.Context()))
	s := serveConfigured(server)
	ends := make(chan rawclient.End, members)
	for range members {
		c, err := rawclient.Dial(s.address(), rawclient.Options{})
		require.NoError(t, err)
		_, err = c.Join("/", nil)
		require.NoError(t, err)
		go func() {
			ends <- c.Farewell()
			c.Close()
		}()
	}
	if !e.during {
		e.harm(r)
	}
	if e.known {
		untilDown(t, s)
	}
	for i := range 200 {
		require.NoError(t, server.Root().Emit("news", i))
	}

	ctx, cancel := context.WithTimeout(t.Context(), e.within)
	defer cancel()
	begin := time.Now()
	result := make(chan error, 1)
	go func() { result <- server.Shutdown(ctx) }()
	if e.during {
		pause(e.after)
		e.harm(r)
	}
	err = <-result
	took := time.Since(begin)
	t.Logf("%v: %v", took, err)
	assert.Less(t, took, e.within+scheduling)
	if e.clean {
		require.NoError(t, err)
	}
	for range members {
		assert.Equal(t, rawclient.End{CloseCode: 1001}, <-ends, "clients are told")
	}
	st := server.Health()
	assert.Equal(t, actio.HealthClosed, st.Status)
	r.Resume() // the neighbour need not wait
	ctx, cancel = context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, neighbour.Shutdown(ctx))
	s.web.Close()
	untilGoroutines(t, before)
	r.Restart()
}

func TestShutdown_RedisOutOfOrder_WithinTheDeadlineAndNothingIsLeft(t *testing.T) {
	kill, stop := (*redisproc.Server).Kill, (*redisproc.Server).Pause
	endings := map[string]ending{
		"dead":                   {harm: kill, within: 10 * time.Second, clean: true},
		"known to be dead":       {harm: kill, known: true, within: 10 * time.Second, clean: true},
		"stalled":                {harm: stop, within: 10 * time.Second, clean: true},
		"dead, short deadline":   {harm: kill, within: 300 * time.Millisecond},
		"stalled, soon due":      {harm: stop, within: 300 * time.Millisecond},
		"killed right at first":  {harm: kill, during: true, within: 10 * time.Second, clean: true},
		"killed in the middle":   {harm: kill, during: true, after: 2 * time.Millisecond, within: 10 * time.Second, clean: true},
		"killed towards the end": {harm: kill, during: true, after: 10 * time.Millisecond, within: 10 * time.Second, clean: true},
		"stopped in the middle":  {harm: stop, during: true, after: 2 * time.Millisecond, within: 10 * time.Second, clean: true},
	}
	overAdapters(t, func(t *testing.T, adapter actio.Adapter) {
		r := redisproc.Start(t)
		for name, e := range endings {
			t.Run(name, func(t *testing.T) { e.shutDown(t, r, adapter) })
		}
	})
}

func TestShutdown_SentinelOutOfOrder_WithinTheDeadline(t *testing.T) {
	s := redisproc.StartSentinel(t)
	all := slices.Concat(s.Servers(), s.Sentinels())
	resume := func() {
		for _, one := range all {
			one.Resume()
		}
	}
	defer resume()
	// What has stalled goes on for the next one, for which nothing is left of the servers of Redis.
	for _, c := range []struct {
		name string
		harm func()
	}{
		{"all stalled", func() {
			for _, one := range all {
				one.Pause()
			}
		}},
		{"sentinels stalled, Redis dead", func() {
			for _, one := range s.Sentinels() {
				one.Pause()
			}
			for _, one := range s.Servers() {
				one.Kill()
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			const within = 10 * time.Second
			server, err := newServer(actio.Options{Redis: actio.RedisOptions{Client: s.Client()}})
			require.NoError(t, err)
			require.NoError(t, server.Configure(t.Context()))
			c.harm()
			eventually(t, "the outage is known", func() bool { return len(server.Health().Reasons) == len(parts) },
				func() any { return server.Health() })
			require.NoError(t, server.Root().Emit("news"))
			ctx, cancel := context.WithTimeout(t.Context(), within)
			defer cancel()
			begin := time.Now()
			assert.NoError(t, server.Shutdown(ctx))
			took := time.Since(begin)
			t.Log(took)
			assert.Less(t, took, within)
			resume()
		})
	}
}

func TestShutdown_TwoInstances_TheOtherDoesNotWaitForTheFirst(t *testing.T) {
	r := redisproc.Start(t)
	instances := cluster(t, 2, single(r), actio.ClassicAdapter)
	instances[1].end(t)
	require.Eventually(t, func() bool { return len(instances[0].Health().Redis.Peers) == 0 }, patience, time.Millisecond,
		"the farewell is on another connection than what follows")
	begin := time.Now()
	found, err := instances[0].Root().Timeout(patience).FetchSockets(t.Context())
	require.NoError(t, err)
	assert.True(t, found.Missing.None(), "%+v", found.Missing)
	assert.Less(t, time.Since(begin), patience/2)
}
