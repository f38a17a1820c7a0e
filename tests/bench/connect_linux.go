package main

import (
	"time"

	"github.com/actio-go/actio/tests/bench/internal/load"
)

// connect opens clients until CONNECT is answered, and then lets them authenticate.
func (t *trial) connect() error {
	if err := t.rehearse(t.connections); err != nil {
		return err
	}
	var clients []*load.Client
	began := time.Now()
	c, err := t.measure(func() (err error) {
		clients, err = t.swarm.Connect(t.connections, load.WebSocket)
		return err
	})
	if err != nil {
		return err
	}
	t.perOperation("until CONNECT is answered", "CPU ms", c, t.connections)
	t.value("connections", "1/s", float64(t.connections)/time.Since(began).Seconds())
	if c, err = t.measure(func() error { return t.swarm.Authenticate(clients) }); err != nil {
		return err
	}
	t.perOperation("to authenticate, on top", "CPU ms", c, t.connections)
	return nil
}

// rehearse lets n clients come and go, so that what is compiled and allocated once does not count.
func (t *trial) rehearse(n int) error {
	if err := t.swarm.Churn(n, min(n, t.churnAlive)); err != nil {
		return err
	}
	return t.swarm.Idle(t.warm)
}

// comeAndGo measures what clients leave behind that were killed. Half as many have come and gone before: the actor library keeps
// 32768 maps of actors' names, which take 9 MiB of memory altogether, each when the first name comes into it.
func (t *trial) comeAndGo() error {
	if err := t.rehearse(t.churn / 2); err != nil {
		return err
	}
	before, err := t.settled("before")
	if err != nil {
		return err
	}
	began := time.Now()
	c, err := t.measure(func() error { return t.swarm.Churn(t.churn, t.churnAlive) })
	if err != nil {
		return err
	}
	t.perOperation("connect, authenticate, killed", "CPU ms", c, t.churn)
	t.value("connections", "1/s", float64(t.churn)/time.Since(began).Seconds())
	after, err := t.settled("after")
	if err != nil {
		return err
	}
	t.value("after / before", "", after/before)
	if err := t.swarm.Idle(t.later); err != nil {
		return err
	}
	_, err = t.settled("after, " + t.later.String() + " later")
	return err
}

// settled reports the resident memory a little later.
func (t *trial) settled(when string) (mebibytes float64, err error) {
	if err := t.swarm.Idle(t.settle); err != nil {
		return 0, err
	}
	rss, err := t.server.RSS()
	mebibytes = float64(rss) / (1 << 20)
	t.value("memory "+when, "MiB", mebibytes)
	return mebibytes, err
}
