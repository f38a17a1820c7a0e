package link

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
)

// tracker knows every connection and every attempt to make one, so that Close can end them whatever they wait for. The zero
// value is ready.
type tracker struct {
	mu      sync.Mutex
	closed  bool
	dialing int
	conns   map[*trackedConn]struct{}
}

// trackedConn is a connection that counts what it wrote.
type trackedConn struct {
	net.Conn

	tracker *tracker
	written atomic.Uint64          // bytes that were handed to the network
	spoken  atomic.Bool            // something was read
	refusal atomic.Pointer[string] // what was read first, if it was an error
	once    sync.Once
	err     error
}

// dial makes a connection in the caller's goroutine.
func (t *tracker) dial(
	ctx context.Context, dialer func(context.Context, string, string) (net.Conn, error), network, addr string,
) (*trackedConn, error) {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return nil, ErrClosed
	}
	t.dialing++
	t.mu.Unlock()

	conn, err := dialer(ctx, network, addr)

	t.mu.Lock()
	defer t.mu.Unlock()
	t.dialing--
	if err != nil {
		return nil, err
	}
	if t.closed {
		_ = conn.Close()
		return nil, ErrClosed
	}
	tracked := &trackedConn{Conn: conn, tracker: t}
	if t.conns == nil {
		t.conns = map[*trackedConn]struct{}{}
	}
	t.conns[tracked] = struct{}{}
	return tracked, nil
}

// close closes all connections and refuses new ones.
func (t *tracker) close() {
	t.mu.Lock()
	t.closed = true
	conns := make([]*trackedConn, 0, len(t.conns))
	for c := range t.conns {
		conns = append(conns, c)
	}
	t.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
	}
}

// describe says what is still open.
func (t *tracker) describe() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return fmt.Sprintf("%d connections, %d attempts to connect", len(t.conns), t.dialing)
}

// Write counts what was written.
func (c *trackedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if n > 0 {
		c.written.Add(uint64(n))
	}
	return n, err
}

// Read keeps what Redis says first if it is an error: one that has no room for more clients says so, unasked, and hangs up. The
// library takes it for an answer that does not matter, and then fails to write.
func (c *trackedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && !c.spoken.Swap(true) && p[0] == '-' {
		line, _, _ := strings.Cut(string(p[1:n]), "\r\n")
		c.refusal.Store(&line)
	}
	return n, err
}

// Close closes the connection once.
func (c *trackedConn) Close() error {
	c.once.Do(func() {
		c.err = c.Conn.Close()
		c.tracker.mu.Lock()
		delete(c.tracker.conns, c)
		c.tracker.mu.Unlock()
	})
	return c.err
}
