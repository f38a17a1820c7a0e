package main

import (
	"fmt"
	"time"

	"github.com/actio-go/actio/tests/bench/internal/load"
	"github.com/actio-go/actio/tests/bench/internal/process"
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
	ratePolling    int
	warm, duration time.Duration
	members        []int
	shardMembers   []int // of each of two servers
	hoppers        int
	stalledMembers int
	stalledTurns   int
	stalledSizes   []int
	churn          int
	churnAlive     int
}

func full() scale {
	return scale{
		connections: 5000,
		idle:        []int{5000, 10_000, 18_000}, later: 30 * time.Second, settle: 4 * time.Second,
		idleClients: 10_000, idleBeats: heartbeats{5 * time.Second, 6 * time.Second, true}, idleWindow: 30 * time.Second,
		echo: []int{100, 1000}, echoPolling: 100, rate: 10_000, ratePolling: 2000,
		warm: time.Second, duration: 2 * time.Second,
		members: []int{1000, 10_000}, shardMembers: []int{1000, 9000}, hoppers: 1000,
		stalledMembers: 1000, stalledTurns: 3, stalledSizes: []int{64, 1024},
		churn: 200_000, churnAlive: 1000,
	}
}

func short() scale {
	const moment = 30 * time.Millisecond
	return scale{
		connections: 20,
		idle:        []int{20, 40}, later: moment, settle: moment,
		idleClients: 20, idleBeats: heartbeats{200 * time.Millisecond, 300 * time.Millisecond, true}, idleWindow: 600 * time.Millisecond,
		echo: []int{10}, echoPolling: 5, rate: 1000, ratePolling: 500,
		warm: moment, duration: 2 * moment,
		members: []int{20}, shardMembers: []int{20}, hoppers: 10,
		stalledMembers: 10, stalledTurns: 1, stalledSizes: []int{1024},
		churn: 200, churnAlive: 10,
	}
}

// workloads are all that there are, some of them for some peers only, so that it ends within half an hour.
func workloads(s scale) []workload {
	everybody := allPeers
	plain := []string{report.Subject, report.Floor, report.Node}
	floors := []string{report.Subject, report.Floor, report.FloorBatch, report.Node}
	speakers := []string{report.Subject, report.Node}

	all := []workload{{name: "connect", peers: everybody, run: (*trial).connect}}
	for i, n := range s.echo {
		peers := []string{report.Subject, report.Floor, report.Node, report.Ignis}
		if i > 0 {
			peers = plain
		}
		all = append(all, workload{name: fmt.Sprintf("echo-%d", n), peers: peers, run: func(t *trial) error {
			return t.echo(n, load.WebSocket)
		}})
	}
	all = append(all, workload{name: fmt.Sprintf("echo-polling-%d", s.echoPolling), peers: speakers, run: func(t *trial) error {
		return t.echo(t.echoPolling, load.Polling)
	}})
	for i, n := range s.members {
		peers := everybody
		if i > 0 {
			peers = floors
		}
		all = append(all, workload{name: fmt.Sprintf("broadcast-%d", n), peers: peers, run: func(t *trial) error {
			return t.broadcast(n)
		}})
	}
	return append(
		all,
		workload{name: "hop-shared", peers: plain, run: func(t *trial) error { return t.hop(shared) }},
		workload{name: "hop-own", peers: plain, run: func(t *trial) error { return t.hop(own) }},
		workload{name: "stalled", peers: speakers, run: (*trial).stalled},
		workload{name: "idle-memory", peers: everybody, rounds: 1, run: (*trial).idleMemory},
		workload{
			name: "idle-memory-gateway", peers: []string{report.Subject}, rounds: 1, run: (*trial).idleMemory,
			start: (*hosts).startGateway,
		},
		workload{
			name: "shards", peers: []string{report.Subject}, rounds: 1, run: (*trial).shards,
			start: func(h *hosts, beats heartbeats) (*process.Server, error) { return h.startFree(beats, 0) },
		},
		workload{name: "idle-cpu", peers: plain, rounds: 1, beats: s.idleBeats, run: (*trial).idleCPU},
		workload{name: "churn", peers: plain, rounds: 1, run: (*trial).comeAndGo},
	)
}
