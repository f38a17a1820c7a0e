package transport

import "sync/atomic"

// limiter bounds how many requests of a sort are under way.
type limiter struct {
	max   int64
	count atomic.Int64
}

// enter reports whether one more fits; leave must follow if it does.
func (l *limiter) enter() bool {
	if l.count.Add(1) <= l.max {
		return true
	}
	l.count.Add(-1)
	return false
}

func (l *limiter) leave() { l.count.Add(-1) }
