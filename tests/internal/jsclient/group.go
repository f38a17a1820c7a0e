package jsclient

import (
	"context"
	"strconv"
)

// Group is many clients that act together. What they receive stays in Node.js until it is asked for, so that a load
// does not drown the pipe; one command serves them all.
type Group struct {
	harness *Harness
	names   []string
	ids     []string
}

// ConnectMany connects n clients with the same options, 50 handshakes at a time. The error is the first refusal.
func (h *Harness) ConnectMany(ctx context.Context, n int, url string, options Options) (*Group, error) {
	r := options.request("connectMany", url)
	r.Quiet = true
	r.Clients = h.reserve(n)
	var infos []struct{ ID string }
	if err := h.call(ctx, r, &infos); err != nil {
		return nil, err
	}
	g := &Group{harness: h, names: r.Clients, ids: make([]string, n)}
	for i, info := range infos {
		g.ids[i] = info.ID
	}
	return g, nil
}

// reserve returns n names that no client has.
func (h *Harness) reserve(n int) []string {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.groups++
	names := make([]string, n)
	for i := range names {
		names[i] = "group-" + strconv.Itoa(h.groups) + "-" + strconv.Itoa(i)
	}
	return names
}

// IDs returns the socket ids in the order of the clients.
func (g *Group) IDs() []string {
	return g.ids
}

// Emit sends the same event from every client.
func (g *Group) Emit(ctx context.Context, event string, args ...any) error {
	return g.harness.call(ctx, request{Command: "emit", Clients: g.names, Event: event, Args: tagAll(args)}, nil)
}

// EmitWithAck sends the same event from every client and returns their acks in the order of the clients. It fails when
// one of them did not come before ctx ended, or in 10 s.
func (g *Group) EmitWithAck(ctx context.Context, event string, args ...any) ([]Args, error) {
	var answers []Args
	err := g.harness.call(ctx, request{
		Command: "emitWithAck", Clients: g.names, Event: event, Args: tagAll(args), TimeoutMS: timeoutMS(ctx),
	}, &answers)
	return answers, err
}

// Wait returns when every client has received the event n times since it was made. The error says which client is
// short of how many.
func (g *Group) Wait(ctx context.Context, event string, n int) error {
	return g.harness.call(ctx, request{
		Command: "wait", Clients: g.names, Event: event, N: n, TimeoutMS: timeoutMS(ctx),
	}, nil)
}

// Count returns how often each client has received the event, in the order of the clients.
func (g *Group) Count(ctx context.Context, event string) ([]int, error) {
	var counts []int
	err := g.harness.call(ctx, request{Command: "count", Clients: g.names, Event: event}, &counts)
	return counts, err
}

// Received returns, for each client, the arguments of each event of that name, in the order of their arrival.
func (g *Group) Received(ctx context.Context, event string) ([][]Args, error) {
	var received [][]Args
	err := g.harness.call(ctx, request{Command: "received", Clients: g.names, Event: event}, &received)
	return received, err
}

// Events returns, for each client, the names of all events so far, in the order of their arrival.
func (g *Group) Events(ctx context.Context) ([][]string, error) {
	var events [][]string
	err := g.harness.call(ctx, request{Command: "events", Clients: g.names}, &events)
	return events, err
}

// Drop cuts the connections of all clients, see [Client.Drop].
func (g *Group) Drop(ctx context.Context) error {
	return g.harness.call(ctx, request{Command: "drop", Clients: g.names}, nil)
}

// Disconnect disconnects all clients for good and returns when it is done. The group is of no further use.
func (g *Group) Disconnect(ctx context.Context) error {
	return g.harness.call(ctx, request{Command: "disconnect", Clients: g.names}, nil)
}
