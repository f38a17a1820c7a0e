package actors

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

// gauge is a number that can be waited for. The zero value is ready. add costs two atomic operations.
type gauge struct {
	n       atomic.Int64
	waiting atomic.Int32
	mu      sync.Mutex
	changed chan struct{} // under mu: closed at the next decrease, nil when nobody asked
}

func (g *gauge) value() int { return int(g.n.Load()) }

// add changes the number. A waiter registers before it reads the number and the number changes before the waiters are
// looked for, so that one of both sees the other.
func (g *gauge) add(delta int64) {
	g.n.Add(delta)
	if delta >= 0 || g.waiting.Load() == 0 {
		return
	}
	g.mu.Lock()
	if g.changed != nil {
		close(g.changed)
		g.changed = nil
	}
	g.mu.Unlock()
}

// wait returns nil as soon as the number is at most atMost, or ctx's error.
func (g *gauge) wait(ctx context.Context, atMost int) error {
	g.waiting.Add(1)
	defer g.waiting.Add(-1)
	for {
		g.mu.Lock()
		if g.changed == nil {
			g.changed = make(chan struct{})
		}
		changed := g.changed
		g.mu.Unlock()
		if g.value() <= atMost {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrStillRunning, ctx.Err())
		}
	}
}

// ledger counts what is open, by name. The zero value is ready. Names are never removed.
type ledger struct {
	total    gauge
	accounts sync.Map // name -> *account
}

// account is the count of one name.
type account struct {
	ledger  *ledger
	current atomic.Int64
}

func (l *ledger) account(name string) *account {
	if a, ok := l.accounts.Load(name); ok {
		return a.(*account)
	}
	a, _ := l.accounts.LoadOrStore(name, &account{ledger: l})
	return a.(*account)
}

// counts returns the names of which something is open.
func (l *ledger) counts() map[string]int {
	counts := map[string]int{}
	l.accounts.Range(func(name, a any) bool {
		if n := a.(*account).current.Load(); n > 0 {
			counts[name.(string)] = int(n)
		}
		return true
	})
	return counts
}

func (a *account) open() {
	a.current.Add(1)
	a.ledger.total.add(1)
}

func (a *account) close() {
	a.current.Add(-1)
	a.ledger.total.add(-1)
}
