package main

import (
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/actio-go/actio"
)

// bid is what a user offers: a message to the auction, which answers with highest or an error.
type bid struct {
	User   string
	Amount int
}

// highest is the best bid so far.
type highest struct {
	Highest int    `json:"highest"`
	By      string `json:"by"`
}

// auction owns the highest bid. It needs no lock: an actor handles one message at a time.
type auction struct {
	server *actio.Server
	best   highest
}

var _ actor.Actor = (*auction)(nil)

// Receive handles a message. What it calls of the server never waits for a client.
func (a *auction) Receive(c actor.Context) {
	b, ok := c.Message().(bid)
	if !ok {
		return // that of its start or end
	}
	if b.Amount <= a.best.Highest {
		c.Respond(fmt.Errorf("%d is not more than %d", b.Amount, a.best.Highest))
		return
	}
	a.best = highest{b.Amount, b.User}
	_ = a.server.To(actio.RoomDefault).Emit("highest", a.best) // fails only when the server has gone
	c.Respond(a.best)
}
