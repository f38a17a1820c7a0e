package recovery

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/actors/roomregistry"
)

// keeper is the actor.
type keeper struct {
	guard   actors.Guard
	env     *connection.Env
	options Options
	counts  *counts

	sessions map[string]*session // by private id
	waiting  []wait              // in the order of their ends
	timer    *actors.Timer
	armed    bool
	stopping bool
}

// session is what the keeper knows of one.
type session struct {
	id     string             // the private one
	socket *connection.Socket // the live one
	kept   *connection.Kept   // else what is left
	times  uint64             // that it was kept

	claim *connection.Claim // who gets it, or has got kept and is at it
	next  *connection.Claim // and who came meanwhile
}

// counts are read by anybody.
type counts struct {
	kept    atomic.Int64
	dropped atomic.Uint64
	expired atomic.Uint64
}

// Receive dispatches.
func (k *keeper) Receive(ctx actor.Context) {
	defer k.guard.CatchAll(ctx)
	switch m := ctx.Message().(type) {
	case *opened:
		k.opened(m.socket)
	case *ended:
		k.ended(m)
	case *claim:
		k.claim(m.claim)
	case *unclaim:
		k.unclaim(m.claim)
	case *spent:
		k.spent(m)
	case *expire:
		k.armed = false
		k.expire(time.Now())
	case *actor.Stopping:
		k.stop()
	case actor.AutoReceiveMessage, actor.SystemMessage:
	default:
		k.env.System.Logger().Error("recovery: unknown message", slog.String("type", fmt.Sprintf("%T", m)))
	}
}

// stop lets go of the namespaces: the server may begin anew.
func (k *keeper) stop() {
	k.stopping = true
	k.timer.Stop()
	for _, s := range k.sessions {
		s.kept.LetGo()
	}
}

func (k *keeper) opened(socket *connection.Socket) {
	id := socket.PrivateID()
	s := k.sessions[id]
	if s == nil {
		s = &session{id: id}
		k.sessions[id] = s
	}
	k.leave(s)
	s.socket, s.claim = socket, nil
	if s.next != nil {
		s.next.Answer(nil, connection.ErrSessionTaken)
		s.next = nil
	}
}

// ended keeps a session, or forgets it.
func (k *keeper) ended(m *ended) {
	s := k.sessions[m.socket.PrivateID()]
	if s == nil || s.socket != m.socket {
		k.release(m.kept)
		return
	}
	s.socket = nil
	if m.kept == nil {
		k.over(s)
		return
	}
	k.enter(s, m.kept)
	if s.claim != nil {
		s.claim.Answer(s.kept, nil)
	}
	k.bound()
}

func (k *keeper) claim(c *connection.Claim) {
	k.expire(time.Now()) // the timer may be late
	s := k.sessions[c.PrivateID]
	switch {
	case s == nil || s.namespace() != c.Namespace:
		c.Answer(nil, connection.ErrSessionUnknown)
	case s.claim != nil:
		if s.next != nil {
			s.next.Answer(nil, connection.ErrSessionTaken)
		}
		s.next = c
	case s.socket != nil:
		s.claim = c
		s.socket.Surrender()
	default:
		s.claim = c
		c.Answer(s.kept, nil)
	}
}

func (s *session) namespace() string {
	if s.socket != nil {
		return s.socket.Namespace()
	}
	return s.kept.Namespace
}

// unclaim has the next one get the session, or nobody.
func (k *keeper) unclaim(c *connection.Claim) {
	s := k.sessions[c.PrivateID]
	switch {
	case s == nil:
	case s.next == c:
		s.next = nil
	case s.claim == c:
		s.claim, s.next = s.next, nil
		if s.claim != nil && s.kept != nil {
			s.claim.Answer(s.kept, nil)
		}
	}
}

func (k *keeper) spent(m *spent) {
	if s := k.sessions[m.claim.PrivateID]; s != nil && s.claim == m.claim {
		s.claim = nil
		k.over(s)
		return
	}
}

// over forgets a session.
func (k *keeper) over(s *session) {
	delete(k.sessions, s.id)
	k.release(s.kept)
	k.leave(s)
	for _, c := range []*connection.Claim{s.claim, s.next} {
		if c != nil {
			c.Answer(nil, connection.ErrSessionUnknown)
		}
	}
	s.claim, s.next = nil, nil
}

// release lets the namespace and the rooms of a session go.
func (k *keeper) release(kept *connection.Kept) {
	kept.LetGo()
	if kept == nil || kept.Former == nil {
		return
	}
	k.env.System.Send(k.env.Registry.Shard(kept.ID).PID(), &roomregistry.Release{
		Namespace: kept.Namespace, SocketID: kept.ID, Rooms: kept.Rooms,
	})
}
