package footprint

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/client"
)

// BenchmarkGoClients prints what one idle, authenticated client of package client costs the process that it is in, for 5000 of
// them, and how long it takes to shut all of them down. The server is another process.
func BenchmarkGoClients(b *testing.B) {
	const n = 5000
	for _, transport := range []client.Transport{client.WebSocket, client.Polling} {
		b.Run(fmt.Sprintf("%s/%d", transport, n), func(b *testing.B) {
			server := startChild(b)
			for b.Loop() {
				goroutines, memory := runtime.NumGoroutine(), inUse()
				helpers := enterHelpers(b, server.address, transport, n)
				settle()
				b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/n, "goroutines/client")
				b.ReportMetric(float64(inUse()-memory)/1024/n, "KiB/client")
				began := time.Now()
				leave(b, helpers)
				b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms-shutdown")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// inUse is the memory of heap and stacks after a collection, in bytes.
func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// atOnce bounds how many clients connect, or leave, at the same time.
const atOnce = 50

func each(n int, f func(i int)) {
	var workers sync.WaitGroup
	for w := range atOnce {
		workers.Go(func() {
			for i := w; i < n; i += atOnce {
				f(i)
			}
		})
	}
	workers.Wait()
}

func enterHelpers(b *testing.B, address string, transport client.Transport, n int) []*client.Helper {
	b.Helper()
	helpers := make([]*client.Helper, n)
	failures := make([]error, n)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	each(n, func(i int) {
		h, err := client.NewHelper(client.HelperOptions{
			Identifier: "C", Host: "http://" + address, NoAutoConnect: true,
			Options: client.Options{Transports: []client.Transport{transport}},
		})
		if err == nil {
			err = h.Socket().ConnectAndWait(ctx)
		}
		if err == nil {
			err = h.Authenticate(ctx)
		}
		helpers[i], failures[i] = h, err
	})
	for _, err := range failures {
		require.NoError(b, err)
	}
	return helpers
}

func leave(b *testing.B, helpers []*client.Helper) {
	b.Helper()
	failures := make([]error, len(helpers))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	each(len(helpers), func(i int) { failures[i] = helpers[i].Shutdown(ctx) })
	for _, err := range failures {
		require.NoError(b, err)
	}
}
