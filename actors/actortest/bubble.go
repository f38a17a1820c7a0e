package actortest

import (
	"testing"
	"testing/synctest"
	"time"
)

// Bubble runs fn in a bubble of testing/synctest, where time is fake and passes when all goroutines of the bubble wait.
// Make the System inside of fn, and do no real I/O there. When fn and its cleanups are over, two seconds pass, so that
// what the actor library leaves behind for a moment (the throttle of dead letters) has ended before the bubble does.
func Bubble(t *testing.T, fn func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() { // registered first, runs last
			time.Sleep(2 * time.Second)
			synctest.Wait()
		})
		fn(t)
	})
}
