package connection

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/wire"
)

// RatePolicy says what happens to an event that comes faster than EventLimits allow.
type RatePolicy uint8

// The policies.
const (
	RateDrop       RatePolicy = iota // the event is discarded
	RateError                        // the event is discarded, and answered with an error if it asked for an acknowledgement
	RateDisconnect                   // the session ends with ReasonRateLimited
)

// EventLimits bound the events of one session, those of all its namespaces together: else a client that left and joined again
// would begin anew. The zero value does not.
type EventLimits struct {
	Events, Bytes actors.Rate
	Policy        RatePolicy
}

func (l *EventLimits) limited() bool { return l.Events.Limited() || l.Bytes.Limited() }

// rateUse is what a session has used of its EventLimits.
type rateUse struct{ events, bytes actors.Bucket }

// textRateLimited is what a client gets instead of an answer.
const textRateLimited = "rate limit exceeded"

// newRateUse is nil for sessions without a limit.
func newRateUse(l *EventLimits) *rateUse {
	if !l.limited() {
		return nil
	}
	return new(rateUse)
}

// exceeds counts an event and reports whether it is one too many; then it was dealt with by the policy, all but the gate.
func (c *connection) exceeds(s *socket, m *received) bool {
	limits := &c.env.Options.EventLimits
	if c.session.rate.take(limits, m.size, time.Duration(c.now())) {
		return false
	}
	c.env.Counters.EventsRateLimited.Add(1)
	c.log(s).LogAttrs(s.handle.ctx, c.session.Blame(), textRateLimited, slog.String("policy", limits.Policy.String()))
	switch limits.Policy {
	case RateDrop:
	case RateError:
		if m.head.HasID {
			c.send(rateLimitedAck(s.namespace, m.head.ID), FlagKeep)
		}
	case RateDisconnect:
		c.close(ReasonRateLimited)
	}
	return true
}

// take takes an event out of both buckets, or out of none.
func (u *rateUse) take(l *EventLimits, size int, now time.Duration) bool {
	before := u.events
	if l.Events.Limited() && !u.events.Take(l.Events, 1, now) {
		return false
	}
	if l.Bytes.Limited() && !u.bytes.Take(l.Bytes, size, now) {
		u.events = before
		return false
	}
	return true
}

// rateLimitedAck is the acknowledgement of an event that was discarded, in the form in which handlers answer with errors.
func rateLimitedAck(namespace string, id uint64) *wire.Prepared {
	m, err := wire.EncodeAck(namespace, id, map[string]string{"error": textRateLimited})
	if err != nil {
		panic(fmt.Sprintf("connection: own packet does not encode: %v", err))
	}
	return m
}

// String gives the name of the policy.
func (p RatePolicy) String() string {
	switch p {
	case RateDrop:
		return "drop"
	case RateError:
		return "error"
	case RateDisconnect:
		return "disconnect"
	default:
		return fmt.Sprintf("RatePolicy(%d)", uint8(p))
	}
}
