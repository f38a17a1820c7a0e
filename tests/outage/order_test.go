package outage

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/rawclient"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

// window is how many messages the sender is ahead of the slowest listener at most, so that no queue overflows.
const window = 500

// progress is how far the listeners are.
type progress struct {
	mutex sync.Mutex
	moved *sync.Cond
	at    []int
	err   error
}

func newProgress(n int) *progress {
	p := &progress{at: make([]int, n)}
	p.moved = sync.NewCond(&p.mutex)
	return p
}

// reached notes how far a listener is, or why it goes no further.
func (p *progress) reached(listener, number int, err error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.at[listener] = number
	if p.err == nil {
		p.err = err
	}
	p.moved.Broadcast()
}

// await waits until all listeners have got so far.
func (p *progress) await(number int) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for i := 0; i < len(p.at) && p.err == nil; {
		if p.at[i] >= number {
			i++
		} else {
			p.moved.Wait()
		}
	}
	return p.err
}

// listenTo reads numbered messages, which have to come one after another, from 0 on or, when it came later, from any on. It
// returns how many there were when the end is told, which is the business of those who were there from the beginning, or the
// client has ended.
func listenTo(c *rawclient.Client, late bool, reached func(number int)) (int, error) {
	next, count := 0, 0
	for {
		m, err := c.Next()
		if err != nil {
			return count, err
		}
		if m.Event == "end" {
			if late {
				continue
			}
			return count, nil
		}
		var number int
		if err := m.Args.Decode(0, &number); err != nil {
			return count, err
		}
		if late && count == 0 {
			next = number
		}
		if number != next {
			return count, fmt.Errorf("got %d, want %d", number, next)
		}
		next++
		count++
		reached(number)
	}
}

func TestOrder_NumberedMessages_ArriveInOrderOnThreeInstancesWhileAFourthComesAndGoes(t *testing.T) {
	overAdapters(t, func(t *testing.T, adapter actio.Adapter) {
		clients, messages := sized(30, 100), sized(2000, 10_000)
		r := redisproc.Start(t)
		instances := cluster(t, 3, single(r), adapter)
		p := newProgress(clients)
		counts := make([]int, clients)
		var listening sync.WaitGroup
		for i := range clients {
			c, _ := instances[i%len(instances)].dial(t)
			listening.Go(func() {
				var err error
				counts[i], err = listenTo(c, false, func(number int) {
					if number%(window/5) == 0 {
						p.reached(i, number, nil)
					}
				})
				if err != nil {
					p.reached(i, 0, fmt.Errorf("client %d: %w", i, err))
				}
			})
		}

		over, ended := make(chan struct{}), make(chan struct{})
		var visits atomic.Int64
		go func() {
			defer close(ended)
			visit(t, r, adapter, &visits, over)
		}()
		sent := 0
		for ; sent < messages || visits.Load() < 2 && !t.Failed(); sent++ {
			if sent%(window/5) == 0 && sent >= window {
				require.NoError(t, p.await(sent-window))
			}
			require.NoError(t, instances[0].Root().Emit("news", sent))
		}
		require.NoError(t, instances[0].Root().Emit("end"))
		listening.Wait()
		require.NoError(t, p.await(0))
		for i, n := range counts {
			assert.Equal(t, sent, n, "client %d", i)
		}
		close(over)
		<-ended
		t.Logf("%d messages; the fourth instance came and went %d times", sent, visits.Load())
	})
}

// visit lets an instance with a client join and leave the cluster again and again, and counts how often. The client must get
// an unbroken run of the messages.
func visit(t *testing.T, r *redisproc.Server, adapter actio.Adapter, visits *atomic.Int64, over <-chan struct{}) {
	t.Helper()
	for {
		server, err := newServer(actio.Options{Redis: actio.RedisOptions{Client: r.Client(), Adapter: adapter}})
		if !assert.NoError(t, err) || !assert.NoError(t, server.Configure(t.Context())) || !stay(t, server, over) {
			return
		}
		visits.Add(1)
		select {
		case <-over:
			return
		default:
		}
	}
}

// stay serves until its client has got some messages, and shuts down.
func stay(t *testing.T, server *actio.Server, over <-chan struct{}) bool {
	t.Helper()
	const some = 50
	s := serveConfigured(server)
	defer s.web.Close()
	c, err := rawclient.Dial(s.address(), rawclient.Options{})
	if !assert.NoError(t, err) {
		return false
	}
	defer c.Close()
	_, err = c.Join("/", nil)
	if !assert.NoError(t, err) {
		return false
	}
	var got atomic.Int64
	enough := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		_, err := listenTo(c, true, func(int) {
			if got.Add(1) == some {
				close(enough)
			}
		})
		ended <- err
	}()
	select {
	case <-enough:
	case <-over:
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	assert.NoError(t, server.Shutdown(ctx))
	var end *rawclient.EndError
	return assert.ErrorAs(t, <-ended, &end, "it ends with its server")
}
