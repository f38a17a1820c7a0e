package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestWeather_Connections_EndOfAStormIsSeenOnce(t *testing.T) {
	for _, c := range []struct {
		name  string
		looks []int
		over  []int // indices of the looks at which a storm is over
	}{
		{"nobody", []int{0, 0, 0, 0}, nil},
		{"few", []int{100, 999, 999, 999, 999}, nil},
		{"many", []int{400, 1000, 1000, 1000, 1000, 1000}, []int{3}},
		{"still coming", []int{1000, 2000, 3000, 4000, 5000}, nil},
		{"a pause in it", []int{1000, 2000, 2000, 3000, 3010, 3020, 3020}, []int{5}},
		{"a ramp", ramp(10_000, 100_000), nil},
		{"a few stay, and one comes and goes", []int{5000, 5000, 5000, 30, 31, 30, 31, 30}, []int{2, 5}},
		{"a second one", []int{1000, 1000, 1000, 5000, 5000, 5000, 5000}, []int{2, 5}},
		{"everybody goes", []int{5000, 5000, 5000, 0, 0, 0, 0}, []int{2, 5}},
		{"a share of many", []int{90_000, 90_000, 90_000, 92_000, 92_000, 92_000, 92_000}, []int{2}},
		{"little by little", []int{8000, 8000, 8000, 8500, 8500, 8500, 9000, 9000, 9000, 10_100, 10_100, 10_100}, []int{2, 11}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var w weather
			var over []int
			for i, connections := range c.looks {
				if w.over(connections) {
					over = append(over, i)
				}
			}
			assert.Equal(t, c.over, over)
		})
	}
}

// ramp grows by a little less than a hundredth with each look.
func ramp(from, to int) (looks []int) {
	for n := from; n < to; n += n * 99 / 10_000 {
		looks = append(looks, n)
	}
	return looks
}

func TestAfterStorms_Storm_FreesOnceItIsOverAndEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		connections := func(context.Context) (int, error) {
			switch since := time.Since(began); {
			case since < 2*time.Second:
				return 0, errors.New("not yet")
			case since < 10*time.Second:
				return int(since/time.Second) * 1000, nil
			default:
				return 10_000, nil
			}
		}
		var freed []time.Duration
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		afterStorms(ctx, connections, func(n int) {
			assert.Equal(t, 10_000, n)
			freed = append(freed, time.Since(began))
		})
		assert.Equal(t, []time.Duration{12 * time.Second}, freed)
		assert.Equal(t, time.Minute, time.Since(began))
	})
}
