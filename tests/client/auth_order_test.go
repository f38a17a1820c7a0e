package client_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/client"
)

// gatekeeper is a server of websockets that confirms the namespace when it is told to, and passes on what comes after that.
type gatekeeper struct {
	confirm chan struct{} // takes one for each connection
	cut     chan struct{} // takes one to break the connection
	frames  chan string
	over    <-chan struct{} // closed when the test ends
}

func startGatekeeper(t *testing.T) (g *gatekeeper, url string) {
	t.Helper()
	over := make(chan struct{})
	g = &gatekeeper{confirm: make(chan struct{}), cut: make(chan struct{}), frames: make(chan string, 100), over: over}
	web := httptest.NewServer(g)
	t.Cleanup(func() {
		close(over)
		web.Close()
	})
	return g, web.URL
}

func (g *gatekeeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = c.CloseNow() }()
	say := func(text string) { _ = c.Write(r.Context(), websocket.MessageText, []byte(text)) }
	say(`0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":100000}`)
	if _, _, err := c.Read(r.Context()); err != nil { // CONNECT
		return
	}
	select {
	case <-g.confirm:
	case <-g.over:
		return
	}
	say(`40{"sid":"b"}`)
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		select {
		case <-g.cut:
			_ = c.CloseNow()
		case <-ended:
		}
	}()
	for {
		_, data, err := c.Read(r.Context())
		if err != nil {
			return
		}
		if id := regexp.MustCompile(`^42(\d+)\[`).FindSubmatch(data); id != nil {
			say("43" + string(id[1]) + "[]")
		}
		g.frames <- string(data)
	}
}

// TestHelper_AutoAuthenticate_ComesBeforeWhatWaited: what waits for a connection needs the client to be authenticated.
func TestHelper_AutoAuthenticate_ComesBeforeWhatWaited(t *testing.T) {
	for name, so := range map[string]client.SocketOptions{"at most once": {}, "with retries": {Retries: 3}} {
		t.Run(name, func(t *testing.T) {
			server, url := startGatekeeper(t)
			h, err := client.NewHelper(client.HelperOptions{
				Identifier: "C1", Host: url, NoAutoConnect: true, AutoAuthenticate: true, Socket: so,
				Options: quick(client.Options{Transports: []client.Transport{client.WebSocket}}),
			})
			require.NoError(t, err)
			defer func() { assert.NoError(t, h.Shutdown(within(t))) }()
			gone := collect(t, h.Socket(), client.EventDisconnect)
			authenticatesFirst := func(event string) {
				t.Helper()
				require.NoError(t, h.Socket().Emit(event))
				h.Connect()
				server.confirm <- struct{}{}
				assert.Equal(t, `42["authenticate"]`, next(t, server.frames), event)
				assert.Regexp(t, `^42\d*\["`+event+`"\]$`, next(t, server.frames))
				_, err := h.Socket().EmitWithAck(within(t), "last") // then nothing is left to be sent again
				require.NoError(t, err)
				assert.Contains(t, next(t, server.frames), "last")
			}
			authenticatesFirst("before the first connection")
			server.cut <- struct{}{}
			assert.NotContains(t, next(t, gone), client.ReasonClientDisconnect)
			authenticatesFirst("after a connection that broke")
			h.Disconnect()
			assert.Contains(t, next(t, gone), client.ReasonClientDisconnect)
			next(t, server.frames) // DISCONNECT
			authenticatesFirst("after Disconnect and Connect")
		})
	}
}
