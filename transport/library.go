package transport

import (
	"encoding/binary"
	"net"
	"slices"
	"time"

	"github.com/actio-go/actio/wire"
)

// maxControlFrame is the longest control frame of a server: two bytes of header, 125 of payload.
const maxControlFrame = 127

// libraryConn is what the websocket library sees as its connection: a WebSocket under another name, so that it costs no
// object of its own. What the library writes, always whole control frames, goes to the receiver; its Close ends its
// reading only.
type libraryConn WebSocket

// Read reads for the library; first the bytes that were read before the upgrade.
func (c *libraryConn) Read(p []byte) (int, error) {
	ws := (*WebSocket)(c)
	if len(ws.reader.prefix) > 0 {
		n := copy(p, ws.reader.prefix)
		if ws.reader.prefix = ws.reader.prefix[n:]; len(ws.reader.prefix) == 0 {
			ws.reader.prefix = nil
		}
		return n, nil
	}
	n, err := ws.conn.Read(p)
	if ws.finish.Load() {
		return 0, ErrClosed // the reader goes on to discard
	}
	if err != nil {
		ws.reader.err = err
	}
	return n, err
}

// Write gets one control frame from the library, on the reader goroutine.
func (c *libraryConn) Write(p []byte) (int, error) {
	ws := (*WebSocket)(c)
	ws.control(controlFrame(p))
	return len(p), nil
}

// Close is called by the library at the end of a close handshake, by the reader goroutine, and by a goroutine of its
// own when the payload of a control frame takes too long: then a read is under way.
func (c *libraryConn) Close() error {
	(*WebSocket)(c).wake()
	return nil
}

func (c *libraryConn) LocalAddr() net.Addr                { return c.conn.LocalAddr() }
func (c *libraryConn) RemoteAddr() net.Addr               { return c.conn.RemoteAddr() }
func (c *libraryConn) SetDeadline(t time.Time) error      { return c.conn.SetDeadline(t) }
func (c *libraryConn) SetReadDeadline(t time.Time) error  { return c.conn.SetReadDeadline(t) }
func (c *libraryConn) SetWriteDeadline(t time.Time) error { return c.conn.SetWriteDeadline(t) }

// controlFrame copies a control frame. A close frame loses its reason: texts of the library are not for clients.
func controlFrame(frame []byte) []byte {
	switch {
	case !isCloseFrame(frame):
		return slices.Clone(frame)
	case len(frame) < 4:
		return wire.AppendFrame(nil, wire.CloseFrame, nil)
	default:
		return wire.AppendCloseFrame(nil, binary.BigEndian.Uint16(frame[2:]), "")
	}
}

func isCloseFrame(frame []byte) bool {
	return len(frame) > 0 && wire.Opcode(frame[0]&0x0f) == wire.CloseFrame
}

// control hands a frame to the receiver, unless nothing will be written any more.
func (ws *WebSocket) control(frame []byte) {
	if isCloseFrame(frame) {
		ws.reader.closeSent = true
	}
	if !ws.finish.Load() {
		ws.receiver.Control(ws, frame)
	}
}
