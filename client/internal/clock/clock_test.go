package clock_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/actio-go/actio/client/internal/clock"
)

func TestClock_CountsWhatIsArmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c clock.Clock
		fired := 0
		timer := c.AfterFunc(time.Second, func() { fired++ })
		assert.Equal(t, 1, c.Armed())
		timer.Reset(2 * time.Second)
		assert.Equal(t, 1, c.Armed())
		time.Sleep(3 * time.Second)
		synctest.Wait()
		assert.Equal(t, 0, c.Armed())
		assert.Equal(t, 1, fired)
		timer.Stop()
		assert.Equal(t, 0, c.Armed(), "a timer that is not armed is left as it is")
		timer.Reset(time.Second)
		assert.Equal(t, 1, c.Armed())
		timer.Stop()
		timer.Stop()
		assert.Equal(t, 0, c.Armed())
		(*clock.Timer)(nil).Stop()
		ctx, cancel := c.Context(t.Context(), time.Second)
		assert.Equal(t, 1, c.Armed())
		time.Sleep(2 * time.Second)
		assert.ErrorIs(t, ctx.Err(), context.DeadlineExceeded)
		cancel()
		cancel()
		assert.Equal(t, 0, c.Armed())
	})
}
