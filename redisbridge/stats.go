package redisbridge

import "sync/atomic"

// counters count what happens, wherever it does.
type counters struct {
	received, broadcasts, echoes, unwanted, unknown, malformed, late atomic.Uint64
	requests, incomplete, asked, refused, unsendable, skipped        atomic.Uint64
	pending, answering, polls                                        atomic.Int64
}

func (c *counters) stats() Stats {
	return Stats{
		Received: c.received.Load(), Broadcasts: c.broadcasts.Load(), Echoes: c.echoes.Load(), Unwanted: c.unwanted.Load(),
		Unknown: c.unknown.Load(), Malformed: c.malformed.Load(), Late: c.late.Load(),
		Requests: c.requests.Load(), Incomplete: c.incomplete.Load(), Asked: c.asked.Load(), Refused: c.refused.Load(),
		Unsendable: c.unsendable.Load(), Skipped: c.skipped.Load(),
		Pending: int(c.pending.Load()), Answering: int(c.answering.Load() + c.polls.Load()),
	}
}
