package client

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// gauge counts goroutines. The zero value is ready.
type gauge struct {
	mutex   sync.Mutex
	n       int
	changed chan struct{} // closed at the next decrease; nil when nobody waits
}

func (g *gauge) add(n int) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.n += n
	if n < 0 && g.changed != nil {
		close(g.changed)
		g.changed = nil
	}
}

// wait returns when there are no more than atMost, or ErrStillRunning when the context ends.
func (g *gauge) wait(ctx context.Context, atMost int) error {
	for {
		g.mutex.Lock()
		n := g.n
		if g.changed == nil {
			g.changed = make(chan struct{})
		}
		changed := g.changed
		g.mutex.Unlock()
		if n <= atMost {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%w: %d goroutines: %w", ErrStillRunning, n-atMost, context.Cause(ctx))
		}
	}
}

func untilDeadline(t time.Time) time.Duration { return max(0, time.Until(t)) }
