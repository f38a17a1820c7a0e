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
	size   int  // what the message weighs at the gate
	asked  bool // the client wants an acknowledgement
	ackHad atomic.Bool
	id     uint64
	answer emit // the acknowledgement
}

// bind completes a job, of which the reader knows name, arguments and size.
func (m *received) bind(s *socket) {
	m.socket, m.app, m.asked, m.id = s.handle, s.app, m.head.HasID, m.head.ID
}

func (j *eventJob) run() {
	defer j.finish()
	e := Event{Name: j.name, Args: j.args}
	if j.asked {
		e.Replier = j
	}
	j.app.Event(j.socket.ctx, e)
}

// Reply acknowledges the event: the first call counts.
func (j *eventJob) Reply(args ...any) error {
	if !j.ackHad.CompareAndSwap(false, true) {
		return ErrAcknowledged
	}
	m, err := wire.EncodeAck(j.socket.namespace, j.id, args...)
	if err == nil {
		m, err = j.socket.session.env.Form(m)
	}
	if err != nil {
		j.ackHad.Store(false) // the handler may still answer with something else
		return err
	}
	if j.socket.Closed() {
		return ErrClosed
	}
	j.answer = emit{socket: j.socket, message: m, flags: FlagKeep}
	j.socket.direct(&j.answer)
	return nil
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
