package transport

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/wire"
)

// fuzzedPayload is the MaxPayload of the readers that are compared.
const fuzzedPayload = 300

// clientFrame is a frame as clients send it.
func clientFrame(fin bool, op wire.Opcode, payload string) []byte {
	frame := wire.AppendFrameHeader(nil, fin, false, op, len(payload))
	frame[1] |= 0x80
	frame = append(append(frame, 0, 0, 0, 0), payload...)
	frame[len(frame)-len(payload)-1] = 7 // the last byte of the key
	return frame
}

// FuzzReader compares what our reader and that of the websocket library make of the same bytes: the messages, and how it ended.
func FuzzReader(f *testing.F) {
	for _, frames := range [][][]byte{
		{clientFrame(true, wire.Text, "hello"), clientFrame(true, wire.Binary, "")},
		{clientFrame(false, wire.Text, "in "), clientFrame(true, wire.PingFrame, "?"), clientFrame(true, wire.Continuation, "two")},
		{clientFrame(true, wire.CloseFrame, "\x03\xe8\x07bye")},
		{clientFrame(true, wire.Continuation, "x")},
		{clientFrame(false, wire.Text, "x"), clientFrame(true, wire.Text, "y")},
		{clientFrame(true, wire.Text, string(make([]byte, fuzzedPayload+1)))},
		{clientFrame(true, wire.PongFrame, "!"), clientFrame(true, wire.Text, string(make([]byte, fuzzedPayload)))},
		{[]byte("\x81\x01x")},
		{[]byte("\xff\xff\xff")},
		{[]byte("\x81\xfe\x00\x01abcdx")},
	} {
		f.Add(bytes.Join(frames, nil))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		ours, theirs := readByUs(input), readByLibrary(t, input)
		if ours.end == endTooBig && theirs.end == endBroken {
			// The library looks at the limit when the bytes come, we when they are announced.
			theirs.end = endTooBig
		}
		if ours.end == endBroken && theirs.end == endProtocol {
			// The library refuses a length before it has the rest of the header.
			ours = readByUs(append(bytes.Clone(input), make([]byte, wire.MaxFrameHeader)...))
		}
		require.Equal(t, theirs, ours)
	})
}

func TestNext_EmptyMessage_IsEmptyAndNotNil(t *testing.T) {
	for name, frames := range map[string][]byte{
		"one frame": clientFrame(true, wire.Binary, ""),
		"fragments": append(clientFrame(false, wire.Binary, ""), clientFrame(true, wire.Continuation, "")...),
	} {
		ws := &WebSocket{shared: newShared(&Config{MaxPayload: DefaultMaxPayload})}
		ws.attach(feed(frames), nil)
		_, data, err := ws.next()
		require.NoError(t, err, name)
		require.Equal(t, []byte{}, data, name)
		ws.Abort()
	}
}

func TestNext_ManySmallFragments_AreNotCopiedWithEach(t *testing.T) {
	const fragments = 10_000
	input := clientFrame(false, wire.Text, "x")
	for range fragments {
		input = append(input, clientFrame(false, wire.Continuation, "x")...)
	}
	input = append(input, clientFrame(true, wire.Continuation, "x")...)
	k := &keeper{}
	allocations := testing.AllocsPerRun(1, func() {
		*k = keeper{}
		ws := &WebSocket{shared: newShared(&Config{MaxPayload: DefaultMaxPayload})}
		ws.attach(feed(input), nil)
		ws.Start(k, func(_ string, fn func()) { fn() })
	})
	require.Less(t, allocations, 1000.0)
	require.Len(t, k.messages, 1)
	require.Equal(t, endBroken, k.end)
}

type end string

const (
	endBroken   end = "connection ended"
	endProtocol end = "protocol violated"
	endTooBig   end = "too big"
)

func endClosed(code uint16) end { return end(fmt.Sprint("closed with ", code)) }

type outcome struct {
	messages []string
	end      end
}

func (o *outcome) message(isBinary bool, data []byte) {
	o.messages = append(o.messages, fmt.Sprintf("%t %q", isBinary, data))
}

// silent is a connection that gives its input and then ends.
type silent struct {
	net.Conn
	input io.Reader
	ended bool // more was asked for than there is
}

func (c *silent) Write(p []byte) (int, error) { return len(p), nil }

func (c *silent) Read(p []byte) (int, error) {
	n, err := c.input.Read(p)
	c.ended = c.ended || err != nil
	return n, err
}

func feed(input []byte) *silent {
	conn, other := net.Pipe()
	_ = other.Close()
	return &silent{Conn: conn, input: bytes.NewReader(input)}
}

// keeper is a receiver that keeps what it gets.
type keeper struct{ outcome }

func (k *keeper) Message(_ *WebSocket, isBinary bool, data []byte) { k.message(isBinary, data) }
func (k *keeper) Control(*WebSocket, []byte)                       {}
func (k *keeper) Closed(_ *WebSocket, err error) {
	closed, ok := errors.AsType[*CloseError](err)
	switch {
	case ok:
		k.end = endClosed(closed.Code)
	case errors.Is(err, ErrTooBig):
		k.end = endTooBig
	case errors.Is(err, ErrProtocol):
		k.end = endProtocol
	default:
		k.end = endBroken
	}
}

func readByUs(input []byte) outcome {
	k := &keeper{}
	ws := &WebSocket{shared: newShared(&Config{MaxPayload: fuzzedPayload})}
	ws.attach(feed(input), nil)
	ws.Start(k, func(_ string, fn func()) { fn() })
	return k.outcome
}

// hijacked is a ResponseWriter whose connection is conn.
type hijacked struct {
	*httptest.ResponseRecorder
	conn net.Conn
}

func (h hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.conn, bufio.NewReadWriter(bufio.NewReader(h.conn), bufio.NewWriter(h.conn)), nil
}

func readByLibrary(t *testing.T, input []byte) (o outcome) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for key, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-Websocket-Version": "13", "Sec-Websocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
	} {
		r.Header.Set(key, value)
	}
	source := feed(input)
	conn, err := websocket.Accept(hijacked{httptest.NewRecorder(), source}, r, nil)
	require.NoError(t, err)
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(fuzzedPayload)
	for {
		kind, data, err := conn.Read(context.Background())
		switch {
		case source.ended: // which the library may take for the end of a message
			o.end = endBroken
		case err == nil:
			o.message(kind == websocket.MessageBinary, data)
			continue
		case websocket.CloseStatus(err) != -1:
			o.end = endClosed(uint16(websocket.CloseStatus(err)))
		case errors.Is(err, websocket.ErrMessageTooBig):
			o.end = endTooBig
		default:
			o.end = endProtocol
		}
		return o
	}
}
