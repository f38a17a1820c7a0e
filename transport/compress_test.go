package transport_test

import (
	"bytes"
	"compress/flate"
	"io"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/transport"
	"github.com/actio-go/actio/wire"
)

func deflating() transport.Config {
	return transport.Config{Deflate: wire.NewDeflater(6, 64), MaxPayload: 10_000}
}

func TestCompression_LibraryClient_UnderstandsPreparedFrames(t *testing.T) {
	overMedia(t, deflating(), func(t *testing.T, _ medium, srv *server, s *sessions) {
		for _, mode := range []websocket.CompressionMode{websocket.CompressionNoContextTakeover, websocket.CompressionContextTakeover} {
			c := srv.dialWebSocket(t, socketTarget, &websocket.DialOptions{CompressionMode: mode})
			ws := receive(t, s.sockets)
			r := start(t, ws)
			require.NotNil(t, ws.Deflate())
			long := strings.Repeat("all the same ", 100)
			p := wire.PrepareEngine(wire.EnginePacket{Type: wire.EngineMessage, Data: []byte(long)}, wire.EnginePacket{Type: wire.EnginePing})
			deflated := p.Deflated(ws.Deflate())
			assert.Less(t, len(deflated), len(p.WebSocket())/2)
			written := make(chan error, 1)
			go func() { written <- ws.WriteAll([][]byte{deflated, deflated}, patience) }()
			for range 2 { // no context is taken over: the same bytes are understood twice
				for _, want := range []string{"4" + long, "2"} {
					_, got, err := c.Read(t.Context())
					require.NoError(t, err)
					assert.Equal(t, want, string(got))
				}
			}
			require.NoError(t, receive(t, written))
			for range 2 {
				require.NoError(t, c.Write(t.Context(), websocket.MessageText, []byte("4"+long)))
				assert.Equal(t, "4"+long, string(receive(t, r.messages).data))
			}
		}
	})
}

func TestCompression_Negotiation_NeverTakesContextOver(t *testing.T) {
	for _, test := range []struct{ offer, answer string }{
		{"permessage-deflate", "permessage-deflate; client_no_context_takeover; server_no_context_takeover"},
		{"permessage-deflate; client_max_window_bits", "permessage-deflate; client_no_context_takeover; server_no_context_takeover"},
		{"permessage-deflate; server_max_window_bits=10", ""},
		{"permessage-deflate; server_max_window_bits=10, permessage-deflate", "permessage-deflate; client_no_context_takeover; server_no_context_takeover"},
		{"x-webkit-deflate-frame", ""},
		{"", ""},
	} {
		t.Run(test.offer, func(t *testing.T) {
			s := newSessions()
			srv := serveTCP(t, deflating(), s)
			headers := []string{"Sec-WebSocket-Extensions", test.offer}
			_, ws := srv.rawWebSocket(t, s.sockets, nil, headers...)
			assert.Equal(t, test.answer != "", ws.Deflate() != nil)
			ws.Abort()

			srv = serveTCP(t, transport.Config{}, s)
			_, ws = srv.rawWebSocket(t, s.sockets, nil, headers...)
			assert.Nil(t, ws.Deflate(), "off by default")
			ws.Abort()
		})
	}
}

// inflate undoes RFC 7692, section 7.2.2, without the help of a websocket library.
func inflate(t *testing.T, payload []byte) string {
	t.Helper()
	r := flate.NewReader(io.MultiReader(bytes.NewReader(payload), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff")))
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(b)
}

// deflate is section 7.2.1.
func deflate(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	require.NoError(t, err)
	_, err = w.Write(data)
	require.NoError(t, err)
	require.NoError(t, w.Flush())
	return bytes.TrimSuffix(b.Bytes(), []byte("\x00\x00\xff\xff"))
}

func TestCompression_Frames_FollowRFC7692(t *testing.T) {
	s := newSessions()
	srv := serveTCP(t, deflating(), s)
	c, ws := srv.rawWebSocket(t, s.sockets, nil, "Sec-WebSocket-Extensions", "permessage-deflate")
	r := start(t, ws)
	long := strings.Repeat("abc", 200)
	p := wire.PrepareEngine(
		wire.EnginePacket{Type: wire.EngineMessage, Data: []byte(long)},
		wire.EnginePacket{Type: wire.EngineMessage, Binary: true, Data: []byte(long)},
		wire.EnginePacket{Type: wire.EngineMessage, Data: []byte("short")})
	require.NoError(t, ws.WriteAll([][]byte{p.Deflated(ws.Deflate())}, patience))
	for _, want := range []struct {
		first byte
		data  string
	}{{fin | rsv1 | opText, "4" + long}, {fin | rsv1 | opBinary, long}, {fin | opText, "4short"}} {
		first, payload := c.mustReadFrame(t)
		assert.Equal(t, want.first, first)
		if first&rsv1 != 0 {
			assert.Equal(t, want.data, inflate(t, payload))
		} else {
			assert.Equal(t, want.data, string(payload))
		}
	}
	packed := deflate(t, []byte(long))
	c.send(t, frame(fin|rsv1|opText, packed))
	assert.Equal(t, long, string(receive(t, r.messages).data))
	c.send(t, append(frame(rsv1|opText, packed[:3]), frame(fin, packed[3:])...))
	assert.Equal(t, long, string(receive(t, r.messages).data), "in fragments, the bit in the first")
}

func TestCompression_HostileClient_IsStopped(t *testing.T) {
	for _, test := range []struct {
		name string
		send func(t *testing.T) []byte
		err  error
		code uint16
	}{
		{"bomb", func(t *testing.T) []byte { return frame(fin|rsv1|opText, deflate(t, make([]byte, 1_000_000))) }, transport.ErrTooBig, 1009},
		{"garbage", func(*testing.T) []byte { return frame(fin|rsv1|opText, bytes.Repeat([]byte{0xff}, 50)) }, transport.ErrProtocol, 1002},
		{"bit on a continuation", func(t *testing.T) []byte {
			packed := deflate(t, make([]byte, 500))
			return append(frame(rsv1|opText, packed[:3]), frame(fin|rsv1, packed[3:])...)
		}, transport.ErrProtocol, 1002},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSessions()
			c, ws := serveTCP(t, deflating(), s).rawWebSocket(t, s.sockets, nil, "Sec-WebSocket-Extensions", "permessage-deflate")
			r := start(t, ws)
			c.send(t, test.send(t))
			_, payload := c.mustReadFrame(t)
			assert.Equal(t, closePayload(test.code, ""), payload)
			require.ErrorIs(t, receive(t, r.closed), test.err)
			assert.Empty(t, r.messages)
		})
	}
}

func TestCompression_TruncatedMessage_IsNotDelivered(t *testing.T) {
	s := newSessions()
	c, ws := serveTCP(t, deflating(), s).rawWebSocket(t, s.sockets, nil, "Sec-WebSocket-Extensions", "permessage-deflate")
	r := start(t, ws)
	packed := frame(fin|rsv1|opText, deflate(t, bigMessage(5000)))
	c.send(t, packed[:len(packed)-2])
	require.NoError(t, c.Close())
	require.True(t, transport.IsReset(receive(t, r.closed)))
	assert.Empty(t, r.messages)
}
