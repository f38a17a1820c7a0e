package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strings"
)

// How the plot looks, in pixels.
const (
	plotWidth   = 860
	plotLeft    = 330 // where bars begin
	plotRight   = 700 // where the bar of Node ends
	plotLongest = 415 // bar
	barHeight   = 13
	barDistance = 15
	groupGap    = 12
	plotTop     = 62
)

// bars are the peers of the plot with the class and the name of their bars.
var bars = []struct{ peer, class, name string }{
	{Subject, "actio", "actio"},
	{Node, "node", "Node.js"},
	{Ignis, "ignis", "Ignis"},
	{Floor, "floor", "floor (for ten queued the one that batches)"},
}

const plotStyle = `
    text { font: 12px system-ui, sans-serif; fill: #1f2328 }
    .title { font-size: 14px; font-weight: 600 }
    .value, .note { fill: #59636e; font-size: 11px }
    .actio { fill: #0969da } .floor { fill: #9aa4ae } .node { fill: #4d9c57 } .ignis { fill: #b98400 }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc } .value, .note { fill: #9198a1 }
      .actio { fill: #4493f8 } .floor { fill: #656c76 } .node { fill: #57ab5a } .ignis { fill: #c69026 }
    }
`

// SVG draws the headlines that belong into the plot: a group of bars for each, in relation to Node's, with the medians
// beside them. A bar that would leave the picture is cut off, and says how many times as long as Node's it should be.
func (r *Results) SVG(w io.Writer, title string, headlines []Headline, goals []Goal) error {
	p := plot{results: r, y: plotTop}
	for _, h := range headlines {
		if f, ok := r.figure(h); ok && h.Plot {
			goal, _ := goalOf(goals, f)
			p.group(h.Label, f, goal.floor())
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%[1]d\" height=\"%[2]d\" role=\"img\">\n",
		plotWidth, p.y)
	fmt.Fprintf(&b, "  <title>%s</title>\n  <style>%s  </style>\n", escape(title), plotStyle)
	fmt.Fprintf(&b, "  <text class=\"title\" x=\"8\" y=\"20\">%s</text>\n", escape(title))
	legend(&b)
	b.Write(p.shapes.Bytes())
	fmt.Fprint(&b, "</svg>\n")
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

func legend(b *bytes.Buffer) {
	x := 8
	for _, bar := range bars {
		fmt.Fprintf(b, "  <rect class=\"%s\" x=\"%d\" y=\"34\" width=\"%d\" height=\"%[3]d\" rx=\"2\"/>\n", bar.class, x, barHeight)
		fmt.Fprintf(b, "  <text x=\"%d\" y=\"45\">%s</text>\n", x+18, bar.name)
		x += 70
	}
}

type plot struct {
	results *Results
	shapes  bytes.Buffer
	y       int
}

// group draws the bars of a figure.
func (p *plot) group(label string, f Figure, floor string) {
	fmt.Fprintf(&p.shapes, "  <text x=\"8\" y=\"%d\">%s</text>\n", p.y+11, escape(label))
	whole := p.scale(f)
	for _, bar := range bars {
		peer := bar.peer
		if peer == Floor {
			peer = floor
		}
		s, ok := p.results.Of(f, peer)
		if !ok {
			continue
		}
		width, more := s.Median/whole*(plotRight-plotLeft), ""
		if width > plotLongest {
			width, more = plotLongest, fmt.Sprintf(", %.1f x", s.Median/whole)
		}
		fmt.Fprintf(&p.shapes, "  <rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"2\"/>\n",
			bar.class, plotLeft, p.y, width, barHeight)
		fmt.Fprintf(&p.shapes, "  <text class=\"value\" x=\"%.1f\" y=\"%d\">%s %s</text>\n",
			plotLeft+width+6, p.y+11, number(s.Median), escape(strings.TrimPrefix(f.Unit, "CPU ")+more))
		p.y += barDistance
	}
	p.y += groupGap
}

// scale is what a bar of full length stands for: Node's median, or without it the largest.
func (p *plot) scale(f Figure) float64 {
	if s, ok := p.results.Of(f, Node); ok && s.Median > 0 {
		return s.Median
	}
	largest := math.SmallestNonzeroFloat64
	for _, bar := range bars {
		if s, ok := p.results.Of(f, bar.peer); ok {
			largest = math.Max(largest, s.Median)
		}
	}
	return largest
}

func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a strings.Builder never fails
	return b.String()
}
