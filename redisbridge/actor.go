package redisbridge

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/redisbridge/format"
)

// node is the actor.
type node struct {
	*Bridge
	guard actors.Guard

	health     health
	peers      map[string]*peer // by uid
	strangers  set              // uids of others that have answered
	pending    map[string]*request
	namespaces map[string]struct{}
	rooms      map[format.Subscription]struct{}

	answering int                // questions that a goroutine is busy with
	waiting   []*format.Message  // questions that no goroutine is busy with yet
	polls     map[*poll]struct{} // acknowledgements that are awaited for neighbours
	counting  bool               // Redis has been asked who listens
	quiet     bool               // we have said farewell

	sessions sessions

	beat   *actors.Timer
	beaten time.Time // when the others heard of us last
	expiry *actors.Timer
}

// spawn starts the actor. There is one incarnation: a crash leaves its fields as they are, see recovered.
func spawn(b *Bridge) *actor.PID {
	return b.sys.Spawn(actor.PropsFromProducer(func() actor.Actor {
		n := &node{
			Bridge: b, guard: actors.NewGuard(b.sys, "redis bridge"),
			health: health{since: time.Now()}, peers: make(map[string]*peer), strangers: make(set), pending: make(map[string]*request),
			namespaces: make(map[string]struct{}), rooms: make(map[format.Subscription]struct{}), polls: make(map[*poll]struct{}),
		}
		n.beat = b.sys.Clock().NewTimer("redis heartbeat", func() { b.tell(&beatDue{}) })
		n.expiry = b.sys.Clock().NewTimer("redis neighbours", func() { b.tell(&peersDue{}) })
		n.sessions.timer = b.sys.Clock().NewTimer("redis sessions", func() { b.tell(&sessionsDue{}) })
		return n
	}, actors.Queued()), "actio-redis")
}

// Receive dispatches.
func (a *node) Receive(ctx actor.Context) {
	defer a.guard.CatchAll(ctx)
	handled := false
	defer func() {
		if !handled {
			a.recovered()
		}
	}()
	a.dispatch(ctx.Message())
	handled = true
}

func (a *node) dispatch(message any) {
	switch m := message.(type) {
	case *answered:
		a.answered(m.message)
	case *begin:
		a.begin(m.request)
	case *expect:
		a.expect(m.request, m.listeners)
	case *conclude:
		if m.unreached {
			a.unreached(m.request)
		}
		a.conclude(m.request)
	case *recounted:
		a.recounted(m)
	case *question:
		a.question(m.message)
	case *questionDone:
		a.questionDone()
	case *asking:
		a.asking(m.poll)
	case *askingDone:
		a.askingDone(m.poll)
	case *member:
		a.member(m.message)
	case *beatDue:
		a.beatDue()
	case *peersDue:
		a.peersDue()
	case *listened:
		a.listened(m.heard)
	case *changed:
		a.changed(m.part, m.err)
	case *addNamespace:
		a.addNamespace(m.name)
	case *removeNamespace:
		a.removeNamespace(m.name)
	case *roomChanged:
		a.roomChanged(m)
	case *opened:
		a.opened(m.listening)
	case *reckon:
		a.reckon()
	case *hello:
		a.hello()
	case *sessionChanged:
		a.sessionChanged(m)
	case *sessionsWritten:
		a.sessionsWritten(m.batch)
	case *sessionTaken:
		a.sessionTaken(m.pid)
	case *sessionsDue:
		a.sessionsDue()
	case *sessionPending:
		a.sessionPending(m.pid, m.done)
	case *sessionsDrain:
		a.sessionsDrain(m.done)
	case *leave:
		a.quiet = true
		a.beat.Stop()
		a.farewell(m.gone)
	case *over:
		a.stop()
		close(m.done)
	case *actor.Stopping:
		a.stop()
	case actor.AutoReceiveMessage, actor.SystemMessage:
	default:
		a.sys.Logger().Error("redis bridge: unknown message", slog.String("type", fmt.Sprintf("%T", m)))
	}
}

// recovered goes on after a crash. What the actor knows of the neighbours and of what is listened to is derived from messages
// that are true by themselves, so it stays. Requests end with what has come: the crash may have cost one of them an answer.
func (a *node) recovered() {
	for _, r := range a.pending {
		a.conclude(r)
	}
}

// stop lets go of everything. Idempotent. The callers of pending requests know from the life of the bridge.
func (a *node) stop() {
	a.quiet = true
	a.beat.Stop()
	a.expiry.Stop()
	a.sessions.timer.Stop()
	clear(a.pending)
	a.count.pending.Store(0)
	for p := range a.polls {
		a.askingDone(p)
	}
	for range a.waiting {
		a.count.answering.Add(-1)
	}
	a.waiting = nil
	clear(a.peers)
}
