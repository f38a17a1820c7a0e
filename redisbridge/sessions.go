package redisbridge

import (
	"errors"
	"time"

	"github.com/actio-go/actio/redisbridge/format"
)

// Errors of sessions.
var (
	// ErrNoSession: there is no session of that name, or no more.
	ErrNoSession = errors.New("redisbridge: session unknown or expired")
	// ErrSessionOver: the session has ended for good.
	ErrSessionOver = errors.New("redisbridge: session over")
	// ErrNoOffset: the stream has no entry with the offset of the client: it was never there, or was pushed out by newer ones.
	ErrNoOffset = errors.New("redisbridge: offset unknown or forgotten")
	// ErrTooMuch: a client has missed more than it may get at once.
	ErrTooMuch = errors.New("redisbridge: too much was missed")
)

// Session is what is kept of a socket so that its client can return, on whatever instance.
type Session = format.Session

// KeepSession keeps the session of a socket that lives, so that its client can return also when this process dies: it is
// written now, and again and again before Options.Recovery is over. It is called when the socket is opened, new or restored,
// and when its rooms, or other things, have changed. Calls for one session must be made in their order; the session must not be
// changed any more. It never blocks. While Redis is down it is written later. Node.js writes a session when the transport is
// lost, and so keeps nothing of a process that is killed.
//
// h is who has it: NewHolder for a new session, else what TakeSession returned. lost is called when another has it by now, or
// has ended it, and the session is not written any more. Most often its client is elsewhere. But it may be here: a server of
// Node.js has left the session in Redis later than its client went from there, or another instance has taken it for an older
// claim of the client. So its connection should end as if it were lost: a client that is here comes once more, and gets what
// Redis has. lost must not block.
func (b *Bridge) KeepSession(s *Session, h Holder, lost func()) {
	b.writeSession(s, &sessionChanged{holder: h, lives: true, lost: lost})
}

// LeaveSession keeps the session of a socket whose transport was lost, or of one that TakeSession took and nobody got, for
// Options.Recovery from now on, and then no more: also when Redis is down for so long. silent is since when the client may have
// said nothing, when that is why the socket has ended; zero: there was another reason. A client that is silent may be with a
// server of Node.js, which takes a session out of Redis: its session is not put there again. It never blocks.
func (b *Bridge) LeaveSession(s *Session, h Holder, silent time.Time) {
	b.writeSession(s, &sessionChanged{holder: h, silent: silent})
}

// EndSession forgets a session, if h has it: its socket has ended for good. It never blocks.
func (b *Bridge) EndSession(pid string, h Holder) {
	if h.name != "" { // else it was never written
		b.tell(&sessionChanged{pid: pid, holder: h, ended: true})
	}
}

func (b *Bridge) writeSession(s *Session, m *sessionChanged) {
	s.Holder = m.holder.name
	value, err := format.EncodeSession(s)
	if err != nil {
		b.unsendable(0, err)
		return
	}
	m.pid, m.value = s.PID, value
	b.tell(m)
}

func (b *Bridge) sessionKey(pid string) string { return b.options.Streams.SessionKeyPrefix + pid }

// overText is that of a session that has ended for good, while others may take themselves for its holder. For Node.js there is
// none.
const overText = ""

// sessionChanged comes from KeepSession and its like.
type sessionChanged struct {
	late
	pid    string
	holder Holder
	value  []byte
	lives  bool // and is written again before it expires
	ended  bool
	silent time.Time // since when the client may have said nothing, if that ended its socket
	lost   func()
}

// linked is the link, when it is there.
func (b *Bridge) linked() linkage {
	if l := b.link.Load(); l != nil {
		return *l
	}
	return nil
}
