package link

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actio-go/actio/redisbridge/format"
)

var (
	errNoNodes   = errors.New("redisbridge: the cluster's nodes are not known")
	errUncovered = errors.New("redisbridge: no node serves the slot")
	errDemoted   = errors.New("redisbridge: the node is no master any more")
)

// topology is what is known of a cluster's nodes. Its methods are safe for concurrent use.
type topology struct {
	l *Link

	asking sync.Mutex // held by refresh

	mu       sync.Mutex
	turn     int            // which node is asked first
	version  uint64         // of what is known
	owners   []slotsOf      // in order
	former   []slotsOf      // owners before they changed last
	changed  time.Time      // when that was
	moved    map[int]string // slots of which a node said that they are elsewhere, since
	masters  []string
	replicas []string
	homes    [parts]string // the node that serves what belongs to no slot, "" when to be chosen
}

// slotsOf is a range of slots and the master that serves them.
type slotsOf struct {
	first, last int
	addr        string
}

func newTopology(l *Link) *topology { return &topology{l: l} }

// home returns the node for plain publishing or subscribing, always the same while it works: what comes by way of one node
// stays in order. It is the owner of the slot of Options.Home, for all instances and all parts, so that when it dies nobody
// goes on to publish what others cannot hear; then they all try the next master, in the order of the slots.
func (t *topology) home(p Part) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.homes[p] != "" {
		return t.homes[p], nil
	}
	if len(t.masters) == 0 {
		return "", errNoNodes
	}
	addr, err := t.ownerLocked(t.l.o.Home)
	if err != nil {
		addr = t.masters[0]
	}
	t.homes[p] = addr
	return addr, nil
}

// blame has the node for home chosen anew if it is addr, which broke: the next master when it is silent or unreachable, else
// the one that it ought to be.
func (t *topology) blame(p Part, addr string, err error, unreachable bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.homes[p] != addr {
		return
	}
	t.homes[p] = ""
	var silence net.Error
	if i := slices.Index(t.masters, addr); i >= 0 && (unreachable || (errors.As(err, &silence) && silence.Timeout())) {
		t.homes[p] = t.masters[(i+1)%len(t.masters)]
	}
}

// owner returns the master that serves a shard channel.
func (t *topology) owner(channel string) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ownerLocked(channel)
}

func (t *topology) ownerLocked(channel string) (string, error) {
	slot := slotOf(channel)
	if addr, ok := t.moved[slot]; ok {
		return addr, nil
	}
	return ownerIn(t.owners, slot)
}

// formerOwner returns the master that served a shard channel until a moment ago, "" when nothing has changed since.
func (t *topology) formerOwner(channel string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Since(t.changed) > trailAge {
		return ""
	}
	addr, _ := ownerIn(t.former, slotOf(channel))
	return addr
}

func ownerIn(owners []slotsOf, slot int) (string, error) {
	i, ok := slices.BinarySearchFunc(owners, slot, func(o slotsOf, slot int) int { return cmp.Compare(o.last, slot) })
	if !ok && (i == len(owners) || owners[i].first > slot) {
		if len(owners) == 0 {
			return "", errNoNodes
		}
		return "", fmt.Errorf("%w: %d", errUncovered, slot)
	}
	return owners[i].addr, nil
}

// redirect notes what a node answered with MOVED, if it names another.
func (t *topology) redirect(from string, err error) {
	if reply, ok := errors.AsType[redis.Error](err); ok {
		err = reply // without the words of who asked
	}
	words := strings.Fields(err.Error())
	if len(words) < 3 {
		return
	}
	var slot int
	if _, scanned := fmt.Sscan(words[1], &slot); scanned != nil {
		return
	}
	addr := reachable(words[2], from)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.moved == nil {
		t.moved = map[int]string{}
	}
	t.moved[slot] = addr
	if !slices.Contains(t.masters, addr) {
		t.masters = append(t.masters, addr)
	}
}

// nodes returns the masters and the replicas.
func (t *topology) nodes() (masters, replicas []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.masters), slices.Clone(t.replicas)
}

// isReplica tells whether a node is known as a replica and as nothing else.
func (t *topology) isReplica(addr string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Contains(t.replicas, addr) && !slices.Contains(t.masters, addr)
}

// seen returns the version of what is known.
func (t *topology) seen() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.version
}

// refresh asks the nodes until one answers. When somebody else has done so since version was seen it returns at once. Nodes
// are asked in turn, for one may be alive and know nothing of what happened.
func (t *topology) refresh(seen uint64) error {
	t.asking.Lock()
	defer t.asking.Unlock()
	if t.seen() != seen {
		return nil
	}
	last := errNoNodes
	for _, addr := range t.candidates() {
		slots, from, err := t.inquire(addr)
		if err == nil {
			err = t.learn(slots, from)
		}
		if err == nil {
			return nil
		}
		if t.l.isClosing() {
			return ErrClosed
		}
		last = err
	}
	return last
}

// candidates returns whom to ask: known nodes, beginning with another each time, then those the parent was given. A parent
// that has a function of its own to ask has one answer, "".
func (t *topology) candidates() []string {
	if t.l.source.cluster.ClusterSlots != nil {
		return []string{""}
	}
	t.mu.Lock()
	known := slices.Concat(t.masters, t.replicas)
	if len(known) > 0 {
		t.turn++
		n := t.turn % len(known)
		known = slices.Concat(known[n:], known[:n])
	}
	t.mu.Unlock()
	var list []string
	for _, addr := range slices.Concat(known, t.l.source.cluster.Addrs) {
		if !slices.Contains(list, addr) {
			list = append(list, addr)
		}
	}
	return list
}

// inquire asks one of candidates. A node is asked by way of a connection of its own, and is where its answer is from.
func (t *topology) inquire(candidate string) (ranges []redis.ClusterSlot, from string, err error) {
	if ask := t.l.source.cluster.ClusterSlots; ask != nil {
		if ranges, err = ask(t.l.ctx); err != nil {
			err = fmt.Errorf("cluster slots: %w", err)
		}
		return ranges, "", err
	}
	s, err := t.l.connect("topology", candidate, false)
	if err == nil {
		defer s.close()
		ranges, err = ask(t.l.ctx, s)
	}
	if err != nil {
		err = fmt.Errorf("cluster slots of %s: %w", candidate, err)
	}
	return ranges, candidate, err
}

// ask asks a node who serves what.
func ask(ctx context.Context, s *session) ([]redis.ClusterSlot, error) {
	return s.cmd.ClusterSlots(ctx).Result() //nolint:staticcheck // servers before 7.0 know nothing newer
}

// learn takes what a node answered.
func (t *topology) learn(slots []redis.ClusterSlot, from string) error {
	var owners []slotsOf
	var masters, replicas []string
	slots = slices.SortedFunc(slices.Values(slots), func(a, b redis.ClusterSlot) int { return cmp.Compare(a.Start, b.Start) })
	for _, s := range slots {
		for i, n := range s.Nodes {
			addr := reachable(n.Addr, from)
			switch {
			case i == 0:
				owners = append(owners, slotsOf{first: s.Start, last: s.End, addr: addr})
				if !slices.Contains(masters, addr) {
					masters = append(masters, addr)
				}
			case !slices.Contains(replicas, addr):
				replicas = append(replicas, addr)
			}
		}
	}
	if len(masters) == 0 {
		return errNoNodes
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.version++
	if !slices.Equal(owners, t.owners) {
		t.former, t.changed = t.owners, time.Now()
	}
	t.owners, t.masters, t.replicas, t.moved = owners, masters, replicas, nil
	for p, home := range t.homes {
		if home != "" && !slices.Contains(masters, home) {
			t.homes[p] = ""
		}
	}
	return nil
}

// reachable completes the address that a node tells: a node that does not know its own host leaves it out, and one that was
// reached over a network may think of itself as local.
func reachable(addr, from string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	origin, _, err := net.SplitHostPort(from)
	if err != nil {
		return addr
	}
	if host == "" || host == "?" || (isLoopback(host) && !isLoopback(origin)) {
		return net.JoinHostPort(origin, port)
	}
	return addr
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// route returns the node for a channel, "" when there is no cluster.
func (l *Link) route(p Part, kind format.SubscriptionKind, channel string) (string, error) {
	switch {
	case l.topology == nil:
		return "", nil
	case kind == format.Shard:
		return l.topology.owner(channel)
	default:
		return l.topology.home(p)
	}
}

// kindOf returns the kind of subscription that receives a frame.
func kindOf(f format.Frame) format.SubscriptionKind {
	if f.Sharded || f.Entry != nil { // either belongs to a slot
		return format.Shard
	}
	return format.Plain
}
