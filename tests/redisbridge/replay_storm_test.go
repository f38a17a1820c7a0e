package redisbridge_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/tests/internal/redisproc"
	"github.com/actio-go/actio/wire"
)

// replayTimeout is the default of actio.RecoveryOptions.Timeout.
const replayTimeout = 5 * time.Second

// crowd is clients that were connected to one instance, and come back to another while events go on. Each is in a room of its
// own, and in that of one half.
type crowd struct {
	t        *testing.T
	from, to *member
	clients  int
	offset   string // of the event before the first that they have missed

	emitted atomic.Int64
	stop    chan struct{}
	load    sync.WaitGroup
}

// gather has a crowd miss events.
func gather(t *testing.T, o redisbridge.Options, clients, missed int) *crowd {
	t.Helper()
	server := redisproc.Start(t)
	c := &crowd{t: t, from: add(t, server, o, "x"), to: add(t, server, o), clients: clients, stop: make(chan struct{})}
	c.from.Emit(&format.Message{Kind: format.Broadcast, Namespace: "/", Event: event(`["before"]`)}, nil)
	require.NoError(t, c.from.CatchUp(t.Context()))
	c.offset = offsetOf(c.from.in.story()[0])
	for range missed {
		c.emit()
	}
	require.NoError(t, c.from.CatchUp(t.Context()))
	return c
}

// target is whom an event is for.
func (c *crowd) target(n int) redisbridge.Target {
	switch n % 8 {
	case 0:
		return redisbridge.Target{Rooms: []string{"in" + strconv.Itoa(n/8%c.clients)}}
	case 1:
		return redisbridge.Target{Rooms: []string{"half0", "in1"}}
	case 2:
		return redisbridge.Target{Except: []string{"half1"}}
	case 3:
		return redisbridge.Target{Rooms: []string{"nobody"}}
	default:
		return redisbridge.Target{}
	}
}

func (c *crowd) emit() {
	n := int(c.emitted.Add(1)) - 1
	c.from.Emit(&format.Message{
		Kind: format.Broadcast, Namespace: "/", Target: c.target(n),
		Event: event(fmt.Sprintf(`["e",%d,"%s"]`, n, strings.Repeat("x", 100))),
	}, nil)
}

// keepOn emits further events until the crowd ends.
func (c *crowd) keepOn() {
	c.load.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-c.stop:
				return
			case <-tick.C:
				c.emit()
			}
		}
	})
}

// client is the session of one.
func (c *crowd) client(i int) *redisbridge.Session {
	id := strconv.Itoa(i)
	return session(id, "in"+id, "half"+strconv.Itoa(i%2))
}

// back has a client come back.
func (c *crowd) back(ctx context.Context, i int, offset string, maxBytes int) error {
	s := c.client(i)
	return c.to.Replay(ctx, s, "/", offset, most(maxBytes), func(missed []*wire.Prepared) {
		c.to.in.mu.Lock()
		defer c.to.in.mu.Unlock()
		for _, p := range missed {
			array, _, _ := p.Event()
			c.to.in.happened = append(c.to.in.happened, string(array)+" "+strconv.Itoa(i))
		}
		c.to.in.sockets[s.ID] = s.Rooms
	})
}

// end stops the load and returns what each client got, when all have got the last event for them.
func (c *crowd) end() map[string][]int {
	close(c.stop)
	c.load.Wait()
	c.from.Emit(&format.Message{Kind: format.Broadcast, Namespace: "/", Event: event(`["end"]`)}, nil)
	require.NoError(c.t, c.from.CatchUp(c.t.Context()))
	there := func() (n int) {
		c.to.in.mu.Lock()
		defer c.to.in.mu.Unlock()
		return len(c.to.in.sockets)
	}()
	got := make(map[string][]int)
	until(c.t, "the last event is not there", func() bool {
		clear(got)
		ends := 0
		for _, line := range c.to.in.story() {
			if strings.HasPrefix(line, `["end"`) {
				ends++
				continue
			}
			at := strings.LastIndexByte(line, ' ')
			n, err := strconv.Atoi(strings.Split(line, ",")[1])
			require.NoError(c.t, err)
			got[line[at+1:]] = append(got[line[at+1:]], n)
		}
		return ends == there
	})
	return got
}

// wanted is what a client gets from one event on.
func (c *crowd) wanted(i, from int) (all []int) {
	s := c.client(i)
	for n := from; n < int(c.emitted.Load()); n++ {
		if c.target(n).Concerns(s.Rooms, "") {
			all = append(all, n)
		}
	}
	return all
}

// storm has all clients come back at once, each within a time, and returns their errors.
func (c *crowd) storm(within time.Duration) []error {
	failed := make([]error, c.clients)
	var all sync.WaitGroup
	for i := range c.clients {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(c.t.Context(), within)
			defer cancel()
			failed[i] = c.back(ctx, i, c.offset, 1<<20)
		})
	}
	all.Wait()
	return failed
}

// TestReplay_Storm_AllGetEverythingOnceInOrder: an instance with 400 clients has died, each of which has missed 1000 entries.
func TestReplay_Storm_AllGetEverythingOnceInOrder(t *testing.T) {
	c := gather(t, recovering(time.Minute), 400, 1000)
	c.keepOn()
	begun := time.Now()
	require.NoError(t, errors.Join(c.storm(replayTimeout)...))
	t.Log("all are back after", time.Since(begun))
	got := c.end()
	for i := range c.clients {
		require.Equal(t, c.wanted(i, 0), got[strconv.Itoa(i)], "client %d", i)
	}
}

// TestReplay_StormBeyondTheSharedBytes_AllGetEverythingOnceInOrder: most of what was missed does not fit into what is shared,
// whose beginning moves on with each event.
func TestReplay_StormBeyondTheSharedBytes_AllGetEverythingOnceInOrder(t *testing.T) {
	for name, size := range map[string]int{"hardly anything shared": 1, "a part": 100_000} {
		t.Run(name, func(t *testing.T) {
			o := recovering(time.Minute)
			o.ReplayBytes = size
			c := gather(t, o, 8, 1500)
			c.keepOn()
			require.NoError(t, errors.Join(c.storm(patience)...))
			got := c.end()
			for i := range c.clients {
				require.Equal(t, c.wanted(i, 0), got[strconv.Itoa(i)], "client %d", i)
			}
		})
	}
}

// TestReplay_FewMissedAmongAStorm_DoesNotWaitForIt: those who have missed much are read for one after another.
func TestReplay_FewMissedAmongAStorm_DoesNotWaitForIt(t *testing.T) {
	o := recovering(time.Minute)
	o.ReplayBytes = 100_000
	c := gather(t, o, 60, 5000)
	story := c.from.in.story()
	recent := offsetOf(story[len(story)-1])
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	begun := make(chan struct{}, c.clients)
	var done atomic.Int32
	for i := 1; i < c.clients; i++ {
		all.Go(func() {
			begun <- struct{}{}
			err := c.back(ctx, i, c.offset, 1<<20)
			done.Add(1)
			if err != nil {
				assert.ErrorIs(t, err, context.Canceled)
			}
		})
	}
	for range c.clients - 1 {
		<-begun
	}
	require.NoError(t, c.back(t.Context(), 0, recent, 1<<20))
	assert.Less(t, int(done.Load()), c.clients/2, "it waited for the others")
	cancel()
	all.Wait()
	_, failed := c.back(ctx, 1, c.offset, 1<<20), c.back(t.Context(), 1, c.offset, 1)
	require.ErrorIs(t, failed, redisbridge.ErrTooMuch)
	for _, waits := range []string{c.offset, recent} {
		require.ErrorIs(t, c.back(ctx, 1, waits, 1<<20), context.Canceled)
	}
	require.NoError(t, c.back(t.Context(), 1, c.offset, 1<<20), "those who have given up keep nobody waiting")
	close(c.stop)
}

// TestReplay_PushedOutMeanwhile_EverythingOrAReason: a short stream loses what is being read.
func TestReplay_PushedOutMeanwhile_EverythingOrAReason(t *testing.T) {
	for name, size := range map[string]int{"shared": 0, "alone": 1} {
		t.Run(name, func(t *testing.T) {
			o := recovering(time.Minute)
			o.Streams.MaxLen, o.ReplayBytes = 1000, size
			c := gather(t, o, 40, 950)
			c.load.Go(func() {
				for range 500 {
					c.emit()
				}
			})
			failed := c.storm(patience)
			c.load.Wait()
			require.NoError(t, c.from.CatchUp(t.Context()))
			require.ErrorIs(t, c.back(t.Context(), 0, c.offset, 1<<20), redisbridge.ErrNoOffset, "all of them are pushed out now")
			got := c.end()
			for i, err := range failed {
				if err != nil {
					require.ErrorIs(t, err, redisbridge.ErrNoOffset)
					require.Empty(t, got[strconv.Itoa(i)])
					continue
				}
				require.Equal(t, c.wanted(i, 0), got[strconv.Itoa(i)], "client %d", i)
			}
		})
	}
}
