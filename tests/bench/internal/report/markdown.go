package report

import (
	"bytes"
	"fmt"
	"io"
)

// Headline is a figure that a short table shows.
type Headline struct {
	Workload, Name string // of the figure
	Label          string
	Plot           bool // the plot shows it, too
}

func (r *Results) figure(h Headline) (Figure, bool) {
	for _, f := range r.Figures() {
		if f.Workload == h.Workload && f.Name == h.Name {
			return f, true
		}
	}
	return Figure{}, false
}

// Markdown writes a short table. The floor of a row is the one that its goal names.
func (r *Results) Markdown(w io.Writer, headlines []Headline, goals []Goal) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "`%s`, %s, %s; other programs kept %.2f cores busy; medians of %d rounds (least to most), without brackets of one:\n\n",
		r.Command, r.Date.Format("2 January 2006"), r.Machine, r.OthersCores, r.Rounds)
	fmt.Fprint(&b, "| | | actio | floor | Node.js | Ignis | of floor | of Node.js | goal | |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for _, h := range headlines {
		f, ok := r.figure(h)
		if !ok {
			continue
		}
		goal, has := goalOf(goals, f)
		fmt.Fprintf(&b, "| %s | %s", h.Label, f.Unit)
		for _, peer := range []string{Subject, goal.floor(), Node, Ignis} {
			fmt.Fprintf(&b, " | %s", cell(r.Of(f, peer)))
		}
		fmt.Fprintf(&b, " | %s | %s", number(r.ratio(f, Subject, goal.floor())), number(r.ratio(f, Subject, Node)))
		if has {
			fmt.Fprintf(&b, " | %s | %s |\n", goal, goal.judge(r, f))
		} else {
			fmt.Fprint(&b, " | | |\n")
		}
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}
