package roomregistry

import (
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/wire"
)

// Errors of Restored.
var (
	// ErrHistoryLost: events that the socket may have missed are forgotten, by their age or because they were too much.
	ErrHistoryLost = errors.New("actio: missed events are forgotten")
	// ErrHistoryTooMuch: the socket has missed more than Restore.MaxBytes.
	ErrHistoryTooMuch = errors.New("actio: too much was missed")
)

// Restore attaches the socket of a client that has come back, in the place of one that was detached before, and gives it what
// was remembered for that meanwhile. It is answered with Restored. See Registry.Restore.
type Restore struct {
	Member *Member // new, with the socket id of the former
	Rooms  []string
	// User and Authenticated are as in Membership.
	User          string
	Authenticated bool
	// After is the position of the last event that the client has.
	After uint64
	// MaxBytes bounds what is given, as sent, with EachBytes for each event. 0: no bound.
	MaxBytes, EachBytes int
	// Held says that the rooms were held by Hold, and are let go of when the socket is in them again.
	Held bool

	given atomic.Bool
}

// GiveUp keeps the socket from being attached if it is not yet; who calls it sends Detach afterwards.
func (r *Restore) GiveUp() { r.given.Store(true) }

// Restored answers a Restore: the socket is attached, and every Delivery comes after. With an error nothing was done.
type Restored struct {
	Member *Member
	// Missed are the events that the client has not got, in order.
	Missed []*wire.Prepared
	// Last is the position of the last of them, 0 when there is none or they have no positions.
	Last uint64
	// Position up to which they are all.
	Position uint64
	Err      error
}

// Replay is a Restore whose missed events are known. It goes the way of a Broadcast: of these, the socket gets those that come
// after it. See Registry.Replay.
type Replay struct {
	*Restore
	Missed         []*wire.Prepared
	Last, Position uint64
}

// Mark asks for Marked. Sent by the connection to Shard.PID.
type Mark struct{ Member *Member }

// Marked answers Mark, and an Attach that wants it: of everything up to the position, the member was sent what is meant for it,
// before this message. Sent by the shard to the connection.
type Marked struct {
	Member   *Member
	Position uint64
}

// Hold makes rooms count as present for MayHave and RoomChanged although the socket that was in them will be detached: it may
// come back, and wants to be given then what was sent to them. Release, or a Restore with Held, takes it back. Sent by the
// connection to Shard.PID before Detach.
type Hold struct {
	Namespace string
	SocketID  string // its own room
	Rooms     []string
}

// Release takes a Hold back. Sent to Shard.PID.
type Release Hold

// forgetDue comes from the clock.
type forgetDue struct{}

// IgnoreDeadLetterLogging keeps messages that come too late out of the dead letter log.
func (*Restore) IgnoreDeadLetterLogging() {}

// IgnoreDeadLetterLogging keeps messages that come too late out of the dead letter log.
func (*Restored) IgnoreDeadLetterLogging() {}

// IgnoreDeadLetterLogging keeps messages that come too late out of the dead letter log.
func (*Replay) IgnoreDeadLetterLogging() {}

// IgnoreDeadLetterLogging keeps messages that come too late out of the dead letter log.
func (*Mark) IgnoreDeadLetterLogging() {}

// IgnoreDeadLetterLogging keeps messages that come too late out of the dead letter log.
func (*Marked) IgnoreDeadLetterLogging() {}

// IgnoreDeadLetterLogging keeps messages that come too late out of the dead letter log.
func (*Hold) IgnoreDeadLetterLogging() {}

// IgnoreDeadLetterLogging keeps messages that come too late out of the dead letter log.
func (*Release) IgnoreDeadLetterLogging() {}

func (forgetDue) IgnoreDeadLetterLogging() {}

// Restore gives a socket that came back what it missed. It needs Options.History.
func (r *Registry) Restore(m *Restore) { r.sys.Send(r.root, m) }

// Replay does what Restore does, with missed events that somebody else remembers: those that were sent to the socket's rooms
// before the events that the caller has handed to Broadcast. Who calls it is the one who hands out all events that are
// remembered, or else some would come twice or never.
func (r *Registry) Replay(m *Replay) { r.sys.Send(r.entry, m) }

// Position is that of an offset which this registry has put into an event; false when it has not.
func (r *Registry) Position(offset string) (uint64, bool) {
	if r.history == nil {
		return 0, false
	}
	return r.history.position(offset)
}

// Forgotten counts the events that were forgotten over HistoryOptions.MaxBytes.
func (r *Registry) Forgotten() uint64 {
	if r.history == nil {
		return 0
	}
	return r.history.dropped.Load()
}

// recorder is the part of the sequencer that keeps the history.
type recorder struct {
	registry *Registry
	timer    *actors.Timer
	armed    bool
}

func newRecorder(r *Registry) *recorder {
	if r.history == nil {
		return nil
	}
	k := &recorder{registry: r}
	k.timer = r.sys.Clock().NewTimer("registry history", func() { r.sys.Send(r.root, forgetDue{}) })
	return k
}

// stop is for the end of the registry.
func (k *recorder) stop() {
	if k != nil {
		k.timer.Stop()
		k.armed = true // never again
	}
}

// record numbers an event and remembers it if it may be missed by anybody. One that wants acknowledgements is not of its kind:
// nobody would take them.
func (k *recorder) record(b *Broadcast) *Broadcast {
	if b.Roll != nil {
		return b
	}
	h := k.registry.history
	b = h.number(b)
	if b.position == 0 || b.Volatile || !k.registry.wanted(b) {
		return b
	}
	h.remember(b, time.Now())
	k.arm()
	return b
}

// wanted tells whether anybody is, or was a while ago, in one of the rooms that the event is for.
func (r *Registry) wanted(b *Broadcast) bool {
	switch {
	case b.Socket != "":
		return r.MayHave(b.Namespace, b.Socket)
	case b.User != "" || len(b.Rooms) == 0:
		return true
	default:
		return slices.ContainsFunc(b.Rooms, func(room string) bool { return r.MayHave(b.Namespace, room) })
	}
}

// arm sees to it that what is too old goes, also when nothing comes any more.
func (k *recorder) arm() {
	if !k.armed {
		k.armed = true
		k.timer.Reset(k.registry.history.Age)
	}
}

func (k *recorder) due() {
	k.armed = false
	h := k.registry.history
	h.forget(time.Now())
	if !h.all.empty() {
		k.arm()
	}
}

// restore looks up what a socket has missed, and has its shard attach it.
func (k *recorder) restore(m *Restore) {
	h := k.registry.history
	h.forget(time.Now())
	missed, err := h.missed(m)
	if err != nil {
		m.Member.Process.SendUserMessage(nil, &Restored{Member: m.Member, Err: err})
		return
	}
	p := &Replay{Restore: m, Missed: make([]*wire.Prepared, len(missed)), Position: h.last}
	for i, b := range missed {
		p.Missed[i], p.Last = b.Message, b.position
	}
	k.registry.sys.Send(k.registry.Shard(m.Member.SocketID).pid, p)
}

// restore attaches a socket that came back: in its place among the broadcasts.
func (s *shard) restore(m *Replay) {
	if m.given.Load() || !s.owns(m.Member) {
		return
	}
	s.index.restore(Membership{Member: m.Member, Rooms: m.Rooms, User: m.User, Authenticated: m.Authenticated})
	if m.Held {
		s.index.presence.letGo(s.index, &Hold{m.Member.Namespace, m.Member.SocketID, m.Rooms})
	}
	m.Member.Process.SendUserMessage(nil, &Restored{Member: m.Member, Missed: m.Missed, Last: m.Last, Position: m.Position})
}

// mark tells a connection how far the shard has come.
func (s *shard) mark(m *Member) {
	s.drain()
	m.Process.SendUserMessage(nil, &Marked{Member: m, Position: s.position})
}

// hold keeps rooms present.
func (s *shard) hold(m *Hold) { s.index.presence.keep(m) }

func (s *shard) release(m *Release) { s.index.presence.letGo(s.index, (*Hold)(m)) }

// receiveRestore handles what has to do with sockets that come back.
func (s *shard) receiveRestore(ctx actor.Context) bool {
	switch m := ctx.Message().(type) {
	case *Replay:
		s.accept(ctx, m)
	case *Mark:
		s.mark(m.Member)
	case *Hold:
		s.hold(m)
	case *Release:
		s.release(m)
	default:
		return false
	}
	return true
}

// receiveHistory handles what has to do with the history.
func (q *sequencer) receiveHistory(ctx actor.Context) bool {
	switch m := ctx.Message().(type) {
	case *Replay:
		q.registry.sys.Send(q.registry.Shard(m.Member.SocketID).pid, m)
	case *Restore:
		if q.recorder == nil {
			q.registry.sys.Logger().Error("room registry: nothing to restore from", slog.String("sid", m.Member.SocketID))
			m.Member.Process.SendUserMessage(nil, &Restored{Member: m.Member, Err: ErrHistoryLost})
			return true
		}
		q.recorder.restore(m)
	case forgetDue:
		q.recorder.due()
	default:
		return false
	}
	return true
}
