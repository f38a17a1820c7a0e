package link

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/actio-go/actio/redisbridge/format"
)

// fate is what became of one frame in a batch.
type fate uint8

const (
	unsent    fate = iota // not executed: it may be sent again
	confirmed             // Redis answered
	refused               // Redis refused it, and would again
	doubtful              // in flight when the connection broke, or taken by a node that had been replaced
)

// parcel is a frame in a batch.
type parcel struct {
	frame format.Frame
	fate  fate
	err   error // why, unless confirmed

	addr      string // the node it was for
	receivers int    // connections that got it there, when confirmed
}

// sender is the connections of a part that publishes: one, or in a cluster one for each node that was needed. It belongs to
// one goroutine.
type sender struct {
	l        *Link
	part     Part
	sessions map[string]*session
	trail    *trail               // the emitter's, in a cluster
	used     bool                 // a session was made before
	avoid    map[string]time.Time // replicas that did not answer, and when
	all      []int                // 0, 1, 2, ...: the indices of a whole batch
}

func newSender(l *Link, p Part) *sender {
	return &sender{l: l, part: p, sessions: map[string]*session{}, avoid: map[string]time.Time{}}
}

// session returns the connection to a node, if there is one.
func (s *sender) session(addr string) *session {
	found := s.sessions[addr]
	if found != nil && found.brief && !s.l.topology.isReplica(addr) {
		s.drop(addr) // it was made with less patience than a master is met with
		return nil
	}
	return found
}

// connect makes the connection to a node. Replicas have to be quick: they are only counted at, and who asks waits for all.
func (s *sender) connect(addr string) (*session, error) {
	if s.l.topology != nil && s.l.topology.isReplica(addr) {
		return s.l.connectWithin(min(replicaTimeout, s.l.o.CommandTimeout), s.part.String(), addr)
	}
	return s.l.connect(s.part.String(), addr, false)
}

// drop closes the connection to a node.
func (s *sender) drop(addr string) {
	if found, ok := s.sessions[addr]; ok {
		delete(s.sessions, addr)
		found.close()
	}
}

// close closes all connections.
func (s *sender) close() {
	for addr := range s.sessions {
		s.drop(addr)
	}
}

// open makes sure of the connections that the frames need, and of the one to the home node; with all, of those to every
// master. What is there is asked for a sign of life, what is missing is made.
func (s *sender) open(frames []format.Frame, all bool) error {
	need, err := s.needed(frames, all)
	if err != nil {
		return err
	}
	for _, addr := range need {
		if err := s.check(addr); err != nil {
			if s.l.topology != nil {
				s.l.topology.blame(s.part, addr, err, true)
				return fmt.Errorf("%s: %w", addr, err)
			}
			return err
		}
	}
	if s.used {
		s.l.reconnects.Add(1)
	}
	s.used = true
	return nil
}

// needed returns the nodes that open has to reach, after a look at what the cluster is like now.
func (s *sender) needed(frames []format.Frame, all bool) ([]string, error) {
	if s.l.topology == nil {
		return []string{""}, nil
	}
	if err := s.l.topology.refresh(s.l.topology.seen()); err != nil {
		return nil, err
	}
	home, err := s.l.topology.home(s.part)
	if err != nil {
		return nil, err
	}
	need := []string{home}
	if all {
		masters, _ := s.l.topology.nodes()
		need = append(need, masters...)
	}
	for _, f := range frames {
		addr, err := s.l.route(s.part, kindOf(f), f.Channel)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(need, addr) {
			need = append(need, addr)
		}
	}
	slices.Sort(need)
	return slices.Compact(need), nil
}

// check makes sure of one connection.
func (s *sender) check(addr string) error {
	if found := s.session(addr); found != nil {
		err := found.ping(s.l)
		if err == nil {
			return nil
		}
		s.drop(addr)
		if isReply(err) {
			return err
		}
	}
	made, err := s.connect(addr)
	if err == nil {
		s.sessions[addr] = made
	}
	return err
}

// ping asks all connections for a sign of life and closes those that give none. Replicas may die: nothing is sent there.
func (s *sender) ping() error {
	addrs := slices.Sorted(maps.Keys(s.sessions))
	broken := make([]error, len(addrs))
	s.each(addrs, func(i int, to *session, err error) {
		if broken[i] = err; err == nil {
			broken[i] = to.ping(s.l)
		}
	})
	for i, addr := range addrs {
		if broken[i] == nil {
			continue
		}
		s.lost(addr, broken[i])
		if s.l.topology != nil && s.l.topology.isReplica(addr) {
			s.avoid[addr], broken[i] = time.Now(), nil
		}
	}
	return s.l.closedOr(errors.Join(broken...))
}

// send publishes a batch: to each node its frames, in order, at the same time to several nodes. Each parcel's fate is set. The
// error is that of a connection that broke or could not be made; it is closed.
func (s *sender) send(batch []parcel) error {
	if s.l.topology == nil {
		return s.sendAll(batch)
	}
	groups, order, err := s.group(batch)
	broken := make([]error, len(order)+1)
	broken[len(order)] = err
	s.each(order, func(i int, to *session, err error) {
		if err == nil {
			err = s.doubt(to, batch, groups[order[i]], to.publish(s.l, batch, groups[order[i]]))
		}
		broken[i] = err
	})
	for i, addr := range order {
		if broken[i] != nil {
			s.lost(addr, broken[i])
		}
	}
	s.trail.follow(batch)
	return s.l.closedOr(errors.Join(broken...))
}

// sendAll is send where there is one node for everything.
func (s *sender) sendAll(batch []parcel) (err error) {
	to := s.sessions[""]
	if to == nil {
		if to, err = s.connect(""); err == nil {
			s.sessions[""] = to
		}
	}
	if err == nil {
		for i := len(s.all); i < len(batch); i++ {
			s.all = append(s.all, i)
		}
		err = to.publish(s.l, batch, s.all[:len(batch)])
	}
	if err != nil {
		s.lost("", err)
	}
	return s.l.closedOr(err)
}

// each calls do for the connections to some nodes, at the same time, and returns when all calls have. err says why there is
// no connection.
func (s *sender) each(addrs []string, do func(i int, to *session, err error)) {
	done := make(chan struct{}, len(addrs))
	made := make([]*session, len(addrs))
	for i, addr := range addrs {
		to := s.session(addr)
		run := func() {
			defer func() { done <- struct{}{} }()
			var err error
			if to == nil {
				to, err = s.connect(addr)
				made[i] = to
			}
			do(i, to, err)
		}
		if i == len(addrs)-1 {
			run()
		} else {
			s.l.sys.Go("redis node", run)
		}
	}
	for range addrs {
		<-done
	}
	for i, addr := range addrs {
		if made[i] != nil {
			s.sessions[addr] = made[i]
		}
	}
}

// lost closes the connection to a node and has one chosen anew, if any will do.
func (s *sender) lost(addr string, err error) {
	s.drop(addr)
	if s.l.topology != nil {
		s.l.topology.blame(s.part, addr, err, false)
	}
}

// group sorts the parcels by node: their indices, and the nodes in the order in which they occur.
func (s *sender) group(batch []parcel) (groups map[string][]int, order []string, failed error) {
	groups = map[string][]int{}
	for i := range batch {
		p := &batch[i]
		addr, err := s.l.route(s.part, kindOf(p.frame), p.frame.Channel)
		if err != nil {
			p.fate, p.err, failed = unsent, err, err
			continue
		}
		if p.addr = addr; p.frame.Sharded && s.moved(p.frame.Channel, addr) {
			p.fate, p.err = unsent, errMoved
			continue
		}
		if _, ok := groups[addr]; !ok {
			order = append(order, addr)
		}
		groups[addr] = append(groups[addr], i)
	}
	return groups, order, failed
}
