package load

import (
	"bytes"
	"strconv"
	"time"
)

// Requests are events that are acknowledged, of a number of clients.
type Requests struct {
	Clients []*Client
	// Append appends the arguments of the event, a JSON array.
	Append func(to []byte, c *Client, operation uint32) []byte
	// Want is what the acknowledgement must hold, a JSON array.
	Want []byte
}

// Outcome is what became of them.
type Outcome struct {
	Operations int
	Elapsed    time.Duration
	Latencies  []time.Duration // of each operation
}

// Closed lets every client send its next event when the last one was acknowledged, for so long, and then waits for the rest.
func (s *Swarm) Closed(r Requests, d time.Duration) (Outcome, error) {
	var o Outcome
	sent := make([]time.Time, len(r.Clients))
	next := uint32(0)
	waiting := 0
	began := time.Now()
	end := began.Add(d)
	request := func(c *Client) {
		waiting++
		c.pending = next
		next++
		sent[c.place] = time.Now()
		s.request42(r, c, c.pending)
	}
	defer s.forget()
	s.onAck = func(c *Client, ack []byte) {
		if s.check(r, c, ack, c.pending) {
			waiting--
			o.Operations++
			o.Latencies = append(o.Latencies, time.Since(sent[c.place]))
			if s.now.Before(end) {
				request(c)
			}
		}
	}
	o.Latencies = make([]time.Duration, 0, 1<<20)
	for i, c := range r.Clients {
		c.place = i
		request(c)
	}
	err := s.until(func() bool { return waiting == 0 }, "a closed loop")
	o.Elapsed = time.Since(began)
	return o, err
}

// Scheduled sends n events, clients in turns, at a fixed rate for each second, and measures from when each should have been
// sent: what a server that falls behind makes others wait counts.
func (s *Swarm) Scheduled(r Requests, rate, n int) (Outcome, error) {
	o := Outcome{Latencies: make([]time.Duration, 0, n)}
	interval := time.Second / time.Duration(rate)
	began := time.Now()
	due := func(operation uint32) time.Time { return began.Add(time.Duration(operation) * interval) }
	defer s.forget()
	s.onAck = func(c *Client, ack []byte) {
		// A client's events are acknowledged in their order, so it waits for the one after that which came last.
		if s.check(r, c, ack, c.pending) {
			o.Operations++
			o.Latencies = append(o.Latencies, time.Since(due(c.pending)))
			c.pending += uint32(len(r.Clients))
		}
	}
	for i, c := range r.Clients {
		c.place, c.pending = i, uint32(i)
	}
	if err := s.schedule(interval); err != nil {
		return o, err
	}
	next := uint32(0)
	err := s.until(func() bool {
		for ; int(next) < n && !s.now.Before(due(next)); next++ {
			s.request42(r, r.Clients[int(next)%len(r.Clients)], next)
		}
		return o.Operations == n
	}, "an open loop")
	o.Elapsed = time.Since(began)
	if stop := s.schedule(0); err == nil {
		err = stop
	}
	return o, err
}

// request42 sends an event that wants to be acknowledged.
func (s *Swarm) request42(r Requests, c *Client, operation uint32) {
	s.text = strconv.AppendUint(append(s.text[:0], "42"...), uint64(operation), 10)
	s.text = r.Append(s.text, c, operation)
	s.send(c, s.text)
}

// check tells whether it is the acknowledgement that the client waits for.
func (s *Swarm) check(r Requests, c *Client, ack []byte, id uint32) bool {
	var digits [10]byte
	want := strconv.AppendUint(digits[:0], uint64(id), 10)
	if arguments, ok := bytes.CutPrefix(ack[1:], want); ok && bytes.Equal(arguments, r.Want) {
		return true
	}
	s.fail("client %d: acknowledgement %.100q, want %s%s", c.Index, ack, want, r.Want)
	return false
}
