package transport_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/transport"
)

// rawClient is a websocket client that does exactly what a test wants.
type rawClient struct {
	net.Conn
	reader *bufio.Reader
}

// handshakeText is a websocket handshake.
func handshakeText(target string, headers ...string) string {
	text := "GET " + target + " HTTP/1.1\r\nHost: example.test\r\n"
	all := append(websocketHeaders(), headers...)
	for i := 0; i < len(all); i += 2 {
		text += all[i] + ": " + all[i+1] + "\r\n"
	}
	return text + "\r\n"
}

// rawWebSocket upgrades and gives both ends. behind is sent together with the handshake.
func (s *server) rawWebSocket(t *testing.T, sockets <-chan *transport.WebSocket, behind []byte, headers ...string) (*rawClient, *transport.WebSocket) {
	t.Helper()
	conn, err := s.dial(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	sent := make(chan error, 1)
	go func() {
		_, err := conn.Write(append([]byte(handshakeText(socketTarget, headers...)), behind...))
		sent <- err
	}()
	c := &rawClient{conn, bufio.NewReader(conn)}
	response, err := http.ReadResponse(c.reader, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, response.StatusCode)
	t.Cleanup(func() { require.NoError(t, receive(t, sent)) }) // over a pipe not before the server reads
	return c, receive(t, sockets)
}

const (
	opText   = 0x1
	opBinary = 0x2
	opClose  = 0x8
	opPing   = 0x9
	opPong   = 0xa
	fin      = 0x80
	rsv1     = 0x40
)

// frame makes a masked frame with first as its first byte.
func frame(first byte, payload []byte) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	mask := [4]byte{1, 2, 3, 4}
	b = append(b, mask[:]...)
	for i, c := range payload {
		b = append(b, c^mask[i%4])
	}
	return b
}

func closePayload(code uint16, reason string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, code), reason...)
}

// send writes bytes.
func (c *rawClient) send(t *testing.T, b []byte) {
	t.Helper()
	_, err := c.Write(b)
	require.NoError(t, err)
}

// readFrame reads one frame of the server.
func (c *rawClient) readFrame() (first byte, payload []byte, err error) {
	var head [2]byte
	if _, err = io.ReadFull(c.reader, head[:]); err != nil {
		return 0, nil, err
	}
	if head[1]&0x80 != 0 {
		return 0, nil, fmt.Errorf("masked frame from a server")
	}
	length := uint64(head[1])
	switch length {
	case 126:
		var b [2]byte
		_, err = io.ReadFull(c.reader, b[:])
		length = uint64(binary.BigEndian.Uint16(b[:]))
	case 127:
		var b [8]byte
		_, err = io.ReadFull(c.reader, b[:])
		length = binary.BigEndian.Uint64(b[:])
	}
	if err != nil {
		return 0, nil, err
	}
	payload = make([]byte, length)
	_, err = io.ReadFull(c.reader, payload)
	return head[0], payload, err
}

func (c *rawClient) mustReadFrame(t *testing.T) (first byte, payload []byte) {
	t.Helper()
	first, payload, err := c.readFrame()
	require.NoError(t, err)
	return first, payload
}
