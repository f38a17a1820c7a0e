package client_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/client"
	"github.com/actio-go/actio/tests/internal/jsserver"
)

// upgraded waits until a socket's connection is a websocket.
func upgraded(t *testing.T, s *client.Socket) {
	t.Helper()
	require.Eventually(t, func() bool { return s.Manager().Transport() == client.WebSocket }, patience, time.Millisecond)
}

// handshakes are the transports by which sessions were begun since the last time.
func handshakes(t *testing.T, server *jsserver.Server) []string {
	t.Helper()
	requests, err := server.Requests(t.Context())
	require.NoError(t, err)
	var transports []string
	for _, r := range requests {
		u, err := url.Parse(r.URL)
		require.NoError(t, err)
		if !u.Query().Has("sid") {
			transports = append(transports, u.Query().Get("transport"))
		}
	}
	return transports
}

func TestOptions_RememberUpgrade_TheNextSessionBeginsWithAWebSocket(t *testing.T) {
	for _, remember := range []bool{false, true} {
		t.Run(strconv.FormatBool(remember), func(t *testing.T) {
			server := jsserver.Start(t, jsserver.Options{})
			failures := make(chan string, 1000)
			o := quick(client.Options{RememberUpgrade: remember})
			o.Hooks.Error = func(_ context.Context, err error) { failures <- err.Error() }
			s := dial(t, server.URL(), o, client.SocketOptions{})
			defer closed(t, s.Manager())
			back := make(chan string, 10)
			s.OnConnect(func(context.Context) { back <- "connect" })
			upgraded(t, s)
			assert.Equal(t, []string{"polling"}, handshakes(t, server), "nothing to remember yet")

			require.NoError(t, server.Cut(t.Context()))
			next(t, back)
			want := "polling"
			if remember {
				want = "websocket"
			}
			assert.Equal(t, []string{want}, handshakes(t, server))

			upgraded(t, s)
			server.Kill()
			next(t, failures) // which may be due to the websocket
			server = jsserver.Start(t, jsserver.Options{Port: server.Port()})
			next(t, back)
			assert.Equal(t, []string{"polling"}, handshakes(t, server), "forgotten after a failure")
		})
	}
}

func TestOptions_TryAllTransports_TheNextIsTriedWhenTheFirstFails(t *testing.T) {
	server := jsserver.Start(t, jsserver.Options{Transports: []string{"polling"}})
	o := client.Options{Transports: []client.Transport{client.WebSocket, client.Polling}, NoReconnection: true}
	_, err := client.Dial(within(t), server.URL(), o, client.SocketOptions{})
	require.Error(t, err, "the server takes no websockets, and nothing else is tried")
	assert.Equal(t, []string{"websocket"}, handshakes(t, server))
	o.TryAllTransports = true
	s := dial(t, server.URL(), o, client.SocketOptions{})
	assert.Equal(t, client.Polling, s.Manager().Transport())
	assert.Equal(t, []string{"websocket", "polling"}, handshakes(t, server))
	_, err = s.EmitWithAck(within(t), "echo")
	require.NoError(t, err)
}

func TestOptions_Jar_ItsCookiesAreSentAndItKeepsTheServers(t *testing.T) {
	server := jsserver.Start(t, jsserver.Options{Cookie: true})
	u, err := url.Parse(server.URL() + "/socket.io/")
	require.NoError(t, err)
	for name, plain := range map[string]*http.Client{"alone": nil, "with an HTTPClient": {Transport: &http.Transport{}}} {
		t.Run(name, func(t *testing.T) {
			if plain != nil {
				defer plain.CloseIdleConnections()
			}
			jar, err := cookiejar.New(nil)
			require.NoError(t, err)
			jar.SetCookies(u, []*http.Cookie{{Name: "account", Value: "7"}})
			s := dial(t, server.URL(), client.Options{Jar: jar, HTTPClient: plain}, client.SocketOptions{})
			defer closed(t, s.Manager())
			upgraded(t, s)
			requests, err := server.Requests(t.Context())
			require.NoError(t, err)
			for i, r := range requests {
				assert.Contains(t, r.Headers["cookie"], "account=7", r.URL)
				assert.Equal(t, i > 0, strings.Contains(r.Headers["cookie"], "sticky="), r.URL)
			}
			var names []string
			for _, c := range jar.Cookies(u) {
				names = append(names, c.Name)
			}
			assert.ElementsMatch(t, []string{"account", "sticky"}, names)
		})
	}
}

func TestOptions_MaxAttachments_MoreEndTheConnection(t *testing.T) {
	for name, parser := range map[string]client.Parser{"json": client.JSON, "msgpack": client.MsgPack} {
		server := jsserver.Start(t, jsserver.Options{MsgPack: parser == client.MsgPack})
		for _, row := range []struct{ option, most int }{{0, 10}, {3, 3}, {12, 12}} {
			t.Run(fmt.Sprintf("%s %d", name, row.option), func(t *testing.T) {
				s := dial(t, server.URL(), quick(client.Options{Parser: parser, MaxAttachments: row.option}), client.SocketOptions{})
				defer closed(t, s.Manager())
				got := collect(t, s, "files")
				ends := make(chan string, 10)
				s.OnDisconnect(func(_ context.Context, r client.Reason, _ error) { ends <- string(r) })
				files := make([]any, row.most+1)
				for i := range files {
					files[i] = []byte{byte(i)}
				}
				require.NoError(t, server.Emit(t.Context(), "", "files", files[:row.most]...))
				next(t, got)
				assert.Empty(t, ends)
				require.NoError(t, server.Emit(t.Context(), "", "files", files...))
				assert.Equal(t, string(client.ReasonParseError), next(t, ends))
				assert.Empty(t, got)
				require.NoError(t, s.ConnectAndWait(within(t)))
			})
		}
	}
}
