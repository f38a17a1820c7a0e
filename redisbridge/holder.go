package redisbridge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actio-go/actio/redisbridge/format"
)

// Holder names who has a session: this instance, from one time that it got it until another gets it. Only the holder that Redis
// knows writes a session. The zero value is nobody.
type Holder struct {
	name  string
	taken bool // out of Redis: others may take themselves for the holder yet
}

// NewHolder makes the holder of a new session.
func (b *Bridge) NewHolder() Holder {
	serial := uint32(b.holders.Add(1)) //nolint:gosec // it begins anew after 2^32
	return Holder{name: fmt.Sprintf("%s%08x", b.holderPrefix(), serial)}
}

// holderPrefix is what the names of all holders of this instance begin with.
func (b *Bridge) holderPrefix() string { return fmt.Sprintf("%.16s", b.uid) }

// made tells whether the name of a holder is one of this instance.
func (b *Bridge) made(holder string) bool { return strings.HasPrefix(holder, b.holderPrefix()) }

// Had tells whether this was the holder of a session before TakeSession took it.
func (h Holder) Had(s *Session) bool { return h.name != "" && h.name == s.Holder }

// holderScript writes a session if its holder is ARGV[1], as HolderText, or there is none at all and ARGV[4] is 1. ARGV[2] is the
// text and ARGV[3] for how many milliseconds; 0 deletes it. It answers one of the outcomes.
const holderScript = `
local holder = redis.call('GETRANGE', KEYS[1], 12, 43)
local before = 1
if holder ~= ARGV[1] then
  before = redis.call('EXISTS', KEYS[1])
  if before == 1 then return 0 end
  if ARGV[4] ~= '1' then return 1 end
end
if ARGV[3] == '0' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 2 + before
`

// takeScript gives a session to another holder, if it is as it was read, ARGV[1]: its new text is ARGV[2], for ARGV[3]
// milliseconds.
const takeScript = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
`

// outcome is what became of writing a session.
type outcome int

const (
	others   outcome = iota // another has it, or has ended it: nothing was written
	absent                  // Redis had none, and was not to
	created                 // Redis had none
	replaced                // it was there
	occupied                // the key is something else than a session
)

// TakeSession takes a session over: from now on Holder alone writes it. Holder of the session tells who had it before. It stays
// in Redis, so that nothing is lost when this process dies, and so that its client can go on elsewhere when it does not get
// through here; who takes it last has it. What this instance is yet to write of it is written before. Whoever does not go on
// with it leaves it by LeaveSession, or ends it. fits is asked before, and its error is returned. Errors: ErrNoSession,
// ErrSessionOver, link.ErrDown, ErrClosed, that of ctx.
func (b *Bridge) TakeSession(ctx context.Context, pid string, fits func(*Session) error) (*Session, Holder, error) {
	l := b.linked()
	if l == nil || !b.Echoes() {
		return nil, Holder{}, ErrNoSession
	}
	t := taking{b: b, key: b.sessionKey(pid), pid: pid, fits: fits, holder: b.NewHolder()}
	t.holder.taken = true
	if err := b.settled(ctx, pid); err != nil {
		return nil, Holder{}, err
	}
	if err := l.Run(ctx, t.key, t.take); err != nil {
		return nil, Holder{}, fmt.Errorf("redisbridge: session: %w", err)
	}
	if former := t.session.Holder; former != "" && !b.made(former) {
		b.publish(&format.Message{Kind: format.Taken, Session: pid}) // whose socket of it need not know that its client has gone
	}
	return t.session, t.holder, nil
}

// taking is a call of TakeSession.
type taking struct {
	b        *Bridge
	key, pid string
	fits     func(*Session) error
	holder   Holder
	session  *Session // as it was
}

// take reads the session and takes it, until nobody writes it in between. Errors of Redis are returned as they are: the link
// looks whether they send us to another node.
func (t *taking) take(ctx context.Context, conn *redis.Conn) error {
	for {
		text, err := conn.Get(ctx, t.key).Result()
		switch {
		case errors.Is(err, redis.Nil):
			return ErrNoSession
		case err != nil:
			return err
		case text == overText:
			return ErrSessionOver
		}
		mine, err := t.read(text)
		if err != nil {
			return err
		}
		took, err := t.b.scripts.take.Run(ctx, conn, []string{t.key}, text, mine, milliseconds(t.b.options.Recovery)).Int()
		if err != nil {
			return err
		}
		if took == 1 {
			return nil
		}
	}
}

// read returns what the session is to be when it is taken.
func (t *taking) read(text string) (mine []byte, err error) {
	if t.session, err = format.DecodeSession([]byte(text)); err != nil {
		return nil, err
	}
	if t.session.PID != t.pid {
		return nil, ErrNoSession
	}
	if err := t.fits(t.session); err != nil {
		return nil, err
	}
	taken := *t.session
	taken.Holder = t.holder.name
	return format.EncodeSession(&taken)
}

// scripts are those that Redis runs.
type scripts struct{ hold, take *redis.Script }

func newScripts() scripts {
	return scripts{hold: redis.NewScript(holderScript), take: redis.NewScript(takeScript)}
}

// milliseconds is a time to live: 1 at least.
func milliseconds(d time.Duration) int64 { return max(1, d.Milliseconds()) }
