package connection

import (
	"runtime/debug"
	"sync/atomic"

	"github.com/actio-go/actio/wire"
)

// lifeJob is the first or the last job of a socket.
type lifeJob struct {
	socket *Socket
	app    Handler
	ended  bool
	reason Reason
}

func (j *lifeJob) run() {
	defer func() {
		if r := recover(); r != nil {
			j.socket.panicked("connection callback", r)
		}
		j.socket.session.gate.leave(0)
	}()
	if j.ended {
		j.app.Disconnected(j.reason)
		return
	}
	j.app.Connected(j.socket.ctx)
}

// eventJob is one event for the application.
type eventJob struct {
	socket *Socket
	app    Handler
	name   string
	args   wire.Args
	size   int
	asked  bool // the client wants an acknowledgement
	id     uint64
	ackHad atomic.Bool
}

func (j *eventJob) fill(s *socket, m *received) {
	p := &m.event.Packet
	j.socket, j.app, j.name, j.args, j.size, j.asked, j.id = s.handle, s.app, m.name, m.args, m.size, p.HasID, p.ID
}

func (j *eventJob) run() {
	defer j.finish()
	e := Event{Name: j.name, Args: j.args}
	if j.asked {
		e.Reply = j.reply
	}
	j.app.Event(j.socket.ctx, e)
}

// reply acknowledges the event: the first call counts.
func (j *eventJob) reply(args ...any) error {
	if !j.ackHad.CompareAndSwap(false, true) {
		return ErrAcknowledged
	}
	m, err := wire.EncodeAck(j.socket.namespace, j.id, args...)
	if err != nil {
		j.ackHad.Store(false) // the handler may still answer with something else
		return err
	}
	return j.socket.Emit(m, FlagKeep)
}

func (j *eventJob) finish() {
	if r := recover(); r != nil {
		j.socket.panicked("event handler", r)
	}
	j.socket.session.gate.leave(j.size)
}

// panicked reports a panic of user code; it ends this connection at most.
func (s *Socket) panicked(where string, recovered any) {
	env := s.session.env
	env.panicked(where, recovered, debug.Stack())
	if !env.Options.SurvivePanics {
		s.session.Close(ReasonHandlerPanic)
	}
}
