// Package await waits for what a test expects on a channel.
package await

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// patience bounds every wait, so that what never comes fails the test instead of hanging it.
const patience = 15 * time.Second

// Value waits for a value of a channel, or for its end.
func Value[T any](tb testing.TB, c <-chan T) T {
	tb.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case v := <-c:
		return v
	case <-timer.C:
		require.FailNow(tb, "waited in vain")
		panic("unreachable")
	}
}

// Nothing asserts that a channel holds nothing now.
func Nothing[T any](tb testing.TB, c <-chan T) {
	tb.Helper()
	select {
	case v := <-c:
		assert.Fail(tb, "unexpected", "%v", v)
	default:
	}
}
