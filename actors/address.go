package actors

import "github.com/asynkron/protoactor-go/actor"

// Address is where an actor gets its messages, looked up once: a PID is looked up with every message, and leads to the actor by
// two more objects, each of which is one more wait for memory where many thousand actors are sent to in turn.
type Address struct {
	pid     *actor.PID
	process actor.Process
}

// Address looks up where the actor of a PID gets its messages. If there is none, they become dead letters.
func (s *System) Address(pid *actor.PID) Address {
	process, _ := s.actors.ProcessRegistry.Get(pid)
	return Address{pid, process}
}

// PID names the actor.
func (a Address) PID() *actor.PID { return a.pid }

// Process is the actor, for who keeps many addresses and needs no PID. It gets user messages only.
func (a Address) Process() actor.Process { return a.process }

// Send posts m like System.Send, except that what is sent to a stopped actor is dropped without becoming a dead letter. The zero
// Address drops everything.
func (a Address) Send(m any) {
	if a.process != nil {
		a.process.SendUserMessage(a.pid, m)
	}
}
