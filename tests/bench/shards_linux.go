package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/actio-go/actio/tests/bench/internal/load"
)

// shards compares a broadcast by as many shards as there are cores with one by a single shard, on a server that runs on all
// cores. The generator has one of them to itself when it wants it, so that this shows what shards cost, not what they gain.
func (t *trial) shards() (err error) {
	single := *t
	if single.server, err = t.hosts.startFree(t.beats, 1); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, single.server.End()) }()
	if single.swarm, err = load.New(single.server.Address()); err != nil {
		return err
	}
	defer single.swarm.Close()
	single.swarm.Gather = t.swarm.Gather
	for _, n := range t.shardMembers {
		if err := t.compareShards(&single, n); err != nil {
			return err
		}
	}
	return nil
}

// compareShards casts to n members of both servers in turns.
func (t *trial) compareShards(single *trial, n int) error {
	const turns = 3
	for _, queued := range []int{1, 10} {
		var used [2]time.Duration
		var deliveries [2]float64
		for turn := range 2 * turns {
			i := turn % 2
			one := []*trial{t, single}[i]
			r, c, err := one.castTo(n, queued)
			if err != nil {
				return err
			}
			used[i] += c.server
			deliveries[i] += float64(r.Deliveries)
		}
		name := fmt.Sprintf("%d members, 64 B, %d queued", n, queued)
		var each [2]float64
		for i, what := range []string{"a shard for each core", "one shard"} {
			each[i] = used[i].Seconds() * 1e6 / deliveries[i]
			t.value(name+", "+what, "CPU us", each[i])
		}
		t.value(name+": a shard for each core / one", "", each[0]/each[1])
	}
	return nil
}

// castTo casts to n members, which enter if they have not yet, for a while.
func (t *trial) castTo(n, queued int) (load.Rounds, cost, error) {
	if len(t.entered) < n {
		more, err := t.swarm.Enter(n-len(t.entered), load.WebSocket)
		if err != nil {
			return load.Rounds{}, cost{}, err
		}
		t.entered = append(t.entered, more...)
	}
	return t.castWarm(load.Casts{Members: t.entered, N: queued, Size: 64})
}
