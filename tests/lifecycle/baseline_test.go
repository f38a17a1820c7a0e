package lifecycle

import (
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

// baseline is what the process holds at a moment.
type baseline struct {
	goroutines int
	heap       uint64
}

// takeBaseline counts. The runtime keeps what it needs to run a goroutine for the next one; so that this does not count, there
// are as many goroutines for a moment as the test will have.
func takeBaseline(goroutines int) baseline {
	release := make(chan struct{})
	var group sync.WaitGroup
	for range goroutines {
		group.Go(func() { <-release })
	}
	close(release)
	group.Wait()
	return count()
}

func count() baseline {
	// The second collection takes what the first has left in pools.
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return baseline{goroutines: runtime.NumGoroutine(), heap: stats.HeapAlloc}
}

// returned fails the test unless exactly as many goroutines run as before, and the heap holds at most so many bytes more.
// Workers that nobody needs end after some seconds; it waits for them.
func (b baseline) returned(t *testing.T, heap int) {
	t.Helper()
	eventually(t, "as many goroutines as before", func() bool { return runtime.NumGoroutine() == b.goroutines }, func() any { return stacks() })
	now := count()
	grown := int64(now.heap) - int64(b.heap)
	t.Logf("heap %+d KiB, from %d KiB", grown>>10, b.heap>>10)
	assert.LessOrEqual(t, grown, int64(heap), "the heap has grown")
}

// idleBaseline is the baseline of a server without clients and without workers; those that wait for work do not count.
func (s *stand) idleBaseline(t *testing.T, goroutines int) baseline {
	t.Helper()
	s.untilEmpty(t)
	b := takeBaseline(goroutines)
	settled := func() bool { // what serves the connections of HTTP ends in its own time
		last := b
		b = count()
		b.goroutines -= strings.Count(stacks(), "actors.(*Workers).work(")
		return b.goroutines == last.goroutines
	}
	eventually(t, "the number of goroutines settles", settled, func() any { return b })
	return b
}

// stacks are those of all goroutines.
func stacks() string {
	buffer := make([]byte, 16<<20)
	return string(buffer[:runtime.Stack(buffer, true)])
}
