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

// pair is two instances with one Redis. The clients of the first ask it to broadcast.
type pair struct {
	servers [2]*server
	near    *rawclient.Client // of the first instance
	far     *rawclient.Client // of the second one
	arrived chan time.Time    // when messages came to near
	ended   chan struct{}
}

var text = strings.Repeat("x", 100)

func startPair(tb testing.TB, p program, adapter string) *pair {
	tb.Helper()
	r := redisproc.Start(tb)
	m := &pair{arrived: make(chan time.Time, 1000), ended: make(chan struct{})}
	for i, client := range []**rawclient.Client{&m.near, &m.far} {
		m.servers[i] = p.start(tb, r.Addr(), adapter)
		c, err := rawclient.Dial(m.servers[i].address, rawclient.Options{})
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

func (p *pair) cpu(tb testing.TB) time.Duration {
	tb.Helper()
	return p.servers[0].cpu(tb) + p.servers[1].cpu(tb)
}

// BenchmarkRedis prints the CPU time of both instances for each message, for those that come one at a time and a hundred at a
// time, and how long it takes from the request until the client of the other instance has all of them (far). For one at a time
// it also prints how much later that client has it than the one of the instance that sends it (later). That is what Redis adds
// only where an instance serves its own clients first: the sharded adapter of Node.js serves them when Redis has confirmed the
// message, so that they wait for Redis, too, and the others are hardly later.
func BenchmarkRedis(b *testing.B) {
	for _, adapter := range []string{"classic", "sharded"} {
		for _, n := range []int{1, 100} {
			for _, p := range []program{goProgram, nodeProgram} {
				b.Run(fmt.Sprintf("%s/%d at a time/%s", adapter, n, p), func(b *testing.B) { measure(b, p, adapter, n) })
			}
		}
	}
}

func measure(b *testing.B, p program, adapter string, n int) {
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
	report(b, "far", took)
	if n == 1 {
		report(b, "later", behind)
	}
	b.ReportMetric(microseconds(used)/float64(len(took)*n), "us-cpu/message")
	b.ReportMetric(0, "ns/op")
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// report prints percentiles.
func report(b *testing.B, what string, took []time.Duration) {
	b.Helper()
	slices.Sort(took)
	b.ReportMetric(microseconds(took[len(took)/2]), "p50-us-"+what)
	b.ReportMetric(microseconds(took[len(took)*99/100]), "p99-us-"+what)
}

func TestPair_EachProgramAndAdapter_Works(t *testing.T) {
	for _, p := range []program{goProgram, nodeProgram} {
		for _, adapter := range []string{"classic", "sharded"} {
			t.Run(fmt.Sprintf("%s %s", p, adapter), func(t *testing.T) { startPair(t, p, adapter).cast(t, 10) })
		}
	}
}
