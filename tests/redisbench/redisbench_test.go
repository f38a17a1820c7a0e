package redisbench

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/tests/internal/rawclient"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

// pair is two instances with one Redis, or one that has both clients. The near client asks it to broadcast.
type pair struct {
	servers []*server
	near    *rawclient.Client // of the first instance
	far     *rawclient.Client // of the last one
	arrived chan time.Time    // when messages came to near
	ended   chan struct{}
}

var text = strings.Repeat("x", 100)

func startPair(tb testing.TB, p program, adapter string) *pair {
	tb.Helper()
	r := redisproc.Start(tb)
	m := &pair{arrived: make(chan time.Time, 1000), ended: make(chan struct{})}
	for _, client := range []**rawclient.Client{&m.near, &m.far} {
		if adapter != alone || m.servers == nil {
			m.servers = append(m.servers, p.start(tb, r.Addr(), adapter))
		}
		c, err := rawclient.Dial(m.servers[len(m.servers)-1].address, rawclient.Options{})
		require.NoError(tb, err)
		_, err = c.Join("/", nil)
		require.NoError(tb, err)
		*client = c
	}
	go m.listen()
	tb.Cleanup(func() {
		m.far.Close()
		m.near.Close()
		<-m.ended
	})
	return m
}

func (p *pair) listen() {
	defer close(p.ended)
	for {
		m, err := p.near.Next()
		if err != nil {
			return
		}
		if m.Event == "news" {
			p.arrived <- time.Now()
		}
	}
}

// cast lets the first instance broadcast n messages, and returns when both clients have got the last one: how long the second
// has waited for it since it was asked for, and how much later it was than the first.
func (p *pair) cast(tb testing.TB, n int) (waited, later time.Duration) {
	tb.Helper()
	asked := time.Now()
	require.NoError(tb, p.near.Emit("cast", n, text))
	for i := range n {
		m, err := p.far.Await("news")
		require.NoError(tb, err)
		var number int
		require.NoError(tb, m.Args.Decode(0, &number))
		require.Equal(tb, i, number)
	}
	far := time.Now()
	var near time.Time
	for range n {
		near = <-p.arrived
	}
	return far.Sub(asked), far.Sub(near)
}

func (p *pair) cpu(tb testing.TB) (used time.Duration) {
	tb.Helper()
	for _, s := range p.servers {
		used += s.cpu(tb)
	}
	return used
}

// times are the median times until the far client has a message, of one instance that has both clients: what Redis adds is
// what it takes longer.
type times map[string]time.Duration

// BenchmarkRedis prints the CPU time of all instances for each message, for those that come one at a time and a hundred at a
// time, and how long it takes from the request until the client of the other instance has all of them (far): first without
// Redis, then by each adapter, and how much longer that is (added). For one at a time it also prints how much later that client
// has it than the one of the instance that sends it (later). That says little of the sharded adapter of Node.js, which serves
// its own clients when Redis has confirmed the message: they wait for Redis, too, and the others are hardly later.
func BenchmarkRedis(b *testing.B) {
	without := times{}
	for _, adapter := range []string{alone, "classic", "sharded"} {
		for _, n := range []int{1, 100} {
			for _, p := range []program{goProgram, nodeProgram} {
				b.Run(fmt.Sprintf("%s/%d at a time/%s", adapter, n, p), func(b *testing.B) { measure(b, p, adapter, n, without) })
			}
		}
	}
}

func measure(b *testing.B, p program, adapter string, n int, without times) {
	b.Helper()
	m := startPair(b, p, adapter)
	for range 5000 / n { // compiled, and the heap is as large as it will be
		m.cast(b, n)
	}
	var took, behind []time.Duration
	before := m.cpu(b)
	for b.Loop() {
		waited, later := m.cast(b, n)
		took, behind = append(took, waited), append(behind, later)
	}
	used := m.cpu(b) - before
	far := report(b, "far", took)
	series := fmt.Sprint(p, n)
	if base, known := without[series]; adapter == alone {
		without[series] = far
	} else {
		if known {
			b.ReportMetric(microseconds(far-base), "p50-us-added")
		}
		if n == 1 {
			report(b, "later", behind)
		}
	}
	b.ReportMetric(microseconds(used)/float64(len(took)*n), "us-cpu/message")
	b.ReportMetric(0, "ns/op")
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// report prints percentiles, and returns the median.
func report(b *testing.B, what string, took []time.Duration) time.Duration {
	b.Helper()
	slices.Sort(took)
	b.ReportMetric(microseconds(took[len(took)/2]), "p50-us-"+what)
	b.ReportMetric(microseconds(took[len(took)*99/100]), "p99-us-"+what)
	return took[len(took)/2]
}

func TestPair_EachProgramAndAdapter_Works(t *testing.T) {
	for _, p := range []program{goProgram, nodeProgram} {
		for _, adapter := range []string{alone, "classic", "sharded"} {
			t.Run(fmt.Sprintf("%s %s", p, adapter), func(t *testing.T) { startPair(t, p, adapter).cast(t, 10) })
		}
	}
}
