package eio3

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/testserver"
	"github.com/actio-go/actio/wire"
)

// answer is what a request was answered with.
type answer struct {
	status int
	media  string
	body   string
}

// raw is a client of which a test sees every byte.
type raw struct {
	stand *stand
	query string // without the session id
	sid   string
}

const (
	texts     = "text/plain; charset=UTF-8"
	bytesOnly = "application/octet-stream"
)

// try makes a request.
func (r *raw) try(ctx context.Context, method, media, body string) (a answer, err error) {
	target := r.stand.URL + r.stand.Path() + "/?transport=polling&" + r.query
	if r.sid != "" {
		target += "&sid=" + r.sid
	}
	request, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	if err != nil {
		return a, err
	}
	if media != "" {
		request.Header.Set("Content-Type", media)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return a, err
	}
	content, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header.Get("Content-Type"), string(content)}, errors.Join(err, response.Body.Close())
}

func (r *raw) do(t *testing.T, method, media, body string) answer {
	t.Helper()
	a, err := r.try(t.Context(), method, media, body)
	require.NoError(t, err)
	return a
}

func (r *raw) get(t *testing.T) answer { t.Helper(); return r.do(t, http.MethodGet, "", "") }

func (r *raw) post(t *testing.T, body string) answer {
	t.Helper()
	return r.do(t, http.MethodPost, texts, body)
}

// poll makes a polling session and returns the first packets of the server.
func (s *stand) poll(t *testing.T, query string) (*raw, []string) {
	t.Helper()
	r := &raw{stand: s, query: "EIO=3" + query}
	packets := r.packets(t)
	require.Regexp(t, `^0\{`, packets[0])
	open, err := wire.DecodeOpen([]byte(packets[0][1:]))
	require.NoError(t, err)
	r.sid = open.SID
	return r, packets
}

// packets are those of the next GET, text as it is, binary with a "b" before it.
func (r *raw) packets(t *testing.T) (packets []string) {
	t.Helper()
	a := r.get(t)
	require.Equal(t, http.StatusOK, a.status, a.body)
	decode := wire.DecodePayload3
	if a.media == bytesOnly {
		decode = wire.DecodeBinaryPayload3
	} else {
		require.Equal(t, texts, a.media)
	}
	require.NoError(t, decode([]byte(a.body), func(p wire.EnginePacket) error {
		if p.Binary {
			packets = append(packets, "b"+string(p.Data))
		} else {
			packets = append(packets, string(wire.AppendEngineText3(nil, p)))
		}
		return nil
	}))
	return packets
}

func TestPolling_Handshake_JoinsTheMainNamespace(t *testing.T) {
	t.Parallel()
	s := link{}.serve(t, actio.Options{})
	r, packets := s.poll(t, "")
	require.Len(t, packets, 2)
	assert.Equal(t, "40", packets[1])
	var open map[string]any
	require.NoError(t, json.Unmarshal([]byte(packets[0][1:]), &open))
	assert.Equal(t, []any{"websocket"}, open["upgrades"])
	socket, err := s.Socket(t.Context(), r.sid)
	require.NoError(t, err)
	require.NotNil(t, socket)
	assert.Equal(t, answer{http.StatusOK, "text/html", "ok"}, r.post(t, "1:2"))
	assert.Equal(t, answer{http.StatusOK, texts, "1:3"}, r.get(t), "a ping is answered")
	assert.Equal(t, "ok", r.post(t, "1:1").body)
	<-socket.Context().Done()
	assert.Zero(t, s.stats(t).ParseErrors)
}

func TestPolling_BinaryValues_HaveTheFormThatTheClientKnows(t *testing.T) {
	t.Parallel()
	s := link{}.serve(t, actio.Options{})
	require.NoError(t, s.On("echo", testserver.Echo(t)))
	const event = `451-["echo",{"_placeholder":true,"num":0},"é😀"]`
	units := len(utf16.Encode([]rune(event)))
	text := fmt.Sprintf("%d:%s10:b4AAEC/w==", units, event)
	// 0 for text or 1 for binary, the digits of the length in bytes, 0xff
	require.Len(t, event, 51)
	require.Equal(t, 48, units)
	binary := "\x00\x05\x01\xff" + event + "\x01\x05\xff\x04\x00\x01\x02\xff"
	for query, want := range map[string]answer{
		"": {http.StatusOK, bytesOnly, binary}, "&b64=1": {http.StatusOK, texts, text},
	} {
		r, _ := s.poll(t, query)
		assert.Equal(t, "ok", r.post(t, text).body)
		assert.Equal(t, want, r.get(t))
		assert.Equal(t, "ok", r.do(t, http.MethodPost, bytesOnly, binary).body)
		assert.Equal(t, want, r.get(t))
	}
}

func TestPolling_WhatIsNoPayload_EndsTheSession(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ media, body string }{
		"a length too large":      {texts, "5:2"},
		"a payload of revision 4": {texts, "2"},
		"a pong":                  {texts, "1:3"},
		"nothing":                 {texts, ""},
		"a binary ping":           {bytesOnly, "\x01\x01\xff\x02"},
		"a packet of nothing":     {texts, "1:4"},
		"a second CONNECT":        {texts, "2:40"},
		"an event nowhere":        {texts, `10:42/a,["x"]`},
	} {
		t.Run(name, func(t *testing.T) {
			s := link{}.serve(t, actio.Options{})
			r, _ := s.poll(t, "")
			socket, err := s.Socket(t.Context(), r.sid)
			require.NoError(t, err)
			r.do(t, http.MethodPost, row.media, row.body)
			<-socket.Context().Done()
			assert.EqualValues(t, 1, s.stats(t).ParseErrors)
		})
	}
}

func TestPolling_SecondGET_EndsTheSession(t *testing.T) {
	t.Parallel()
	s := link{}.serve(t, actio.Options{})
	r, _ := s.poll(t, "")
	answers := make(chan answer, 2)
	for range cap(answers) {
		go func() {
			a, err := r.try(t.Context(), http.MethodGet, "", "")
			assert.NoError(t, err)
			answers <- a
		}()
	}
	one, two := <-answers, <-answers
	if one.status != http.StatusOK {
		one, two = two, one
	}
	assert.Equal(t, answer{http.StatusOK, texts, "1:1"}, one)
	assert.Equal(t, http.StatusBadRequest, two.status)
}

func TestHandshake_JSONP_IsRefused(t *testing.T) {
	t.Parallel()
	s := link{}.serve(t, actio.Options{})
	r := &raw{stand: s, query: "EIO=3&j=0"}
	assert.Equal(t, answer{http.StatusBadRequest, "application/json", `{"code":3,"message":"JSONP is not supported"}`}, r.get(t))
}

func TestHandshake_WhoDoesNotSayRevision4_SpeaksRevision3(t *testing.T) {
	t.Parallel()
	s := link{}.serve(t, actio.Options{})
	for _, query := range []string{"EIO=3", "EIO=2", "EIO=5", "EIO=", "EIO=four", ""} {
		r := &raw{stand: s, query: query}
		packets := r.packets(t)
		require.Len(t, packets, 2, query)
		assert.Regexp(t, `^0\{`, packets[0], query)
		assert.Equal(t, "40", packets[1], query)
	}
	assert.Zero(t, s.stats(t).RequestsRefused)
}

// dialSocket makes a session over websocket.
func dialSocket(t *testing.T, url string, o *websocket.DialOptions) (*websocket.Conn, error) {
	t.Helper()
	c, _, err := websocket.Dial(t.Context(), url, o)
	if err == nil {
		t.Cleanup(func() { _ = c.CloseNow() })
	}
	return c, err
}

// socketURL is where websockets of revision 3 are dialled.
func (s *stand) socketURL(query string) string {
	return s.URL + s.Path() + "/?transport=websocket&EIO=3" + query
}

// read returns the next message.
func read(t *testing.T, c *websocket.Conn) (websocket.MessageType, []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	kind, data, err := c.Read(ctx)
	require.NoError(t, err)
	return kind, data
}

func TestWebSocket_BinaryValues_HaveTheFormThatTheClientKnows(t *testing.T) {
	t.Parallel()
	s := link{}.serve(t, actio.Options{})
	require.NoError(t, s.On("echo", testserver.Echo(t)))
	text := []byte(`451-["echo",{"_placeholder":true,"num":0}]`)
	attachment := []byte{4, 0, 1, 2, 255}
	for query, want := range map[string]struct {
		kind websocket.MessageType
		data []byte
	}{
		"": {websocket.MessageBinary, attachment}, "&b64=1": {websocket.MessageText, []byte("b4AAEC/w==")},
	} {
		c, err := dialSocket(t, s.socketURL(query), nil)
		require.NoError(t, err)
		_, open := read(t, c)
		assert.True(t, bytes.HasPrefix(open, []byte("0{")))
		_, connected := read(t, c)
		assert.Equal(t, "40", string(connected))
		for _, sent := range []struct {
			kind websocket.MessageType
			data []byte
		}{{websocket.MessageBinary, attachment}, {websocket.MessageText, []byte("b4AAEC/w==")}} {
			require.NoError(t, c.Write(t.Context(), websocket.MessageText, text))
			require.NoError(t, c.Write(t.Context(), sent.kind, sent.data))
			kind, data := read(t, c)
			assert.Equal(t, websocket.MessageText, kind)
			assert.Equal(t, string(text), string(data))
			kind, data = read(t, c)
			assert.Equal(t, want.kind, kind)
			assert.Equal(t, want.data, data)
		}
		require.NoError(t, c.Write(t.Context(), websocket.MessageText, []byte("2")))
		_, pong := read(t, c)
		assert.Equal(t, "3", string(pong))
	}
}

func TestWebSocket_WhatIsNoPacket_EndsTheSession(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		kind websocket.MessageType
		data string
	}{
		"a binary frame without type": {websocket.MessageBinary, ""},
		"a binary ping":               {websocket.MessageBinary, "\x02"},
		"a binary frame of no use":    {websocket.MessageBinary, "\x04x"},
		"a packet of nothing":         {websocket.MessageText, "4"},
		"a pong":                      {websocket.MessageText, "3"},
		"base64 without type":         {websocket.MessageText, "bAAEC"},
	} {
		t.Run(name, func(t *testing.T) {
			s := link{}.serve(t, actio.Options{})
			c, err := dialSocket(t, s.socketURL(""), nil)
			require.NoError(t, err)
			read(t, c)
			read(t, c)
			require.NoError(t, c.Write(t.Context(), row.kind, []byte(row.data)))
			_, _, err = c.Read(t.Context())
			assert.Equal(t, websocket.StatusProtocolError, websocket.CloseStatus(err), "%v", err)
			assert.EqualValues(t, 1, s.stats(t).ParseErrors)
		})
	}
}

func TestWebSocket_PageOfAnotherOrigin_IsRefused(t *testing.T) {
	t.Parallel()
	s := link{}.serve(t, actio.Options{Engine: actio.EngineOptions{CORS: &actio.CORS{Origins: []string{"https://good.test"}}}})
	from := func(origin string) *websocket.DialOptions {
		return &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {origin}}}
	}
	_, err := dialSocket(t, s.socketURL(""), from("https://good.test"))
	require.NoError(t, err)
	_, err = dialSocket(t, s.socketURL(""), from("https://evil.test"))
	require.ErrorContains(t, err, "403")
}

func TestEngine_RawMessages_GoBothWays(t *testing.T) {
	t.Parallel()
	engine, err := actio.NewEngine(actio.EngineConfig{
		EngineOptions: actio.EngineOptions{AllowEIO3: true},
		OnSession: func(s *actio.EngineSession) {
			s.OnMessage(func(binary bool, data []byte) {
				if binary {
					s.SendBinary(data)
				} else {
					s.Send(string(data))
				}
			})
		},
	})
	require.NoError(t, err)
	web := httptest.NewServer(engine)
	t.Cleanup(func() {
		assert.NoError(t, engine.Shutdown(context.WithoutCancel(t.Context())))
		web.Close()
	})
	c, err := dialSocket(t, web.URL+engine.Path()+"/?transport=websocket&EIO=3", nil)
	require.NoError(t, err)
	read(t, c) // the handshake, and no CONNECT
	for kind, data := range map[websocket.MessageType]string{websocket.MessageText: "4hello", websocket.MessageBinary: "\x04\x00\xff"} {
		require.NoError(t, c.Write(t.Context(), kind, []byte(data)))
		back, got := read(t, c)
		assert.Equal(t, kind, back)
		assert.Equal(t, data, string(got))
	}
}
