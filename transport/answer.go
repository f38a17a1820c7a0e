package transport

import "sync"

// answer is settled once. The zero value is ready.
type answer struct {
	mu      sync.Mutex
	settled bool
	done    chan struct{} // made by whoever waits first; closed when settled
}

// settle runs set if nothing was settled before, and reports whether it did.
func (a *answer) settle(set func()) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.settled {
		return false
	}
	a.settled = true
	set()
	if a.done != nil {
		close(a.done)
	}
	return true
}

// wait gives a channel that is closed when settled.
func (a *answer) wait() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.done == nil {
		a.done = make(chan struct{})
		if a.settled {
			close(a.done)
		}
	}
	return a.done
}
