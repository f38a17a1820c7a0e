package client_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"

	"github.com/actio-go/actio/client"
)

// peer is a server's end of a connection that does what a test says.
type peer struct {
	*websocket.Conn

	ctx context.Context // of the test
}

// say sends packets as they are. What the client does not take any more is not told.
func (p *peer) say(packets ...string) {
	for _, text := range packets {
		_ = p.Write(p.ctx, websocket.MessageText, []byte(text))
	}
}

// hear waits for a packet that begins with a prefix, past all others; false when the connection ends first.
func (p *peer) hear(prefix string) (packet string, ok bool) {
	for {
		_, data, err := p.Read(p.ctx)
		if err != nil {
			return "", false
		}
		if strings.HasPrefix(string(data), prefix) {
			return string(data), true
		}
	}
}

// calm is a handshake after which the heartbeat matters to no test.
const calm = `0{"sid":"a","upgrades":[],"pingInterval":250000,"pingTimeout":200000,"maxPayload":1000000}`

// scripted is a server that runs a script on each websocket: its number, from 1 on, and its end.
func scripted(t *testing.T, opening string, script func(n int, p *peer)) (url string) {
	t.Helper()
	var connections atomic.Int32
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = c.CloseNow() }()
		c.SetReadLimit(1 << 30)
		p := &peer{Conn: c, ctx: t.Context()} // that of the request does not end with a websocket
		p.say(opening)
		script(int(connections.Add(1)), p)
	}))
	t.Cleanup(web.Close)
	return web.URL
}

// overWebSocket are options of a client of such a server.
func overWebSocket(o client.Options) client.Options {
	o.Transports = []client.Transport{client.WebSocket}
	return quick(o)
}

// socketOf makes a Manager and the socket of "/".
func socketOf(t *testing.T, url string, o client.Options, so client.SocketOptions) *client.Socket {
	t.Helper()
	m, err := client.New(url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, m) })
	s, err := m.Socket("/", so)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
