package actors_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/actio-go/actio/actors"
)

func TestBucket_TakenFaster_GivesTheBurstAndThenTheRate(t *testing.T) {
	for _, r := range []actors.Rate{{1, 1}, {3, 3}, {7, 20}, {1000, 1}, {1_000_000, 64_000}} {
		var b actors.Bucket
		now := time.Hour
		taken := 0
		for b.Take(r, 1, now) {
			taken++
		}
		assert.Equal(t, r.Burst, taken, "%v at once", r)
		one := time.Second / time.Duration(r.PerSecond)
		for i := range 50 {
			now += one / 2
			assert.False(t, b.Take(r, 1, now), "%v: %d too early", r, i)
			now += one - one/2 + 1 // parts of a nanosecond are lost
			assert.True(t, b.Take(r, 1, now), "%v: %d in time", r, i)
		}
	}
}

func TestBucket_Rests_IsFullAgainAndNotMore(t *testing.T) {
	r := actors.Rate{PerSecond: 10, Burst: 20}
	var b actors.Bucket
	assert.True(t, b.Full(0))
	assert.True(t, b.Take(r, 20, 0))
	assert.False(t, b.Full(2*time.Second-1))
	assert.True(t, b.Full(2*time.Second))
	assert.False(t, b.Take(r, 21, time.Hour), "never more than the burst")
	assert.True(t, b.Take(r, 20, time.Hour))
}

func TestBucket_LargeNumbers_DoNotRunOver(t *testing.T) {
	r := actors.Rate{PerSecond: 100_000_000, Burst: 1 << 40}
	var b actors.Bucket
	assert.True(t, b.Take(r, 1<<40, 0))
	assert.False(t, b.Take(r, 1, 0))
	assert.True(t, b.Take(actors.Rate{PerSecond: actors.MaxRate, Burst: math.MaxInt32}, math.MaxInt32, time.Hour*24*365))
	for _, perSecond := range []int{1, 100, actors.MaxRate} {
		r, b := actors.Rate{PerSecond: perSecond, Burst: math.MaxInt}, actors.Bucket(0)
		for range 1000 {
			assert.True(t, b.Take(r, 1_000_000, time.Hour), "no bound at once")
		}
	}
}
