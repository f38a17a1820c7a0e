package jsclient

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// Client is one socket of the official client: one namespace on one connection.
type Client struct {
	harness *Harness
	name    string

	mutex        sync.Mutex
	queues       map[string][]Args // events that nobody has waited for yet, by name
	events       []string          // names of all events
	news         chan struct{}     // closed and replaced with each event
	id           string
	reason       string
	disconnected chan struct{}
}

// receive runs in the goroutine that reads from the process.
func (c *Client) receive(event string, args Args) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.queues[event] = append(c.queues[event], args)
	c.events = append(c.events, event)
	close(c.news)
	c.news = make(chan struct{})
	switch event {
	case "connect":
		_ = args.Decode(0, &c.id) // always a string
	case "disconnect":
		if c.reason == "" {
			_ = args.Decode(0, &c.reason) // always a string
			close(c.disconnected)
		}
	}
}

// WaitEvent returns the arguments of the oldest event of that name that no WaitEvent has returned yet, and waits for
// one if there is none. The names of the official client count as well: "connect", "connect_error", "disconnect",
// "reconnect_attempt", "upgrade". The error names the event and says why the wait ended: ctx, or the end of Node.js.
func (c *Client) WaitEvent(ctx context.Context, name string) (Args, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		args, news, ok := c.take(name)
		if ok {
			return args, nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return nil, fmt.Errorf("jsclient: wait for %q: %w", name, context.Cause(ctx))
		case <-c.harness.process.Ended():
			return nil, c.harness.process.Err()
		}
	}
}

// take removes the oldest event of that name, or returns the channel that the next event closes.
func (c *Client) take(name string) (Args, <-chan struct{}, bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	queue := c.queues[name]
	if len(queue) == 0 {
		return nil, c.news, false
	}
	c.queues[name] = queue[1:]
	return queue[0], nil, true
}

// Received returns how many events of that name have arrived that no WaitEvent has returned: after an event that was
// sent later has arrived, zero proves that none was delivered.
func (c *Client) Received(name string) int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return len(c.queues[name])
}

// Events returns the names of all events so far, in the order of their arrival: those of the server, and those of the
// official client as in [Client.WaitEvent].
func (c *Client) Events() []string {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return slices.Clone(c.events)
}

// ID returns the id of the latest connection, empty before the first.
func (c *Client) ID() string {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.id
}

// Disconnected returns a channel that is closed when the client is disconnected for the first time. A client that
// reconnects tells of further times by its events "disconnect" and "connect".
func (c *Client) Disconnected() <-chan struct{} {
	return c.disconnected
}

// DisconnectReason returns the official client's reason of the first disconnection, empty before.
func (c *Client) DisconnectReason() string {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.reason
}

// Emit sends an event. A client that is not connected keeps it until it is, as the official client does. The test
// fails, and goes on, when an argument cannot be encoded or Node.js has ended.
func (c *Client) Emit(event string, args ...any) {
	c.harness.tb.Helper()
	c.do(request{Command: "emit", Event: event, Args: tagAll(args)})
}

// EmitVolatile sends an event that the client drops when it is not connected; otherwise it is like [Client.Emit].
func (c *Client) EmitVolatile(event string, args ...any) {
	c.harness.tb.Helper()
	c.do(request{Command: "emit", Event: event, Args: tagAll(args), Volatile: true})
}

// EmitMany sends an event n times in one go, each time with its number, from 0 on, as a further argument.
func (c *Client) EmitMany(n int, event string, args ...any) {
	c.harness.tb.Helper()
	c.do(request{Command: "emit", Event: event, Args: tagAll(args), N: n})
}

// EmitWithAck sends an event and returns the arguments of the ack. It fails when none came before ctx ended, or in
// 10 s.
func (c *Client) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	var answers []Args
	err := c.harness.call(ctx, request{
		Command: "emitWithAck", Clients: []string{c.name}, Event: event, Args: tagAll(args), TimeoutMS: timeoutMS(ctx),
	}, &answers)
	if err != nil {
		return nil, err
	}
	return answers[0], nil
}

// Of opens another namespace on the connection of this client and waits until it is connected, like [Harness.Dial].
func (c *Client) Of(ctx context.Context, namespace string, auth any) (*Client, error) {
	opened := c.harness.newClient()
	return opened, c.harness.call(ctx, request{
		Command: "of", Client: opened.name, From: c.name, Namespace: namespace, Auth: auth,
	}, nil)
}

// Transport returns the name of the transport that carries the connection now.
func (c *Client) Transport() string {
	c.harness.tb.Helper()
	return c.info().Transport
}

// Active tells whether the client is connected or will connect again by itself.
func (c *Client) Active() bool {
	c.harness.tb.Helper()
	return c.info().Active
}

type info struct {
	Transport string
	Active    bool
}

func (c *Client) info() info {
	c.harness.tb.Helper()
	infos := make([]info, 1)
	err := c.harness.call(c.harness.tb.Context(), request{Command: "info", Clients: []string{c.name}}, &infos)
	if err != nil {
		c.harness.tb.Errorf("jsclient: info: %v", err)
	}
	return infos[0]
}

// Disconnect disconnects for good and returns when it is done.
func (c *Client) Disconnect() {
	c.harness.tb.Helper()
	c.do(request{Command: "disconnect"})
}

// Drop cuts a websocket without a close frame, as a lost network does, and closes a polling connection. The client
// reconnects by itself if its options say so, otherwise after [Client.Reopen].
func (c *Client) Drop() {
	c.harness.tb.Helper()
	c.do(request{Command: "drop"})
}

// Close closes the connection in good order, as a page does that is left: the server gets no DISCONNECT of a namespace.
func (c *Client) Close() {
	c.harness.tb.Helper()
	c.do(request{Command: "close"})
}

// Silence makes the client answer no heartbeat of this connection any more.
func (c *Client) Silence() {
	c.harness.tb.Helper()
	c.do(request{Command: "silence"})
}

// Reopen connects a client again that the server or [Client.Drop] disconnected, and returns at once: wait for
// "connect".
func (c *Client) Reopen() {
	c.harness.tb.Helper()
	c.do(request{Command: "reopen"})
}

// do runs a command whose only failures are mistakes of the test.
func (c *Client) do(r request) {
	c.harness.tb.Helper()
	r.Clients = []string{c.name}
	if err := c.harness.call(c.harness.tb.Context(), r, nil); err != nil {
		c.harness.tb.Errorf("jsclient: %s %s: %v", r.Command, r.Event, err)
	}
}
