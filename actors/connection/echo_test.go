package connection

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// echoing is an application that acknowledges each event with the same text.
type echoing struct{ answer []any }

func (e *echoing) Entrance(string) *Entrance { return new(Entrance) }
func (e *echoing) NewSocket(*Socket) Handler { return e }
func (e *echoing) Connected(context.Context) {}
func (e *echoing) Disconnected(Reason)       {}
func (e *echoing) Event(_ context.Context, event Event) {
	_ = event.Replier.Reply(e.answer...)
}

// echo has the session receive one event and waits until its handler, which acknowledges it, has returned.
func echo(s *Session, event []byte) {
	s.Message(s.speaker.Load(), false, bytes.Clone(event))
	for changed := s.gate.quiet(); changed != nil; changed = s.gate.quiet() {
		<-changed
	}
}

func TestEvent_Acknowledged_AllocatesLittle(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector empties pools at random")
	}
	_, s, _ := memberOf(t, &echoing{answer: []any{"some text"}})
	event := []byte(`421["echo","some text"]`)
	allocations := testing.AllocsPerRun(1000, func() { echo(s, event) })
	// The bytes, the message, which is the job as well, the places of the arguments, the name, the packet and its bytes; the
	// channel is this test's own.
	require.LessOrEqual(t, allocations, 7.5)
}

// A pong is for the reader alone, with the little stack that it has.
func TestPong_OfAnOpenSession_AllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector empties pools at random")
	}
	_, s, _ := memberOf(t, &echoing{})
	pong := []byte("3")
	require.Zero(t, testing.AllocsPerRun(1000, func() { s.Message(s.speaker.Load(), false, pong) }))
}

// BenchmarkEcho is what an event with an acknowledgement costs from the reader to the system call that writes the reply, a
// worker included.
func BenchmarkEcho(b *testing.B) {
	_, s, _ := memberOf(b, &echoing{answer: []any{"some text"}})
	event := []byte(`421["echo","some text"]`)
	b.ReportAllocs()
	for b.Loop() {
		echo(s, event)
	}
}
