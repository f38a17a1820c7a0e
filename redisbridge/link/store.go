package link

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/actio-go/actio/redisbridge/format"
)

const (
	// stores is how many connections work for Run, and rangers for Range; each is made when it is needed.
	stores  = 3
	rangers = 2
	// storeQueue bounds the calls of either that wait for one of them; others wait to wait.
	storeQueue = 1024
)

// job is a call of Run or Range.
type job struct {
	ctx  context.Context //nolint:containedctx // that of the caller
	key  string
	do   func(to *session) error
	done chan error // has room for one
}

// Run has do called with a connection to the node that serves a key, in another goroutine, and returns what it returned. In a
// cluster it is called again with the connection to another node when Redis says that the slot has moved. It must return when
// its context is done. Run is for what is asked seldom: few such calls are made at a time, others wait. The Link must have
// Streams. Errors: ErrClosed, ErrDown with the reason why there is no connection, ctx's, and what do returned.
func (l *Link) Run(ctx context.Context, key string, do func(ctx context.Context, conn *redis.Conn) error) error {
	return l.run(l.jobs, job{ctx: ctx, key: key, do: func(to *session) error { return do(ctx, to.cmd) }})
}

// run has a job done by those who take them from a queue.
func (l *Link) run(queue chan<- job, one job) error {
	ctx := one.ctx
	one.done = make(chan error, 1)
	select {
	case queue <- one:
	case <-l.ctx.Done():
		return ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-one.done:
		return l.closedOr(err)
	case <-l.ctx.Done():
		return ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// store is the goroutine of one connection, or in a cluster of one to each node that was needed.
func (l *Link) store(queue <-chan job) {
	s := newSender(l, StreamPart)
	defer s.close()
	for {
		select {
		case one := <-queue:
			one.done <- s.do(one)
		case <-l.ctx.Done():
			return
		}
	}
}

// do does a job.
func (s *sender) do(one job) error {
	for try := 0; ; try++ {
		if one.ctx.Err() != nil {
			return context.Cause(one.ctx)
		}
		addr, to, err := s.ready(one.key)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrDown, err)
		}
		err = one.do(to)
		switch {
		case err == nil:
			return nil
		case isRedirection(err) && s.l.topology != nil && try < redirections:
			s.l.topology.redirect(addr, err)
			continue
		case !isReply(err) || isNoMaster(err):
			s.drop(addr)
		}
		return err
	}
}

// ready makes sure of a connection to the node of a key.
func (s *sender) ready(key string) (addr string, to *session, err error) {
	if s.l.topology != nil && s.l.topology.seen() == 0 {
		if err := s.l.topology.refresh(0); err != nil {
			return "", nil, err
		}
	}
	if addr, err = s.l.route(StreamPart, format.Shard, key); err != nil {
		return "", nil, err
	}
	to = s.session(addr)
	if to != nil && to.conn.check() != nil {
		s.drop(addr)
		to = nil
	}
	if to == nil {
		if to, err = s.connect(addr); err != nil {
			if t := s.l.topology; t != nil {
				_ = t.refresh(t.seen()) // another node may serve the slots of one that is dead; else the next call says why
			}
			return "", nil, err
		}
		s.sessions[addr] = to
	}
	return addr, to, nil
}

// Nodes sorts keys by the node that serves them, as far as is known: the indices of those that one connection of Run, for any of
// them, can be used for at once.
func (l *Link) Nodes(keys []string) [][]int {
	var groups [][]int
	at := map[string]int{}
	for i, key := range keys {
		addr, err := l.route(StreamPart, format.Shard, key)
		if err != nil {
			addr = "" // Run will say so
		}
		n, known := at[addr]
		if !known {
			n = len(groups)
			at[addr] = n
			groups = append(groups, nil)
		}
		groups[n] = append(groups[n], i)
	}
	return groups
}
