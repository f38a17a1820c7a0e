package jspeer

import (
	"context"
	"time"

	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/jsprocess"
)

// Target says whom a command is for, and how. The zero value is everybody in the default namespace.
type Target struct {
	Namespace string
	Rooms     []string
	Except    []string
	Local     bool
	Volatile  bool
}

// request is a line to a script; tests/js/fixtures/commands.mjs says which command needs what.
type request struct {
	Command   string   `json:"cmd"`
	Namespace string   `json:"namespace,omitempty"`
	Rooms     []string `json:"rooms,omitempty"`
	Except    []string `json:"except,omitempty"`
	Local     bool     `json:"local,omitempty"`
	Volatile  bool     `json:"volatile,omitempty"`
	TimeoutMS int64    `json:"timeout,omitempty"`

	Event  string   `json:"event,omitempty"`
	Args   *[]any   `json:"args,omitempty"`
	Names  []string `json:"names,omitempty"`
	Close  bool     `json:"close,omitempty"`
	Socket string   `json:"socket,omitempty"`

	Destination any    `json:"destination,omitempty"`
	Topic       string `json:"topic,omitempty"`
	Data        any    `json:"data,omitempty"`
}

func (t Target) request(command string) request {
	return request{
		Command: command, Namespace: t.Namespace, Rooms: t.Rooms, Except: t.Except, Local: t.Local, Volatile: t.Volatile,
	}
}

func (t Target) event(command, event string, args []any) request {
	r := t.request(command)
	args = jsclient.Tag(append([]any{}, args...))
	r.Event, r.Args = event, &args
	return r
}

// Date is a time that becomes a Date in Node.js.
type Date time.Time

// MarshalJSON writes the form that the scripts turn into a Date.
func (d Date) MarshalJSON() ([]byte, error) {
	return []byte(`{"$date":"` + time.Time(d).UTC().Format("2006-01-02T15:04:05.000Z") + `"}`), nil
}

// Speaker is a process that talks to the sockets of a cluster. What a method has published has been processed by Redis when
// it returns. Errors are those of Node.js, of ctx, and jsprocess.ErrEnded.
type Speaker struct {
	process *jsprocess.Driven
}

// Process is the process of Node.js.
func (s *Speaker) Process() *jsprocess.Driven { return s.process }

// Emit sends an event.
func (s *Speaker) Emit(ctx context.Context, t Target, event string, args ...any) error {
	return s.process.Call(ctx, t.event("emit", event, args), nil)
}

// SocketsJoin makes sockets join rooms.
func (s *Speaker) SocketsJoin(ctx context.Context, t Target, rooms ...string) error {
	r := t.request("socketsJoin")
	r.Names = rooms
	return s.process.Call(ctx, r, nil)
}

// SocketsLeave makes sockets leave rooms.
func (s *Speaker) SocketsLeave(ctx context.Context, t Target, rooms ...string) error {
	r := t.request("socketsLeave")
	r.Names = rooms
	return s.process.Call(ctx, r, nil)
}

// DisconnectSockets ends sockets; whole ends their connections.
func (s *Speaker) DisconnectSockets(ctx context.Context, t Target, whole bool) error {
	r := t.request("disconnectSockets")
	r.Close = whole
	return s.process.Call(ctx, r, nil)
}

// ServerSideEmit sends an event to the other servers.
func (s *Speaker) ServerSideEmit(ctx context.Context, namespace, event string, args ...any) error {
	return s.process.Call(ctx, Target{Namespace: namespace}.event("serverSideEmit", event, args), nil)
}
