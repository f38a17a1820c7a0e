package link

import (
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actio-go/actio/redisbridge/format"
)

// expected returns how many connections a frame of a shard channel should get to: as many as the last one, or if that was long
// ago, as were counted. Of the publisher's frames nothing is known.
func (s *sender) expected(channel string, now time.Time) int {
	if s.trail == nil {
		return 0
	}
	if last, ok := s.trail.last(channel); ok && now.Sub(last.at) < trailAge {
		return last.receivers
	}
	return s.l.publisher.census.number(format.Subscription{Kind: format.Shard, Name: channel})
}

// doubt looks at what a node has confirmed. A master that has handed its slots over to its replica and become one itself does not
// say MOVED: it goes on to take frames for them, although their subscribers were cut off. So a node that got frames to
// nobody, or to fewer than expected, is asked what it is; those frames are doubtful if it is no master any more, or does not
// say. broken is why its connection is of no use already.
func (s *sender) doubt(to *session, batch []parcel, which []int, broken error) error {
	var few []int
	now := time.Now()
	for _, n := range which {
		p := &batch[n]
		if p.fate == confirmed && p.frame.Sharded && (p.receivers == 0 || p.receivers < s.expected(p.frame.Channel, now)) {
			few = append(few, n)
		}
	}
	if len(few) == 0 {
		return broken
	}
	demoted := true
	if broken == nil {
		demoted, broken = s.l.topology.demoted(to)
	}
	if demoted {
		for _, n := range few {
			batch[n].fate, batch[n].err = doubtful, errDemoted
		}
	}
	return broken
}

// demoted asks a node whether it is no master any more, and learns from it who is. The error is that of the connection.
func (t *topology) demoted(s *session) (bool, error) {
	role := redis.NewSliceCmd(t.l.ctx, "role")
	switch err := s.cmd.Process(t.l.ctx, role); {
	case err == nil && len(role.Val()) > 0 && role.Val()[0] == "master":
		return false, nil
	case err != nil && !isReply(err):
		return true, err
	}
	// It is a replica, or we are not allowed to ask.
	ranges, err := ask(t.l.ctx, s)
	if err != nil {
		if isReply(err) {
			err = nil
		}
		return true, err
	}
	if slices.ContainsFunc(ranges, func(r redis.ClusterSlot) bool {
		return len(r.Nodes) > 0 && reachable(r.Nodes[0].Addr, s.addr) == s.addr
	}) {
		return false, nil
	}
	if t.l.source.cluster.ClusterSlots != nil {
		return true, t.refresh(t.seen())
	}
	return true, t.learn(ranges, s.addr)
}
