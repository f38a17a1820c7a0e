package redisbridge

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/actio-go/actio/redisbridge/format"
)

// Errors of sessions.
var (
	// ErrNoSession: there is no session of that name, or no more.
	ErrNoSession = errors.New("redisbridge: session unknown or expired")
	// ErrNoOffset: the stream has no entry with the offset of the client: it was never there, or was pushed out by newer ones.
	ErrNoOffset = errors.New("redisbridge: offset unknown or forgotten")
	// ErrTooMuch: a client has missed more than it may get at once.
	ErrTooMuch = errors.New("redisbridge: too much was missed")
)

// Session is what is kept of a socket so that its client can return, on whatever instance.
type Session = format.Session

// KeepSession keeps the session of a socket that has been opened, new or restored, so that its client can return also when this
// process dies: it is written now, and again and again before Options.Recovery is over. Calls for one session must be made in
// their order; the session must not be changed any more. It never blocks. While Redis is down it is written later. Node.js writes a
// session when the transport is lost, and so keeps nothing of a process that is killed.
func (b *Bridge) KeepSession(s *Session) { b.writeSession(s, true, true) }

// ChangeSession is for a socket that KeepSession was called for, whose rooms, or other things, have changed. Nothing is written
// if the session was taken out by another instance meanwhile.
func (b *Bridge) ChangeSession(s *Session) { b.writeSession(s, true, false) }

// LeaveSession keeps the session of a socket whose transport was lost for Options.Recovery from now on, and then no more. It never
// blocks.
func (b *Bridge) LeaveSession(s *Session) { b.writeSession(s, false, false) }

// ReturnSession puts back a session that TakeSession took out, for Options.Recovery. It never blocks.
func (b *Bridge) ReturnSession(s *Session) { b.writeSession(s, false, true) }

// EndSession forgets a session: its socket has ended for good. It never blocks.
func (b *Bridge) EndSession(pid string) { b.tell(&sessionChanged{pid: pid, ended: true}) }

func (b *Bridge) writeSession(s *Session, lives, opened bool) {
	value, err := format.EncodeSession(s)
	if err != nil {
		b.unsendable(0, err)
		return
	}
	b.tell(&sessionChanged{pid: s.PID, value: value, lives: lives, opened: opened})
}

func (b *Bridge) sessionKey(pid string) string { return b.options.Streams.SessionKeyPrefix + pid }

// TakeSession takes a session out: nobody else gets it. Whoever does not go on with it puts it back with ReturnSession. Errors:
// ErrNoSession, link.ErrDown, ErrClosed, that of ctx.
func (b *Bridge) TakeSession(ctx context.Context, pid string) (*Session, error) {
	l := b.link.Load()
	if l == nil || !b.Echoes() {
		return nil, ErrNoSession
	}
	key := b.sessionKey(pid)
	value := ""
	err := (*l).Run(ctx, key, func(ctx context.Context, conn *redis.Conn) error {
		var got *redis.StringCmd
		_, err := conn.TxPipelined(ctx, func(p redis.Pipeliner) error { // GETDEL needs Redis 6.2
			got = p.Get(ctx, key)
			p.Del(ctx, key)
			return nil
		})
		if err == nil {
			value, err = got.Result()
		}
		return err
	})
	switch {
	case errors.Is(err, redis.Nil):
		return nil, ErrNoSession
	case err != nil:
		return nil, fmt.Errorf("redisbridge: session: %w", err)
	}
	s, err := format.DecodeSession([]byte(value))
	if err != nil {
		return nil, err
	}
	if s.PID != pid {
		return nil, ErrNoSession
	}
	return s, nil
}

// sessionChanged comes from KeepSession and its like.
type sessionChanged struct {
	late
	pid    string
	value  []byte
	lives  bool // and is written again before it expires
	opened bool // it is ours, whatever was before
	ended  bool
}

// linked is the link, when it is there.
func (b *Bridge) linked() linkage {
	if l := b.link.Load(); l != nil {
		return *l
	}
	return nil
}
