package footprint

import (
	"fmt"
	"strings"
	"testing"

	"github.com/actio-go/actio/wire"
)

// BenchmarkIdleConnection prints the resident memory of one idle, authenticated connection.
func BenchmarkIdleConnection(b *testing.B) {
	for _, n := range []int{1000, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			server := startChild(b)
			join(b, server.address, 10) // what the first connections cost once
			before := server.ask("rss")
			cpu := server.ask("cpu")
			for b.Loop() {
				join(b, server.address, n)
			}
			cpu = server.ask("cpu") - cpu
			settle()
			connections := float64(b.N * n)
			b.ReportMetric(float64(server.ask("rss")-before)/1024/connections, "KiB/connection")
			b.ReportMetric(float64(cpu)/connections, "us-cpu/connect")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkDelivery prints the CPU time of delivering one broadcast to one member, for broadcasts that come one at a time
// and ten at a time.
func BenchmarkDelivery(b *testing.B) {
	const members, rounds = 1000, 300
	message, err := wire.EncodeEvent("/", "news", strings.Repeat("x", 52))
	if err != nil {
		b.Fatal(err)
	}
	for _, queued := range []int{1, 10} {
		b.Run(fmt.Sprintf("%d queued", queued), func(b *testing.B) {
			server := startChild(b)
			crowd := join(b, server.address, members)
			request := fmt.Sprintf(`42["cast",%d]`, queued)
			total := int64(0)
			round := func() {
				send(b, crowd.conns[0], request)
				total += int64(queued * members * message.Size())
				crowd.await(total)
			}
			for range 20 {
				round()
			}
			cpu := server.ask("cpu")
			for b.Loop() {
				for range rounds {
					round()
				}
			}
			cpu = server.ask("cpu") - cpu
			deliveries := float64(b.N * rounds * queued * members)
			b.ReportMetric(float64(cpu)/deliveries, "us-cpu/delivery")
			b.ReportMetric(0, "ns/op")
		})
	}
}
