package engine

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/client/internal/clock"
	"github.com/actio-go/actio/wire"
)

func message(text string) *wire.Prepared {
	return wire.PrepareEngine(wire.EnginePacket{Type: wire.EngineMessage, Data: []byte(text)})
}

func TestPolling_Take_FillsAPostUpToMaxPayloadAndTakesAtLeastOne(t *testing.T) {
	queue := []*wire.Prepared{message("123"), message("456"), message("7890")} // 4, 4 and 5 bytes
	for maxPayload, want := range map[int]int{0: 3, 3: 1, 4: 1, 8: 1, 9: 2, 14: 2, 15: 3} {
		assert.Equal(t, want, (&polling{maxPayload: maxPayload}).take(queue), "maxPayload %d", maxPayload)
	}
}

func TestOptions_Endpoint_KeepsTheApplicationsQuery(t *testing.T) {
	u, err := url.Parse("http://a.test/io/?room=1")
	require.NoError(t, err)
	o := &Options{URL: u}
	assert.Equal(t, "http://a.test/io/?EIO=4&room=1&sid=s&t=x&transport=polling", o.endpoint(Polling, "s", "x"))
	assert.Equal(t, "http://a.test/io/?EIO=4&room=1&transport=websocket", o.endpoint(WebSocket, "", ""))
	assert.Equal(t, "room=1", u.RawQuery, "the URL is not changed")
}

// poller is a server of polling without Socket.IO: each GET is answered by the next of its answers, then it waits.
type poller struct {
	answers chan string
	posts   chan string
	hold    chan struct{} // POSTs are not answered before it is closed; nil: at once
}

func (p *poller) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		body, _ := io.ReadAll(r.Body)
		p.posts <- string(body)
		if p.hold != nil {
			<-p.hold
		}
		_, _ = io.WriteString(w, "ok")
		return
	}
	select {
	case answer := <-p.answers:
		_, _ = io.WriteString(w, answer)
	case <-r.Context().Done():
	}
}

const opening = `0{"sid":"s","upgrades":["websocket"],"pingInterval":300,"pingTimeout":200,"maxPayload":100}`

func start(t *testing.T, answers ...string) (*poller, *Options) {
	t.Helper()
	p := &poller{answers: make(chan string, 100), posts: make(chan string, 100)}
	for _, a := range answers {
		p.answers <- a
	}
	web := httptest.NewServer(p)
	t.Cleanup(web.Close)
	u, err := url.Parse(web.URL)
	require.NoError(t, err)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return p, &Options{
		URL: u, Transports: []Transport{Polling}, HTTP: &http.Client{Transport: transport}, MaxMessage: 1000, Clock: &clock.Clock{},
	}
}

func TestSession_Polling_PingsAreAnsweredAndMessagesComeInOrder(t *testing.T) {
	p, o := start(t, opening+"\x1e4a", "2\x1e4b\x1e4c")
	s, err := Dial(t.Context(), o)
	require.NoError(t, err)
	assert.Equal(t, "s", s.ID())
	pong := make(chan string, 1)
	go func() {
		pong <- <-p.posts
		p.answers <- "1" // not earlier: a session that is over answers no ping
	}()
	var got []string
	err = s.Run(func(m wire.EnginePacket) error {
		got = append(got, string(m.Data))
		return nil
	})
	require.ErrorIs(t, err, ErrServerClosed)
	assert.Equal(t, []string{"a", "b", "c"}, got)
	assert.Equal(t, "3", <-pong)
	assert.Zero(t, o.Clock.Armed())
}

func TestSession_ReceiveFails_EndsWithItAndWhatIsBehindItIsNotHandled(t *testing.T) {
	_, o := start(t, opening, "4a\x1e4b")
	s, err := Dial(t.Context(), o)
	require.NoError(t, err)
	calls := 0
	require.ErrorIs(t, s.Run(func(wire.EnginePacket) error {
		calls++
		return io.ErrUnexpectedEOF
	}), io.ErrUnexpectedEOF)
	assert.Equal(t, 1, calls)
}

func TestSession_PingsWhileNothingLeaves_OnePongWithoutDataWaits(t *testing.T) {
	p, o := start(t, opening, strings.Repeat("2data\x1e", 1000)+"4mark")
	p.hold, o.MaxMessage = make(chan struct{}), 1<<20
	s, err := Dial(t.Context(), o)
	require.NoError(t, err)
	s.Send(message("first"))
	assert.Equal(t, "4first", <-p.posts)
	require.ErrorIs(t, s.Run(func(wire.EnginePacket) error {
		assert.Less(t, s.Queued(), 1000)
		close(p.hold)
		assert.Equal(t, "3", <-p.posts)
		return io.EOF
	}), io.EOF)
}

func TestDial_MoreThanAHandshake_IsAnError(t *testing.T) {
	_, o := start(t, opening+strings.Repeat("\x1e2", 2000))
	o.MaxMessage = 1 << 20
	_, err := Dial(t.Context(), o)
	require.ErrorIs(t, err, ErrTooBig)
}

func TestSession_SilentServer_PingTimeout_UnlessTheReceiverIsSlow(t *testing.T) {
	_, o := start(t, opening, "4slow")
	s, err := Dial(t.Context(), o)
	require.NoError(t, err)
	began := time.Now()
	err = s.Run(func(wire.EnginePacket) error {
		<-time.After(700 * time.Millisecond)
		return nil
	})
	require.ErrorIs(t, err, ErrPingTimeout)
	assert.Greater(t, time.Since(began), 700*time.Millisecond, "not while the message was handled")
	assert.Zero(t, o.Clock.Armed())
}

func TestSession_Close_WhatWasSentLeavesFirst_ThenTheFarewell(t *testing.T) {
	p, o := start(t, opening)
	s, err := Dial(t.Context(), o)
	require.NoError(t, err)
	for range 3 {
		s.Send(message("x"))
	}
	s.Close()
	s.Send(message("too late"))
	require.ErrorIs(t, s.Run(func(wire.EnginePacket) error { return nil }), ErrClosed)
	close(p.posts)
	var all []string
	for body := range p.posts {
		all = append(all, strings.Split(body, "\x1e")...)
	}
	assert.Equal(t, []string{"4x", "4x", "4x", "1"}, all)
	s.Close()
	s.Abort(context.Canceled)
	s.Send(message("after the end"))
	assert.Zero(t, o.Clock.Armed())
}

func TestDial_WhatIsNoHandshake_IsAnError(t *testing.T) {
	for name, row := range map[string]struct {
		answer string
		want   error
	}{
		"an empty answer":    {"", ErrProtocol},
		"a message":          {"4hello", ErrProtocol},
		"nonsense":           {"0{", ErrProtocol},
		"an interval of 0":   {`0{"sid":"s","upgrades":[],"pingInterval":0,"pingTimeout":200}`, ErrProtocol},
		"a page of a portal": {"<html>", ErrProtocol},
		"too much":           {strings.Repeat("4", 2000), ErrTooBig},
	} {
		t.Run(name, func(t *testing.T) {
			_, o := start(t, row.answer)
			_, err := Dial(t.Context(), o)
			require.ErrorIs(t, err, row.want)
		})
	}
}

func TestDial_TryAll_TakesTheNextTransport(t *testing.T) {
	_, o := start(t, opening, opening)
	o.Transports = []Transport{WebSocket, Polling}
	_, err := Dial(t.Context(), o)
	require.Error(t, err, "the server knows no websockets")
	_, o = start(t, opening, opening)
	o.Transports, o.TryAll = []Transport{WebSocket, Polling}, true
	s, err := Dial(t.Context(), o)
	require.NoError(t, err)
	assert.Equal(t, Polling, s.Transport())
	s.Abort(context.Canceled)
	require.ErrorIs(t, s.Run(func(wire.EnginePacket) error { return nil }), ErrClosed)
}

func TestStatusError_SaysWhatTheEngineSaid(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"code":1,"message":"Session ID unknown"}`)
	}))
	defer web.Close()
	_, o := start(t)
	u, err := url.Parse(web.URL)
	require.NoError(t, err)
	o.URL = u
	for _, transport := range []Transport{Polling, WebSocket} {
		o.Transports = []Transport{transport}
		_, err = Dial(t.Context(), o)
		var status *StatusError
		require.ErrorAs(t, err, &status)
		assert.Equal(t, StatusError{Status: 400, Code: 1, Message: "Session ID unknown"}, *status)
		assert.ErrorContains(t, err, "status 400: Session ID unknown (code 1)")
	}
}
