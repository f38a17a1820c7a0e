package redisbridge

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/link"
)

// hub stands for Redis: it passes frames on to whoever listens.
type hub struct {
	mu    sync.Mutex
	links []*fakeLink
	// strangers are subscribers that no test sees: Node.js servers.
	strangers map[format.Subscription]int
}

func newHub() *hub { return &hub{strangers: make(map[format.Subscription]int)} }

// open is the opener of a bridge.
func (h *hub) open(into **fakeLink) opener {
	return func(
		_ context.Context, handler link.Handler, _ *link.Streams, census func() []format.Subscription, base []format.Subscription,
	) (linkage, error) {
		l := &fakeLink{hub: h, handler: handler, census: census, wake: make(chan struct{}, 1), done: make(chan struct{})}
		l.Subscribe(base...)
		h.mu.Lock()
		h.links = append(h.links, l)
		h.mu.Unlock()
		go l.run()
		*into = l
		return l, nil
	}
}

// publish passes a frame on.
func (h *hub) publish(f format.Frame) {
	h.mu.Lock()
	links := slices.Clone(h.links)
	h.mu.Unlock()
	for _, l := range links {
		l.offer(f)
	}
}

// count counts the subscribers.
func (h *hub) count(subs []format.Subscription) []int {
	h.mu.Lock()
	defer h.mu.Unlock()
	counts := make([]int, len(subs))
	for i, s := range subs {
		counts[i] = h.strangers[s]
		for _, o := range h.links {
			if o.has(s) {
				counts[i]++
			}
		}
	}
	return counts
}

func (h *hub) stranger(s format.Subscription, n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.strangers[s] += n
}

// remove takes a link away as the death of its process does.
func (h *hub) remove(l *fakeLink) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.links = slices.DeleteFunc(h.links, func(o *fakeLink) bool { return o == l })
}

// fakeLink is the link of one bridge.
type fakeLink struct {
	hub     *hub
	handler link.Handler
	census  func() []format.Subscription
	wake    chan struct{}
	done    chan struct{}

	mu        sync.Mutex
	subs      []format.Subscription
	inbox     []format.Frame
	unread    []format.Frame // what came while it was dead
	emitted   []format.Frame
	published []format.Frame
	closed    bool
	dead      bool
	outcome   link.Outcome // of what is emitted; 0: Delivered
	hold      bool         // what is emitted is neither published nor settled
	countErr  error
	counting  chan struct{} // Count waits for it
	counted   func()        // called when Count knows the numbers, once
	closeErr  error
	expected  []int // what Expect was told
	over      <-chan struct{}
	counts    int
	reasons   map[link.Part]error
}

var errFake = errors.New("fake")

func matches(s format.Subscription, channel string) bool {
	if s.Kind != format.Pattern {
		return s.Name == channel
	}
	return strings.HasPrefix(channel, strings.ReplaceAll(strings.TrimSuffix(s.Name, "*"), `\`, ""))
}

func (l *fakeLink) offer(f format.Frame) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || !slices.ContainsFunc(l.subs, func(s format.Subscription) bool { return matches(s, f.Channel) }) {
		return
	}
	f.Payload = slices.Clone(f.Payload)
	if l.dead {
		l.unread = append(l.unread, f)
		return
	}
	l.inbox = append(l.inbox, f)
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run is the goroutine that reads.
func (l *fakeLink) run() {
	for {
		select {
		case <-l.wake:
		case <-l.done:
			return
		}
		for {
			l.mu.Lock()
			if len(l.inbox) == 0 {
				l.mu.Unlock()
				break
			}
			f := l.inbox[0]
			l.inbox = l.inbox[1:]
			l.mu.Unlock()
			l.handler.Received(f.Channel, f.Payload)
		}
	}
}

func (l *fakeLink) EmitUntil(over <-chan struct{}, f format.Frame, settled func(link.Outcome)) {
	select {
	case <-over:
		settled(link.Dropped)
	default:
		l.mu.Lock()
		l.over = over
		l.mu.Unlock()
		l.Emit(f, settled)
	}
}

// lastOver is until when the latest request is wanted.
func (l *fakeLink) lastOver() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.over
}

// countedTimes is how often Redis was asked.
func (l *fakeLink) countedTimes() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts
}

func (l *fakeLink) Emit(f format.Frame, settled func(link.Outcome)) {
	l.mu.Lock()
	l.emitted = append(l.emitted, f)
	outcome, hold := l.outcome, l.hold
	if l.closed {
		outcome = link.Dropped
	}
	l.mu.Unlock()
	if hold && outcome == 0 {
		return
	}
	if outcome == 0 {
		outcome = link.Delivered
	}
	if outcome == link.Delivered {
		l.hub.publish(f)
	}
	if settled != nil {
		settled(outcome)
	}
}

func (l *fakeLink) Publish(f format.Frame) {
	l.mu.Lock()
	l.published = append(l.published, f)
	mute := l.closed || l.dead
	l.mu.Unlock()
	if !mute {
		l.hub.publish(f)
	}
}

func (l *fakeLink) Count(ctx context.Context, subs []format.Subscription) ([]int, error) {
	l.mu.Lock()
	err, wait := l.countErr, l.counting
	l.mu.Unlock()
	if wait != nil {
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if err != nil {
		return nil, err
	}
	counts := l.hub.count(subs)
	l.mu.Lock()
	counted := l.counted
	l.counted = nil
	l.counts++
	l.mu.Unlock()
	if counted != nil {
		counted()
	}
	return counts, nil
}

func (l *fakeLink) Expect(instances int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expected = append(l.expected, instances)
}

func (l *fakeLink) has(s format.Subscription) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Contains(l.subs, s)
}

func (l *fakeLink) Subscribe(subs ...format.Subscription) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range subs {
		if !slices.Contains(l.subs, s) {
			l.subs = append(l.subs, s)
		}
	}
}

func (l *fakeLink) Unsubscribe(subs ...format.Subscription) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.subs = slices.DeleteFunc(l.subs, func(s format.Subscription) bool { return slices.Contains(subs, s) })
}

func (l *fakeLink) Subscribed(_ context.Context, subs ...format.Subscription) error {
	for _, s := range subs {
		if !l.has(s) {
			return link.ErrNotWanted
		}
	}
	return nil
}

func (l *fakeLink) Unsubscribed(_ context.Context, subs ...format.Subscription) error {
	if slices.ContainsFunc(subs, l.has) {
		return link.ErrWanted
	}
	return nil
}

func (l *fakeLink) Reason(p link.Part) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reasons[p]
}

func (l *fakeLink) Stats() link.Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return link.Stats{Emitted: uint64(len(l.emitted)), Buffered: 3}
}

func (l *fakeLink) Close(context.Context) error {
	l.hub.remove(l)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.closed = true
		close(l.done)
	}
	return l.closeErr
}

// missed returns what came while it was dead.
func (l *fakeLink) missed() []format.Frame {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.unread)
}

// set changes the link's behaviour.
func (l *fakeLink) set(change func(l *fakeLink)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l)
}

// emits is the number of frames that were emitted.
func (l *fakeLink) emits() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.emitted)
}

func (l *fakeLink) Hold(string, func(format.EntryID)) {}

func (l *fakeLink) Range(context.Context, link.Range) ([]*format.Entry, error) { return nil, errFake }

func (l *fakeLink) Nodes([]string) [][]int { return nil }

func (l *fakeLink) Run(context.Context, string, func(context.Context, *redis.Conn) error) error {
	return errFake
}
