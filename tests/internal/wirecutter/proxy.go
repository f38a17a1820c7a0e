// Package wirecutter is a TCP proxy between a client and a server that can lose their connections in the ways in which networks
// do.
package wirecutter

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Proxy passes bytes between clients and one server. It ends with the test that started it.
type Proxy struct {
	listener net.Listener
	work     sync.WaitGroup

	mutex  sync.Mutex
	server string
	pairs  map[*pair]struct{}
	lost   []net.Conn // to the server; nobody reads or writes them
	down   bool       // new connections are reset
}

// pair is one connection of a client, and that to the server.
type pair struct {
	client, server net.Conn
	lost           bool // the server must not hear of the end
}

// Start starts a proxy before the server at an address.
func Start(tb testing.TB, server string) *Proxy {
	tb.Helper()
	listener, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("wirecutter: %v", err)
	}
	p := &Proxy{listener: listener, server: server, pairs: make(map[*pair]struct{})}
	p.work.Go(p.accept)
	tb.Cleanup(p.close)
	return p
}

// URL is where clients connect.
func (p *Proxy) URL() string { return "http://" + p.listener.Addr().String() }

// Down resets all connections, and new ones until Up: both sides hear of it.
func (p *Proxy) Down() { p.end(false) }

// Lose is Down of which the server hears nothing: it takes its clients for alive.
func (p *Proxy) Lose() { p.end(true) }

// Up lets clients connect.
func (p *Proxy) Up() {
	p.mutex.Lock()
	p.down = false
	p.mutex.Unlock()
}

// To sends new connections to the server at another address, as a load balancer does. Those that are there stay.
func (p *Proxy) To(server string) {
	p.mutex.Lock()
	p.server = server
	p.mutex.Unlock()
}

func (p *Proxy) end(lose bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.down = true
	for c := range p.pairs {
		delete(p.pairs, c)
		reset(c.client)
		if lose {
			c.lost = true
			p.lost = append(p.lost, c.server)
			continue
		}
		reset(c.server)
	}
}

// reset closes a connection without a farewell.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // of an open socket it cannot fail
	}
	_ = c.Close()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mutex.Lock()
		address := p.server
		p.mutex.Unlock()
		server, err := new(net.Dialer).Dial("tcp", address) //nolint:noctx // ends with the listener of the server
		if err != nil {
			reset(client)
			continue
		}
		c := &pair{client: client, server: server}
		p.mutex.Lock()
		if p.down || p.server != address {
			p.mutex.Unlock()
			reset(client)
			reset(server)
			continue
		}
		p.pairs[c] = struct{}{}
		p.work.Go(func() { p.pass(c, server, client) })
		p.work.Go(func() { p.pass(c, client, server) })
		p.mutex.Unlock()
	}
}

// pass copies in one direction until either side ends, and ends the other.
func (p *Proxy) pass(c *pair, to, from net.Conn) {
	_, _ = io.Copy(to, from)
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if c.lost {
		return
	}
	delete(p.pairs, c)
	_ = c.client.Close()
	_ = c.server.Close()
}

// close ends everything.
func (p *Proxy) close() {
	_ = p.listener.Close()
	p.Down()
	p.mutex.Lock()
	for _, c := range p.lost {
		_ = c.Close()
	}
	p.mutex.Unlock()
	p.work.Wait()
}
