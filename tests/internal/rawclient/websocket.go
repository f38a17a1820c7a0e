package rawclient

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/actio-go/actio/wire"
)

// websocket is a connection that speaks RFC 6455 as far as the tests need it: text and control frames, unfragmented.
type websocket struct {
	conn   *net.TCPConn
	reader *bufio.Reader
	closed int // code of the close frame that came
}

// dialWebSocket opens a websocket; with a session id it belongs to that session.
func dialWebSocket(address string, o Options, sid string) (*websocket, error) {
	conn, err := dial(address, o)
	if err != nil {
		return nil, err
	}
	target := o.Path + "?EIO=4&transport=websocket"
	if sid != "" {
		target += "&sid=" + sid
	}
	w := &websocket{conn: conn, reader: bufio.NewReaderSize(conn, 512)}
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", target, address)
	if err == nil {
		err = w.switched()
	}
	if err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// switched reads the answer to the upgrade.
func (w *websocket) switched() error {
	response, err := http.ReadResponse(w.reader, nil)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusSwitchingProtocols {
		return nil
	}
	body, _ := io.ReadAll(response.Body)
	return &EndError{End{Status: response.StatusCode, Cause: errors.New(string(body))}}
}

func (w *websocket) send(packets []string) error {
	var frames []byte
	for _, p := range packets {
		frames = appendFrame(frames, wire.Text, p)
	}
	return w.write(frames)
}

func (w *websocket) write(frames []byte) error {
	if err := w.conn.SetWriteDeadline(time.Now().Add(Patience)); err != nil {
		return err
	}
	_, err := w.conn.Write(frames)
	return err
}

// appendFrame appends a masked frame. The mask is zero, which leaves the payload as it is.
func appendFrame(frames []byte, op wire.Opcode, payload string) []byte {
	start := len(frames)
	frames = wire.AppendFrameHeader(frames, true, false, op, len(payload))
	frames[start+1] |= 0x80
	return append(append(frames, 0, 0, 0, 0), payload...)
}

func (w *websocket) receive() ([]wire.EnginePacket, error) {
	if err := w.conn.SetReadDeadline(time.Now().Add(Patience)); err != nil {
		return nil, w.end(err)
	}
	for {
		op, payload, err := w.frame()
		if err != nil {
			return nil, w.end(err)
		}
		switch op {
		case wire.Text:
			p, err := wire.DecodeEngineText(payload)
			return []wire.EnginePacket{p}, err
		case wire.Binary:
			return []wire.EnginePacket{wire.DecodeEngineBinary(payload)}, nil
		case wire.CloseFrame:
			w.closed = 1005
			if len(payload) >= 2 {
				w.closed = int(binary.BigEndian.Uint16(payload))
			}
			_ = w.write(appendFrame(nil, wire.CloseFrame, string(payload)))
			_ = w.conn.CloseWrite() // the server waits for the end of what we say
		case wire.PingFrame:
			_ = w.write(appendFrame(nil, wire.PongFrame, string(payload)))
		case wire.PongFrame, wire.Continuation:
		}
	}
}

// end tells how the connection ended.
func (w *websocket) end(err error) error {
	e := End{CloseCode: w.closed}
	if w.closed == 0 || !errors.Is(err, io.EOF) {
		e.Cause = err
	}
	return &EndError{e}
}

func (w *websocket) frame() (wire.Opcode, []byte, error) {
	var header [2]byte
	if _, err := io.ReadFull(w.reader, header[:]); err != nil {
		return 0, nil, err
	}
	length := uint64(header[1])
	var extended [8]byte
	switch length {
	case 126:
		if _, err := io.ReadFull(w.reader, extended[6:]); err != nil {
			return 0, nil, err
		}
		length = binary.BigEndian.Uint64(extended[:])
	case 127:
		if _, err := io.ReadFull(w.reader, extended[:]); err != nil {
			return 0, nil, err
		}
		length = binary.BigEndian.Uint64(extended[:])
	}
	if length > 1<<24 {
		return 0, nil, fmt.Errorf("rawclient: a frame of %d bytes", length)
	}
	payload := make([]byte, length)
	_, err := io.ReadFull(w.reader, payload)
	return wire.Opcode(header[0] & 0xf), payload, err
}

// leave sends a close frame and half-closes; the farewell of the server is there to be read.
func (w *websocket) leave() error {
	if err := w.write(appendFrame(nil, wire.CloseFrame, "\x03\xe8")); err != nil {
		return err
	}
	return ignoreEnded(w.conn.CloseWrite())
}

// ignoreEnded leaves out the error of a connection that the peer has ended already.
func ignoreEnded(err error) error {
	if err != nil && strings.Contains(err.Error(), "not connected") {
		return nil
	}
	return err
}

func (w *websocket) reset() {
	_ = w.conn.SetLinger(0)
	w.close()
}

func (w *websocket) close() { _ = w.conn.Close() }
