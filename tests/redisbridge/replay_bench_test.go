package redisbridge_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/tests/internal/redisproc"
	"github.com/actio-go/actio/wire"
)

// missed is how many events the clients of the benchmarks have missed.
const missed = 1000

// left is an instance that clients come to, and the offset of the event before the missed ones.
func left(b *testing.B) (to *member, offset string) {
	b.Helper()
	server := redisproc.Start(b)
	from, to := add(b, server, recovering(time.Minute), "x"), add(b, server, recovering(time.Minute))
	for i := range 1 + missed {
		from.Emit(&format.Message{
			Kind: format.Broadcast, Namespace: "/", Event: event(fmt.Sprintf(`["event",%d,{"text":"%s"}]`, i, strings.Repeat("x", 150))),
		}, nil)
	}
	require.NoError(b, from.CatchUp(b.Context()))
	return to, offsetOf(strings.TrimSuffix(from.in.story()[0], " x"))
}

func replayOne(b testing.TB, to *member, s *redisbridge.Session, offset string) {
	b.Helper()
	got := 0
	err := to.Replay(b.Context(), s, "/", offset, most(1<<30), func(events []*wire.Prepared) { got = len(events) })
	if err != nil || got != missed {
		b.Errorf("%d events, %v", got, err)
	}
}

// BenchmarkReplay_Alone is a client that comes back when nobody else does.
func BenchmarkReplay_Alone(b *testing.B) {
	to, offset := left(b)
	b.ReportAllocs()
	for b.Loop() {
		replayOne(b, to, session("x"), offset)
	}
}

// BenchmarkReplay_Storm is so many clients that come back at once. ns/client is the time until all have what they missed by their
// number.
func BenchmarkReplay_Storm(b *testing.B) {
	for _, clients := range []int{10, 100, 400} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			to, offset := left(b)
			b.ReportAllocs()
			for b.Loop() {
				var all sync.WaitGroup
				for i := range clients {
					all.Go(func() { replayOne(b, to, session(fmt.Sprint(i)), offset) })
				}
				all.Wait()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*clients), "ns/client")
		})
	}
}
