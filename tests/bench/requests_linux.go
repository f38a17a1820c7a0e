package main

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/actio-go/actio/tests/bench/internal/load"
	"github.com/actio-go/actio/tests/bench/internal/report"
)

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
	if transport == load.WebSocket {
		return t.loops(r, t.rate)
	}
	if err := t.loops(r, t.ratePolling); err != nil {
		return err
	}
	return t.swarm.Leave(clients)
}

// loops measures requests in a closed loop and in an open one.
func (t *trial) loops(r load.Requests, rate int) error {
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
	gather := t.swarm.Gather
	defer func() { t.swarm.Gather = gather }()
	t.swarm.Gather = 0 // this is about latencies
	c, err = t.measure(func() (err error) {
		o, err = t.swarm.Scheduled(r, rate, int(float64(rate)*t.duration.Seconds()))
		return err
	})
	if err != nil {
		return err
	}
	t.outcome(fmt.Sprintf("open loop, %d/s", rate), c, o)
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

// rooms says which rooms clients hop through.
type rooms bool

const (
	shared rooms = false // all the same few
	own    rooms = true  // nobody else's, so that each time one ends and another begins
)

const roomsOfAClient = 10

// hop lets clients leave and join a room with each event.
func (t *trial) hop(which rooms) error {
	clients, err := t.swarm.Enter(t.hoppers, load.WebSocket)
	if err != nil {
		return err
	}
	requests := load.Requests{
		Clients: clients, Want: []byte("[]"),
		Append: func(to []byte, c *load.Client, operation uint32) []byte {
			to = append(to, `["hop",{"room":"r`...)
			if which == own {
				to = append(strconv.AppendInt(to, int64(c.Index), 10), '-')
			}
			// Neighbours in time are in different rooms, and so are a client's own hops.
			turn := (int(operation) + int(operation)/len(clients)) % roomsOfAClient
			return append(strconv.AppendInt(to, int64(turn), 10), `"}]`...)
		},
	}
	return t.loops(requests, t.rate)
}
