package rawclient

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actio-go/actio/wire"
)

// Patience bounds every operation.
const Patience = 60 * time.Second

// Transport is how a client connects.
type Transport uint8

// The transports.
const (
	WebSocket Transport = iota
	Polling
	Upgraded // polling first, then the upgrade to websocket, before Dial returns
)

// String returns the name.
func (t Transport) String() string { return [...]string{"websocket", "polling", "upgraded"}[t] }

// Options of a client. The zero value is a websocket client.
type Options struct {
	// Transport is how it connects.
	Transport Transport
	// Path of the server. Empty: /io/.
	Path string
	// ReceiveBuffer is the size of the kernel's receive buffer in bytes, for clients that are to be slow. 0: the default.
	ReceiveBuffer int
	// Mute answers no heartbeat.
	Mute bool
}

// Client is one Engine.IO session.
type Client struct {
	options Options
	address string
	sid     string
	muted   atomic.Bool
	sending sync.Mutex
	link    link
	waiting []wire.EnginePacket // received and not handed out
}

// link is a transport.
type link interface {
	// send sends Engine.IO packets with as few system calls as it can.
	send(packets []string) error
	// receive waits for the next packets. The error is an *EndError when the server ended the session.
	receive() ([]wire.EnginePacket, error)
	// leave ends the session as the transport of a page does that is left.
	leave() error
	// reset cuts the connections with a TCP reset.
	reset()
	// close closes the connections.
	close()
}

// End is how a session ended.
type End struct {
	// CloseCode is that of the websocket's close frame, 1005 when it has none; 0: there was no close frame.
	CloseCode int
	// ClosePacket tells that the Engine.IO close packet came.
	ClosePacket bool
	// Status is that of the answer that ended a polling session; 0: there was none.
	Status int
	// Cause is the error of the connection, nil when it ended in good order.
	Cause error
}

// EndError is the error of whoever uses a session that has ended.
type EndError struct{ End }

// Error tells all of it.
func (e *EndError) Error() string {
	return fmt.Sprintf("rawclient: ended: close frame %d, close packet %t, status %d, cause %v",
		e.CloseCode, e.ClosePacket, e.Status, e.Cause)
}

// Unwrap returns the error of the connection.
func (e *EndError) Unwrap() error { return e.Cause }

// Dial opens a session at a host and port.
func Dial(address string, o Options) (*Client, error) {
	if o.Path == "" {
		o.Path = "/io/"
	}
	c := &Client{options: o, address: address}
	c.muted.Store(o.Mute)
	if err := c.open(); err != nil {
		return nil, fmt.Errorf("rawclient: dial: %w", err)
	}
	return c, nil
}

func (c *Client) open() error {
	if c.options.Transport != WebSocket {
		return c.openPolling()
	}
	w, err := dialWebSocket(c.address, c.options, "")
	if err != nil {
		return err
	}
	c.link = w
	return c.welcome()
}

func (c *Client) openPolling() error {
	c.link = &polling{address: c.address, options: c.options}
	if err := c.welcome(); err != nil {
		return err
	}
	c.link.(*polling).sid = c.sid
	if c.options.Transport == Polling {
		return nil
	}
	return c.upgrade()
}

// welcome reads the open packet.
func (c *Client) welcome() error {
	p, err := c.Receive()
	if err == nil && p.Type != wire.EngineOpen {
		err = fmt.Errorf("the first packet is %s", p.Type)
	}
	if err != nil {
		c.link.close()
		return err
	}
	open, err := wire.DecodeOpen(p.Data)
	c.sid = open.SID
	return err
}

// upgrade takes the session over to a websocket.
func (c *Client) upgrade() error {
	w, err := dialWebSocket(c.address, c.options, c.sid)
	if err != nil {
		c.link.close()
		return err
	}
	old := c.link
	defer old.close()
	c.link = w
	if err := w.send([]string{"2probe"}); err != nil {
		return err
	}
	p, err := c.Receive()
	if err == nil && (p.Type != wire.EnginePong || string(p.Data) != "probe") {
		err = fmt.Errorf("the probe is answered with %s %q", p.Type, p.Data)
	}
	if err == nil {
		err = w.send([]string{"5"})
	}
	if err != nil {
		w.close()
	}
	return err
}

// SID is the session id.
func (c *Client) SID() string { return c.sid }

// Silence makes the client answer no heartbeat any more.
func (c *Client) Silence() { c.muted.Store(true) }

// Send sends Engine.IO packets of text, all at once.
func (c *Client) Send(packets ...string) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	return c.link.send(packets)
}

// Receive returns the next Engine.IO packet that is no heartbeat; it answers those. The error is an *EndError when the server
// ended the session.
func (c *Client) Receive() (wire.EnginePacket, error) {
	for {
		for len(c.waiting) > 0 {
			p := c.waiting[0]
			c.waiting = c.waiting[1:]
			if p.Type != wire.EnginePing {
				return p, nil
			}
			if !c.muted.Load() {
				// When it fails the session has ended, and reading tells how.
				_ = c.Send("3")
			}
		}
		var err error
		if c.waiting, err = c.link.receive(); err != nil {
			return wire.EnginePacket{}, err
		}
	}
}

// Farewell reads until the session ends and tells how.
func (c *Client) Farewell() End {
	for {
		p, err := c.Receive()
		var end *EndError
		switch {
		case errors.As(err, &end):
			return end.End
		case err != nil:
			return End{Cause: err}
		case p.Type == wire.EngineClose:
			return End{ClosePacket: true}
		}
	}
}

// Leave ends the session in good order, as a page does that is left: a websocket closes, a polling client says so.
func (c *Client) Leave() error {
	c.sending.Lock()
	defer c.sending.Unlock()
	return c.link.leave()
}

// Reset cuts the connections with a TCP reset.
func (c *Client) Reset() { c.link.reset() }

// Close closes the connections without a word. Whoever reads gets an *EndError.
func (c *Client) Close() { c.link.close() }

// dial opens a TCP connection.
func dial(address string, o Options) (*net.TCPConn, error) {
	conn, err := net.DialTimeout("tcp", address, Patience)
	if err != nil {
		return nil, err
	}
	tcp := conn.(*net.TCPConn)
	if o.ReceiveBuffer > 0 {
		err = tcp.SetReadBuffer(o.ReceiveBuffer)
	}
	return tcp, errors.Join(err, tcp.SetDeadline(time.Now().Add(Patience)))
}

// decodePayload decodes the body of an answer.
func decodePayload(body []byte) (packets []wire.EnginePacket, err error) {
	err = wire.DecodePayload(bytes.Clone(body), func(p wire.EnginePacket) error {
		packets = append(packets, p)
		return nil
	})
	return packets, err
}
