package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/actio-go/actio/tests/bench/internal/report"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSpreadOf_Values_MedianAndEnds(t *testing.T) {
	assert.Equal(t, report.Spread{Median: 2, Min: 1, Max: 9}, report.SpreadOf([]float64{9, 1, 2}))
	assert.Equal(t, report.Spread{Median: 1.5, Min: 1, Max: 2}, report.SpreadOf([]float64{2, 1}))
	assert.True(t, math.IsNaN(report.SpreadOf(nil).Median))
}

func TestPercentile_Sorted_SmallestThatCoversThem(t *testing.T) {
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = i + 1
	}
	for hundredths, want := range map[float64]int{0: 1, 1: 1, 50: 50, 99: 99, 99.9: 100, 100: 100} {
		assert.Equal(t, want, report.Percentile(hundred, hundredths), hundredths)
	}
	assert.Equal(t, 7, report.Percentile([]int{7}, 50))
	assert.Zero(t, report.Percentile([]int(nil), 50))
}

var (
	delivery = report.Figure{Workload: "broadcast", Name: "one <at> a time & more", Unit: "CPU us"}
	memory   = report.Figure{Workload: "idle", Name: "connections", Unit: "KiB each"}
)

func results() *report.Results {
	r := &report.Results{
		Date: time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC), Command: "go run", Machine: "Linux", Rounds: 3, OthersCores: 0.25,
		Peers: []string{report.Subject, report.Floor, report.FloorBatch, report.Node},
	}
	add := func(f report.Figure, peer string, values ...float64) {
		for i, v := range values {
			r.Add(report.Value{Figure: f, Peer: peer, Round: i, Value: v})
		}
	}
	add(delivery, report.Node, 6, 7, 8)
	add(delivery, report.Subject, 3.5, 3, 4)
	add(delivery, report.Floor, 3, 2.5, 3.2)
	add(memory, report.Subject, 11)
	r.Note(report.Note{Workload: "idle", Peer: report.Subject, Text: "as it should be"})
	r.Note(report.Note{Workload: "idle", Peer: report.Subject, Text: "as it should be"})
	return r
}

func text(t *testing.T, goals ...report.Goal) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, results().Text(&b, goals))
	return b.String()
}

func TestText_Results_MediansSpreadsAndRatios(t *testing.T) {
	lines := strings.Split(text(t), "\n")
	assert.Equal(t, "go run", lines[0])
	assert.Equal(t, "2026-01-02 03:04, Linux, rounds: 3", lines[1])
	assert.Equal(t, "cores that other programs kept busy: 0.25", lines[2])
	assert.Equal(t, []string{"broadcast", "unit", "actio", "floor", "node", "/floor", "/node", "goal"}, strings.Fields(lines[4]))
	assert.Regexp(t, `^  one <at> a time & more  CPU us  3\.50 \(3\.00-4\.00\)  3\.00 \(2\.50-3\.20\)  7\.00 \(6\.00-8\.00\)  1\.17 +0\.500$`, lines[5])
	assert.Equal(t, []string{"idle", "unit", "actio", "/floor", "/node", "goal"}, strings.Fields(lines[7]))
	assert.Equal(t, 1, strings.Count(text(t), "idle, actio: as it should be"))
}

func TestText_Goals_HoldFailOrAreUnknown(t *testing.T) {
	for name, test := range map[string]struct {
		goal report.Goal
		want string
	}{
		"of both":          {report.Goal{TimesFloor: 1.25, TimesNode: 0.57}, "<= 1.25 x floor, <= 0.57 x node  holds"},
		"not of one":       {report.Goal{TimesFloor: 1.25, TimesNode: 0.4}, "<= 1.25 x floor, <= 0.4 x node  FAILS (node)"},
		"exactly":          {report.Goal{TimesNode: 0.5}, "<= 0.5 x node  holds"},
		"not measured":     {report.Goal{Floor: report.FloorBatch, TimesFloor: 1}, "<= 1 x floor-batch  ?"},
		"fails in part":    {report.Goal{Floor: report.FloorBatch, TimesFloor: 1, TimesNode: 0.1}, "<= 1 x floor-batch, <= 0.1 x node  FAILS (node)"},
		"not of any":       {report.Goal{TimesFloor: 1, TimesNode: 0.1}, "<= 1 x floor, <= 0.1 x node  FAILS (floor node)"},
		"of another floor": {report.Goal{Floor: report.Node}, "7.00 (6.00-8.00)  0.500   0.500\n"},
		"absolute":         {report.Goal{AtMost: 3.5}, "<= 3.5  holds"},
		"absolute, above":  {report.Goal{AtMost: 3.4}, "<= 3.4  FAILS"},
	} {
		t.Run(name, func(t *testing.T) {
			test.goal.Workload, test.goal.Name = delivery.Workload, delivery.Name
			assert.Contains(t, text(t, test.goal), test.want)
		})
	}
	assert.Contains(t, text(t, report.Goal{Workload: memory.Workload, Name: memory.Name, TimesNode: 1}), "<= 1 x node  ?")
}

func headlines() []report.Headline {
	return []report.Headline{
		{Workload: delivery.Workload, Name: delivery.Name, Label: "a <delivery> & more", Plot: true},
		{Workload: "nothing", Name: "measured", Label: "nothing", Plot: true},
		{Workload: memory.Workload, Name: memory.Name, Label: "memory", Plot: true},
	}
}

func TestMarkdown_Headlines_ARowForEachThatWasMeasured(t *testing.T) {
	var b bytes.Buffer
	goals := []report.Goal{{Workload: delivery.Workload, Name: delivery.Name, TimesFloor: 1.25}}
	require.NoError(t, results().Markdown(&b, headlines(), goals))
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	require.Len(t, lines, 6)
	assert.Equal(t, "`go run`, 2 January 2026, Linux; other programs kept 0.25 cores busy; "+
		"medians of 3 rounds (least to most), without brackets of one:", lines[0])
	assert.Equal(t, "| a <delivery> & more | CPU us | 3.50 (3.00-4.00) | 3.00 (2.50-3.20) | 7.00 (6.00-8.00) |  | 1.17 | 0.500 |"+
		" <= 1.25 x floor | holds |", lines[4])
	for _, line := range lines[2:] {
		assert.Equal(t, 11, strings.Count(line, "|"), line)
	}
}

func TestSVG_Headlines_WellFormedBarsWithinThePicture(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, results().SVG(&b, "a <title>", headlines(), nil))
	decoder := xml.NewDecoder(&b)
	bars := 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if element, ok := token.(xml.StartElement); ok && element.Name.Local == "rect" {
			bars++
			assert.Equal(t, "http://www.w3.org/2000/svg", element.Name.Space)
		}
	}
	const legend, deliveries, memories = 4, 3, 1
	assert.Equal(t, legend+deliveries+memories, bars)
}

func TestJSON_Results_ComeBack(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, results().JSON(&b))
	var back report.Results
	require.NoError(t, json.Unmarshal(b.Bytes(), &back))
	assert.Equal(t, *results(), back)
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestWriters_BrokenFile_SayIt(t *testing.T) {
	r := results()
	require.ErrorIs(t, r.Text(broken{}, nil), io.ErrClosedPipe)
	require.ErrorIs(t, r.Markdown(broken{}, headlines(), nil), io.ErrClosedPipe)
	require.ErrorIs(t, r.SVG(broken{}, "", headlines(), nil), io.ErrClosedPipe)
	require.ErrorIs(t, r.JSON(broken{}), io.ErrClosedPipe)
}
