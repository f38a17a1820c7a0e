package actio_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
)

const handshake = "/io/?EIO=4&transport=polling"

// web is a server of HTTP with an engine, and what a client sees of it.
type web struct {
	*actio.Server

	t   *testing.T
	url string
}

func serveWeb(t *testing.T, o actio.EngineOptions) *web {
	t.Helper()
	s := newServer(t, actio.Options{NoAuthentication: true, Engine: o})
	require.NoError(t, s.Configure(t.Context()))
	listening := httptest.NewServer(s)
	t.Cleanup(func() {
		listening.CloseClientConnections()
		listening.Close()
	})
	return &web{Server: s, t: t, url: listening.URL}
}

// ask makes a request with headers in pairs, on a connection of its own. Nothing is unpacked for it.
func (w *web) ask(method, target, body string, headers ...string) (*http.Response, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.url+target, strings.NewReader(body))
	require.NoError(w.t, err)
	for ; len(headers) > 0; headers = headers[2:] {
		r.Header.Set(headers[0], headers[1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}
	response, err := client.Do(r)
	require.NoError(w.t, err)
	defer func() { require.NoError(w.t, response.Body.Close()) }()
	if response.StatusCode == http.StatusSwitchingProtocols {
		return response, ""
	}
	text, err := io.ReadAll(response.Body)
	require.NoError(w.t, err)
	return response, string(text)
}

// open opens a session over polling, and returns the target of its further requests.
func (w *web) open(headers ...string) (response *http.Response, sid, target string) {
	w.t.Helper()
	response, body := w.ask("GET", handshake, "", headers...)
	require.Equal(w.t, http.StatusOK, response.StatusCode, body)
	var packet struct{ SID string }
	require.NoError(w.t, json.Unmarshal([]byte(body[1:]), &packet))
	return response, packet.SID, handshake + "&sid=" + packet.SID
}

// leave ends a session.
func (w *web) leave(target string) {
	w.t.Helper()
	_, body := w.ask("POST", target, "1")
	require.Equal(w.t, "ok", body)
	w.ask("GET", target, "")
}

var upgrade = []string{
	"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==",
}

func TestAllowRequest_Refuses_TheClientReadsWhy(t *testing.T) {
	var mu sync.Mutex
	var told []actio.RequestError
	w := serveWeb(t, actio.EngineOptions{
		AllowRequest: func(r *http.Request) error {
			switch r.URL.Query().Get("deny") {
			case "":
				return nil
			case "paid":
				return &actio.RequestError{Status: http.StatusPaymentRequired, Code: 4, Message: "pay first"}
			default:
				return errors.New("not you")
			}
		},
		OnConnectionError: func(_ *http.Request, e *actio.RequestError) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, *e)
		},
	})
	response, body := w.ask("GET", handshake+"&deny=1", "", "Origin", "https://page.test")
	assert.Equal(t, http.StatusForbidden, response.StatusCode)
	assert.JSONEq(t, `{"code":4,"message":"not you"}`, body)
	assert.Equal(t, "*", response.Header.Get("Access-Control-Allow-Origin"))
	response, _ = w.ask("GET", "/io/?EIO=4&transport=websocket&deny=1", "", upgrade...)
	assert.Equal(t, http.StatusForbidden, response.StatusCode)
	response, body = w.ask("GET", handshake+"&deny=paid", "")
	assert.Equal(t, http.StatusPaymentRequired, response.StatusCode)
	assert.JSONEq(t, `{"code":4,"message":"pay first"}`, body)
	_, _, target := w.open()
	w.leave(target)
	mu.Lock()
	defer mu.Unlock()
	assert.Len(t, told, 3)
	assert.Equal(t, "not you", told[0].Message)
	st, err := w.Stats(t.Context())
	require.NoError(t, err)
	assert.Equal(t, uint64(3), st.RequestsRefused)
}

// It may ask somebody who takes his time; a client that does not wait for the answer ends the question.
func TestAllowRequest_ClientLeaves_ItsContextEnds(t *testing.T) {
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	w := serveWeb(t, actio.EngineOptions{AllowRequest: func(r *http.Request) error {
		cancel()
		<-r.Context().Done()
		ended <- r.Context().Err()
		return r.Context().Err()
	}})
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+handshake, nil)
	require.NoError(t, err)
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err == nil {
		_ = response.Body.Close()
	}
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, <-ended, context.Canceled)
	st, err := w.Stats(t.Context())
	require.NoError(t, err)
	assert.Zero(t, st.Connections)
}

func TestCookie_OfAPollingSession_IsItsID(t *testing.T) {
	w := serveWeb(t, actio.EngineOptions{Cookie: &http.Cookie{Name: "server"}})
	response, sid, target := w.open()
	require.Len(t, response.Cookies(), 1)
	assert.Equal(t, "server", response.Cookies()[0].Name)
	assert.Equal(t, sid, response.Cookies()[0].Value)
	w.leave(target)
}

func TestEngineUse_AfterConfigure_SeesPollingAndWebSockets(t *testing.T) {
	first := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Add("X-Order", "option")
			next.ServeHTTP(w, r)
		})
	}
	w := serveWeb(t, actio.EngineOptions{Middlewares: []func(http.Handler) http.Handler{first}})
	engine, err := w.Engine()
	require.NoError(t, err)
	engine.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Add("X-Order", "use")
			next.ServeHTTP(w, r)
		})
	})
	response, _, target := w.open()
	assert.Equal(t, []string{"option", "use"}, response.Header.Values("X-Order"))
	w.leave(target)
	response, _ = w.ask("GET", "/io/?EIO=4&transport=websocket", "", upgrade...)
	assert.Equal(t, http.StatusSwitchingProtocols, response.StatusCode)
	assert.Equal(t, []string{"option", "use"}, response.Header.Values("X-Order"))
}

func TestHTTPCompression_ByDefault_PacksLargeAnswers(t *testing.T) {
	for _, off := range []bool{false, true} {
		w := serveWeb(t, actio.EngineOptions{DisableHTTPCompression: off})
		news := strings.Repeat("news ", 1000)
		w.Root().OnConnection(func(_ context.Context, s *actio.Socket) { assert.NoError(t, s.Emit("news", news)) })
		_, _, target := w.open()
		_, ok := w.ask("POST", target, "40")
		require.Equal(t, "ok", ok)
		response, body := w.ask("GET", target, "", "Accept-Encoding", "gzip, deflate, br")
		if off {
			assert.Empty(t, response.Header.Get("Content-Encoding"))
		} else {
			assert.Equal(t, "gzip", response.Header.Get("Content-Encoding"))
			assert.Less(t, len(body), 500)
			unpacked, err := gzip.NewReader(strings.NewReader(body))
			require.NoError(t, err)
			text, err := io.ReadAll(unpacked)
			require.NoError(t, err)
			body = string(text)
		}
		assert.Contains(t, body, `42["news","`+news+`"]`)
		w.leave(target)
	}
}

func TestClientIP_BehindATrustedProxy_IsTheClients(t *testing.T) {
	w := serveWeb(t, actio.EngineOptions{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	_, _, target := w.open("X-Forwarded-For", "192.0.2.1")
	w.ask("POST", target, "40")
	all, err := w.Clients(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
	assert.Equal(t, "192.0.2.1", all[0].ClientIP.String())
	assert.Contains(t, all[0].RemoteAddr, "127.0.0.1:")
	w.leave(target)
}
