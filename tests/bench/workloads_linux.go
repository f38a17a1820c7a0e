package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/actio-go/actio/tests/bench/internal/load"
	"github.com/actio-go/actio/tests/bench/internal/report"
)

// scale is how much is measured.
type scale struct {
	connections    int           // of connect
	idle           []int         // connections in all
	later          time.Duration // when it is looked at idle memory again
	settle         time.Duration // after a storm
	idleClients    int           // of idle-cpu
	idleBeats      heartbeats
	idleWindow     time.Duration
	echo           []int // clients
	echoPolling    int
	rate           int // operations of an open loop for each second
	warm, duration time.Duration
	members        []int
	hoppers        int
	stalledMembers int
	stalledTurns   int
	churn          int
	churnAlive     int
}

func full() scale {
	return scale{
		connections: 5000,
		idle:        []int{5000, 10_000, 18_000}, later: 30 * time.Second, settle: 4 * time.Second,
		idleClients: 10_000, idleBeats: heartbeats{5 * time.Second, 6 * time.Second}, idleWindow: 30 * time.Second,
		echo: []int{100, 1000}, echoPolling: 100, rate: 10_000,
		warm: time.Second, duration: 2 * time.Second,
		members: []int{1000, 10_000}, hoppers: 1000,
		stalledMembers: 1000, stalledTurns: 3,
		churn: 200_000, churnAlive: 1000,
	}
}

func short() scale {
	const moment = 30 * time.Millisecond
	return scale{
		connections: 20,
		idle:        []int{20, 40}, later: moment, settle: moment,
		idleClients: 20, idleBeats: heartbeats{200 * time.Millisecond, 300 * time.Millisecond}, idleWindow: 600 * time.Millisecond,
		echo: []int{10}, echoPolling: 5, rate: 1000,
		warm: moment, duration: 2 * moment,
		members: []int{20}, hoppers: 10,
		stalledMembers: 10, stalledTurns: 1,
		churn: 200, churnAlive: 10,
	}
}

// workloads are all that there are.
func workloads(s scale) []workload {
	everybody := allPeers
	speakers := []string{report.Subject, report.Node}
	all := []workload{{name: "connect", peers: everybody, run: (*trial).connect}}
	for _, n := range s.echo {
		all = append(all, workload{name: fmt.Sprintf("echo-%d", n), peers: everybody, run: func(t *trial) error {
			return t.echo(n, load.WebSocket)
		}})
	}
	all = append(all, workload{name: fmt.Sprintf("echo-polling-%d", s.echoPolling), peers: speakers, run: func(t *trial) error {
		return t.echo(t.echoPolling, load.Polling)
	}})
	for _, n := range s.members {
		all = append(all, workload{name: fmt.Sprintf("broadcast-%d", n), peers: everybody, run: func(t *trial) error {
			return t.broadcast(n)
		}})
	}
	all = append(all, workload{name: "idle-memory", peers: everybody, rounds: 1, run: (*trial).idleMemory})
	for i := range all {
		all[i].beats = usualHeartbeats
	}
	return all
}

// connect opens clients until CONNECT is answered, and then lets them authenticate.
func (t *trial) connect() error {
	// What is compiled and allocated once does not count.
	first, err := t.swarm.Enter(min(t.connections, 1000), load.WebSocket)
	if err != nil {
		return err
	}
	for _, c := range first {
		t.swarm.Kill(c)
	}
	if err := t.swarm.Idle(t.warm); err != nil {
		return err
	}
	var clients []*load.Client
	c, err := t.measure(func() error {
		clients, err = t.swarm.Connect(t.connections, load.WebSocket)
		return err
	})
	if err != nil {
		return err
	}
	t.perOperation("until CONNECT is answered", "CPU ms", c, t.connections)
	if c, err = t.measure(func() error { return t.swarm.Authenticate(clients) }); err != nil {
		return err
	}
	t.perOperation("to authenticate, on top", "CPU ms", c, t.connections)
	return nil
}

func (t *trial) idleMemory() error {
	before, err := t.server.RSS()
	if err != nil {
		return err
	}
	look := func(n int, when string) error {
		rss, err := t.server.RSS()
		t.value(fmt.Sprintf("%d connections%s", n, when), "KiB each", float64(rss-before)/1024/float64(n))
		return err
	}
	n := 0
	for _, goal := range t.idle {
		if _, err := t.swarm.Enter(goal-n, load.WebSocket); err != nil {
			return err
		}
		n = goal
		if err := t.swarm.Idle(t.settle); err != nil {
			return err
		}
		if err := look(n, ""); err != nil {
			return err
		}
	}
	if err := t.swarm.Idle(t.later); err != nil {
		return err
	}
	return look(n, fmt.Sprintf(", %v later", t.later))
}

// echoText is what is sent, 64 bytes.
const echoText = `["0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"]`

func (t *trial) echo(n int, transport load.Transport) error {
	clients, err := t.swarm.Enter(n, transport)
	if err != nil {
		return err
	}
	r := load.Requests{
		Clients: clients, Want: []byte(echoText),
		Append: func(to []byte, _ *load.Client, _ uint32) []byte {
			return append(append(to, `["echo",`...), echoText[1:]...)
		},
	}
	return t.loops(r)
}

// loops measures requests in a closed loop and in an open one.
func (t *trial) loops(r load.Requests) error {
	if _, err := t.swarm.Closed(r, t.warm); err != nil {
		return err
	}
	var o load.Outcome
	c, err := t.measure(func() (err error) {
		o, err = t.swarm.Closed(r, t.duration)
		return err
	})
	if err != nil {
		return err
	}
	t.outcome("closed loop", c, o)
	c, err = t.measure(func() (err error) {
		o, err = t.swarm.Scheduled(r, t.rate, int(float64(t.rate)*t.duration.Seconds()))
		return err
	})
	if err != nil {
		return err
	}
	t.outcome(fmt.Sprintf("open loop, %d/s", t.rate), c, o)
	return nil
}

func (t *trial) outcome(name string, c cost, o load.Outcome) {
	t.perOperation(name, "CPU us", c, o.Operations)
	t.value(name+": operations", "1/s", float64(o.Operations)/o.Elapsed.Seconds())
	t.percentiles(name, o.Latencies, 50, 99, 99.9)
}

func (t *trial) percentiles(name string, latencies []time.Duration, hundredths ...float64) {
	slices.Sort(latencies)
	for _, h := range hundredths {
		t.value(fmt.Sprintf("%s: p%g", name, h), "ms", report.Percentile(latencies, h).Seconds()*1000)
	}
}

func (t *trial) broadcast(n int) error {
	members, err := t.swarm.Enter(n, load.WebSocket)
	if err != nil {
		return err
	}
	for _, size := range []int{64, 1024} {
		for _, queued := range []int{1, 10} {
			if err := t.cast(load.Casts{Members: members, N: queued, Size: size}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *trial) cast(casts load.Casts) error {
	if _, err := t.swarm.Cast(casts, t.warm); err != nil {
		return err
	}
	var r load.Rounds
	c, err := t.measure(func() (err error) {
		r, err = t.swarm.Cast(casts, t.duration)
		return err
	})
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%d B, %d queued", casts.Size, casts.N)
	t.perOperation(name, "CPU us", c, int(r.Deliveries))
	t.percentiles(name+": round", r.Last, 50, 99)
	return nil
}
