package jspeer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/jsprocess"
)

// Redis says where Redis is: the addresses of nodes of a cluster, or of one server.
type Redis struct {
	Nodes   []string `json:"nodes"`
	Cluster bool     `json:"cluster,omitempty"`
}

// The adapters, and the subscription modes of the sharded one.
const (
	Classic = "classic"
	Sharded = "sharded"
	Streams = "streams"

	Dynamic        = "dynamic"
	Static         = "static"
	DynamicPrivate = "dynamic-private"
)

// Options of a server.
type Options struct {
	Redis   Redis
	Adapter string // Classic unless given
	// Specific is publishOnSpecificResponseChannel of the classic adapter.
	Specific bool
	// Mode is subscriptionMode of the sharded adapter.
	Mode   string
	Prefix string
	// Stream is streamName of the streams adapter, StreamCount streamCount and ShardedChannels useShardedPubSub.
	Stream          string
	StreamCount     int
	ShardedChannels bool
	// Recovery is maxDisconnectionDuration of connectionStateRecovery; 0: there is none.
	Recovery time.Duration
	// Timeout is requestsTimeout of the classic adapter; 0 is its default, 5 s.
	Timeout time.Duration
	// Namespaces that exist from the start, "/" unless given.
	Namespaces []string
}

// Peer is a Socket.IO server of Node.js. All methods are safe for concurrent use.
type Peer struct {
	Speaker

	port int
	path string
	uids map[string]string

	mutex  sync.Mutex
	queues map[string][]jsclient.Args // events that nobody has waited for yet, by name
	news   chan struct{}              // closed and replaced with each event
	ready  chan struct{}              // closed when the server listens
}

// Start starts a server. Its subscriptions are confirmed when it returns. The test fails at once when that fails.
func Start(tb testing.TB, o Options) *Peer {
	tb.Helper()
	return start(tb, "cluster-peer.mjs", "/socket.io/", map[string]any{
		"redis": o.Redis, "adapter": o.Adapter, "specific": o.Specific, "mode": o.Mode, "prefix": o.Prefix,
		"timeout": positive(o.Timeout.Milliseconds()), "namespaces": o.Namespaces, "stream": o.Stream,
		"streams": positive(int64(o.StreamCount)), "sharded": o.ShardedChannels, "recovery": positive(o.Recovery.Milliseconds()),
	})
}

// StartIgnis starts a server with the original helper of Ignis, which authenticates the token "good".
func StartIgnis(tb testing.TB, redis Redis) *Peer {
	tb.Helper()
	return start(tb, "ignis-peer.mjs", "/io", map[string]any{"redis": redis, "logs": tb.TempDir()})
}

// StartEmitter starts a program that has no server, with the original emitter.
func StartEmitter(tb testing.TB, redis Redis, prefix string) *Speaker {
	tb.Helper()
	return &start(tb, "emitter.mjs", "", map[string]any{"redis": redis, "prefix": prefix}).Speaker
}

// positive is nil, which scripts take for absent, unless n is positive.
func positive(n int64) any {
	if n > 0 {
		return n
	}
	return nil
}

func start(tb testing.TB, script, path string, options map[string]any) *Peer {
	tb.Helper()
	for name, value := range options {
		if list, ok := value.([]string); value == nil || value == "" || ok && list == nil {
			delete(options, name)
		}
	}
	text, err := json.Marshal(options)
	if err != nil {
		tb.Fatalf("jspeer: %v", err)
	}
	p := &Peer{
		path: path, queues: make(map[string][]jsclient.Args), news: make(chan struct{}), ready: make(chan struct{}),
	}
	p.process = jsprocess.Drive(tb, func(line []byte) { p.receive(tb, line) }, "fixtures/"+script, string(text))
	timer := time.NewTimer(jsprocess.Startup)
	defer timer.Stop()
	select {
	case <-p.ready:
	case <-p.process.Ended():
		tb.Fatalf("jspeer: %s: %v", script, p.process.Err())
	case <-timer.C:
		tb.Fatalf("jspeer: %s did not say that it is ready", script)
	}
	return p
}

// receive runs for each event of the process, one after another.
func (p *Peer) receive(tb testing.TB, line []byte) {
	tb.Helper()
	var m struct {
		Listening int
		Ready     bool
		UIDs      map[string]string
		Event     string
		Args      jsclient.Args
	}
	if err := json.Unmarshal(line, &m); err != nil {
		tb.Errorf("jspeer: a script wrote %q: %v", line, err)
		return
	}
	if m.Ready || m.Listening != 0 {
		p.port, p.uids = m.Listening, m.UIDs
		close(p.ready)
		return
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.queues[m.Event] = append(p.queues[m.Event], m.Args)
	close(p.news)
	p.news = make(chan struct{})
}

// URL is where clients connect; see also [Peer.Path].
func (p *Peer) URL() string { return fmt.Sprintf("http://127.0.0.1:%d", p.port) }

// Path is the path of the server.
func (p *Peer) Path() string { return p.path }

// UID is how the adapter of a namespace calls itself; the helper of Ignis does not say.
func (p *Peer) UID(namespace string) string { return p.uids[namespace] }

// WaitEvent returns the arguments of the oldest event of that name that no WaitEvent has returned yet, and waits for one if
// there is none. tests/js/fixtures/commands.mjs lists the events.
func (p *Peer) WaitEvent(ctx context.Context, name string) (jsclient.Args, error) {
	ctx, cancel := context.WithTimeout(ctx, jsprocess.Patience)
	defer cancel()
	for {
		args, news := p.take(name)
		if args != nil {
			return args, nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return nil, fmt.Errorf("jspeer: wait for %q: %w", name, context.Cause(ctx))
		case <-p.process.Ended():
			return nil, p.process.Err()
		}
	}
}

// take removes the oldest event of that name, or returns the channel that the next event closes.
func (p *Peer) take(name string) (jsclient.Args, <-chan struct{}) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	queue := p.queues[name]
	if len(queue) == 0 {
		return nil, p.news
	}
	p.queues[name] = queue[1:]
	return queue[0], nil
}

// Received returns how many events of that name have come that no WaitEvent has returned.
func (p *Peer) Received(name string) int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return len(p.queues[name])
}

// result is what an official API gives: answers, and an error as well when some are missing.
func (a answers) result() (jsclient.Args, error) {
	if a.Error != nil {
		return a.Answers, errors.New(*a.Error)
	}
	return a.Answers, nil
}
