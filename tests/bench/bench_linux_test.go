package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/tests/bench/internal/process"
	"github.com/actio-go/actio/tests/bench/internal/report"
)

// numbers are what is smaller in a short run.
var numbers = regexp.MustCompile(`[\d.]+(ms|s)?\b`)

// kind is a figure without its numbers.
func kind(workload, name string) string { return numbers.ReplaceAllString(workload+": "+name, "N") }

// TestBenchmark_Short_EveryWorkloadMeasuresEveryPeer needs Node.js and the npm packages of tests/js. What the servers send is
// counted and compared by the generator: a workload fails if anything is missing.
func TestBenchmark_Short_EveryWorkloadMeasuresEveryPeer(t *testing.T) {
	t.Setenv("GORACE", "atexit_sleep_ms=0") // servers with the race detector would take a second to end
	folder := t.TempDir()
	file := func(name string) string { return filepath.Join(folder, name) }
	peers := []string{report.Subject, report.Floor, report.Node}
	b, err := newBenchmark(settings{
		workloads: regexp.MustCompile(""), peers: peers, rounds: 1, short: true,
		plot: file("svg"), markdown: file("markdown"), json: file("json"),
	}, process.Anywhere)
	require.NoError(t, err)
	b.tables = t.Output()
	require.NoError(t, b.all())
	require.NoError(t, b.publish())
	require.NoError(t, b.hosts.end())

	kinds := map[string]bool{}
	for _, f := range b.results.Figures() {
		kinds[kind(f.Workload, f.Name)] = true
	}
	for _, w := range workloads(b.scale) {
		for _, peer := range peers {
			measured := 0
			for _, v := range b.results.Values {
				if v.Workload == w.name && v.Peer == peer {
					measured++
					assert.GreaterOrEqual(t, v.Value, 0.0, "%+v", v)
				}
			}
			assert.Equal(t, w.has(peer), measured > 0, "%s: %s", w.name, peer)
		}
	}
	for _, g := range goals() {
		assert.True(t, kinds[kind(g.Workload, g.Name)], "%+v", g)
	}
	for _, h := range headlines() {
		assert.True(t, kinds[kind(h.Workload, h.Name)], "%+v", h)
	}

	var back report.Results
	text, err := os.ReadFile(file("json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &back))
	assert.Len(t, back.Values, len(b.results.Values))
	for _, name := range []string{"svg", "markdown"} {
		text, err := os.ReadFile(file(name))
		require.NoError(t, err)
		assert.NotEmpty(t, bytes.TrimSpace(text))
	}
}

func TestWorkloads_Full_AreWhatGoalsAndHeadlinesName(t *testing.T) {
	names := map[string]bool{}
	for _, w := range workloads(full()) {
		assert.False(t, names[w.name], "%s is there twice", w.name)
		names[w.name] = true
	}
	for _, g := range goals() {
		assert.True(t, names[g.Workload], "%+v", g)
	}
	for _, h := range headlines() {
		assert.True(t, names[h.Workload], "%+v", h)
	}
}

func TestHosts_UnknownOrMissingPeer_SaysWhy(t *testing.T) {
	h, err := newHosts(process.Anywhere)
	require.NoError(t, err)
	defer func() { require.NoError(t, h.end()) }()
	require.ErrorContains(t, h.available("somebody"), "somebody")
	t.Setenv("PATH", t.TempDir())
	require.ErrorContains(t, h.available(report.Node), "make install")
	require.ErrorContains(t, h.available(report.Ignis), "make install")
	require.NoError(t, h.available(report.Subject))
}
