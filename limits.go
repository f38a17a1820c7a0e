package actio

import (
	"fmt"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/connection"
)

// RatePolicy says what happens to an event of a client that sends more than Options.MaxEventsPerSecond or
// Options.MaxBytesPerSecond. Each such event is counted (Stats.EventsRateLimited), the first of a connection is logged at Warn.
type RatePolicy = connection.RatePolicy

// The policies.
const (
	// RateDrop discards the event.
	RateDrop = connection.RateDrop
	// RateError discards it and, if the client asked for an acknowledgement, acknowledges it with {"error": "…"}.
	RateError = connection.RateError
	// RateDisconnect ends the connection with ReasonRateLimited: the sockets get DISCONNECT, after which the official clients do
	// not reconnect by themselves, a websocket the close code 1008.
	RateDisconnect = connection.RateDisconnect
)

// eventLimits translates.
func (o *Options) eventLimits() connection.EventLimits {
	return connection.EventLimits{
		Events: actors.Rate{PerSecond: o.MaxEventsPerSecond, Burst: o.EventBurst},
		Bytes:  actors.Rate{PerSecond: o.MaxBytesPerSecond, Burst: o.ByteBurst},
		Policy: o.RatePolicy,
	}
}

// rates joins what is wrong with the limits of rates.
func (o *Options) rates() (problems []error) {
	for _, r := range []struct {
		name      string
		perSecond int
		burst     string
		size      int
	}{
		{"MaxEventsPerSecond", o.MaxEventsPerSecond, "EventBurst", o.EventBurst},
		{"MaxBytesPerSecond", o.MaxBytesPerSecond, "ByteBurst", o.ByteBurst},
	} {
		problems = append(problems, checkRate(r.name, r.perSecond, r.burst, r.size)...)
	}
	if o.RatePolicy > RateDisconnect {
		problems = append(problems, fmt.Errorf("actio: RatePolicy %d is unknown", o.RatePolicy))
	}
	return problems
}

// checkRate joins what is wrong with one rate.
func checkRate(name string, perSecond int, burst string, size int) (problems []error) {
	if perSecond < 0 || perSecond > actors.MaxRate {
		problems = append(problems, fmt.Errorf("actio: %s %d is not within 0 and %d", name, perSecond, actors.MaxRate))
	}
	switch {
	case size < 0:
		problems = append(problems, fmt.Errorf("actio: %s is negative: %d", burst, size))
	case perSecond == 0 && size > 0:
		problems = append(problems, fmt.Errorf("actio: %s %d means nothing without %s", burst, size, name))
	}
	return problems
}
