package actors

import (
	"sync/atomic"
	"time"
)

// LogLimit bounds how much is logged for one reason, where others can make a program log: ten lines at once, then one a second.
// The zero value is ready. It is safe for concurrent use.
type LogLimit struct {
	full atomic.Int64 // when nothing will have been logged, in nanoseconds of Unix time
}

const (
	logPause = time.Second
	logBurst = 10
)

// Allow reports whether a line may be logged now, and counts it if so.
func (l *LogLimit) Allow() bool {
	now := time.Now().UnixNano()
	for {
		full := l.full.Load()
		next := max(full, now) + int64(logPause)
		if next > now+logBurst*int64(logPause) {
			return false
		}
		if l.full.CompareAndSwap(full, next) {
			return true
		}
	}
}
