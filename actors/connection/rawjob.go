package connection

import "runtime/debug"

type rawKind uint8

const (
	rawOpened rawKind = iota
	rawMessage
	rawClosed
)

// rawJob is one step of a bare engine's session for the application.
type rawJob struct {
	session *Session
	handler RawHandler
	kind    rawKind
	binary  bool
	data    []byte
	size    int
	reason  Reason
}

func (j *rawJob) run() {
	defer j.finish()
	switch j.kind {
	case rawOpened:
		j.handler.Opened()
	case rawMessage:
		j.handler.Message(j.binary, j.data)
	case rawClosed:
		j.handler.Closed(j.reason)
	}
}

func (j *rawJob) finish() {
	if r := recover(); r != nil {
		j.session.env.panicked("engine handler", r, debug.Stack())
		if !j.session.env.Options.SurvivePanics {
			j.session.Close(ReasonHandlerPanic)
		}
	}
	if j.kind == rawMessage {
		j.session.gate.leave(j.size)
	}
}

// panicked counts and reports a panic of user code.
func (e *Env) panicked(where string, recovered any, stack []byte) {
	e.Counters.HandlerPanics.Add(1)
	e.System.Report(where, recovered, stack)
}
