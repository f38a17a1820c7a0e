package scale

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// pipe is the server's end of a connection in memory. At its other end is a visitor, which hears what is written, and answers,
// within Write; so a write never waits. It has deadlines for reads and a half-close, as the server needs them, and costs little:
// the tests that measure a server say how much.
type pipe struct {
	visitor visitor
	number  int // makes the address

	mutex    sync.Mutex
	changed  sync.Cond
	incoming []byte // what the visitor has said and the server has not read
	deadline time.Time
	alarm    *time.Timer // for a deadline that is to come
	closed   bool
}

var _ net.Conn = (*pipe)(nil)

func newPipe(c *crowd, number int, first []byte) *pipe {
	p := &pipe{visitor: newVisitor(c), number: number, incoming: first}
	p.changed.L = &p.mutex
	return p
}

// Read implements net.Conn.
func (p *pipe) Read(b []byte) (int, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for {
		switch {
		case p.closed:
			return 0, net.ErrClosed
		case !p.deadline.IsZero() && !time.Now().Before(p.deadline):
			return 0, os.ErrDeadlineExceeded
		case len(p.incoming) > 0:
			n := copy(b, p.incoming)
			if p.incoming = p.incoming[n:]; len(p.incoming) == 0 {
				p.incoming = nil // an idle connection has no buffer
			}
			return n, nil
		case p.visitor.away:
			return 0, io.EOF
		}
		p.changed.Wait()
	}
}

// Write implements net.Conn.
func (p *pipe) Write(b []byte) (int, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	switch {
	case p.closed:
		return 0, net.ErrClosed
	case p.visitor.away:
		return 0, syscall.EPIPE
	}
	p.incoming = p.visitor.hear(b, p.incoming)
	p.changed.Broadcast()
	return len(b), nil
}

// CloseWrite closes the sending half of the server; the visitor closes its own.
func (p *pipe) CloseWrite() error { return p.end(false) }

// Close implements net.Conn.
func (p *pipe) Close() error { return p.end(true) }

func (p *pipe) end(whole bool) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.closed {
		return net.ErrClosed
	}
	p.closed = whole
	p.visitor.leave(nil)
	if whole && p.alarm != nil {
		p.alarm.Stop()
	}
	p.changed.Broadcast()
	return nil
}

// SetReadDeadline implements net.Conn.
func (p *pipe) SetReadDeadline(t time.Time) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.closed {
		return net.ErrClosed
	}
	if p.alarm != nil {
		p.alarm.Stop()
		p.alarm = nil
	}
	p.deadline = t
	if wait := time.Until(t); !t.IsZero() && wait > 0 {
		p.alarm = time.AfterFunc(wait, p.wake)
	}
	p.changed.Broadcast()
	return nil
}

func (p *pipe) wake() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.changed.Broadcast()
}

// SetWriteDeadline implements net.Conn: no write waits.
func (p *pipe) SetWriteDeadline(time.Time) error { return nil }

// SetDeadline implements net.Conn.
func (p *pipe) SetDeadline(t time.Time) error { return p.SetReadDeadline(t) }

// LocalAddr implements net.Conn.
func (p *pipe) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }

// RemoteAddr implements net.Conn.
func (p *pipe) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(198, 51, 100, byte(p.number>>16)), Port: p.number & 0xffff}
}

// exchange is a listener for pipes.
type exchange struct {
	accepted chan net.Conn
	closed   chan struct{}
	once     sync.Once
	made     int
}

func newExchange() *exchange {
	return &exchange{accepted: make(chan net.Conn), closed: make(chan struct{})}
}

// dial makes a visitor and hands its connection to the server.
func (e *exchange) dial(c *crowd) {
	e.made++
	e.accepted <- newPipe(c, e.made, hello("example.test"))
}

// Accept implements net.Listener.
func (e *exchange) Accept() (net.Conn, error) {
	select {
	case conn := <-e.accepted:
		return conn, nil
	case <-e.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (e *exchange) Close() error {
	e.once.Do(func() { close(e.closed) })
	return nil
}

// Addr implements net.Listener.
func (e *exchange) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }
