package keeper

import (
	"fmt"
	"log/slog"
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/redisbridge"
	"github.com/actio-go/actio/redisbridge/format"
)

// node is the actor.
type node struct {
	*Keeper

	guard    actors.Guard
	sessions map[string]*session
	taking   int             // questions to Redis
	settling []chan struct{} // closed when there are none
}

// session is one that is live in this process, or claimed here.
type session struct {
	socket *connection.Socket // the live one
	rooms  []string           // of it
	kept   *connection.Kept   // what claim was given
	data   format.Payload     // of kept, as it is stored
	taken  bool               // kept was taken out of Redis
	claim  *connection.Claim  // who gets it, or has got it
	void   bool               // claim was given up while Redis was asked
	next   *connection.Claim  // and who came meanwhile
}

// Receive dispatches.
func (n *node) Receive(ctx actor.Context) {
	defer n.guard.CatchAll(ctx)
	switch m := ctx.Message().(type) {
	case *opened:
		n.opened(m.socket)
	case *changed:
		n.changed(m)
	case *ended:
		n.ended(m)
	case *claim:
		n.claim(m.claim)
	case *took:
		n.took(m)
	case *unclaim:
		n.unclaim(m.claim)
	case *spent:
		n.spent(m.claim)
	case *settle:
		n.settling = append(n.settling, m.done)
		n.settle()
	case actor.AutoReceiveMessage, actor.SystemMessage:
	default:
		n.env.System.Logger().Error("sessions: unknown message", slog.String("type", fmt.Sprintf("%T", m)))
	}
}

func (n *node) opened(socket *connection.Socket) {
	id := socket.PrivateID()
	s := n.sessions[id]
	if s == nil {
		s = &session{}
		n.sessions[id] = s
	}
	if s.kept != nil {
		s.rooms = s.kept.Rooms
	}
	s.socket, s.kept, s.claim, s.taken = socket, nil, nil, false
	if s.next != nil {
		s.next.Answer(nil, connection.ErrSessionTaken)
		s.next = nil
	}
	n.write(s, (*redisbridge.Bridge).KeepSession)
}

func (n *node) changed(m *changed) {
	s := n.sessions[m.socket.PrivateID()]
	if s == nil || s.socket != m.socket {
		return
	}
	s.rooms = m.rooms
	n.write(s, (*redisbridge.Bridge).ChangeSession)
}

// write writes the session of a live socket, once it is authenticated.
func (n *node) write(s *session, how func(*redisbridge.Bridge, *redisbridge.Session)) {
	bridge := n.options.Bridge()
	if bridge == nil || s.socket.State() != connection.Authenticated {
		return
	}
	how(bridge, n.sessionOf(&connection.Kept{
		PrivateID: s.socket.PrivateID(), ID: s.socket.ID(), Namespace: s.socket.Namespace(), Rooms: s.rooms,
		Principal: s.socket.Principal(),
	}, n.options.Data(s.socket)))
}

// sessionOf is what is kept of a socket, as it is stored.
func (*Keeper) sessionOf(k *connection.Kept, data format.Payload) *redisbridge.Session {
	s := &redisbridge.Session{
		ID: k.ID, PID: k.PrivateID, Namespace: k.Namespace, Rooms: append([]string{k.ID}, k.Rooms...), Data: data,
	}
	if p := k.Principal; p != nil {
		s.User, s.Expires = p.UserID, p.Expires
	}
	return s
}

// ended gives a session to who waits for it, leaves it in Redis, or forgets it.
func (n *node) ended(m *ended) {
	id := m.socket.PrivateID()
	s := n.sessions[id]
	if s == nil || s.socket != m.socket {
		return
	}
	s.socket = nil
	bridge := n.options.Bridge()
	switch {
	case m.kept == nil:
		if bridge != nil {
			bridge.EndSession(id)
		}
		n.refuse(s, connection.ErrSessionUnknown)
		delete(n.sessions, id)
	case s.claim != nil:
		s.kept, s.data = m.kept, n.options.Data(m.socket)
		s.claim.Answer(s.kept, nil)
	default:
		delete(n.sessions, id)
		n.leave(m.kept, n.options.Data(m.socket), (*redisbridge.Bridge).LeaveSession)
	}
}

func (n *node) leave(kept *connection.Kept, data format.Payload, how func(*redisbridge.Bridge, *redisbridge.Session)) {
	if bridge := n.options.Bridge(); bridge != nil {
		how(bridge, n.sessionOf(kept, data))
	}
}

// refuse answers all that wait for a session.
func (n *node) refuse(s *session, err error) {
	for _, c := range []*connection.Claim{s.claim, s.next} {
		if c != nil {
			c.Answer(nil, err)
		}
	}
	s.claim, s.next = nil, nil
}

func (n *node) claim(c *connection.Claim) {
	s := n.sessions[c.PrivateID]
	switch {
	case s == nil:
		s = &session{claim: c}
		n.sessions[c.PrivateID] = s
		n.take(c)
	case s.socket != nil && s.socket.Namespace() != c.Namespace:
		c.Answer(nil, connection.ErrSessionUnknown)
	case s.claim != nil:
		if s.next != nil {
			s.next.Answer(nil, connection.ErrSessionTaken)
		}
		s.next = c
	default:
		s.claim = c
		s.socket.Surrender()
	}
}

// settle tells who waits for it that nothing is being taken out of Redis.
func (n *node) settle() {
	if n.taking > 0 {
		return
	}
	for _, done := range n.settling {
		close(done)
	}
	n.settling = nil
}

// take asks Redis for a session.
func (n *node) take(c *connection.Claim) {
	n.taking++
	n.env.System.Go("session", func() {
		m := &took{claim: c, err: redisbridge.ErrNoSession}
		defer func() { n.tell(m) }()
		ctx, cancel := n.env.System.Clock().Context(n.life, "session", n.options.Timeout)
		defer cancel()
		if bridge := n.options.Bridge(); bridge != nil {
			m.session, m.err = bridge.TakeSession(ctx, c.PrivateID)
		}
	})
}

// took answers a claim with what Redis had.
func (n *node) took(m *took) {
	n.taking--
	defer n.settle()
	s := n.sessions[m.claim.PrivateID]
	if s == nil || s.claim != m.claim {
		return
	}
	if m.err == nil && m.session.Namespace != m.claim.Namespace && (m.session.Namespace != "" || n.options.Authenticates) {
		m.err = redisbridge.ErrNoSession // of another namespace, or of one that nobody has authenticated
	}
	if m.err != nil {
		if s.void {
			s.claim = nil
		}
		delete(n.sessions, m.claim.PrivateID)
		n.refuse(s, reason(m.err))
		return
	}
	s.kept, s.data, s.taken = keptOf(m.session, m.claim), m.session.Data, true
	if s.void {
		n.handOn(m.claim.PrivateID, s)
		return
	}
	m.claim.Answer(s.kept, nil)
}

// keptOf is a stored session as connections know it.
func keptOf(s *redisbridge.Session, c *connection.Claim) *connection.Kept {
	k := &connection.Kept{
		PrivateID: s.PID, ID: s.ID, Namespace: c.Namespace,
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

func (n *node) unclaim(c *connection.Claim) {
	s := n.sessions[c.PrivateID]
	switch {
	case s == nil:
	case s.next == c:
		s.next = nil
	case s.claim == c && s.kept != nil:
		n.handOn(c.PrivateID, s)
	case s.claim == c && s.socket == nil:
		s.void = true
	case s.claim == c:
		s.claim, s.next = s.next, nil
	}
}

// handOn gives a session to the next who waits for it, or puts it back.
func (n *node) handOn(id string, s *session) {
	s.claim, s.next, s.void = s.next, nil, false
	if s.claim != nil {
		s.claim.Answer(s.kept, nil)
		return
	}
	delete(n.sessions, id)
	how := (*redisbridge.Bridge).LeaveSession
	if s.taken {
		how = (*redisbridge.Bridge).ReturnSession
	}
	n.leave(s.kept, s.data, how)
}

func (n *node) spent(c *connection.Claim) {
	s := n.sessions[c.PrivateID]
	if s == nil || s.claim != c {
		return
	}
	s.claim = nil
	n.refuse(s, connection.ErrSessionUnknown)
	delete(n.sessions, c.PrivateID)
	if bridge := n.options.Bridge(); bridge != nil {
		bridge.EndSession(c.PrivateID)
	}
}
