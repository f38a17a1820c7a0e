package main

import (
	"fmt"

	"github.com/actio-go/actio/tests/bench/internal/load"
	"github.com/actio-go/actio/tests/bench/internal/report"
)

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
	r, c, err := t.castWarm(casts)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%d B, %d queued", casts.Size, casts.N)
	t.perOperation(name, "CPU us", c, int(r.Deliveries))
	t.percentiles(name+": round", r.Last, 50, 99)
	return nil
}

// castWarm measures casts, after some that are not measured.
func (t *trial) castWarm(casts load.Casts) (r load.Rounds, c cost, err error) {
	if _, err := t.swarm.Cast(casts, t.warm); err != nil {
		return r, c, err
	}
	c, err = t.measure(func() (err error) {
		r, err = t.swarm.Cast(casts, t.duration)
		return err
	})
	return r, c, err
}

// stalled measures the other members of a room while one does not read: rounds without it and with it take turns.
func (t *trial) stalled() error {
	members, err := t.swarm.Enter(t.stalledMembers, load.WebSocket)
	if err != nil {
		return err
	}
	for _, size := range t.stalledSizes {
		casts := load.Casts{Members: members, N: 1, Size: size, Each: true}
		if _, err := t.swarm.Cast(casts, t.warm); err != nil {
			return err
		}
		var without, with load.Rounds
		for range t.stalledTurns {
			if err := t.castInto(&without, casts); err != nil {
				return err
			}
			if err := t.castStalled(&with, casts); err != nil {
				return err
			}
		}
		name := fmt.Sprintf("%d B, a member's message", size)
		t.percentiles(name+", nobody stalled", without.Each, 50, 99)
		t.percentiles(name+", one stalled", with.Each, 50, 99)
		slow, usual := report.Percentile(with.Each, 99), report.Percentile(without.Each, 99)
		t.value(name+": p99 with / without", "", slow.Seconds()/usual.Seconds())
	}
	return nil
}

func (t *trial) castInto(all *load.Rounds, casts load.Casts) error {
	r, err := t.swarm.Cast(casts, t.duration/2)
	all.Each = append(all.Each, r.Each...)
	all.Last = append(all.Last, r.Last...)
	return err
}

// castStalled casts while one more member does not read, which then gets everything, or was disconnected.
func (t *trial) castStalled(all *load.Rounds, casts load.Casts) error {
	stalled, sent, err := t.swarm.Stall(casts.Members[0], casts.Size)
	if err != nil {
		return err
	}
	before := len(all.Last)
	if err := t.castInto(all, casts); err != nil {
		return err
	}
	sent += len(all.Last) - before
	disconnected, err := t.swarm.Drain(stalled, sent, casts.Size)
	if err != nil {
		return err
	}
	if disconnected {
		t.note("%d B: the stalled member was disconnected", casts.Size)
	} else {
		t.note("%d B: the stalled member got everything, in order", casts.Size)
	}
	return nil
}
