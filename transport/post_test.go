package transport_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/transport"
	"github.com/actio-go/actio/wire"
)

const postTarget = pollTarget + "&sid=here"

// postServer has a session "here" that answers every post: done, or a refusal if the body was bad.
func postServer(t *testing.T, c transport.Config) (*server, *session) {
	t.Helper()
	s, known := newSessions(), newSession()
	s.known["here"] = known
	known.onPost = func(_ context.Context, p *transport.Post) {
		if p.Err != nil {
			p.Reject(transport.BadRequest())
			return
		}
		p.Done()
	}
	return serveTCP(t, c, s), known
}

func TestPost_Packets_AreDecodedInOrder(t *testing.T) {
	srv, known := postServer(t, transport.Config{})
	for _, contentType := range []string{"text/plain;charset=UTF-8", "text/plain", ""} {
		got := srv.do(t, "POST", postTarget, "4test1\x1ebAQIDBA==\x1e2\x1e4\u20ac", "Content-Type", contentType)
		assert.Equal(t, http.StatusOK, got.status)
		assert.Equal(t, "ok", got.body)
		assert.Equal(t, "text/html", got.header.Get("Content-Type"))
		assert.Equal(t, "no-store", got.header.Get("Cache-Control"))
		p := receive(t, known.posts)
		require.NoError(t, p.Err)
		assert.Equal(t, []wire.EnginePacket{
			{Type: wire.EngineMessage, Data: []byte("test1")},
			{Type: wire.EngineMessage, Binary: true, Data: []byte{1, 2, 3, 4}},
			{Type: wire.EnginePing, Data: []byte{}},
			{Type: wire.EngineMessage, Data: []byte("\u20ac")},
		}, p.Packets)
	}
}

func TestPost_BadBody_GivesPacketsBeforeAndError(t *testing.T) {
	srv, known := postServer(t, transport.Config{MaxPackets: 3})
	for _, test := range []struct {
		name, body, contentType string
		packets                 int
		err                     error
	}{
		{"unknown type", "4a\x1eabc\x1e4b", "text/plain", 1, wire.ErrEngineType},
		{"empty", "", "text/plain", 0, wire.ErrEngineType},
		{"bad base64", "4a\x1eb!!", "text/plain", 1, wire.ErrBase64},
		{"no UTF-8", "4\xff\xfe", "text/plain", 0, wire.ErrUTF8},
		{"too many packets", "4a\x1e4b\x1e4c\x1e4d", "text/plain", 3, transport.ErrTooManyPackets},
		{"binary content", "4a", "application/octet-stream", 0, transport.ErrContentType},
		{"binary content, parameters", "4a", "Application/Octet-Stream; x=y", 0, transport.ErrContentType},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := srv.do(t, "POST", postTarget, test.body, "Content-Type", test.contentType)
			assert.Equal(t, http.StatusBadRequest, got.status)
			assert.JSONEq(t, bodyBadRequest, got.body)
			p := receive(t, known.posts)
			require.ErrorIs(t, p.Err, test.err)
			assert.Len(t, p.Packets, test.packets)
		})
	}
}

func TestPost_OversizedBody_Is413AndTheSessionGoesOn(t *testing.T) {
	srv, known := postServer(t, transport.Config{MaxPayload: 100})
	for _, test := range []struct {
		name, head string
		body       string
	}{
		{"announced, nothing sent", "Content-Length: 101\r\n", ""},
		{"announced with a continue", "Content-Length: 1000000\r\nExpect: 100-continue\r\n", ""},
		{"chunked", "Transfer-Encoding: chunked\r\n", "40\r\n" + strings.Repeat("x", 0x40) + "\r\n40\r\n" + strings.Repeat("x", 0x40) + "\r\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			conn, err := srv.dial(t.Context())
			require.NoError(t, err)
			defer func() { _ = conn.Close() }()
			_, err = io.WriteString(conn, "POST "+postTarget+" HTTP/1.1\r\nHost: a\r\n"+test.head+"\r\n"+test.body)
			require.NoError(t, err)
			require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			require.NoError(t, err)
			body, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			assert.Equal(t, http.StatusRequestEntityTooLarge, response.StatusCode)
			assert.Empty(t, body)
			assert.True(t, response.Close, "the rest of the body is not read")
		})
	}
	assert.Empty(t, known.posts)
	got := srv.do(t, "POST", postTarget, "4"+strings.Repeat("x", 99))
	assert.Equal(t, "ok", got.body, "exactly the limit fits")
	require.NoError(t, receive(t, known.posts).Err)
}

func TestPost_ChunkedWithinLimit_IsRead(t *testing.T) {
	srv, known := postServer(t, transport.Config{MaxPayload: 100_000})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://a"+postTarget, io.MultiReader(
		strings.NewReader("4"), strings.NewReader(strings.Repeat("x", 99_999))))
	require.NoError(t, err)
	response, err := srv.client.Do(r)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, http.StatusOK, response.StatusCode)
	assert.Len(t, receive(t, known.posts).Packets[0].Data, 99_999)
}

func TestPost_BodyEndsEarly_IsAborted(t *testing.T) {
	for _, test := range []struct {
		name  string
		leave func(net.Conn) error
	}{
		{"client leaves", net.Conn.Close},
		{"client is too slow", func(net.Conn) error { return nil }},
	} {
		t.Run(test.name, func(t *testing.T) {
			srv, known := postServer(t, transport.Config{BodyTimeout: 100 * time.Millisecond})
			conn, err := srv.dial(t.Context())
			require.NoError(t, err)
			defer func() { _ = conn.Close() }()
			_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n4abc", postTarget)
			require.NoError(t, err)
			require.NoError(t, test.leave(conn))
			p := receive(t, known.posts)
			require.ErrorIs(t, p.Err, transport.ErrBodyAborted)
			assert.Empty(t, p.Packets)
		})
	}
}

func TestPost_LongAnswer_OutlivesTheBodyTimeout(t *testing.T) {
	s, known := newSessions(), newSession()
	s.known["here"] = known
	srv := serveTCP(t, transport.Config{BodyTimeout: 50 * time.Millisecond}, s)
	got := inBackground(t, func() answer { return srv.do(t, "POST", postTarget, "4hi") })
	p := receive(t, known.posts)
	select {
	case <-got:
		require.Fail(t, "answered before the session did")
	case <-time.After(100 * time.Millisecond):
	}
	assert.True(t, p.Done())
	assert.False(t, p.Reject(nil))
	assert.Equal(t, "ok", receive(t, got).body)
	ok, refusal := p.Answer()
	assert.True(t, ok)
	assert.Nil(t, refusal)
}

func TestPost_ClientLeavesWhileItWaits_ContextEnds(t *testing.T) {
	s, known := newSessions(), newSession()
	s.known["here"] = known
	entered, left := make(chan struct{}), make(chan struct{})
	known.onPost = func(ctx context.Context, _ *transport.Post) {
		close(entered)
		<-ctx.Done()
		close(left)
	}
	srv := serveTCP(t, transport.Config{}, s)
	conn, err := srv.dial(t.Context())
	require.NoError(t, err)
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n4hi", postTarget)
	require.NoError(t, err)
	receive(t, entered)
	require.NoError(t, conn.Close())
	receive(t, left)
	receive(t, known.posts)
}

func TestPost_OverTheLimit_Answers503(t *testing.T) {
	s, known := newSessions(), newSession()
	s.known["here"] = known
	srv := serveTCP(t, transport.Config{MaxConcurrentPosts: 1}, s)
	first := inBackground(t, func() answer { return srv.do(t, "POST", postTarget, "4a") })
	p := receive(t, known.posts)
	assert.Equal(t, http.StatusServiceUnavailable, srv.do(t, "POST", postTarget, "4b").status)
	p.Done()
	assert.Equal(t, "ok", receive(t, first).body)
}
