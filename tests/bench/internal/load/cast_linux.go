package load

import (
	"fmt"
	"time"
)

// Casts are rounds of messages that a server sends to a room, one round at a time: the next begins when the last member has
// everything.
type Casts struct {
	Members []*Client // the first asks for them
	N       int       // messages in a round
	Size    int       // of the text of a message, in bytes
	Room    string    // all that are authenticated, if empty
	Each    bool      // notes when each member was done, not only the last one
}

// Rounds are what became of them.
type Rounds struct {
	Deliveries int64
	Elapsed    time.Duration
	Last       []time.Duration // from asking until the last member had its last message
	Each       []time.Duration // until each member had its last message
}

// request is the event that asks for a round.
func (c Casts) request() []byte {
	room := ""
	if c.Room != "" {
		room = fmt.Sprintf(`,"room":%q`, c.Room)
	}
	return fmt.Appendf(nil, `42["cast",{"n":%d,"size":%d%s}]`, c.N, c.Size, room)
}

// Message is what the event of a message of so many bytes has beside its text, and where its number begins.
const (
	messageStart = `2["m","`
	messageEnd   = `"]`
	numberDigits = 10
)

// Cast runs rounds for so long, at least one.
func (s *Swarm) Cast(c Casts, d time.Duration) (Rounds, error) {
	var r Rounds
	began := time.Now()
	for first := true; first || time.Since(began) < d; first = false {
		if err := s.round(c, &r); err != nil {
			return r, err
		}
	}
	r.Elapsed = time.Since(began)
	return r, nil
}

func (s *Swarm) round(c Casts, r *Rounds) error {
	length := len(messageStart) + c.Size + len(messageEnd)
	missing := len(c.Members)
	for _, m := range c.Members {
		m.received = 0
	}
	defer s.forget()
	var asked time.Time
	s.onEvent = func(m *Client, event []byte) {
		if !s.inOrder(m, event, length) {
			return
		}
		if m.received++; m.received == int64(c.N) {
			missing--
			if c.Each {
				r.Each = append(r.Each, time.Since(asked))
			}
		}
	}
	asked = time.Now()
	s.send(c.Members[0], c.request())
	if err := s.until(func() bool { return missing == 0 }, "a broadcast"); err != nil {
		return err
	}
	r.Last = append(r.Last, time.Since(asked))
	for _, m := range c.Members {
		if m.received != int64(c.N) {
			return fmt.Errorf("%w: client %d has %d messages of %d", ErrUnexpected, m.Index, m.received, c.N)
		}
		r.Deliveries += m.received
	}
	return nil
}

// inOrder tells whether it is a message of that length whose number is larger than that of the one before.
func (s *Swarm) inOrder(m *Client, event []byte, length int) bool {
	number := uint64(0)
	if len(event) == length {
		for _, digit := range event[len(messageStart) : len(messageStart)+numberDigits] {
			number = number*10 + uint64(digit-'0')
		}
	}
	if number <= m.number {
		s.fail("client %d: message %.60q of %d bytes after number %d", m.Index, event, len(event), m.number)
		return false
	}
	m.number = number
	return true
}
