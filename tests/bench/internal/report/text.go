package report

import (
	"fmt"
	"io"
	"math"
	"slices"
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

// row is a figure as a table shows it.
type row struct {
	figure            Figure
	cells             []string // of the peers
	toFloor, toNode   string
	goal, verdictText string
}

func (r *Results) rows(goals []Goal, workload string, cells func(Spread, bool) string) []row {
	var rows []row
	for _, f := range r.Figures() {
		if f.Workload != workload {
			continue
		}
		one := row{figure: f}
		for _, peer := range r.Peers() {
			one.cells = append(one.cells, cells(r.Of(f, peer)))
		}
		goal, ok := goalOf(goals, f)
		one.toFloor, one.toNode = number(r.ratio(f, Subject, goal.floor())), number(r.ratio(f, Subject, Node))
		if ok {
			one.goal, one.verdictText = goal.String(), goal.judge(r, f).String()
		}
		rows = append(rows, one)
	}
	return rows
}

func (r *Results) workloads() []string {
	var names []string
	for _, f := range r.Figures() {
		if !slices.Contains(names, f.Workload) {
			names = append(names, f.Workload)
		}
	}
	return names
}

// Text writes tables for a terminal: medians, the spread of the rounds, ratios of medians, goals.
func (r *Results) Text(w io.Writer, goals []Goal) error {
	fmt.Fprintf(w, "%s\n%s, %s, rounds: %d\n", r.Command, r.Date.Format("2006-01-02 15:04"), r.Machine, r.Rounds)
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, workload := range r.workloads() {
		fmt.Fprintf(table, "\n%s\tunit\t%s\t/floor\t/node\tgoal\t\n", workload, strings.Join(r.Peers(), "\t"))
		for _, one := range r.rows(goals, workload, cell) {
			fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\t%s\t%s\n", one.figure.Name, one.figure.Unit,
				strings.Join(one.cells, "\t"), one.toFloor, one.toNode, one.goal, one.verdictText)
		}
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "\n%s, %s: %s", n.Workload, n.Peer, n.Text)
	}
	_, err := fmt.Fprintln(w)
	return err
}
