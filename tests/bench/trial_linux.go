package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/actio-go/actio/tests/bench/internal/load"
	"github.com/actio-go/actio/tests/bench/internal/process"
	"github.com/actio-go/actio/tests/bench/internal/report"
	"github.com/actio-go/actio/tests/bench/internal/servers"
)

// workload is something that servers are put to.
type workload struct {
	name   string
	peers  []string
	rounds int        // at most so many; zero: as many as are asked for
	beats  heartbeats // zero: the usual ones
	run    func(t *trial) error

	// start starts the server if it is not the peer's usual one.
	start func(h *hosts, beats heartbeats) (*process.Server, error)
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
	hosts  *hosts
	server *process.Server
	swarm  *load.Swarm
	value  func(name, unit string, value float64)

	entered []*load.Client // of shards

	profiles string // how the names of its profiles begin; empty: none
	profiled int    // how many there are
	note     func(format string, arguments ...any)
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
	if err := t.profile(f); err != nil {
		return cost{}, err
	}
	after, err := t.used()
	return cost{server: after.server - before.server, generator: after.generator - before.generator}, err
}

// profile runs f, under a CPU profile if that is wanted.
func (t *trial) profile(f func() error) error {
	if t.profiles == "" {
		return f()
	}
	t.profiled++
	return errors.Join(
		t.server.Order(fmt.Sprintf("%s %s-%d.cpu", servers.OrderCPU, t.profiles, t.profiled)),
		f(),
		t.server.Order(servers.OrderStop),
	)
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

func (b *benchmark) start(w workload, peer string, beats heartbeats) (*process.Server, error) {
	if w.start != nil {
		return w.start(b.hosts, beats)
	}
	return b.hosts.start(peer, beats)
}

// session runs a workload of one peer once.
func (b *benchmark) session(w workload, peer string, round int) (err error) {
	beats := w.beats
	if beats == (heartbeats{}) {
		beats = usualHeartbeats
	}
	server, err := b.start(w, peer, beats)
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
	t := &trial{scale: b.scale, peer: peer, beats: beats, hosts: b.hosts, server: server, swarm: swarm}
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
	if b.profiles == "" || w.start != nil || peer == report.Node || peer == report.Ignis {
		return w.run(t)
	}
	t.profiles = filepath.Join(b.profiles, fmt.Sprintf("%s-%s-%d", w.name, peer, round+1))
	if err := w.run(t); err != nil {
		return err
	}
	return server.Order(fmt.Sprintf("%s %s.heap", servers.OrderHeap, t.profiles))
}
