package load

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/actio-go/actio/tests/bench/internal/frames"
)

// Stage is how far a client has come.
type Stage uint8

// The stages.
const (
	Opening       Stage = iota // until the open packet
	Connecting                 // until CONNECT is answered
	Connected                  //
	Authenticated              //
	Ended                      //
)

func (s Stage) String() string {
	return [...]string{"opening", "connecting", "connected", "authenticated", "ended"}[s]
}

// Client is a session of Engine.IO with one socket in the default namespace.
type Client struct {
	Index int // among all that the swarm has had

	transport Transport
	stage     Stage
	target    Stage // where it goes to by itself
	down      *link // the websocket, or that of the GETs
	up        *link // that of the POSTs
	polling   *polling
	onLost    func() // what to do when the server ends it; nil: it is a failure

	// What the activities count, here instead of in tables of their own because a client that is served is in the cache.
	received int64  // messages of casts
	number   uint64 // that of the last one
	pending  uint32 // id of the acknowledgement that it waits for
	place    int    // among the clients of the activity
}

// polling is what a client over HTTP has.
type polling struct {
	get     []byte // the whole request
	post    []byte // all but the length and the body
	waiting []byte // packets for the next POST
	busy    bool   // a POST is not answered yet

	onPosted func() // what to do when there is nothing more to be sent
}

// separator stands between packets of polling.
const separator = 0x1e

// enter begins a session.
func (s *Swarm) enter(t Transport, target Stage, smallBuffer bool) *Client {
	c := &Client{Index: s.clients, transport: t, target: target}
	s.clients++
	if t == Polling {
		c.polling = &polling{}
		c.down = s.dial(c, getting, smallBuffer)
		s.write(c.down, s.request("GET", "polling", "", ""))
		return c
	}
	c.down = s.dial(c, upgrading, smallBuffer)
	s.write(c.down, s.request("GET", "websocket", "", upgradeHeaders))
	return c
}

// Kill ends a client with a reset of its connections.
func (s *Swarm) Kill(c *Client) {
	s.cut(c.down)
	s.cut(c.up)
	c.stage = Ended
}

// What a browser sends. Over polling it also takes compressed answers, which Node.js makes of long ones and others do not.
const (
	browserHeaders = "Connection: %s\r\nPragma: no-cache\r\nCache-Control: no-cache\r\n" +
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n" +
		"Origin: http://%s\r\nAccept-Language: en-GB,en;q=0.9\r\n"
	upgradeHeaders = "Accept-Encoding: gzip, deflate, br, zstd\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" +
		"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
)

// request makes a request without a body.
func (s *Swarm) request(method, transport, sid, headers string) []byte {
	connection := "keep-alive"
	if transport == "websocket" {
		connection = "Upgrade"
	}
	if sid != "" {
		sid = "&sid=" + sid
	}
	return fmt.Appendf(nil, "%s /socket.io/?EIO=4&transport=%s%s&token=x HTTP/1.1\r\nHost: %s\r\n"+browserHeaders+"%s\r\n",
		method, transport, sid, s.host, connection, s.host, headers)
}

// takeFrame handles the first frame of data and returns its size.
func (s *Swarm) takeFrame(l *link, data []byte) int {
	f, err := frames.Next(data, bufferSize)
	if err != nil {
		s.fail("client %d: %v", l.client.Index, err)
		return 0
	}
	if f.Size == 0 {
		return 0
	}
	switch f.Opcode {
	case frames.Text:
		s.packet(l.client, f.Payload)
	case frames.Ping:
		s.frame = frames.Append(s.frame[:0], frames.Pong, f.Payload)
		s.write(l, s.frame)
	case frames.Close: // the end of the connection follows
	default:
		s.fail("client %d: a frame with opcode %d", l.client.Index, f.Opcode)
	}
	return f.Size
}

// takeResponse handles the first HTTP response of data and returns its size.
func (s *Swarm) takeResponse(l *link, data []byte) int {
	r, err := frames.NextResponse(data, bufferSize)
	if err != nil {
		s.fail("client %d: %v", l.client.Index, err)
		return 0
	}
	if r.Size == 0 {
		return 0
	}
	switch {
	case l.role == upgrading && r.Status == 101:
		l.role = framed
	case l.role == getting && r.Status == 200:
		s.polled(l.client, r.Body)
	case l.role == posting && r.Status == 200:
		s.posted(l.client)
	default:
		s.fail("client %d (%v): status %d: %.100q", l.client.Index, l.client.stage, r.Status, r.Body)
	}
	return r.Size
}

// polled handles the packets that a GET has brought, and sends the next GET.
func (s *Swarm) polled(c *Client, body []byte) {
	for packet := range bytes.SplitSeq(body, []byte{separator}) {
		s.packet(c, packet)
	}
	if c.down.fd >= 0 && !c.down.unread {
		s.write(c.down, c.polling.get)
	}
}

// posted sends what has gathered while a POST was under way.
func (s *Swarm) posted(c *Client) {
	p := c.polling
	p.busy = false
	if len(p.waiting) > 0 {
		s.post(c, p.waiting)
		p.waiting = p.waiting[:0]
		return
	}
	if p.onPosted != nil {
		p.onPosted()
	}
}

func (s *Swarm) post(c *Client, packets []byte) {
	if c.up == nil {
		c.up = s.dial(c, posting, false)
	}
	p := c.polling
	p.busy = true
	s.frame = append(s.frame[:0], p.post...)
	s.frame = append(strconv.AppendInt(s.frame, int64(len(packets)), 10), "\r\n\r\n"...)
	s.write(c.up, append(s.frame, packets...))
}

// send sends a packet of Engine.IO.
func (s *Swarm) send(c *Client, packet []byte) {
	if c.transport == WebSocket {
		s.frame = frames.Append(s.frame[:0], frames.Text, packet)
		s.write(c.down, s.frame)
		return
	}
	p := c.polling
	if !p.busy {
		s.post(c, packet)
		return
	}
	if len(p.waiting) > 0 {
		p.waiting = append(p.waiting, separator)
	}
	p.waiting = append(p.waiting, packet...)
}
