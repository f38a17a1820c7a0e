package link

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actio-go/actio/redisbridge/format"
)

const (
	// censusPoll is how often the neighbours are counted while they are waited for.
	censusPoll = 50 * time.Millisecond
	// trusted is how long a connection must have lasted before what it counts are the numbers to wait for: before, the
	// neighbours may be coming back, and the emitter may not have noticed the break.
	trusted = 3 * keepalive
	// replicaTimeout bounds the wait for a replica. Of its subscribers it is only the number that matters.
	replicaTimeout = time.Second
	// avoided is how long a replica that does not answer is left out.
	avoided = 30 * time.Second
)

// census remembers how many were subscribed to each channel of Options.Census when all was well.
type census struct {
	mu      sync.Mutex
	former  map[format.Subscription]figure
	known   int       // instances, as Link.Expect was told last
	told    uint64    // calls of Link.Expect
	counted uint64    // of them those that all channels were counted after
	parted  time.Time // when fewer instances were known than before
}

// figure is the number of subscribers of a channel.
type figure struct {
	n   int
	low time.Time // since when fewer are counted; zero: they are not
}

// next returns the figure after a count. Fewer are believed when somebody is known to have left, or after a while: a slot that
// goes to another node, and a connection that breaks, take subscribers away that come back.
func (f figure) next(n int, now time.Time, left bool) figure {
	switch {
	case n >= f.n || left:
		return figure{n: n}
	case f.low.IsZero():
		return figure{n: f.n, low: now}
	case now.Sub(f.low) >= trusted:
		return figure{n: n}
	default:
		return f
	}
}

// expect notes how many instances are known.
func (c *census) expect(instances int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if instances < c.known {
		c.parted = time.Now()
	}
	c.known = instances
	c.told++
}

// pending tells whether something has been expected since all channels were counted.
func (c *census) pending() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counted != c.told
}

// begin is called before all channels are counted; what it returns is for note.
func (c *census) begin() (told uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.told
}

// note remembers the numbers of all channels, and forgets channels that are not counted any more.
func (c *census) note(told uint64, subs []format.Subscription, counts []int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	left := !c.parted.IsZero() && now.Sub(c.parted) < trusted
	former := make(map[format.Subscription]figure, len(subs))
	for i, s := range subs {
		former[s] = c.former[s].next(counts[i], now, left)
	}
	c.former, c.counted = former, told
}

// update remembers numbers that are new or higher. Those of channels that are not counted always are forgotten by note.
func (c *census) update(subs []format.Subscription, counts []int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.former == nil {
		c.former = make(map[format.Subscription]figure, len(subs))
	}
	for i, s := range subs {
		if f, ok := c.former[s]; !ok || counts[i] > f.n {
			c.former[s] = figure{n: counts[i]}
		}
	}
}

// taken tells whether numbers are known.
func (c *census) taken() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.former != nil
}

// number returns the former number of a channel, 0 when it was not counted.
func (c *census) number(s format.Subscription) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.former[s].n
}

// reached tells whether no number is below the former one, nor, until it is counted, below that of the instances known.
func (c *census) reached(subs []format.Subscription, counts []int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, s := range subs {
		f, ok := c.former[s]
		if counts[i] < f.n || (counts[i] < c.known && (!ok || c.counted != c.told)) {
			return false
		}
	}
	return true
}

// censusSubs returns what Options.Census names and can be counted.
func (l *Link) censusSubs() []format.Subscription {
	if l.o.Census == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(l.o.Census()), func(s format.Subscription) bool { return s.Kind == format.Pattern })
}

// awaitNeighbours returns when as many are subscribed as before the break to the channels of the census, unless it is nil, and
// to the channels of moved as many as it says; when Options.Resume is over, when hurry is closed or when the Link is.
func (l *Link) awaitNeighbours(census []format.Subscription, moved map[format.Subscription]int, hurry <-chan struct{}) {
	subs := slices.Clone(census)
	for s := range moved {
		subs = append(subs, s)
	}
	if l.o.Resume < 0 || len(subs) == 0 {
		return
	}
	ctx, cancel := l.sys.Clock().Context(l.ctx, "redis resume", l.o.Resume)
	defer cancel()
	for {
		counts, err := l.publisher.count(ctx, subs)
		back := err == nil && l.publisher.census.reached(census, counts[:len(census)])
		for i := len(census); back && i < len(subs); i++ {
			back = counts[i] >= moved[subs[i]]
		}
		if back && len(census) == 0 {
			return
		}
		// A neighbour sends its subscriptions in one go, but they are not all in force when the counted one is: once more.
		poll, stop := l.sys.Clock().Context(ctx, "redis resume", censusPoll)
		select {
		case <-hurry:
			stop()
			return
		case <-poll.Done():
			stop()
		}
		if back || ctx.Err() != nil {
			return
		}
	}
}

// numsub counts the subscribers of channels, which are no patterns, in the whole cluster. The error is that of a connection,
// which is closed, or Redis' refusal. Who is subscribed at a replica that does not answer is not counted.
func (s *sender) numsub(subs []format.Subscription) ([]int, error) {
	masters, replicas := []string{""}, []string(nil)
	if s.l.topology != nil {
		masters, replicas = s.l.topology.nodes()
	}
	nodes := slices.Clone(masters)
	for _, addr := range replicas {
		if since, bad := s.avoid[addr]; (!bad || time.Since(since) > avoided) && !slices.Contains(nodes, addr) {
			nodes = append(nodes, addr)
		}
	}
	counts := make([][]int, len(nodes))
	broken := make([]error, len(nodes))
	s.each(nodes, func(i int, to *session, err error) {
		if broken[i] = err; err == nil {
			counts[i], broken[i] = to.numsub(s.l, subs)
		}
	})
	sum := make([]int, len(subs))
	var failed error
	for i, addr := range nodes {
		for j, n := range counts[i] {
			sum[j] += n
		}
		if broken[i] == nil {
			continue
		}
		if !isReply(broken[i]) {
			s.lost(addr, broken[i])
		}
		if i < len(masters) {
			failed = errors.Join(failed, broken[i])
		} else {
			s.avoid[addr] = time.Now()
		}
	}
	if failed != nil {
		return nil, s.l.closedOr(failed)
	}
	return sum, nil
}

// numsub asks one node.
func (s *session) numsub(l *Link, subs []format.Subscription) ([]int, error) {
	if err := s.conn.check(); err != nil {
		return nil, err
	}
	var names [2][]string
	for _, sub := range subs {
		kind := 0
		if sub.Kind == format.Shard {
			kind = 1
		}
		names[kind] = append(names[kind], sub.Name)
	}
	var answers [2]*redis.MapStringIntCmd
	pipe := s.cmd.Pipeline()
	if len(names[0]) > 0 {
		answers[0] = pipe.PubSubNumSub(l.ctx, names[0]...)
	}
	if len(names[1]) > 0 {
		answers[1] = pipe.PubSubShardNumSub(l.ctx, names[1]...)
	}
	if _, err := pipe.Exec(l.ctx); err != nil {
		return nil, err
	}
	counts := make([]int, len(subs))
	for i, sub := range subs {
		kind := 0
		if sub.Kind == format.Shard {
			kind = 1
		}
		counts[i] = int(answers[kind].Val()[sub.Name])
	}
	return counts, nil
}

// countable returns an error for patterns.
func countable(subs []format.Subscription) error {
	for _, s := range subs {
		if s.Kind == format.Pattern {
			return ErrUncountable
		}
	}
	return nil
}
