package scale

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
)

// options are those of the servers here: the defaults in the full run, heartbeats that can be waited for in the normal one. A
// machine that has other work may take its time to let everybody in; how long they live then is what is tested.
func options() actio.Options {
	o := actio.Options{
		Authenticate:        actio.AuthenticateFunc(func(context.Context, actio.Handshake) (bool, error) { return true, nil }),
		AuthenticateTimeout: patience,
	}
	if !full {
		o.PingInterval, o.Engine.PingInterval = time.Second, time.Second
	}
	return o
}

func TestSessions_VeryMany_AreHeldReachedAndFlatInMemory(t *testing.T) {
	// The first ones cost what a server costs once. From the second group on, memory must not depend on the number.
	groups := sized([]int{50, 100, 500}, []int{1000, 10_000, 25_000, 50_000, 100_000})
	size := groups[len(groups)-1]
	reportPipe(t)

	c := newCrowd(size)
	o := options()
	o.ClientDisconnected = func(s *actio.Socket, r actio.Reason) {
		c.lose(fmt.Errorf("the server has lost %s after %v: %v", s.ID(), time.Since(c.began), r))
	}
	o.OnPanic = func(where string, recovered any, stack []byte) {
		c.lose(fmt.Errorf("panic in %s: %v\n%s", where, recovered, stack))
	}
	server, err := actio.New(o)
	require.NoError(t, err)
	require.NoError(t, server.Configure(t.Context()))
	pipes := newExchange()
	web := &http.Server{Handler: server}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = web.Serve(pipes)
	}()
	defer func() {
		assert.NoError(t, web.Close())
		<-served
	}()

	first := admitGroups(t, c, groups, func() { pipes.dial(c) })
	held, cpu := time.Now(), cpuTime()
	late, err := c.remain()
	require.NoError(t, err, "%v; timers were up to %v late", c, late)
	require.NoError(t, c.wait(c.steady, "heartbeats"))
	took := time.Since(held)
	t.Logf("held %v: %v; at most %d pings in one second; timers up to %v late; server and clients took %.1f %% of one core",
		took.Round(time.Second), c, c.busiest(held), late.Round(time.Millisecond), 100*(cpuTime()-cpu).Seconds()/took.Seconds())
	afterHold := measure().per(size-groups[0], first)
	t.Logf("afterwards each session: %v", afterHold)

	began := time.Now()
	require.NoError(t, server.Emit("news", "for all"))
	require.NoError(t, c.wait(c.informed, "news"))
	t.Logf("a broadcast reached all within %v", time.Since(began).Round(time.Millisecond))
	assertNobodyLost(t, server, size)

	c.leaving.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	require.NoError(t, server.Shutdown(ctx))
	require.NoError(t, c.wait(c.gone, "the end"))
}

// reportPipe says how much of what a session seems to cost belongs to its connection and to the client.
func reportPipe(t *testing.T) {
	t.Helper()
	const n = 10_000
	pipes, idle := make([]*pipe, n), newCrowd(n)
	before := measure()
	for i := range pipes {
		pipes[i] = newPipe(idle, i, nil)
	}
	t.Logf("a connection in memory, its client included, costs %d B, which are part of what follows", measure().per(n, before).InUse)
	runtime.KeepAlive(pipes)
}

// admitGroups lets clients in until there are as many as the groups say, one after the other, and compares what those after
// the first group cost. It returns what the process held with the first.
func admitGroups(t *testing.T, c *crowd, groups []int, start func()) (first memory) {
	t.Helper()
	const tolerated = 1.1
	var few memory
	in := 0
	for i, size := range groups {
		began := time.Now()
		require.NoError(t, c.admit(size-in, start))
		took := time.Since(began)
		now := measure()
		if i == 0 {
			first = now
			in = size
			continue
		}
		each := now.per(size-groups[0], first)
		t.Logf("%d sessions, %.0f of them a second: each %v", size, float64(size-in)/took.Seconds(), each)
		in = size
		if i == 1 {
			few = each
			continue
		}
		if full { // stacks shrink with the first heartbeat, which those of the first groups have not had: so the heap by itself, too
			assert.LessOrEqual(t, float64(each.InUse), tolerated*float64(few.InUse), "%d sessions", size)
			assert.LessOrEqual(t, float64(each.InUse-each.Stacks), tolerated*float64(few.InUse-few.Stacks), "heap, %d sessions", size)
		}
	}
	return first
}

// assertNobodyLost says that the server has all clients, and has never had to part with one.
func assertNobodyLost(t *testing.T, server *actio.Server, size int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	stats, err := server.Stats(ctx)
	require.NoError(t, err)
	assert.Equal(t, size, stats.Sockets)
	assert.Equal(t, size, stats.Authenticated)
	assert.EqualValues(t, size, stats.SessionsOpened)
	assert.Zero(t, stats.SessionsClosed)
	assert.Zero(t, stats.SlowConsumers)
	assert.Zero(t, stats.RequestsRefused)
}
