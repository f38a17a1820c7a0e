package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/actio-go/actio/tests/bench/internal/process"
	"github.com/actio-go/actio/tests/bench/internal/report"
)

// benchmark runs workloads and gathers what they measure.
type benchmark struct {
	settings
	scale   scale
	hosts   *hosts
	tables  io.Writer // where they are printed
	results report.Results

	serverCPU time.Duration // of all servers that have ended
}

func run(s settings) error {
	cores, err := process.Choose()
	if err != nil {
		return err
	}
	if err := cores.PinGenerator(); err != nil {
		return err
	}
	if !cores.Pinned() {
		fmt.Fprintln(os.Stderr, "bench: one core for server and generator: CPU times mean something, everything else does not")
	}
	b, err := newBenchmark(s, cores)
	if err != nil {
		return err
	}
	err = b.all()
	return errors.Join(err, b.publish(), b.hosts.end())
}

func newBenchmark(s settings, cores process.Cores) (*benchmark, error) {
	h, err := newHosts(cores)
	if err != nil {
		return nil, err
	}
	if s.profiles != "" {
		if err := os.MkdirAll(s.profiles, 0o750); err != nil {
			return nil, err
		}
	}
	b := &benchmark{settings: s, scale: full(), hosts: h, tables: os.Stdout}
	if s.short {
		b.scale = short()
	}
	b.results = report.Results{
		Date: time.Now(), Command: command(s), Machine: machine(cores), Rounds: s.rounds, Peers: s.peers,
	}
	return b, nil
}

// command is how to repeat it.
func command(s settings) string {
	text := fmt.Sprintf("go run ./tests/bench -rounds %d", s.rounds)
	if pattern := s.workloads.String(); pattern != "" {
		text += fmt.Sprintf(" -run %q", pattern)
	}
	if !slices.Equal(s.peers, allPeers) {
		text += " -peers " + strings.Join(s.peers, ",")
	}
	if s.gather != usualGather {
		text += " -gather " + s.gather.String()
	}
	if s.short {
		text += " -short"
	}
	return text
}

// machine says where it was measured, and with what.
func machine(cores process.Cores) string {
	name := "Linux"
	var system unix.Utsname
	if unix.Uname(&system) == nil {
		release, _, _ := strings.Cut(unix.ByteSliceToString(system.Release[:]), "-")
		name += " " + release
	}
	name += fmt.Sprintf(", %d cores of %s, %s", runtime.NumCPU(), process.CPUModel(), runtime.Version())
	if version, err := exec.Command("node", "--version").Output(); err == nil {
		name += ", Node.js " + strings.TrimSpace(string(version))
	}
	if cores.Pinned() {
		return name + ", server and generator on a core each"
	}
	return name + ", server and generator on one core"
}

// all runs what is asked for, peers in turns. A peer that fails does not keep the others from running.
func (b *benchmark) all() error {
	missing := map[string]error{}
	for _, peer := range b.peers {
		if err := b.hosts.available(peer); err != nil {
			missing[peer] = err
			fmt.Fprintf(os.Stderr, "bench: without %s: %v\n", peer, err)
		}
	}
	var failures []error
	began := time.Now()
	defer b.watchOthers()()
	for _, w := range workloads(b.scale) {
		if !b.workloads.MatchString(w.name) {
			continue
		}
		for round := range w.times(b.rounds) {
			for _, peer := range b.peers {
				if !w.has(peer) || missing[peer] != nil {
					continue
				}
				fmt.Fprintf(os.Stderr, "%5.0f s  %s, round %d of %d: %s\n",
					time.Since(began).Seconds(), w.name, round+1, w.times(b.rounds), peer)
				if err := b.session(w, peer, round); err != nil {
					failures = append(failures, fmt.Errorf("%s: %s: %w", w.name, peer, err))
					fmt.Fprintln(os.Stderr, "bench:", failures[len(failures)-1])
				}
			}
		}
	}
	if len(b.results.Values)+len(failures) == 0 {
		return fmt.Errorf("no workload of these peers matches %q", b.workloads)
	}
	return errors.Join(failures...)
}

// watchOthers says, when what it returns is called, how busy others have kept the machine since.
func (b *benchmark) watchOthers() func() {
	began := time.Now()
	used := func() time.Duration {
		all, err1 := process.MachineCPU()
		own, err2 := process.OwnCPU()
		if err1 != nil || err2 != nil {
			return 0
		}
		return all - own - b.serverCPU
	}
	before := used()
	return func() {
		b.results.OthersCores = max(0, (used()-before).Seconds()/time.Since(began).Seconds())
	}
}

// publish prints the tables and writes the files.
func (b *benchmark) publish() error {
	printed := b.results
	if !b.verbose {
		printed.Values = slices.DeleteFunc(slices.Clone(printed.Values), func(v report.Value) bool {
			return strings.HasPrefix(v.Name, generatorPrefix)
		})
	}
	const title = "CPU time of the server, in relation to Node.js (less is better)"
	aims := goals()
	if b.short {
		aims = floors(aims) // so little says nothing about them
	}
	return errors.Join(
		printed.Text(b.tables, aims),
		write(b.json, b.results.JSON),
		write(b.markdown, func(w io.Writer) error { return b.results.Markdown(w, headlines(), aims) }),
		write(b.plot, func(w io.Writer) error { return b.results.SVG(w, title, headlines(), aims) }),
	)
}

// write writes a file, if it has a name.
func write(name string, content func(io.Writer) error) error {
	if name == "" {
		return nil
	}
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(content(file), file.Close())
}
