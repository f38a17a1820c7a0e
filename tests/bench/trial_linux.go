package main

import (
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/actio-go/actio/tests/bench/internal/load"
	"github.com/actio-go/actio/tests/bench/internal/process"
	"github.com/actio-go/actio/tests/bench/internal/report"
)

// workload is something that servers are put to.
type workload struct {
	name   string
	peers  []string
	rounds int        // at most so many; zero: as many as are asked for
	beats  heartbeats // zero: the usual ones
	run    func(t *trial) error
}

// times is how often it runs when so many rounds are asked for.
func (w workload) times(rounds int) int {
	if w.rounds > 0 {
		return min(rounds, w.rounds)
	}
	return rounds
}

func (w workload) has(peer string) bool { return slices.Contains(w.peers, peer) }

// trial is one workload with one fresh server.
type trial struct {
	scale
	peer   string
	beats  heartbeats
	server *process.Server
	swarm  *load.Swarm
	value  func(name, unit string, value float64)
	note   func(format string, arguments ...any)
}

// cost is what something took.
type cost struct {
	server    time.Duration // CPU of the server
	generator time.Duration // CPU of the thread that makes the load
}

// measure adds up the CPU time that the server uses while f runs.
func (t *trial) measure(f func() error) (cost, error) {
	before, err := t.used()
	if err != nil {
		return cost{}, err
	}
	if err := f(); err != nil {
		return cost{}, err
	}
	after, err := t.used()
	return cost{server: after.server - before.server, generator: after.generator - before.generator}, err
}

func (t *trial) used() (cost, error) {
	server, err := t.server.CPU()
	if err != nil {
		return cost{}, err
	}
	generator, err := process.OwnThreadCPU()
	return cost{server: server, generator: generator}, err
}

const generatorPrefix = "generator: "

// perOperation notes what each of n operations has cost.
func (t *trial) perOperation(name, unit string, c cost, n int) {
	scale := float64(time.Microsecond)
	if unit == "CPU ms" {
		scale = float64(time.Millisecond)
	}
	t.value(name, unit, float64(c.server)/scale/float64(n))
	t.value(generatorPrefix+name, unit, float64(c.generator)/scale/float64(n))
}

// session runs a workload of one peer once.
func (b *benchmark) session(w workload, peer string, round int) (err error) {
	beats := w.beats
	if beats == (heartbeats{}) {
		beats = usualHeartbeats
	}
	server, err := b.hosts.start(peer, beats)
	if err != nil {
		return err
	}
	defer func() {
		if used, err := server.CPU(); err == nil {
			b.serverCPU += used
		}
		if err != nil {
			server.Kill()
			return
		}
		err = server.End()
	}()
	swarm, err := load.New(server.Address())
	if err != nil {
		return err
	}
	defer swarm.Close()
	swarm.Gather = b.gather
	t := &trial{scale: b.scale, peer: peer, beats: beats, server: server, swarm: swarm}
	t.value = func(name, unit string, value float64) {
		f := report.Figure{Workload: w.name, Name: name, Unit: unit}
		b.results.Add(report.Value{Figure: f, Peer: peer, Round: round, Value: value})
		if b.verbose {
			fmt.Fprintf(os.Stderr, "    %-60s %10.3f %s\n", name, value, unit)
		}
	}
	t.note = func(format string, arguments ...any) {
		b.results.Note(report.Note{Workload: w.name, Peer: peer, Text: fmt.Sprintf(format, arguments...)})
	}
	return w.run(t)
}
