package jsclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"
)

// patience bounds every call whose context has no deadline.
const patience = 10 * time.Second

// Harness is a Node.js process that holds official clients. It ends with the test that started it.
type Harness struct {
	tb      testing.TB
	process *process

	mutex   sync.Mutex
	lastID  uint64
	pending map[uint64]chan<- message
	clients map[string]*Client
}

// message is a line from the harness: an answer when it has an id, otherwise an event.
type message struct {
	ID     uint64          `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  string          `json:"error"`
	Client string          `json:"client"`
	Event  string          `json:"event"`
	Args   Args            `json:"args"`
}

// request is a line to the harness; tests/js/harness.mjs says which command needs what.
type request struct {
	ID        uint64         `json:"id"`
	Command   string         `json:"cmd"`
	Client    string         `json:"client,omitempty"`
	Clients   []string       `json:"clients,omitempty"`
	From      string         `json:"from,omitempty"`
	Namespace string         `json:"namespace,omitempty"`
	URL       string         `json:"url,omitempty"`
	Options   map[string]any `json:"opts,omitempty"`
	Auth      any            `json:"auth,omitempty"`
	Quiet     bool           `json:"quiet,omitempty"`
	Mute      bool           `json:"mute,omitempty"`
	Greet     string         `json:"greet,omitempty"`
	Event     string         `json:"event,omitempty"`
	Args      []any          `json:"args,omitempty"`
	Volatile  bool           `json:"volatile,omitempty"`
	N         int            `json:"n,omitempty"`
	TimeoutMS int64          `json:"timeout,omitempty"`
}

// Start starts a harness. The test fails at once when Node.js or the npm packages of tests/js are missing.
func Start(tb testing.TB) *Harness {
	tb.Helper()
	h := &Harness{
		tb:      tb,
		pending: make(map[uint64]chan<- message),
		clients: make(map[string]*Client),
	}
	h.process = start(tb, h.receive, "harness.mjs")
	return h
}

// receive runs for each line of the process, one after another.
func (h *Harness) receive(line []byte) {
	var m message
	if err := json.Unmarshal(line, &m); err != nil {
		h.tb.Errorf("jsclient: the harness wrote %q: %v", line, err)
		return
	}
	h.mutex.Lock()
	answer := h.pending[m.ID]
	delete(h.pending, m.ID)
	client := h.clients[m.Client]
	h.mutex.Unlock()

	switch {
	case answer != nil:
		answer <- m
	case client != nil:
		client.receive(m.Event, m.Args)
	}
}

// call sends a request and waits for its answer, which it decodes into result unless that is nil.
func (h *Harness) call(ctx context.Context, r request, result any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answer := make(chan message, 1)
	h.mutex.Lock()
	h.lastID++
	r.ID = h.lastID
	h.pending[r.ID] = answer
	h.mutex.Unlock()
	defer h.forget(r.ID)

	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("jsclient: %s: %w", r.Command, err)
	}
	if err := h.process.send(line); err != nil {
		return err
	}
	select {
	case m := <-answer:
		return m.decode(result)
	case <-ctx.Done():
		return fmt.Errorf("jsclient: %s %s: %w", r.Command, r.Event, context.Cause(ctx))
	case <-h.process.ended:
		return h.process.err
	}
}

func (h *Harness) forget(id uint64) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	delete(h.pending, id)
}

func (m message) decode(result any) error {
	if m.Error != "" {
		return errors.New(m.Error)
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(m.Result, result); err != nil {
		return fmt.Errorf("jsclient: answer: %w", err)
	}
	return nil
}

// timeoutMS is what is left of ctx, in the unit of the harness; a little less, so that its answer, which says more than
// ours, comes first.
func timeoutMS(ctx context.Context) int64 {
	left := patience
	if deadline, ok := ctx.Deadline(); ok {
		left = min(left, time.Until(deadline))
	}
	return max(1, left.Milliseconds()*9/10)
}

// newClient registers a client under a name of its own, so that its events find it from the first on.
func (h *Harness) newClient() *Client {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	c := &Client{
		harness:      h,
		name:         "client-" + strconv.Itoa(len(h.clients)+1),
		queues:       make(map[string][]Args),
		news:         make(chan struct{}),
		disconnected: make(chan struct{}),
	}
	h.clients[c.name] = c
	return c
}

// Connect makes a client and waits until it is connected to the namespace that the path of url names. The test fails
// at once when it is refused. Use [Harness.Dial] to look at the refusal.
func (h *Harness) Connect(url string, options Options) *Client {
	h.tb.Helper()
	c, err := h.Dial(h.tb.Context(), url, options)
	if err != nil {
		h.tb.Fatalf("jsclient: connect to %s: %v", url, err)
	}
	return c
}

// Dial makes a client and waits until it is connected to the namespace that the path of url names. The error is the
// message of the client's first connect_error; the client is valid all the same and holds that event with its data.
func (h *Harness) Dial(ctx context.Context, url string, options Options) (*Client, error) {
	c := h.newClient()
	r := options.request("connect", url)
	r.Client = c.name
	return c, h.call(ctx, r, nil)
}

// Open makes a client and does not wait for anything: its events tell what becomes of it.
func (h *Harness) Open(url string, options Options) *Client {
	h.tb.Helper()
	c := h.newClient()
	r := options.request("open", url)
	r.Client = c.name
	if err := h.call(h.tb.Context(), r, nil); err != nil {
		h.tb.Fatalf("jsclient: open %s: %v", url, err)
	}
	return c
}
