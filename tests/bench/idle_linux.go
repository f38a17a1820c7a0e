package main

import (
	"fmt"
	"time"

	"github.com/actio-go/actio/tests/bench/internal/load"
)

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

// idleCPU measures what clients cost that only answer heartbeats.
func (t *trial) idleCPU() error {
	if _, err := t.swarm.Enter(t.idleClients, load.WebSocket); err != nil {
		return err
	}
	if err := t.swarm.Idle(t.beats.engine + t.beats.app); err != nil { // each has had both
		return err
	}
	beats := t.swarm.Pings + t.swarm.AppPings
	began := time.Now()
	c, err := t.measure(func() error { return t.swarm.Idle(t.idleWindow) })
	if err != nil {
		return err
	}
	beats = t.swarm.Pings + t.swarm.AppPings - beats
	what := fmt.Sprintf("%d connections, heartbeats each %v and %v", t.idleClients, t.beats.engine, t.beats.app)
	t.value(what+": of a core", "CPU %", 100*c.server.Seconds()/time.Since(began).Seconds())
	t.perOperation(what+": each heartbeat", "CPU us", c, int(beats))
	t.value(what+": heartbeats", "1/s", float64(beats)/time.Since(began).Seconds())
	return nil
}
