package link

import (
	"errors"
	"time"

	"github.com/actio-go/actio/redisbridge/format"
)

const (
	// trailSize bounds how many channels each of the two generations of a trail has.
	trailSize = 4096
	// trailAge is how long it counts how many subscribers a channel had: rooms empty.
	trailAge = 5 * time.Second
)

// errMoved is why a frame is not sent: another node than before serves its channel.
var errMoved = errors.New("redisbridge: a channel is served by another node now")

// trail remembers which node the frames of a shard channel went to last, and how many subscribers got them. When a slot moves to
// another node, its subscribers are cut off at the moment in which the old node refuses what is published; at the new one they
// appear by and by, and whoever publishes there at once is heard by nobody. It belongs to the emitter's goroutine. nil is one
// that remembers nothing.
type trail struct {
	young, old map[string]step
}

// step is the last frame of a channel.
type step struct {
	addr      string
	receivers int
	at        time.Time
}

func newTrail() *trail { return &trail{young: map[string]step{}} }

// last returns the last step of a channel.
func (t *trail) last(channel string) (step, bool) {
	s, ok := t.young[channel]
	if !ok {
		s, ok = t.old[channel]
	}
	return s, ok
}

func (t *trail) put(channel string, s step) {
	if len(t.young) >= trailSize {
		if _, ok := t.young[channel]; !ok {
			t.young, t.old = make(map[string]step, trailSize), t.young
		}
	}
	t.young[channel] = s
}

// moved tells whether the frames of a channel went to another node than addr, or would have until a moment ago.
func (s *sender) moved(channel, addr string) bool {
	if s.trail == nil {
		return false
	}
	last, ok := s.trail.last(channel)
	if !ok {
		last.addr = s.l.topology.formerOwner(channel)
	}
	return last.addr != "" && last.addr != addr
}

// follow takes note of what became of a batch.
func (t *trail) follow(batch []parcel) {
	if t == nil {
		return
	}
	now := time.Now()
	for i := range batch {
		p := &batch[i]
		switch {
		case !p.frame.Sharded:
		case p.fate == confirmed:
			t.put(p.frame.Channel, step{addr: p.addr, receivers: p.receivers, at: now})
		case p.err == nil:
		case errors.Is(p.err, errDemoted), p.fate == unsent && hasReplyPrefix(p.err, "MOVED "):
			if _, ok := t.last(p.frame.Channel); !ok {
				t.put(p.frame.Channel, step{addr: p.addr})
			}
		}
	}
}

// strayed returns how many subscribers those channels of frames that wait should have again before more is sent to them.
func (e *emitter) strayed() map[format.Subscription]int {
	t := e.sender.trail
	if t == nil {
		return nil
	}
	now := time.Now()
	wanted := map[format.Subscription]int{}
	for _, f := range e.waiting() {
		addr, err := e.l.topology.owner(f.Channel)
		if err != nil || !e.sender.moved(f.Channel, addr) {
			continue
		}
		sub := format.Subscription{Kind: format.Shard, Name: f.Channel}
		n := e.l.publisher.census.number(sub)
		if s, _ := t.last(f.Channel); now.Sub(s.at) < trailAge {
			n = max(n, s.receivers)
		}
		wanted[sub] = n
	}
	return wanted
}

// resume waits for the subscribers of channels that are served by another node than before, after a break for all neighbours.
// What is emitted waits meanwhile.
func (e *emitter) resume(broken bool) {
	moved := e.strayed()
	awaited := make(map[format.Subscription]int, len(moved))
	for sub, n := range moved {
		if n > 0 {
			awaited[sub] = n
		}
	}
	var census []format.Subscription
	if broken {
		census = e.l.censusSubs()
	}
	e.setDown(true, true)
	e.l.awaitNeighbours(census, awaited, e.hurry)
	e.setDown(false, false)
	for sub := range moved {
		if addr, err := e.l.topology.owner(sub.Name); err == nil {
			e.sender.trail.put(sub.Name, step{addr: addr})
		}
	}
}
