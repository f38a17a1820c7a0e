package jspeer

import (
	"context"
	"time"

	"github.com/actio-go/actio/tests/internal/jsclient"
)

// Socket is a socket as a server of Node.js describes it.
type Socket struct {
	ID        string         `json:"id"`
	Rooms     []string       `json:"rooms"`
	Handshake map[string]any `json:"handshake"`
	Data      map[string]any `json:"data"`
}

// answers is what came back to a request for acknowledgements.
type answers struct {
	Answers jsclient.Args
	Error   *string
}

// EmitWithAck sends an event and returns the first argument of each acknowledgement. The error says that some did not come in
// time; those that came are returned all the same.
func (p *Peer) EmitWithAck(ctx context.Context, t Target, timeout time.Duration, event string, args ...any) (jsclient.Args, error) {
	r := t.event("emitWithAck", event, args)
	r.TimeoutMS = timeout.Milliseconds()
	var got answers
	if err := p.process.Call(ctx, r, &got); err != nil {
		return nil, err
	}
	return got.result()
}

// FetchSockets returns the sockets of the cluster.
func (p *Peer) FetchSockets(ctx context.Context, t Target) ([]Socket, error) {
	var sockets []Socket
	err := p.process.Call(ctx, t.request("fetchSockets"), &sockets)
	return sockets, err
}

// ServerSideEmitWithAck sends an event to the other servers and returns what each has answered. The error says that some did
// not.
func (p *Peer) ServerSideEmitWithAck(ctx context.Context, namespace, event string, args ...any) (jsclient.Args, error) {
	var got answers
	err := p.process.Call(ctx, Target{Namespace: namespace}.event("serverSideEmitWithAck", event, args), &got)
	if err != nil {
		return nil, err
	}
	return got.result()
}

// Answer makes the server answer an event of other servers with the arguments, and report it as the event "server" with its
// name and arguments.
func (p *Peer) Answer(ctx context.Context, namespace, event string, args ...any) error {
	return p.process.Call(ctx, Target{Namespace: namespace}.event("answer", event, args), nil)
}

// NeverAnswer is like [Peer.Answer], but leaves who asks without an answer.
func (p *Peer) NeverAnswer(ctx context.Context, namespace, event string) error {
	r := Target{Namespace: namespace}.request("answer")
	r.Event = event
	return p.process.Call(ctx, r, nil)
}

// AllRooms returns the names of all rooms in the cluster. The sharded adapter has no such request.
func (p *Peer) AllRooms(ctx context.Context, namespace string) ([]string, error) {
	var rooms []string
	err := p.process.Call(ctx, Target{Namespace: namespace}.request("allRooms"), &rooms)
	return rooms, err
}

// Clients describes the server's own sockets, without their handshakes.
func (p *Peer) Clients(ctx context.Context, namespace string) ([]Socket, error) {
	var sockets []Socket
	err := p.process.Call(ctx, Target{Namespace: namespace}.request("clients"), &sockets)
	return sockets, err
}

// Join puts one of the server's own sockets into rooms.
func (p *Peer) Join(ctx context.Context, namespace, socket string, rooms ...string) error {
	return p.process.Call(ctx, request{Command: "join", Namespace: namespace, Socket: socket, Names: rooms}, nil)
}

// Leave takes one of the server's own sockets out of rooms.
func (p *Peer) Leave(ctx context.Context, namespace, socket string, rooms ...string) error {
	return p.process.Call(ctx, request{Command: "leave", Namespace: namespace, Socket: socket, Names: rooms}, nil)
}

// SetData sets the data of one of the server's own sockets, which must be a JSON object; []byte in it is binary.
func (p *Peer) SetData(ctx context.Context, namespace, socket string, data map[string]any) error {
	r := request{Command: "data", Namespace: namespace, Socket: socket, Data: jsclient.Tag([]any{data})[0]}
	return p.process.Call(ctx, r, nil)
}

// Send sends an event to one of the server's own sockets, past the adapter.
func (p *Peer) Send(ctx context.Context, namespace, socket, event string, args ...any) error {
	r := Target{Namespace: namespace}.event("send", event, args)
	r.Socket = socket
	return p.process.Call(ctx, r, nil)
}

// Subscribed waits until all subscriptions that the adapter has asked for so far are confirmed: of the sharded adapter's rooms,
// nothing else tells.
func (p *Peer) Subscribed(ctx context.Context) error {
	return p.process.Call(ctx, request{Command: "subscribed"}, nil)
}

// HelperSend sends by the helper of Ignis. destination is a string, or whatever its mistakes are tested with; nil is all.
func (p *Peer) HelperSend(ctx context.Context, destination any, topic string, data any) error {
	r := request{Command: "helperSend", Destination: destination, Topic: topic, Data: jsclient.Tag([]any{data})[0]}
	return p.process.Call(ctx, r, nil)
}

// States are the states of the clients of the helper of Ignis, by id.
func (p *Peer) States(ctx context.Context) (map[string]string, error) {
	var states map[string]string
	err := p.process.Call(ctx, request{Command: "states"}, &states)
	return states, err
}

// Shut ends the server in good order, with all its connections; the process lives on.
func (p *Peer) Shut(ctx context.Context) error {
	return p.process.Call(ctx, request{Command: "close"}, nil)
}
