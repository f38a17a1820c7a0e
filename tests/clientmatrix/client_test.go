package clientmatrix

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/jsprocess"
)

// patience bounds every wait of a test.
const patience = 20 * time.Second

// harness is a Node.js process with clients of one version.
type harness struct {
	*jsprocess.Driven

	mutex   sync.Mutex
	clients map[string]*client
}

// client is one client, and what it told of itself.
type client struct {
	harness *harness
	t       *testing.T
	name    string
	events  chan event
	changed chan event // "upgrade", which may come at any time between the others
}

// event is what a client received.
type event struct {
	name string
	args []any
}

func startHarness(t *testing.T, npm string) *harness {
	t.Helper()
	h := &harness{clients: make(map[string]*client)}
	h.Driven = jsprocess.Drive(t, h.told, "matrix.mjs", npm)
	return h
}

// told runs for each event of the process, one after another.
func (h *harness) told(line []byte) {
	var l struct {
		Event string
		Args  jsclient.Args
	}
	if json.Unmarshal(line, &l) != nil {
		return // jsprocess has reported it
	}
	values := l.Args.Values()
	name, _ := values[0].(string)
	h.mutex.Lock()
	c := h.clients[l.Event]
	h.mutex.Unlock()
	if name == "upgrade" {
		c.changed <- event{name, values[1:]}
	} else {
		c.events <- event{name, values[1:]}
	}
}

// open makes a client that tells of its events of some names, and does not wait for it. It ends with its test.
func (h *harness) open(t *testing.T, url string, options map[string]any, events ...string) *client {
	t.Helper()
	h.mutex.Lock()
	c := &client{
		harness: h, t: t, name: fmt.Sprint(t.Name(), len(h.clients)),
		events: make(chan event, 1000), changed: make(chan event, 1000),
	}
	h.clients[c.name] = c
	h.mutex.Unlock()
	c.call("open", map[string]any{"url": url, "opts": options, "events": events}, nil)
	t.Cleanup(func() { c.call("disconnect", nil, nil) })
	return c
}

func (c *client) call(command string, more map[string]any, result any) {
	c.t.Helper()
	request := map[string]any{"cmd": command, "client": c.name}
	maps.Copy(request, more)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	assert.NoError(c.t, c.harness.Call(ctx, request, result), command)
}

func (c *client) emit(event string, args ...any) {
	c.t.Helper()
	c.call("emit", map[string]any{"event": event, "args": args}, nil)
}

// ask emits an event and returns the arguments of its acknowledgement.
func (c *client) ask(event string, args ...any) []any {
	c.t.Helper()
	var answer jsclient.Args
	c.call("ask", map[string]any{"event": event, "args": args}, &answer)
	return answer.Values()
}

func (c *client) transport() string {
	c.t.Helper()
	var name string
	c.call("transport", nil, &name)
	return name
}

// hears returns the arguments of the next event, which must have that name.
func (c *client) hears(name string) []any {
	c.t.Helper()
	return c.next(c.events, name)
}

// upgrades waits until the client has changed its transport, and returns the new one.
func (c *client) upgrades() any {
	c.t.Helper()
	return c.next(c.changed, "upgrade")[0]
}

func (c *client) next(from <-chan event, name string) []any {
	c.t.Helper()
	select {
	case e := <-from:
		require.Equal(c.t, name, e.name, "%v", e.args)
		return e.args
	case <-time.After(patience):
		require.FailNow(c.t, "waited in vain", "for %q", name)
		return nil
	}
}

// connected waits until the client is connected and returns its id.
func (c *client) connected() string {
	c.t.Helper()
	id, ok := c.hears("connect")[0].(string)
	require.True(c.t, ok)
	return id
}
