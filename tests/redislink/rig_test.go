package redislink_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/actortest"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/link"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of these tests.
const patience = 30 * time.Second

// hearer is a Handler that keeps what it is told.
type hearer struct {
	mu      sync.Mutex
	got     []string // "channel payload"
	changes []string // "part up" or "part down"
}

func (h *hearer) Received(channel string, payload []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.got = append(h.got, channel+" "+string(payload))
}

func (h *hearer) Changed(p link.Part, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	state := " up"
	if err != nil {
		state = " down"
	}
	h.changes = append(h.changes, p.String()+state)
}

// messages returns what came on a channel, in order.
func (h *hearer) messages(channel string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var payloads []string
	for _, m := range h.got {
		if payload, ok := strings.CutPrefix(m, channel+" "); ok {
			payloads = append(payloads, payload)
		}
	}
	return payloads
}

// count returns how often a change was told.
func (h *hearer) count(change string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, c := range h.changes {
		if c == change {
			n++
		}
	}
	return n
}

// instance is a Link with its Handler.
type instance struct {
	*link.Link

	hearer *hearer
	sys    *actors.System
	tally  tally
}

// tally counts outcomes as the callbacks tell them.
type tally struct {
	mu sync.Mutex
	of map[link.Outcome]int
}

func (c *tally) add(o link.Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = map[link.Outcome]int{}
	}
	c.of[o]++
}

func (c *tally) get(o link.Outcome) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return uint64(c.of[o])
}

func plain(name string) format.Subscription {
	return format.Subscription{Kind: format.Plain, Name: name}
}

func sharded(name string) format.Subscription {
	return format.Subscription{Kind: format.Shard, Name: name}
}

// quick are options that notice trouble early.
func quick(client redis.UniversalClient) link.Options {
	return link.Options{Client: client, Name: "test", CommandTimeout: time.Second}
}

// open opens a Link that is closed at the end of the test.
func open(t *testing.T, o link.Options, base ...format.Subscription) *instance {
	t.Helper()
	i := &instance{hearer: &hearer{}, sys: actortest.NewSystem(t)}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var err error
	i.Link, err = link.Open(ctx, i.sys, o, i.hearer, base)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, i.close(patience)) })
	return i
}

// close closes a Link within d.
func (i *instance) close(d time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return i.Close(ctx)
}

// emit emits numbered messages.
func (i *instance) emit(channel string, shard bool, from, to int) {
	for n := from; n < to; n++ {
		i.Emit(format.Frame{Channel: channel, Sharded: shard, Payload: []byte(strconv.Itoa(n))}, i.tally.add)
	}
}

// until waits for something that is about to happen.
func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	require.Eventually(t, f, patience, 5*time.Millisecond, what)
}

// settled waits until nothing is buffered and checks the accounts.
func (i *instance) settled(t *testing.T) link.Stats {
	t.Helper()
	until(t, "the buffer is not empty", func() bool { return i.Stats().Buffered == 0 })
	s := i.Stats()
	assert.Equal(t, s.Emitted, s.Delivered+s.Dropped+s.Unconfirmed)
	until(t, "callbacks are missing", func() bool {
		return i.tally.get(link.Delivered) == s.Delivered && i.tally.get(link.Dropped) == s.Dropped &&
			i.tally.get(link.Unconfirmed) == s.Unconfirmed
	})
	assert.Zero(t, s.BufferedBytes)
	return s
}

// inOrder checks that messages are numbers that rise, so that none is there twice.
func inOrder(t *testing.T, messages []string) {
	t.Helper()
	last := -1
	for _, m := range messages {
		n, err := strconv.Atoi(m)
		require.NoError(t, err)
		require.Greater(t, n, last, "out of order or twice")
		last = n
	}
}

// heard waits until an instance has a message, which is the last that was sent.
func heard(t *testing.T, i *instance, channel, payload string) {
	t.Helper()
	until(t, fmt.Sprintf("%s did not arrive on %s", payload, channel), func() bool {
		m := i.hearer.messages(channel)
		return len(m) > 0 && m[len(m)-1] == payload
	})
}

// bench is a Link that hears itself.
type bench struct {
	*link.Link

	payload []byte
	arrived chan struct{}
}

func (r *bench) Received(string, []byte)  { r.arrived <- struct{}{} }
func (r *bench) Changed(link.Part, error) {}

func openBench(b *testing.B, server *redisproc.Server) *bench {
	b.Helper()
	r := &bench{payload: make([]byte, 200), arrived: make(chan struct{}, 1000)}
	var err error
	r.Link, err = link.Open(b.Context(), actortest.NewSystem(b), link.Options{Client: server.Client()}, r,
		[]format.Subscription{plain("n")})
	require.NoError(b, err)
	b.Cleanup(func() { assert.NoError(b, r.Close(context.Background())) })
	return r
}
