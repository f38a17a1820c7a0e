package hostile

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The opcodes of websocket frames, and the bits beside them.
const (
	opText   = 0x1
	opBinary = 0x2
	opClose  = 0x8
	opPing   = 0x9
	opPong   = 0xa
	fin      = 0x80
	rsv1     = 0x40
)

const (
	path       = "/io/?EIO=4"
	overSocket = path + "&transport=websocket"
	overPoll   = path + "&transport=polling"
	key        = "dGhlIHNhbXBsZSBub25jZQ=="
	upgrade    = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + "\r\n"
)

func (h *host) tryDial(ctx context.Context) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", h.address)
	if err != nil || !h.secure {
		return conn, err
	}
	return tls.Client(conn, &tls.Config{InsecureSkipVerify: true}), nil
}

// request is the text of a request; each header ends with CRLF.
func request(method, target, headers, body string) string {
	return method + " " + target + " HTTP/1.1\r\nHost: actio.test\r\n" + headers + "\r\n" + body
}

// socket is a websocket that does exactly what a test wants.
type socket struct {
	net.Conn

	r  *bufio.Reader
	id string // of its Socket.IO socket
}

// open upgrades a connection.
func (h *host) open(t *testing.T, target string) *socket {
	t.Helper()
	s, response := h.handshake(t, target, "")
	require.Equal(t, http.StatusSwitchingProtocols, response.StatusCode)
	return s
}

// handshake asks for an upgrade.
func (h *host) handshake(t *testing.T, target, headers string) (*socket, *http.Response) {
	t.Helper()
	s := &socket{Conn: h.dial(t)}
	s.r = bufio.NewReader(s.Conn)
	s.raw(t, []byte(request(http.MethodGet, target, upgrade+headers, "")))
	response, err := http.ReadResponse(s.r, nil)
	require.NoError(t, err)
	return s, response
}

// connect opens a session over websocket and a socket in the default namespace.
func (h *host) connect(t *testing.T) *socket {
	t.Helper()
	s, err := h.join(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	require.NoError(t, s.SetDeadline(time.Now().Add(patience)))
	return s
}

// join is connect for goroutines.
func (h *host) join(ctx context.Context) (*socket, error) {
	conn, err := h.tryDial(ctx)
	if err != nil {
		return nil, err
	}
	s := &socket{Conn: conn, r: bufio.NewReader(conn)}
	if err := s.enter(); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return s, nil
}

func (s *socket) enter() error {
	if _, err := s.Write([]byte(request(http.MethodGet, overSocket, upgrade, ""))); err != nil {
		return err
	}
	response, err := http.ReadResponse(s.r, nil)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("handshake: %s", response.Status)
	}
	if text, err := s.next(); err != nil || !strings.HasPrefix(text, "0{") {
		return fmt.Errorf("open packet: %q, %w", text, err)
	}
	if _, err := s.Write(text("40")); err != nil {
		return err
	}
	reply, err := s.next()
	for err == nil && reply == "2" { // a short interval on a busy machine
		if _, err = s.Write(text("3")); err == nil {
			reply, err = s.next()
		}
	}
	if err != nil {
		return err
	}
	s.id, err = socketID(reply)
	return err
}

// socketID reads the answer to a CONNECT.
func socketID(reply string) (string, error) {
	data, ok := strings.CutPrefix(reply, "40")
	var connect struct{ SID string }
	if !ok || json.Unmarshal([]byte(data), &connect) != nil || connect.SID == "" {
		return "", fmt.Errorf("not a CONNECT: %q", reply)
	}
	return connect.SID, nil
}

// frame makes a masked frame with first as its first byte.
func frame(first byte, payload []byte) []byte {
	b := header(first, len(payload))
	at := len(b)
	b = append(b, payload...)
	for i := at; i < len(b); i++ {
		b[i] ^= mask[(i-at)%4]
	}
	return b
}

var mask = [4]byte{1, 2, 3, 4}

// header is what precedes a masked payload.
func header(first byte, n int) []byte {
	b := make([]byte, 0, n+14)
	switch {
	case n < 126:
		b = append(b, first, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, first, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, first, 0x80|127), uint64(n))
	}
	return append(b, mask[:]...)
}

func text(s string) []byte { return frame(fin|opText, []byte(s)) }

func (s *socket) raw(t *testing.T, b []byte) {
	t.Helper()
	_, err := s.Write(b)
	require.NoError(t, err)
}

func (s *socket) say(t *testing.T, messages ...string) {
	t.Helper()
	for _, m := range messages {
		s.raw(t, text(m))
	}
}

// readFrame reads one frame of the server.
func (s *socket) readFrame() (first byte, payload []byte, err error) {
	first, n, err := s.readHeader()
	if err != nil {
		return 0, nil, err
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(s.r, payload)
	return first, payload, err
}

func (s *socket) readHeader() (first byte, length int, err error) {
	var head [2]byte
	if _, err = io.ReadFull(s.r, head[:]); err != nil {
		return 0, 0, err
	}
	var long [8]byte
	switch head[1] {
	case 126:
		_, err = io.ReadFull(s.r, long[6:])
	case 127:
		_, err = io.ReadFull(s.r, long[:])
	default:
		if head[1] > 127 {
			return 0, 0, errors.New("masked frame from a server")
		}
		return head[0], int(head[1]), nil
	}
	return head[0], int(binary.BigEndian.Uint64(long[:])), err
}

// closed is the close frame of the server.
type closed struct{ code uint16 }

func (c *closed) Error() string { return fmt.Sprintf("closed with %d", c.code) }

// next reads one message of the server, and answers its heartbeat. A close frame is an error of type *closed.
func (s *socket) next() (string, error) {
	for {
		first, payload, err := s.readFrame()
		switch {
		case err != nil:
			return "", err
		case first == fin|opClose && len(payload) >= 2:
			return "", &closed{binary.BigEndian.Uint16(payload)}
		case first == fin|opClose:
			return "", &closed{1005}
		case string(payload) == "2":
			if _, err := s.Write(text("3")); err != nil {
				return "", err
			}
		default:
			return string(payload), nil
		}
	}
}

func (s *socket) mustNext(t *testing.T) string {
	t.Helper()
	message, err := s.next()
	require.NoError(t, err)
	return message
}

// expect reads messages and compares them.
func (s *socket) expect(t *testing.T, messages ...string) {
	t.Helper()
	for _, want := range messages {
		require.Equal(t, want, s.mustNext(t))
	}
}

// end reads until the connection ends and returns the code of the close frame; 0: there was none.
func (s *socket) end(t *testing.T) uint16 {
	t.Helper()
	var code uint16
	for {
		_, err := s.next()
		var frame *closed
		switch {
		case errors.As(err, &frame):
			code = frame.code
			_, _ = s.Write(frameOf(code))
		case err != nil:
			require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
			return code
		}
	}
}

func frameOf(code uint16) []byte {
	return frame(fin|opClose, binary.BigEndian.AppendUint16(nil, code))
}

// echo proves that a client is served.
func (s *socket) echo(t *testing.T, word string) {
	t.Helper()
	s.say(t, `42["echo","`+word+`"]`)
	s.expect(t, `42["echo","`+word+`"]`)
}

func containsAll(s string, parts []string) bool {
	for _, p := range parts {
		if !strings.Contains(s, p) {
			return false
		}
	}
	return true
}

// gone reads until the connection ends, however it does.
func (s *socket) gone(t *testing.T) {
	t.Helper()
	_, err := io.Copy(io.Discard, s.r)
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
}
