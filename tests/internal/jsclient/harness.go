package jsclient

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/actio-go/actio/tests/internal/jsprocess"
)

// patience bounds every call whose context has no deadline.
const patience = jsprocess.Patience

// Harness is a Node.js process that holds official clients. It ends with the test that started it.
type Harness struct {
	tb      testing.TB
	process *jsprocess.Driven

	mutex   sync.Mutex
	groups  int
	clients map[string]*Client
}

// event is a line from the harness that answers no request.
type event struct {
	Client string `json:"client"`
	Event  string `json:"event"`
	Args   Args   `json:"args"`
}

// request is a line to the harness; tests/js/harness.mjs says which command needs what.
type request struct {
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
	Answer    []any          `json:"answer,omitempty"`
	Event     string         `json:"event,omitempty"`
	Args      []any          `json:"args,omitempty"`
	Volatile  bool           `json:"volatile,omitempty"`
	N         int            `json:"n,omitempty"`
	TimeoutMS int64          `json:"timeout,omitempty"`
}

// Start starts a harness. The test fails at once when Node.js or the npm packages of tests/js are missing.
func Start(tb testing.TB) *Harness {
	tb.Helper()
	h := &Harness{tb: tb, clients: make(map[string]*Client)}
	h.process = jsprocess.Drive(tb, h.receive, "harness.mjs")
	return h
}

// receive runs for each event of the process, one after another.
func (h *Harness) receive(line []byte) {
	var e event
	if err := json.Unmarshal(line, &e); err != nil {
		h.tb.Errorf("jsclient: the harness wrote %q: %v", line, err)
		return
	}
	h.mutex.Lock()
	client := h.clients[e.Client]
	h.mutex.Unlock()
	if client != nil {
		client.receive(e.Event, e.Args)
	}
}

// call sends a request and waits for its answer, which it decodes into result unless that is nil.
func (h *Harness) call(ctx context.Context, r request, result any) error {
	if r.TimeoutMS > 0 {
		var cancel context.CancelFunc
		ctx, cancel = outlasting(ctx)
		defer cancel()
	}
	return h.process.Call(ctx, r, result)
}

// outlasting is ctx without its deadline, which the harness has been told: its answer says more than ours would.
func outlasting(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		if errors.Is(ctx.Err(), context.Canceled) {
			cancel()
		}
	})
	return longer, func() { stop(); cancel() }
}

// timeoutMS is what is left of ctx, in the unit of the harness; a little less, for the test's own patience has the same bound.
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
