package transport_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/transport"
	"github.com/actio-go/actio/wire"
)

// overMedia runs a test over each way to reach a server.
func overMedia(t *testing.T, c transport.Config, test func(t *testing.T, m medium, srv *server, s *sessions)) {
	t.Helper()
	for _, m := range media() {
		t.Run(m.name, func(t *testing.T) {
			s := newSessions()
			test(t, m, serve(t, m, c, s), s)
		})
	}
}

func text(payload string) []byte { return wire.AppendFrame(nil, wire.Text, []byte(payload)) }

func TestWebSocket_Messages_GoBothWays(t *testing.T) {
	overMedia(t, transport.Config{}, func(t *testing.T, m medium, srv *server, s *sessions) {
		c := srv.dialWebSocket(t, socketTarget+"&token=x", &websocket.DialOptions{HTTPHeader: http.Header{"X-A": {"b"}}})
		ws := receive(t, s.sockets)
		h := receive(t, s.handshake)
		assert.Equal(t, transport.WebSocketKind, h.Kind)
		assert.Equal(t, "x", h.Query().Get("token"))
		assert.Equal(t, "b", h.Header().Get("X-A"))
		assert.Equal(t, m.name == "tls", h.Secure)
		assert.Equal(t, m.raw, ws.HasRaw())
		assert.Nil(t, ws.Deflate())
		r := start(t, ws)

		big := bytes.Repeat([]byte("0123456789"), 50_000)
		for _, sent := range []message{{false, []byte("4hello")}, {true, []byte{0, 1, 2}}, {false, []byte{}}, {true, big}, {false, []byte("4\u20ac")}} {
			kind := websocket.MessageText
			if sent.binary {
				kind = websocket.MessageBinary
			}
			require.NoError(t, c.Write(t.Context(), kind, sent.data))
			got := receive(t, r.messages)
			assert.Equal(t, sent.binary, got.binary)
			assert.True(t, bytes.Equal(sent.data, got.data))
		}

		c.SetReadLimit(-1)
		written := make(chan error, 1)
		go func() {
			written <- ws.WriteAll([][]byte{text("a"), nil, text("b"), wire.AppendFrame(nil, wire.Binary, big), text("c")}, patience)
		}()
		for _, want := range []string{"a", "b", string(big), "c"} {
			_, got, err := c.Read(t.Context())
			require.NoError(t, err)
			require.Len(t, got, len(want))
			assert.Equal(t, want, string(got))
		}
		require.NoError(t, receive(t, written))
	})
}

func TestWebSocket_BytesBehindTheHandshake_AreNotLost(t *testing.T) {
	overMedia(t, transport.Config{}, func(t *testing.T, _ medium, srv *server, s *sessions) {
		for _, size := range []int{10, 3000, 20_000} { // within and beyond what net/http reads ahead
			behind := append(frame(fin|opText, []byte("42first")), frame(fin|opBinary, make([]byte, size))...)
			c, ws := srv.rawWebSocket(t, s.sockets, behind)
			r := start(t, ws)
			c.send(t, frame(fin|opText, []byte("last")))
			assert.Equal(t, message{false, []byte("42first")}, receive(t, r.messages))
			assert.Equal(t, message{true, make([]byte, size)}, receive(t, r.messages))
			assert.Equal(t, message{false, []byte("last")}, receive(t, r.messages))
		}
	})
}

func TestWebSocket_FirstBytesInTheHandshakeSegment_AreNotLost(t *testing.T) {
	// The background read of net/http takes a byte that comes while the handler runs.
	s := newSessions()
	opened := make(chan struct{})
	goOn := make(chan struct{})
	srv := serveTCP(t, transport.Config{AllowRequest: func(*http.Request) error {
		close(opened)
		<-goOn
		return nil
	}}, s)
	conn, err := srv.dial(t.Context())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, handshakeText(socketTarget))
	require.NoError(t, err)
	receive(t, opened)
	_, err = conn.Write(frame(fin|opText, []byte("4early")))
	require.NoError(t, err)
	close(goOn)
	r := start(t, receive(t, s.sockets))
	assert.Equal(t, message{false, []byte("4early")}, receive(t, r.messages))
}

func TestWebSocket_Fragments_AreOneMessageWithPingsBetween(t *testing.T) {
	overMedia(t, transport.Config{}, func(t *testing.T, _ medium, srv *server, s *sessions) {
		c, ws := srv.rawWebSocket(t, s.sockets, nil)
		r := start(t, ws)
		c.send(t, frame(opText, []byte("one ")))
		c.send(t, frame(fin|opPing, []byte("are you there")))
		first, payload := c.mustReadFrame(t)
		assert.Equal(t, byte(fin|opPong), first)
		assert.Equal(t, "are you there", string(payload))
		assert.Equal(t, wire.AppendFrame(nil, wire.PongFrame, []byte("are you there")), receive(t, r.controls))
		c.send(t, frame(fin, []byte("message")))
		assert.Equal(t, message{false, []byte("one message")}, receive(t, r.messages))
		c.send(t, frame(fin|opPong, []byte("unasked")))
		c.send(t, frame(fin|opPing, bytes.Repeat([]byte("x"), 125)))
		assert.Len(t, receive(t, r.controls), 127, "the longest control frame comes in one piece")
	})
}

func TestWebSocket_Misbehaviour_IsClassifiedAndAnswered(t *testing.T) {
	for _, test := range []struct {
		name string
		send []byte
		err  error
		code uint16 // 0: empty close frame
	}{
		{"close", frame(fin|opClose, closePayload(1001, "bye")), transport.ErrPeerClosed, 1001},
		{"close without code", frame(fin|opClose, nil), transport.ErrPeerClosed, 0},
		{"over the limit", frame(fin|opText, make([]byte, 101)), transport.ErrTooBig, 1009},
		{"over the limit in fragments", append(frame(opText, make([]byte, 60)), frame(fin, make([]byte, 60))...), transport.ErrTooBig, 1009},
		{"announced far over the limit", frame(fin|opBinary, make([]byte, 1000))[:100+8+40], transport.ErrTooBig, 1009},
		{"reserved bit", frame(fin|0x20|opText, []byte("x")), transport.ErrProtocol, 1002},
		{"compressed though not negotiated", frame(fin|rsv1|opText, []byte("x")), transport.ErrProtocol, 1002},
		{"unknown opcode", frame(fin|0x3, []byte("x")), transport.ErrProtocol, 1002},
		{"continuation of nothing", frame(fin, []byte("x")), transport.ErrProtocol, 1002},
		{"text within text", append(frame(opText, []byte("a")), frame(fin|opText, []byte("b"))...), transport.ErrProtocol, 1002},
		{"fragmented ping", frame(opPing, []byte("x")), transport.ErrProtocol, 1002},
		{"long ping", frame(fin|opPing, make([]byte, 126)), transport.ErrProtocol, 1002},
		{"unmasked", []byte{fin | opText, 1, 'x'}, transport.ErrProtocol, 1002},
		{"close with one byte", frame(fin|opClose, []byte{3}), transport.ErrProtocol, 1002},
		{"close with a reserved code", frame(fin|opClose, closePayload(1006, "")), transport.ErrProtocol, 1002},
		{"close with a reason that is not UTF-8", frame(fin|opClose, closePayload(1000, "tsch\xfc")), transport.ErrProtocol, 1007},
		{"close with a bad code and a long reason", frame(fin|opClose, closePayload(99, strings.Repeat("r", 120))), transport.ErrProtocol, 1002},
	} {
		t.Run(test.name, func(t *testing.T) {
			overMedia(t, transport.Config{MaxPayload: 100}, func(t *testing.T, _ medium, srv *server, s *sessions) {
				c, ws := srv.rawWebSocket(t, s.sockets, nil)
				r := start(t, ws)
				sent := make(chan struct{})
				go func() { // over a pipe the server may stop to read in the middle
					defer close(sent)
					_, _ = c.Write(test.send)
				}()
				first, payload := c.mustReadFrame(t)
				assert.Equal(t, byte(fin|opClose), first)
				if test.code == 0 {
					assert.Empty(t, payload)
				} else {
					assert.Equal(t, closePayload(test.code, ""), payload, "code and no reason")
				}
				err := receive(t, r.closed)
				require.ErrorIs(t, err, test.err)
				ws.FinishWrites(patience)
				receive(t, sent)
				require.NoError(t, c.Close())
				r.running.Wait()
				if e, ok := errors.AsType[*transport.CloseError](err); ok && test.code != 0 {
					assert.Equal(t, test.code, e.Code)
					assert.Equal(t, "bye", e.Reason)
				}
			})
		})
	}
}

func TestWebSocket_ExactLimit_Passes(t *testing.T) {
	s := newSessions()
	srv := serveTCP(t, transport.Config{MaxPayload: 100_000}, s)
	c, ws := srv.rawWebSocket(t, s.sockets, nil)
	r := start(t, ws)
	c.send(t, frame(fin|opText, make([]byte, 100_000)))
	got := receive(t, r.messages)
	assert.Len(t, got.data, 100_000)
	assert.LessOrEqual(t, cap(got.data), 106_496, "the copy is exact, up to the allocator's size class")
}

func TestWebSocket_PeerDisappears_IsAReset(t *testing.T) {
	overMedia(t, transport.Config{}, func(t *testing.T, _ medium, srv *server, s *sessions) {
		for _, partial := range [][]byte{nil, frame(fin|opText, []byte("cut"))[:5], frame(opText, []byte("never ended"))} {
			c, ws := srv.rawWebSocket(t, s.sockets, nil)
			r := start(t, ws)
			c.send(t, partial)
			require.NoError(t, c.Close())
			err := receive(t, r.closed)
			assert.True(t, transport.IsReset(err), "%v", err)
			assert.NotErrorIs(t, err, transport.ErrProtocol)
			assert.Empty(t, r.messages)
			r.running.Wait()
		}
	})
}

func TestWebSocket_Probe_GoesToItsSession(t *testing.T) {
	s, known := newSessions(), newSession()
	s.known["here"] = known
	srv := serveTCP(t, transport.Config{}, s)
	c := srv.dialWebSocket(t, socketTarget+"&sid=here", nil)
	ws := receive(t, known.probes)
	r := start(t, ws)
	require.NoError(t, c.Write(t.Context(), websocket.MessageText, []byte("2probe")))
	assert.Equal(t, "2probe", string(receive(t, r.messages).data))
	assert.Empty(t, s.handshake)

	c = srv.dialWebSocket(t, socketTarget+"&sid=here", nil)
	receive(t, known.probes).Abort() // never started
	_, _, err := c.Read(t.Context())
	require.Error(t, err)
}

func TestWebSocket_BeginRefuses_ClosesWithACode(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
		code websocket.StatusCode
	}{
		{"draining", transport.ErrDraining, websocket.StatusTryAgainLater},
		{"limit", transport.ErrTooManyConnections, websocket.StatusTryAgainLater},
		{"other", errors.New("detail"), websocket.StatusInternalError},
	} {
		t.Run(test.name, func(t *testing.T) {
			overMedia(t, transport.Config{}, func(t *testing.T, _ medium, srv *server, s *sessions) {
				s.open = func(*transport.Handshake, transport.Link) error { return test.err }
				c := srv.dialWebSocket(t, socketTarget, nil)
				_, _, err := c.Read(t.Context())
				assert.Equal(t, test.code, websocket.CloseStatus(err))
				assert.NotContains(t, err.Error(), "detail")
			})
		})
	}
}

// noHijacker is the writer of a middleware that hides what it wraps.
type noHijacker struct{ http.ResponseWriter }

func TestWebSocket_UpgradeFails_ItsPlaceIsGivenBack(t *testing.T) {
	for name, c := range map[string]transport.Config{
		"it cannot be upgraded": {Middlewares: []func(http.Handler) http.Handler{func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(noHijacker{w}, r) })
		}}},
		"a hook panics": {Headers: func(http.Header, *http.Request) { panic(http.ErrAbortHandler) }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSessions()
			srv := serveTCP(t, c, s)
			options := &websocket.DialOptions{HTTPClient: srv.client}
			_, response, err := websocket.Dial(t.Context(), "ws://example.test"+socketTarget, options)
			require.Error(t, err)
			assert.Equal(t, socketTarget, receive(t, s.abandoned).RequestURI)
			assert.Empty(t, s.sockets)
			if response != nil {
				assert.Equal(t, http.StatusInternalServerError, response.StatusCode)
			}
		})
	}
}

func TestWebSocket_BeginPanics_ClosesTheConnection(t *testing.T) {
	s := newSessions()
	s.open = func(*transport.Handshake, transport.Link) error { panic(http.ErrAbortHandler) }
	srv := serveTCP(t, transport.Config{}, s)
	c := srv.dialWebSocket(t, socketTarget, nil)
	_, _, err := c.Read(t.Context())
	require.Error(t, err)
	assert.Empty(t, s.abandoned)
}

// panicking panics at every message.
type panicking struct{ *receiver }

func (panicking) Message(*transport.WebSocket, bool, []byte) { panic("user code") }

func TestWebSocket_ReceiverPanics_ConnectionIsClosedAndTold(t *testing.T) {
	s := newSessions()
	srv := serveTCP(t, transport.Config{}, s)
	c, ws := srv.rawWebSocket(t, s.sockets, nil)
	r := panicking{&receiver{closed: make(chan error, 1)}}
	recovered := make(chan any, 1)
	ws.Start(r, func(_ string, fn func()) {
		go func() {
			defer func() { recovered <- recover() }()
			fn()
		}()
	})
	c.send(t, frame(fin|opText, []byte("x")))
	require.ErrorIs(t, receive(t, r.closed), transport.ErrClosed)
	assert.Equal(t, "user code", receive(t, recovered))
	_, _, err := c.readFrame()
	require.Error(t, err)
}

func TestWebSocket_QuietConnection_GetsAFreshReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSessions()
		c, ws := serve(t, media()[2], transport.Config{}, s).rawWebSocket(t, s.sockets, nil)
		require.NoError(t, c.SetDeadline(time.Time{}))
		r := start(t, ws)
		say := func(text string) {
			c.send(t, frame(fin|opText, []byte(text)))
			receive(t, r.messages)
			synctest.Wait()
		}
		say("40")
		assert.EqualValues(t, 1, r.spawned.Load(), "after the first message: it joins, and another follows")
		say("42[]")
		say("42[]")
		assert.EqualValues(t, 3, r.spawned.Load(), "after those that log in, which may be the last for long")
		say("42[]")
		say("42[]")
		assert.EqualValues(t, 3, r.spawned.Load(), "while busy")
		<-time.After(time.Second)
		say("3")
		assert.EqualValues(t, 4, r.spawned.Load(), "after a pause")
		for range 3 {
			<-time.After(25 * time.Second)
			say("3")
			assert.EqualValues(t, 4, r.spawned.Load(), "pongs need no more stack than a fresh one has")
		}
		<-time.After(time.Second)
		say("42[]")
		assert.EqualValues(t, 5, r.spawned.Load(), "other messages do")
		ws.Abort()
		require.ErrorIs(t, receive(t, r.closed), transport.ErrClosed)
	})
}

func TestWebSocket_StalledControlFrame_EndsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSessions()
		srv := serve(t, media()[2], transport.Config{}, s)
		c, ws := srv.rawWebSocket(t, s.sockets, nil)
		require.NoError(t, c.SetDeadline(time.Time{}))
		r := start(t, ws)
		c.send(t, frame(fin|opPing, []byte("never finished"))[:8])
		begun := time.Now()
		err := <-r.closed
		assert.True(t, transport.IsTimeout(err), "%v", err)
		assert.Equal(t, 5*time.Second, time.Since(begun))
	})
}

func TestWebSocket_NobodyFinishes_ReaderEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSessions()
		srv := serve(t, media()[2], transport.Config{}, s)
		c, ws := srv.rawWebSocket(t, s.sockets, nil)
		require.NoError(t, c.SetDeadline(time.Time{}))
		r := start(t, ws)
		c.send(t, frame(fin|opClose, closePayload(1000, "")))
		c.mustReadFrame(t)
		require.ErrorIs(t, <-r.closed, transport.ErrPeerClosed)
		begun := time.Now()
		r.running.Wait()
		assert.Equal(t, 30*time.Second, time.Since(begun))
	})
}
