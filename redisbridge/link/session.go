package link

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

var (
	errSpent      = errors.New("redisbridge: the connection is spent")
	errNotMaster  = errors.New("redisbridge: the server is no master")
	errUnexpected = errors.New("redisbridge: unexpected answer")
)

// session is one connection from its beginning to its end; it never connects again. The library's client around it knows how
// to introduce itself to Redis, and its pool holds this connection alone.
type session struct {
	addr   string // of the node in a cluster, else ""
	conn   *trackedConn
	client *redis.Client
	cmd    *redis.Conn   // of the emitter and the publisher
	pubsub *redis.PubSub // of the subscriber
	brief  bool          // its timeouts are shorter than those of others

	timeout time.Duration // for one round trip
	answers reader        // to frames
	command []byte        // the frames that are written, for the next ones
}

// connect makes a session and waits for its first answer.
func (l *Link) connect(name, addr string, listen bool) (*session, error) {
	return l.establish(l.source.options(addr, l.o.Name+":"+name, l.o.CommandTimeout), addr, listen)
}

// connectWithin is connect, with a bound of its own for everything that the session waits for.
func (l *Link) connectWithin(timeout time.Duration, name, addr string) (*session, error) {
	o := l.source.options(addr, l.o.Name+":"+name, timeout)
	o.DialTimeout = min(o.DialTimeout, timeout)
	s, err := l.establish(o, addr, false)
	if err == nil {
		s.brief = true
	}
	return s, err
}

// establish makes a session. The dialling happens here, in the caller's goroutine, and the library is given the result: its own
// would go on in a goroutine that outlives its pool.
func (l *Link) establish(o *redis.Options, addr string, listen bool) (*session, error) {
	ctx, cancel := l.sys.Clock().Context(l.ctx, "redis connect", o.DialTimeout)
	conn, err := l.tracker.dial(ctx, o.Dialer, o.Network, o.Addr)
	cancel()
	if err != nil {
		return nil, l.closedOr(fmt.Errorf("connect: %w", err))
	}
	if l.source.sentinel {
		o.OnConnect = checkRole(o.OnConnect)
	}
	var spent atomic.Bool
	o.Dialer = func(context.Context, string, string) (net.Conn, error) {
		if spent.Swap(true) {
			return nil, errSpent
		}
		return conn, nil
	}
	s := &session{addr: addr, conn: conn, client: redis.NewClient(o), timeout: o.ReadTimeout}
	if listen {
		err = s.greetListening(l)
	} else {
		err = s.greet(l)
	}
	if err != nil {
		s.close()
		if said := conn.refusal.Load(); said != nil && !isReply(err) {
			err = fmt.Errorf("%s: %w", *said, err)
		}
		return nil, l.closedOr(fmt.Errorf("greet: %w", err))
	}
	return s, nil
}

// greet makes the connection one for commands.
func (s *session) greet(l *Link) error {
	s.cmd = s.client.Conn()
	s.answers = reader{bufio.NewReaderSize(s.conn, replyBuffer)}
	return s.ping(l)
}

// ping asks for a sign of life.
func (s *session) ping(l *Link) error { return s.cmd.Ping(l.ctx).Err() }

// greetListening makes the connection one that listens.
func (s *session) greetListening(l *Link) error {
	s.pubsub = s.client.Subscribe(l.ctx)
	if err := s.pubsub.Ping(l.ctx); err != nil {
		return err
	}
	answer, err := s.pubsub.ReceiveTimeout(l.ctx, l.o.CommandTimeout)
	if err != nil {
		return err
	}
	if _, ok := answer.(*redis.Pong); !ok {
		return fmt.Errorf("%w: %T", errUnexpected, answer)
	}
	return nil
}

// checkRole returns an OnConnect that makes sure that what Sentinel named is a master: it may not know yet that it was
// replaced, and what is published there reaches nobody. The parent's own OnConnect comes first.
func checkRole(parents func(context.Context, *redis.Conn) error) func(context.Context, *redis.Conn) error {
	return func(ctx context.Context, conn *redis.Conn) error {
		if parents != nil {
			if err := parents(ctx, conn); err != nil {
				return err
			}
		}
		role := redis.NewSliceCmd(ctx, "role")
		if err := conn.Process(ctx, role); err != nil {
			if isReply(err) {
				return nil // not allowed to ask
			}
			return err
		}
		if v := role.Val(); len(v) > 0 && v[0] != "master" {
			return errNotMaster
		}
		return nil
	}
}

// close ends the session, also while others use it.
func (s *session) close() {
	_ = s.conn.Close() // first: whatever waits for the network returns
	if s.pubsub != nil {
		_ = s.pubsub.Close()
	}
	if s.cmd != nil {
		_ = s.cmd.Close()
	}
	_ = s.client.Close()
}

// isReply tells whether the error is what Redis answered, and not a failure to get an answer.
func isReply(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply) && !errors.Is(err, redis.Nil)
}

// isRefusal tells whether trying again would not help.
func isRefusal(err error) bool {
	return hasReplyPrefix(err, "WRONGPASS", "NOAUTH", "NOPERM", "ERR AUTH", "ERR invalid password", "ERR Client sent AUTH")
}

// hasReplyPrefix tells whether Redis answered with an error that begins with one of the words.
func hasReplyPrefix(err error, prefixes ...string) bool {
	var reply redis.Error
	if !errors.As(err, &reply) {
		return false
	}
	for _, p := range prefixes {
		if strings.HasPrefix(reply.Error(), p) {
			return true
		}
	}
	return false
}

// isNoMaster tells whether a node has answered that nothing can be written there. What a script of it runs into Redis before 7.0
// says behind words of its own.
func isNoMaster(err error) bool {
	var reply redis.Error
	if !errors.As(err, &reply) {
		return false
	}
	for _, word := range []string{"READONLY ", "MASTERDOWN ", "LOADING "} {
		if text := reply.Error(); strings.HasPrefix(text, word) || strings.HasPrefix(text, "ERR ") && strings.Contains(text, " -"+word) {
			return true
		}
	}
	return false
}
