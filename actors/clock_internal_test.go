package actors

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// expired makes a timer that is armed, has expired, and whose firing has not got anywhere yet.
func expired(fire func()) (*Clock, *Timer) {
	c := NewSystem(Options{}).Clock()
	timer := c.NewTimer("test", fire)
	timer.Reset(time.Hour)
	timer.timer.Stop() // the runtime has nothing left to do but call expire
	return c, timer
}

func TestTimer_StoppedWhileItsFiringIsOnTheWay_DoesNotFire(t *testing.T) {
	fired := 0
	c, timer := expired(func() { fired++ })
	timer.Stop()
	timer.expire()
	assert.Zero(t, fired)
	assert.Empty(t, c.Armed())
}

func TestTimer_ResetWhileItsFiringIsOnTheWay_FiresOnce(t *testing.T) {
	fired := 0
	c, timer := expired(func() { fired++ })
	timer.Reset(time.Hour)
	timer.expire() // the old one
	assert.Zero(t, fired)
	assert.Equal(t, map[string]int{"test": 1}, c.Armed())
	timer.timer.Stop()
	timer.expire() // the new one
	assert.Equal(t, 1, fired)
	assert.Empty(t, c.Armed())
}

func TestTimer_StoppedAndResetWhileItsFiringIsOnTheWay_FiresOnce(t *testing.T) {
	fired := 0
	c, timer := expired(func() { fired++ })
	timer.Stop()
	timer.Reset(time.Hour)
	timer.expire()
	assert.Zero(t, fired)
	timer.timer.Stop()
	timer.expire()
	assert.Equal(t, 1, fired)
	assert.Empty(t, c.Armed())
}
