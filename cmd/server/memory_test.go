package main

import (
	"testing"

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
