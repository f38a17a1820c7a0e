package link

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/actio-go/actio/redisbridge/format"
)

// inquiry is a call of Count that waits.
type inquiry struct {
	subs   []format.Subscription
	answer chan tally // has room for one
}

// tally answers an inquiry.
type tally struct {
	counts []int
	err    error
}

// publisher sends what may be lost, and counts subscribers.
type publisher struct {
	l      *Link
	sender *sender
	census census
	wake   chan struct{} // has room for one

	mu        sync.Mutex
	down      error // nil: up
	queue     []format.Frame
	inquiries []inquiry
	bytes     int
	published uint64
	lost      uint64
	warned    time.Time // when the loss of a frame was logged
}

func newPublisher(l *Link) *publisher {
	return &publisher{l: l, sender: newSender(l, PublishPart), wake: make(chan struct{}, 1), down: ErrDown}
}

// publish queues a frame, or loses it when the connection is down or too much waits. One alone may have any size.
func (p *publisher) publish(f format.Frame) {
	cost := len(f.Channel) + len(f.Payload) + frameCost
	p.mu.Lock()
	p.published++
	full := p.bytes > 0 && p.bytes+cost > p.l.o.BufferBytes
	if p.down != nil || full {
		p.lost++
		now := time.Now()
		warn := full && now.Sub(p.warned) > warnPause
		if warn {
			p.warned = now
		}
		p.mu.Unlock()
		if warn {
			p.l.sys.Logger().Warn("message to the cluster lost: too much waits for Redis", slog.String("channel", f.Channel),
				slog.Int("bytes", cost))
		}
		return
	}
	p.queue = append(p.queue, f)
	p.bytes += cost
	p.mu.Unlock()
	signal(p.wake)
}

// count waits for the answer of Redis.
func (p *publisher) count(ctx context.Context, subs []format.Subscription) ([]int, error) {
	if err := countable(subs); err != nil {
		return nil, err
	}
	if len(subs) == 0 {
		return nil, nil
	}
	one := inquiry{subs: slices.Clone(subs), answer: make(chan tally, 1)}
	p.mu.Lock()
	if down := p.down; down != nil {
		p.mu.Unlock()
		return nil, down
	}
	p.inquiries = append(p.inquiries, one)
	p.mu.Unlock()
	signal(p.wake)
	select {
	case t := <-one.answer:
		return t.counts, t.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// stats adds the counters.
func (p *publisher) stats(s *Stats) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.Published, s.PublishLost = p.published, p.lost
}

// run is the publisher's goroutine.
func (p *publisher) run() {
	defer func() {
		p.sender.close()
		p.setDown(ErrClosed)
	}()
	pauses := backoff{bound: p.l.o.MaxBackoff}
	for first := true; ; {
		pauses.begin()
		err := p.sender.open(nil, true)
		if err == nil && first {
			err = p.takeCensus()
		}
		if err == nil {
			p.setDown(nil)
			p.l.setState(PublishPart, nil)
			err = p.serve(&pauses, first)
			first = false
		}
		if p.l.isClosing() {
			return
		}
		p.setDown(fmt.Errorf("%w: %w", ErrDown, err))
		p.l.setState(PublishPart, err)
		if !p.l.pause(pauses.take()) {
			return
		}
	}
}

// setDown notes a state. When it is down, what waits is lost.
func (p *publisher) setDown(err error) {
	p.mu.Lock()
	p.down = err
	var gone []inquiry
	if err != nil {
		p.lost += uint64(len(p.queue))
		gone = p.inquiries
		p.queue, p.inquiries, p.bytes = nil, nil, 0
	}
	p.mu.Unlock()
	for _, q := range gone {
		q.answer <- tally{err: err}
	}
}

// serve works off the queue until a connection breaks. On the first connection all numbers are those of a whole cluster.
func (p *publisher) serve(pauses *backoff, first bool) error {
	up := time.Now()
	trust := func() bool { return first || time.Since(up) > trusted }
	tick := make(chan struct{}, 1)
	timer := p.l.sys.Clock().NewTimer("redis keepalive", func() { signal(tick) })
	defer timer.Stop()
	timer.Reset(keepalive)
	for {
		if err := p.workOff(trust); err != nil {
			return err
		}
		if err := p.catchUp(trust()); err != nil {
			return err
		}
		select {
		case <-p.wake:
		case <-tick:
			err := p.sender.ping()
			if err == nil && trust() {
				err = p.takeCensus()
			}
			if err != nil {
				return err
			}
			pauses.reset()
			timer.Reset(keepalive)
		case <-p.l.ctx.Done():
			return ErrClosed
		}
	}
}

// workOff does what is queued.
func (p *publisher) workOff(trust func() bool) error {
	for {
		frames, inquiries := p.take()
		if len(frames) == 0 && len(inquiries) == 0 {
			return nil
		}
		err := p.send(frames)
		if err == nil {
			err = p.answer(inquiries, trust())
		} else {
			fail(inquiries, fmt.Errorf("%w: %w", ErrDown, err))
		}
		if err != nil {
			return err
		}
	}
}

// take removes the next frames and all inquiries from the queue.
func (p *publisher) take() (frames []format.Frame, inquiries []inquiry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, size := 0, 0
	for n < len(p.queue) && n < batchFrames && size < batchBytes {
		size += len(p.queue[n].Channel) + len(p.queue[n].Payload) + frameCost
		n++
	}
	p.bytes -= size
	frames = p.queue[:n:n]
	if p.queue = p.queue[n:]; len(p.queue) == 0 {
		p.queue = nil
	}
	inquiries, p.inquiries = p.inquiries, nil
	return frames, inquiries
}

// send publishes frames, again to where a node redirects. Those that were not confirmed count as lost.
func (p *publisher) send(frames []format.Frame) error {
	batch := make([]parcel, len(frames))
	for i, f := range frames {
		batch[i].frame = f
	}
	for try := 0; len(batch) > 0; try++ {
		err := p.sender.send(batch)
		var again []parcel
		lost := uint64(0)
		for _, b := range batch {
			switch {
			case b.fate == confirmed:
			case b.fate == unsent && err == nil && try < redirections:
				again = append(again, parcel{frame: b.frame})
			default:
				lost++
			}
		}
		p.mu.Lock()
		p.lost += lost
		p.mu.Unlock()
		if err != nil {
			return err
		}
		batch = again
	}
	return nil
}

// answer asks once for all inquiries. With trust the numbers are those of a cluster in which all is well.
func (p *publisher) answer(inquiries []inquiry, trust bool) error {
	if len(inquiries) == 0 {
		return nil
	}
	var subs []format.Subscription
	at := map[format.Subscription]int{}
	for _, q := range inquiries {
		for _, s := range q.subs {
			if _, ok := at[s]; !ok {
				at[s] = len(subs)
				subs = append(subs, s)
			}
		}
	}
	counts, err := p.sender.numsub(subs)
	if err != nil {
		fail(inquiries, fmt.Errorf("%w: %w", ErrDown, err))
		return p.unlessReply(err)
	}
	if trust && p.emitterUp() {
		p.census.update(subs, counts)
	}
	for _, q := range inquiries {
		own := make([]int, len(q.subs))
		for i, s := range q.subs {
			own[i] = counts[at[s]]
		}
		q.answer <- tally{counts: own}
	}
	return nil
}

// unlessReply returns the errors of connections: what Redis merely refuses does not end them.
func (p *publisher) unlessReply(err error) error {
	if isReply(err) && !errors.Is(err, ErrClosed) {
		return nil
	}
	return err
}

// fail answers inquiries with an error.
func fail(inquiries []inquiry, err error) {
	for _, q := range inquiries {
		q.answer <- tally{err: err}
	}
}

// takeCensus counts the neighbours while all is well.
func (p *publisher) takeCensus() error {
	told := p.census.begin()
	subs := p.l.censusSubs()
	var counts []int
	if len(subs) > 0 {
		var err error
		if counts, err = p.sender.numsub(subs); err != nil {
			return p.unlessReply(err)
		}
	}
	if p.emitterUp() || !p.census.taken() {
		p.census.note(told, subs, counts)
	}
	return nil
}

// catchUp counts the neighbours if more or fewer are expected than were counted.
func (p *publisher) catchUp(trust bool) error {
	if !trust || !p.emitterUp() || !p.census.pending() {
		return nil
	}
	return p.takeCensus()
}

func (p *publisher) emitterUp() bool {
	up, _ := p.l.states[EmitterPart].get()
	return up
}

// expect notes how many instances are known, and has them counted.
func (p *publisher) expect(instances int) {
	p.census.expect(instances)
	signal(p.wake)
}
