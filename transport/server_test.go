package transport_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/transport"
)

func TestHandler_HTTP2_PollsAndPostsWork(t *testing.T) {
	s, known := newSessions(), newSession()
	s.known["here"] = known
	known.onPost = postDone
	h, err := transport.NewHandler(transport.Config{BodyTimeout: 50 * time.Millisecond, AnswerTimeout: 50 * time.Millisecond}, s)
	require.NoError(t, err)
	srv := httptest.NewUnstartedServer(h)
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	c := &server{client: srv.Client()}
	do := func(method, target, body string) answer {
		r, err := http.NewRequestWithContext(t.Context(), method, srv.URL+target, strings.NewReader(body))
		require.NoError(t, err)
		response, err := c.client.Do(r)
		require.NoError(t, err)
		defer func() { require.NoError(t, response.Body.Close()) }()
		require.Equal(t, 2, response.ProtoMajor)
		b, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return answer{response.StatusCode, response.Header, string(b)}
	}
	assert.Equal(t, "0{}", do("GET", pollTarget, "").body)
	assert.True(t, receive(t, s.handshake).Secure)
	assert.Equal(t, "ok", do("POST", postTarget, "4hi").body)
	assert.JSONEq(t, bodyBadRequest, do("GET", socketTarget, "").body)
	got := inBackground(t, func() answer { return do("GET", postTarget, "") })
	p := receive(t, known.polls)
	<-time.After(100 * time.Millisecond) // beyond all deadlines
	p.Respond([]byte(strings.Repeat("4", 50_000)))
	assert.Len(t, receive(t, got).body, 50_000)
}

func postDone(_ context.Context, p *transport.Post) { p.Done() }

// delaying is a ResponseWriter of a router that keeps the status until it is told to write it.
type delaying struct {
	http.ResponseWriter
	status int
}

func (d *delaying) WriteHeader(status int)      { d.status = status }
func (d *delaying) WriteHeaderNow()             { d.ResponseWriter.WriteHeader(d.status) }
func (d *delaying) Unwrap() http.ResponseWriter { return d.ResponseWriter }

func TestHandler_WrappedResponseWriter_CanUpgrade(t *testing.T) {
	s := newSessions()
	srv := serveTCP(t, transport.Config{}, s, func(srv *http.Server) {
		inner := srv.Handler
		srv.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Middleware", "was here")
			inner.ServeHTTP(&delaying{ResponseWriter: w}, r)
		})
	})
	c := srv.dialWebSocket(t, socketTarget, nil)
	r := start(t, receive(t, s.sockets))
	require.NoError(t, c.Write(t.Context(), websocket.MessageText, []byte("hi")))
	assert.Equal(t, "hi", string(receive(t, r.messages).data))
}

func TestHandler_ServerShutdown_DoesNotTouchWebSockets(t *testing.T) {
	s := newSessions()
	var inner *http.Server
	srv := serveTCP(t, transport.Config{}, s, func(srv *http.Server) { inner = srv })
	c := srv.dialWebSocket(t, socketTarget, nil)
	r := start(t, receive(t, s.sockets))
	require.NoError(t, inner.Shutdown(t.Context()), "the handler has returned, so nothing is waited for")
	require.NoError(t, c.Write(t.Context(), websocket.MessageText, []byte("still here")))
	assert.Equal(t, "still here", string(receive(t, r.messages).data))
}
