package keeper

import (
	"errors"
	"slices"

	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/redisbridge"
)

// refuse answers all that wait for a session.
func (n *node) refuse(s *session, err error) {
	for _, c := range []*connection.Claim{s.claim, s.next} {
		if c != nil {
			c.Answer(nil, err)
		}
	}
	s.claim, s.next = nil, nil
}

// claim has Redis asked for a session, also for one whose socket lives here: it may have been taken up elsewhere since.
func (n *node) claim(c *connection.Claim) {
	s := n.sessions[c.PrivateID]
	switch {
	case s == nil:
		s = &session{id: c.PrivateID, namespace: c.Namespace, claim: c, came: true}
		n.sessions[c.PrivateID] = s
		n.take(s)
	case s.namespace != c.Namespace:
		c.Answer(nil, connection.ErrSessionUnknown)
	case s.claim != nil:
		if s.next != nil {
			s.next.Answer(nil, connection.ErrSessionTaken)
		}
		s.next = c
	default:
		s.claim, s.came = c, true
		if !s.asking {
			n.take(s)
		}
	}
}

// settle tells who waits for it that nobody is asking Redis or encoding.
func (n *node) settle() {
	if n.busy > 0 {
		return
	}
	for _, done := range n.settling {
		close(done)
	}
	n.settling = nil
}

// take asks Redis for a session.
func (n *node) take(s *session) {
	n.busy++
	s.asking = true
	namespace := s.namespace
	n.env.System.Go("session", func() {
		m := &took{of: s, err: redisbridge.ErrNoSession}
		defer func() { n.tell(m) }()
		ctx, cancel := n.env.System.Clock().Context(n.life, "session", n.options.Timeout)
		defer cancel()
		if bridge := n.options.Bridge(); bridge != nil {
			m.found, m.holder, m.err = bridge.TakeSession(ctx, s.id, func(found *redisbridge.Session) error {
				return n.fits(found, namespace)
			})
		}
	})
}

// errUnfit is the error of a session that is not for who asks for it.
var errUnfit = errors.New("redisbridge: session of another namespace, or of one that nobody has authenticated")

func (k *Keeper) fits(found *redisbridge.Session, namespace string) error {
	if found.Namespace != namespace && (found.Namespace != "" || k.options.Authenticates) {
		return errUnfit
	}
	return nil
}

// took goes on with what Redis had. Nothing at all need not mean that another has the session: Redis may have lost it, or not
// have it yet. Then a socket that lives here knows best.
func (n *node) took(m *took) {
	n.busy--
	defer n.settle()
	s := m.of
	s.asking = false
	switch {
	case m.err == nil:
		if !s.holder.Had(m.found) {
			s.elsewhere = &left{kept: keptOf(m.found, s.namespace), data: m.found.Data}
		}
		s.holder = m.holder
	case errors.Is(m.err, redisbridge.ErrNoSession) && s.here():
	default:
		n.refuse(s, reason(m.err))
		if s.socket != nil {
			s.socket.Surrender() // its client is not there any more
		}
	}
	if s.socket == nil {
		n.proceed(s)
		return
	}
	if s.claim != nil || s.elsewhere != nil {
		s.socket.Surrender()
		return
	}
	n.write(s)
}

// here tells whether this process knows of a session, whatever Redis has.
func (s *session) here() bool { return s.socket != nil || s.local != nil || s.elsewhere != nil }

// keptOf is a stored session as connections know it.
func keptOf(s *redisbridge.Session, namespace string) *connection.Kept {
	k := &connection.Kept{
		PrivateID: s.PID, ID: s.ID, Namespace: namespace,
		Rooms: slices.DeleteFunc(slices.Clone(s.Rooms), func(room string) bool { return room == s.ID }),
	}
	if s.User != "" || !s.Expires.IsZero() {
		k.Principal = &connection.Principal{UserID: s.User, Expires: s.Expires}
	}
	data := map[string]any{}
	if s.Data.Decode(&data) == nil {
		k.Data = data
	}
	return k
}

// unclaim puts a session back, or has Redis asked for it once more for the next who waits for it: its client may have been
// elsewhere since it was given.
func (n *node) unclaim(c *connection.Claim) {
	s := n.sessions[c.PrivateID]
	switch {
	case s == nil:
	case s.next == c:
		s.next = nil
	case s.claim == c:
		s.claim, s.next = s.next, nil
		if s.given == nil {
			return
		}
		s.local, s.given = s.given, nil
		if s.claim != nil {
			n.take(s)
		} else {
			n.proceed(s)
		}
	}
}

func (n *node) spent(c *connection.Claim) {
	s := n.sessions[c.PrivateID]
	if s == nil || s.claim != c || s.given == nil {
		return
	}
	s.claim = nil
	n.release(s.given.kept)
	n.over(s)
}
