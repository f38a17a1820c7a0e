package report

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
)

// number prints three significant digits, or whole numbers.
func number(v float64) string {
	switch magnitude := math.Abs(v); {
	case math.IsNaN(v):
		return ""
	case magnitude >= 100:
		return fmt.Sprintf("%.0f", v)
	case magnitude >= 10:
		return fmt.Sprintf("%.1f", v)
	case magnitude >= 1:
		return fmt.Sprintf("%.2f", v)
	default:
		return fmt.Sprintf("%.3f", v)
	}
}

// cell is a median with its spread, if there is one.
func cell(s Spread, ok bool) string {
	switch {
	case !ok:
		return ""
	case s.Min == s.Max:
		return number(s.Median)
	default:
		return fmt.Sprintf("%s (%s-%s)", number(s.Median), number(s.Min), number(s.Max))
	}
}

// Text writes tables for a terminal: medians, the spread of the rounds, ratios of medians, goals.
func (r *Results) Text(w io.Writer, goals []Goal) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n%s, %s, rounds: %d\n", r.Command, r.Date.Format("2006-01-02 15:04"), r.Machine, r.Rounds)
	fmt.Fprintf(&b, "cores that other programs kept busy: %.2f\n", r.OthersCores)
	workload := ""
	for _, f := range r.Figures() {
		if f.Workload != workload {
			workload = f.Workload
			fmt.Fprintf(&b, "\n%s\tunit\t%s\t/floor\t/node\tgoal\n", workload, strings.Join(r.present(workload), "\t"))
		}
		fmt.Fprintf(&b, "  %s\t%s\t%s\n", f.Name, f.Unit, strings.Join(r.cells(f, goals), "\t"))
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "\n%s, %s: %s", n.Workload, n.Peer, n.Text)
	}
	b.WriteByte('\n')
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	if _, err := table.Write(b.Bytes()); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// cells are what follows the name and the unit of a figure.
func (r *Results) cells(f Figure, goals []Goal) []string {
	var cells []string
	for _, peer := range r.present(f.Workload) {
		cells = append(cells, cell(r.Of(f, peer)))
	}
	goal, ok := goalOf(goals, f)
	cells = append(cells, number(r.ratio(f, Subject, goal.floor())), number(r.ratio(f, Subject, Node)))
	if ok {
		cells = append(cells, goal.String(), goal.judge(r, f).String())
	}
	return cells
}
