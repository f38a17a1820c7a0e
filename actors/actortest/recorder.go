package actortest

import (
	"strconv"

	"github.com/asynkron/protoactor-go/actor"
)

// Recorder is an actor.Context that records what an actor does, so that its Receive can be driven without a system:
// deliver a message, look at the fields. Methods of actor.Context that are not overridden here panic, as would using
// anything the recorder does not know. Not safe for concurrent use; a zero Recorder is not ready, use NewRecorder.
type Recorder struct {
	actor.Context

	Sent      []Sent       // by Send, Request, RequestWithCustomSender and Forward
	Responses []any        // by Respond
	Spawned   []Spawned    // by Spawn, SpawnPrefix and SpawnNamed
	Stopped   []*actor.PID // by Stop
	Poisoned  []*actor.PID // by Poison
	Watched   []*actor.PID // by Watch
	Unwatched []*actor.PID // by Unwatch

	self, parent, sender *actor.PID
	actor                actor.Actor
	message              any
	spawns               int
}

// Sent is a message an actor sent. From is nil unless it asked for a response.
type Sent struct {
	To      *actor.PID
	Message any
	From    *actor.PID
}

// Spawned is a child an actor asked for. It does not exist; its PID is only an address.
type Spawned struct {
	Props *actor.Props
	Name  string
	PID   *actor.PID
}

// NewRecorder makes a recorder whose Self is "self" and whose Parent is "parent".
func NewRecorder() *Recorder {
	return &Recorder{self: NewPID("self"), parent: NewPID("parent")}
}

// NewPID makes an address that no actor has.
func NewPID(id string) *actor.PID { return actor.NewPID("test", id) }

// Deliver lets the actor receive the messages, one after the other, without a sender.
func (r *Recorder) Deliver(a actor.Actor, messages ...any) {
	for _, m := range messages {
		r.DeliverFrom(a, nil, m)
	}
}

// DeliverFrom lets the actor receive one message with a sender. A panic of the actor reaches the caller.
func (r *Recorder) DeliverFrom(a actor.Actor, sender *actor.PID, m any) {
	r.actor, r.sender, r.message = a, sender, m
	a.Receive(r)
}

// Clear forgets what was recorded.
func (r *Recorder) Clear() {
	*r = Recorder{self: r.self, parent: r.parent, spawns: r.spawns}
}

// SentTo returns the messages sent to pid, in order.
func (r *Recorder) SentTo(pid *actor.PID) []any {
	var messages []any
	for _, s := range r.Sent {
		if s.To.Equal(pid) {
			messages = append(messages, s.Message)
		}
	}
	return messages
}

// Self returns the address of the actor under test.
func (r *Recorder) Self() *actor.PID { return r.self }

// Parent returns the address of its parent.
func (r *Recorder) Parent() *actor.PID { return r.parent }

// Actor returns the actor a message was delivered to last.
func (r *Recorder) Actor() actor.Actor { return r.actor }

// Sender returns the sender of the message.
func (r *Recorder) Sender() *actor.PID { return r.sender }

// Message returns the message.
func (r *Recorder) Message() any { return r.message }

// Send records.
func (r *Recorder) Send(pid *actor.PID, m any) { r.Sent = append(r.Sent, Sent{To: pid, Message: m}) }

// Request records.
func (r *Recorder) Request(pid *actor.PID, m any) { r.RequestWithCustomSender(pid, m, r.self) }

// RequestWithCustomSender records.
func (r *Recorder) RequestWithCustomSender(pid *actor.PID, m any, sender *actor.PID) {
	r.Sent = append(r.Sent, Sent{To: pid, Message: m, From: sender})
}

// Forward records.
func (r *Recorder) Forward(pid *actor.PID) { r.RequestWithCustomSender(pid, r.message, r.sender) }

// Respond records.
func (r *Recorder) Respond(m any) { r.Responses = append(r.Responses, m) }

// Stop records.
func (r *Recorder) Stop(pid *actor.PID) { r.Stopped = append(r.Stopped, pid) }

// Poison records.
func (r *Recorder) Poison(pid *actor.PID) { r.Poisoned = append(r.Poisoned, pid) }

// Watch records.
func (r *Recorder) Watch(pid *actor.PID) { r.Watched = append(r.Watched, pid) }

// Unwatch records.
func (r *Recorder) Unwatch(pid *actor.PID) { r.Unwatched = append(r.Unwatched, pid) }

// Spawn records and returns the address of a child that does not exist.
func (r *Recorder) Spawn(props *actor.Props) *actor.PID { return r.SpawnPrefix(props, "") }

// SpawnPrefix records and returns the address of a child that does not exist.
func (r *Recorder) SpawnPrefix(props *actor.Props, prefix string) *actor.PID {
	r.spawns++
	pid, _ := r.SpawnNamed(props, prefix+"$"+strconv.Itoa(r.spawns))
	return pid
}

// SpawnNamed records and returns the address of a child that does not exist; ErrNameExists for a name used before.
func (r *Recorder) SpawnNamed(props *actor.Props, name string) (*actor.PID, error) {
	for _, s := range r.Spawned {
		if s.Name == name {
			return s.PID, actor.ErrNameExists
		}
	}
	pid := NewPID(r.self.Id + "/" + name)
	r.Spawned = append(r.Spawned, Spawned{Props: props, Name: name, PID: pid})
	return pid, nil
}
