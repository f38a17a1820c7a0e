package report

import (
	"math"
	"slices"
	"time"
)

// Figure is something that a workload measures.
type Figure struct {
	Workload string `json:"workload"`
	Name     string `json:"name"`
	Unit     string `json:"unit"`
}

// Value is what one round has measured for one peer.
type Value struct {
	Figure
	Peer  string  `json:"peer"`
	Round int     `json:"round"`
	Value float64 `json:"value"`
}

// Note is something about a workload that is no number.
type Note struct {
	Workload string `json:"workload"`
	Peer     string `json:"peer"`
	Text     string `json:"text"`
}

// Results are what a benchmark has measured.
type Results struct {
	Date    time.Time `json:"date"`
	Command string    `json:"command"`
	Machine string    `json:"machine"`
	Rounds  int       `json:"rounds"`
	Peers   []string  `json:"peers"` // in the order of the tables

	// OthersCores is how many cores other programs have kept busy meanwhile. They slow down caches and clocks: with more than a
	// little of it, ratios are worth something and absolute figures are not.
	OthersCores float64 `json:"othersCores"`

	Values []Value `json:"values"`
	Notes  []Note  `json:"notes,omitempty"`
}

// Add adds a value.
func (r *Results) Add(v Value) { r.Values = append(r.Values, v) }

// Note adds a note, unless it is there.
func (r *Results) Note(n Note) {
	if !slices.Contains(r.Notes, n) {
		r.Notes = append(r.Notes, n)
	}
}

// Figures are all that have values, in the order in which they came.
func (r *Results) Figures() []Figure {
	var figures []Figure
	for _, v := range r.Values {
		if !slices.Contains(figures, v.Figure) {
			figures = append(figures, v.Figure)
		}
	}
	return figures
}

// present are the peers that have values of a workload.
func (r *Results) present(workload string) []string {
	return slices.DeleteFunc(slices.Clone(r.Peers), func(peer string) bool {
		return !slices.ContainsFunc(r.Values, func(v Value) bool { return v.Workload == workload && v.Peer == peer })
	})
}

// Of is what was measured of a figure for a peer; false if nothing was.
func (r *Results) Of(f Figure, peer string) (Spread, bool) {
	var values []float64
	for _, v := range r.Values {
		if v.Figure == f && v.Peer == peer {
			values = append(values, v.Value)
		}
	}
	return SpreadOf(values), len(values) > 0
}

// ratio is one median by another; NaN if one is missing.
func (r *Results) ratio(f Figure, of, to string) float64 {
	a, haveA := r.Of(f, of)
	b, haveB := r.Of(f, to)
	if !haveA || !haveB || b.Median == 0 {
		return math.NaN()
	}
	return a.Median / b.Median
}
