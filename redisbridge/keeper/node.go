package keeper

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/redisbridge"
	"github.com/actio-go/actio/redisbridge/format"
)

// node is the actor.
type node struct {
	*Keeper

	guard    actors.Guard
	sessions map[string]*session
	busy     int             // goroutines that ask Redis, or encode
	settling []chan struct{} // closed when there are none
}

// session is one that is live in this process, or claimed here.
type session struct {
	id        string // the private one
	namespace string
	holder    redisbridge.Holder // as whom this instance has it; nobody until it is written, or was taken
	socket    *connection.Socket // the live one
	rooms     []string           // of it

	data     format.Payload // of the socket, as it was encoded last
	encoding bool           // a goroutine is at it
	again    bool           // and has to begin anew

	claim     *connection.Claim // who gets it, or has got it
	next      *connection.Claim // and who came meanwhile
	asking    bool              // Redis is being asked for it
	came      bool              // its client has come here since the last socket of it was opened
	local     *left             // what socket left, while that is claimed
	elsewhere *left             // what Redis had instead: it was taken up elsewhere since
	given     *left             // what claim was given
}

// left is what is left of a socket.
type left struct {
	kept  *connection.Kept
	data  format.Payload     // as it is stored
	whose *connection.Socket // whose data is yet to be encoded; nil: it is there

	silent time.Time // since when its client may have said nothing, if its heartbeat has failed
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
	case *lost:
		n.lost(m)
	case *encoded:
		n.encoded(m)
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
		s = &session{id: id}
		n.sessions[id] = s
	}
	if s.given != nil {
		s.rooms = s.given.kept.Rooms
		if s.given.whose == nil {
			s.data = s.given.data
		}
	}
	s.namespace, s.socket, s.claim, s.given, s.came = socket.Namespace(), socket, nil, nil, false
	if s.next != nil {
		s.next.Answer(nil, connection.ErrSessionTaken)
		s.next = nil
	}
	n.write(s)
}

func (n *node) changed(m *changed) {
	s := n.sessions[m.socket.PrivateID()]
	if s == nil || s.socket != m.socket {
		return
	}
	s.rooms = m.rooms
	n.write(s)
}

// write writes the session of a live socket, once it is authenticated: as soon as the data of it is encoded.
func (n *node) write(s *session) {
	if s.elsewhere == nil && s.socket.State() == connection.Authenticated {
		n.encode(s, s.socket)
	}
}

// keep writes the session of a live socket.
func (n *node) keep(s *session) {
	bridge := n.options.Bridge()
	if bridge == nil {
		return
	}
	if s.holder == (redisbridge.Holder{}) {
		s.holder = bridge.NewHolder()
	}
	holder := s.holder
	bridge.KeepSession(n.sessionOf(&connection.Kept{
		PrivateID: s.id, ID: s.socket.ID(), Namespace: s.socket.Namespace(), Rooms: s.rooms, Principal: s.socket.Principal(),
	}, s.data), holder, func() { n.tell(&lost{of: s, holder: holder}) })
}

// lost ends the socket of a session that another instance has, as if its connection were lost: should its client be here after
// all, it comes once more. Should the session be claimed here, Redis says what becomes of it.
func (n *node) lost(m *lost) {
	s := m.of
	if n.sessions[s.id] != s || s.holder != m.holder || s.socket == nil || s.claim != nil || s.asking {
		return
	}
	delete(n.sessions, s.id)
	s.socket.Session().Close(connection.ReasonTransportClose)
}

// sessionOf is what is kept of a socket, as it is stored.
func (*Keeper) sessionOf(k *connection.Kept, data format.Payload) *redisbridge.Session {
	if data.IsZero() {
		data = format.NewPayload([]byte("{}"), nil)
	}
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
	s := n.sessions[m.socket.PrivateID()]
	if s == nil || s.socket != m.socket {
		n.release(m.kept) // lost
		return
	}
	s.socket = nil
	s.again = s.encoding // what is being encoded need not be the last
	if m.kept != nil {
		s.local = &left{kept: m.kept, whose: m.socket}
		if m.socket.Reason() == connection.ReasonPingTimeout {
			s.local.silent = time.Now().Add(-n.env.Options.PingInterval - n.env.Options.PingTimeout)
		}
	}
	n.proceed(s)
}

// proceed does with a session that nobody has what is to be done when Redis was asked, if it is: it is given to who waits for
// it, left in Redis, or forgotten.
func (n *node) proceed(s *session) {
	if s.socket != nil || s.asking || s.given != nil {
		return
	}
	rest := s.elsewhere
	if rest == nil {
		rest = s.local
	} else if s.local != nil {
		n.release(s.local.kept)
		s.local = nil
	}
	switch {
	case rest == nil:
		n.over(s)
	case s.claim != nil:
		s.local, s.elsewhere, s.given = nil, nil, rest
		s.claim.Answer(rest.kept, nil)
	case rest.whose != nil:
		n.encode(s, rest.whose)
	default:
		delete(n.sessions, s.id)
		n.leave(s, rest)
	}
}

// over forgets a session.
func (n *node) over(s *session) {
	delete(n.sessions, s.id)
	n.refuse(s, connection.ErrSessionUnknown)
	if bridge := n.options.Bridge(); bridge != nil {
		bridge.EndSession(s.id, s.holder)
	}
}

// leave has Redis keep what is left of a socket.
func (n *node) leave(s *session, rest *left) {
	n.release(rest.kept)
	bridge := n.options.Bridge()
	if bridge == nil {
		return
	}
	if s.holder == (redisbridge.Holder{}) {
		s.holder = bridge.NewHolder()
	}
	if s.came {
		rest.silent = time.Time{} // it has spoken here
	}
	bridge.LeaveSession(n.sessionOf(rest.kept, rest.data), s.holder, rest.silent)
}

// release lets the rooms go that count as present while their socket may come back: here it does not, but by Redis.
func (n *node) release(kept *connection.Kept) {
	if kept == nil || kept.Former == nil {
		return
	}
	n.env.System.Send(n.env.Registry.Shard(kept.ID).PID(), &roomregistry.Release{
		Namespace: kept.Namespace, SocketID: kept.ID, Rooms: kept.Rooms,
	})
}
