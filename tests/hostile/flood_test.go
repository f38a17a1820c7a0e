package hostile

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
)

// heap is what the heap holds now, garbage included.
func heap() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// flood writes one message again and again, many at a time, and discards what the server answers. It returns the greatest
// growth of the heap that it saw.
func flood(s *socket, message []byte, times int) (growth int64, err error) {
	go func() { _, _ = io.Copy(io.Discard, s.r) }()
	const burst = 100
	chunk := bytes.Repeat(message, burst)
	runtime.GC()
	before := heap()
	for n := 0; n < times; n += burst {
		if _, err := s.Write(chunk); err != nil {
			return growth, fmt.Errorf("after %d: %w", n, err)
		}
		if n%(50*burst) == 0 {
			growth = max(growth, heap()-before)
		}
	}
	return growth, nil
}

// What is not an event waits for no handler, and so at no gate. It must not gather either: whether its answers are read or
// not, a flood of it costs what the queue may hold.
func TestFlood_OfControlMessages_GathersNothing(t *testing.T) {
	for _, c := range []struct {
		name    string
		message []byte
	}{
		{"pings of the websocket", frame(fin|opPing, make([]byte, 125))},
		{"pongs of the websocket", frame(fin|opPong, make([]byte, 125))},
		{"pongs", text("3")},
		{"noops", text("6")},
		{"acks of nobody", text("437[]")},
		{"events of nobody", text(`42["nobody"]`)},
		{"namespaces of nobody", text("41/none,")},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := serve(t, actio.Options{})
			n := h.neighbour(t)
			growth, err := flood(h.connect(t), c.message, sized(100_000, 1_000_000))
			require.NoError(t, err)
			n.echo(t, "afterwards")
			t.Logf("heap grew by at most %d KiB", growth>>10)
			assert.Less(t, growth, int64(48<<20))
		})
	}
}

// samples are durations of one kind.
type samples []time.Duration

// at is a quantile.
func (s samples) at(q float64) time.Duration {
	if len(s) == 0 {
		return 0
	}
	slices.Sort(s)
	return s[min(int(q*float64(len(s))), len(s)-1)]
}

// String prints what one wants to know.
func (s samples) String() string {
	return fmt.Sprintf("n=%d p50=%v p99=%v max=%v", len(s), s.at(.5).Round(time.Microsecond), s.at(.99).Round(time.Microsecond), s.at(1).Round(time.Microsecond))
}

// health is what a client in good health sees of a server.
type health struct{ echo, broadcast, emit, handshake samples }

// measure takes samples until done, at least some.
func (h *host) measure(t *testing.T, n *neighbour, done func() bool) *health {
	t.Helper()
	m := &health{}
	for i := 0; i < 200 || !done(); i++ {
		m.echo = append(m.echo, n.echo(t, "x"))
		start := time.Now()
		require.NoError(t, h.Emit("news", i))
		m.emit = append(m.emit, time.Since(start))
		heard, ok := <-n.heard
		m.broadcast = append(m.broadcast, time.Since(start))
		require.True(t, ok, "neighbour: %v", n.err)
		require.Equal(t, fmt.Sprintf(`42["news",%d]`, i), heard)
		if i%10 == 0 {
			start = time.Now()
			s, err := h.join(t.Context())
			require.NoError(t, err)
			m.handshake = append(m.handshake, time.Since(start))
			require.NoError(t, s.Close())
		}
	}
	return m
}

// undisturbed compares what a client sees with what it saw before. The bounds are generous, for a flood takes a core of its
// own from a machine that may have two; they are far below what one gets by working for somebody else.
func (m *health) undisturbed(t *testing.T, before *health) {
	t.Helper()
	assert.Less(t, m.emit.at(1), 250*time.Millisecond, "a call of Emit")
	for _, c := range []struct {
		name         string
		before, with samples
	}{
		{"echo", before.echo, m.echo},
		{"broadcast", before.broadcast, m.broadcast},
		{"emit call", before.emit, m.emit},
		{"handshake", before.handshake, m.handshake},
	} {
		t.Logf("%-9s without: %v", c.name, c.before)
		t.Logf("%-9s with:    %v, p99 ratio %.1f", c.name, c.with, float64(c.with.at(.99))/float64(c.before.at(.99)))
		assert.Less(t, c.with.at(.99), max(20*c.before.at(.99), 250*time.Millisecond), c.name)
		assert.Less(t, c.with.at(.5), max(20*c.before.at(.5), 20*time.Millisecond), c.name)
	}
}

// Whoever delivers to a flooding client must not become its worker: not the neighbours, not a broadcaster of a room that the
// flooding client is in, not a newcomer.
func TestFlood_OfEvents_DelaysNobodyElse(t *testing.T) {
	for _, c := range []struct {
		name   string
		secure bool
	}{{"TCP", false}, {"TLS", true}} {
		t.Run(c.name, func(t *testing.T) {
			h := serveOver(t, actio.Options{}, c.secure)
			var handled atomic.Int64
			h.handle(t, "f", func(context.Context, *actio.Socket, *actio.Event) { handled.Add(1) })
			n, s := h.neighbour(t), h.connect(t)
			events := sized(100_000, 1_000_000)

			quiet := make(chan struct{})
			go func() { // it reads what it is sent in both phases
				defer close(quiet)
				_, _ = io.Copy(io.Discard, s.r)
			}()
			before := h.measure(t, n, func() bool { return true })
			written, failed := make(chan error, 1), atomic.Bool{}
			start := time.Now()
			go func() {
				chunk := bytes.Repeat(text(`42["f"]`), 100)
				for sent := 0; sent < events; sent += 100 {
					if _, err := s.Write(chunk); err != nil {
						failed.Store(true)
						written <- fmt.Errorf("after %d: %w", sent, err)
						return
					}
				}
				written <- nil
			}()
			with := h.measure(t, n, func() bool { return failed.Load() || handled.Load() == int64(events) })
			t.Logf("%d events in %v", events, time.Since(start).Round(time.Millisecond))
			require.NoError(t, await.Value(t, written))
			with.undisturbed(t, before)
			assert.Equal(t, int64(events), handled.Load())
			require.NoError(t, s.Close())
			<-quiet
		})
	}
}

// Pongs that nobody reads are pending bytes like any others.
func TestFlood_OfPingsWithoutReadingThePongs_EndsAsASlowConsumer(t *testing.T) {
	h := serve(t, actio.Options{})
	n, s := h.neighbour(t), h.connect(t)
	// No small socket buffer here: when one is full Linux drops acknowledgements with it, and the flood would dry up.
	chunk := bytes.Repeat(frame(fin|opPing, make([]byte, 125)), 100)
	before := live()
	var growth int64
	var err error
	for i := 0; err == nil; i++ {
		if _, err = s.Write(chunk); i%50 == 0 {
			growth = max(growth, heap()-before)
		}
	}
	require.Equal(t, actio.ReasonSlowConsumer, h.reasonOf(t, s.id), err)
	h.log.await(t, "WARN", "slow consumer", s.id)
	assert.Equal(t, uint64(1), h.stats(t).SlowConsumers)
	assert.Less(t, growth, int64(48<<20))
	n.echo(t, "afterwards")
}
