package connection

import (
	"runtime/debug"
	"sync"

	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/wire"
)

// Ask hands out an event and collects the acknowledgements of all sockets that get it. It never blocks. b says who is asked;
// its Message, AckID and Roll are set by Ask, and it belongs to the registry afterwards. prepare makes the message with the
// id that all acknowledgements carry; its error is returned, and then nothing was sent and nothing is called.
//
// counted is called once, when it is known who is asked, which takes until a shard that is being rebuilt is complete. Its
// slice belongs to it. It may be called before Ask returns; of a registry that has stopped nobody is asked. answered is
// called after it, at most once for each of these sockets: with the arguments of its acknowledgement, or with an error:
// ErrClosed when the socket ended before its acknowledgement came, in whatever way and whether or not it got the event;
// ErrTooManyAcks when it was not asked because of Options.MaxPendingAcks; ErrInboxFull as for EmitWithAck. A socket that
// just does not answer is awaited until cancel.
//
// Both are called one at a time, in goroutines of actors and readers: they must not block. While a socket is awaited its
// session reads on past its usual bound, as for EmitWithAck.
//
// cancel must be called in the end. When it returns nothing is awaited anywhere, and no call of counted or answered begins;
// one that runs in another goroutine at that moment may still be about to return. It does not wait for it and so may be
// called in the functions themselves. It is idempotent and safe for concurrent use. What was not delivered yet is delivered
// nevertheless.
func Ask(env *Env, b *roomregistry.Broadcast, prepare func(ackID uint64) (*wire.Prepared, error),
	counted func(ids []string), answered func(id string, args wire.Args, err error),
) (cancel func(), err error) {
	id := env.nextAckID()
	m, err := prepare(id)
	if err == nil {
		m, err = env.Form(m)
	}
	if err != nil {
		return nil, err
	}
	a := &ask{env: env, id: id, counted: counted, answered: answered}
	b.Message, b.AckID, b.Roll = m, id, a
	env.Registry.Broadcast(b)
	return a.cancel, nil
}

// ask is the Roll of one Ask.
type ask struct {
	env      *Env
	id       uint64 // of the acknowledgements
	counted  func(ids []string)
	answered func(id string, args wire.Args, err error)

	mu       sync.Mutex // taken before that of a gate
	shards   int        // that have not counted
	asked    []*asked
	outcomes []outcome // not told yet
	telling  bool      // a goroutine tells
	over     bool      // cancelled
}

// asked is a socket whose acknowledgement is awaited. It is in the gate of its session until its fate is decided, by
// whoever takes it out there: so there is exactly one.
type asked struct {
	ask    *ask
	socket *Socket
	sent   bool // the actor has queued the event; guarded by the gate
}

// outcome is what is to be told: ids for counted, else the fate of a socket.
type outcome struct {
	ids    []string
	all    bool
	socket *Socket
	result ackResult
}

// Begin implements roomregistry.Roll.
func (a *ask) Begin(shards int) { a.shards = shards }

// Expect implements roomregistry.Roll: from now on the socket is awaited, and its end noticed.
func (a *ask) Expect(m *roomregistry.Member) {
	s, is := m.Handle.(*Socket)
	if !is {
		return
	}
	e := &asked{ask: a, socket: s}
	a.mu.Lock()
	if a.over {
		a.mu.Unlock()
		return
	}
	a.asked = append(a.asked, e)
	lives := s.session.gate.expect(e) // under mu: cancel finds it there, or comes first
	a.mu.Unlock()
	if !lives {
		e.settle(ackResult{err: ErrClosed})
	}
}

// Counted implements roomregistry.Roll.
func (a *ask) Counted() {
	a.mu.Lock()
	a.shards--
	if a.shards > 0 || a.over {
		a.mu.Unlock()
		return
	}
	ids := make([]string, len(a.asked))
	for i, e := range a.asked {
		ids[i] = e.socket.id
	}
	early := a.outcomes
	a.outcomes = append(make([]outcome, 0, 1+len(early)), outcome{all: true, ids: ids})
	a.outcomes = append(a.outcomes, early...)
	a.tell()
}

// settle says what became of a socket. Only who took it out of the gate calls it.
func (e *asked) settle(r ackResult) {
	a := e.ask
	a.mu.Lock()
	if a.over {
		a.mu.Unlock()
		return
	}
	a.outcomes = append(a.outcomes, outcome{socket: e.socket, result: r})
	a.tell()
}

// tell calls the functions with what there is, in order, unless another goroutine is at it. It is called with mu held and
// gives it up. Before all shards have counted it keeps what there is.
func (a *ask) tell() {
	defer a.mu.Unlock()
	if a.telling || a.shards > 0 {
		return
	}
	a.telling = true
	for len(a.outcomes) > 0 && !a.over {
		o := a.outcomes[0]
		a.outcomes[0] = outcome{}
		a.outcomes = a.outcomes[1:]
		a.call(o)
	}
	a.outcomes = nil
	a.telling = false
}

// call calls one function, without the lock. A panic of it must harm neither a connection nor a shard.
func (a *ask) call(o outcome) {
	a.mu.Unlock()
	defer a.mu.Lock()
	defer func() {
		if p := recover(); p != nil {
			a.env.System.Report("connection: Ask", p, debug.Stack())
		}
	}()
	if o.all {
		a.counted(o.ids)
		return
	}
	a.answered(o.socket.id, o.result.args, o.result.err)
}

// cancel forgets everything.
func (a *ask) cancel() {
	a.mu.Lock()
	all := a.asked
	a.over, a.asked, a.outcomes = true, nil, nil
	a.mu.Unlock()
	for _, e := range all {
		e.socket.session.gate.take(e.socket, a.id)
	}
}

// expected is called for a delivery whose acknowledgement is awaited. It reports false when the socket must not get it. An
// acknowledgement that comes before is made up.
func (c *connection) expected(d *roomregistry.Delivery) bool {
	s := c.find(d.Namespace)
	if c.pendingAcks(s) < c.env.Options.MaxPendingAcks {
		c.session.gate.sent(s.handle, d.AckID)
		return true
	}
	e := c.session.gate.take(s.handle, d.AckID)
	if e == nil {
		return true // nobody awaits it any more
	}
	e.settle(ackResult{err: c.tooManyAcks()})
	return false
}
