package report

import (
	"fmt"
	"math"
	"strings"
)

// Names of the peers that goals speak of.
const (
	Subject    = "actio"
	Floor      = "floor"
	FloorBatch = "floor-batch"
	Node       = "node"
	Ignis      = "ignis"
)

// Goal is what the subject should reach in a figure. A limit of zero is none; a goal without limits only names the floor.
type Goal struct {
	Workload, Name string  // of the figure
	Floor          string  // the peer that is the floor, Floor if empty
	TimesFloor     float64 // at most so many times the floor's
	TimesNode      float64 // at most so many times Node's
	AtMost         float64 // at most so much
}

// verdict says whether a goal holds.
type verdict struct {
	unknown bool     // something that it needs was not measured
	failing []string // what it is more than it should be, by the peers' names; "" is the absolute limit
}

func (v verdict) String() string {
	against := strings.TrimSpace(strings.Join(v.failing, " "))
	switch {
	case against != "":
		return "FAILS (" + against + ")"
	case len(v.failing) > 0:
		return "FAILS"
	case v.unknown:
		return "?"
	default:
		return "holds"
	}
}

func (g Goal) floor() string {
	if g.Floor == "" {
		return Floor
	}
	return g.Floor
}

func (g Goal) String() string {
	var parts []string
	if g.TimesFloor > 0 {
		parts = append(parts, fmt.Sprintf("<= %.3g x %s", g.TimesFloor, g.floor()))
	}
	if g.TimesNode > 0 {
		parts = append(parts, fmt.Sprintf("<= %.3g x %s", g.TimesNode, Node))
	}
	if g.AtMost > 0 {
		parts = append(parts, fmt.Sprintf("<= %.3g", g.AtMost))
	}
	return strings.Join(parts, ", ")
}

// judge looks at medians.
func (g Goal) judge(r *Results, f Figure) (v verdict) {
	limit := func(value, most float64, peer string) {
		switch {
		case most == 0:
		case math.IsNaN(value):
			v.unknown = true
		case value > most:
			v.failing = append(v.failing, peer)
		}
	}
	limit(r.ratio(f, Subject, g.floor()), g.TimesFloor, g.floor())
	limit(r.ratio(f, Subject, Node), g.TimesNode, Node)
	own := math.NaN()
	if s, ok := r.Of(f, Subject); ok {
		own = s.Median
	}
	limit(own, g.AtMost, "")
	return v
}

func (g Goal) limited() bool { return g.TimesFloor > 0 || g.TimesNode > 0 || g.AtMost > 0 }

// goalOf returns the goal of a figure, and whether it has limits.
func goalOf(goals []Goal, f Figure) (Goal, bool) {
	for _, g := range goals {
		if g.Workload == f.Workload && g.Name == f.Name {
			return g, g.limited()
		}
	}
	return Goal{}, false
}
