package report

import (
	"cmp"
	"math"
	"slices"
)

// Spread is what several measurements of the same thing say.
type Spread struct {
	Median, Min, Max float64
}

// SpreadOf returns NaN for no measurements.
func SpreadOf(values []float64) Spread {
	if len(values) == 0 {
		return Spread{math.NaN(), math.NaN(), math.NaN()}
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	median := sorted[middle]
	if len(sorted)%2 == 0 {
		median = (sorted[middle-1] + median) / 2
	}
	return Spread{Median: median, Min: sorted[0], Max: sorted[len(sorted)-1]}
}

// Percentile returns the smallest of sorted values that at least so many of a hundred do not pass; zero for none.
func Percentile[T cmp.Ordered](sorted []T, hundredths float64) T {
	var none T
	if len(sorted) == 0 {
		return none
	}
	rank := int(math.Ceil(float64(len(sorted)) * hundredths / 100))
	return sorted[min(max(rank, 1), len(sorted))-1]
}
