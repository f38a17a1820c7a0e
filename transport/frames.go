package transport

import (
	"errors"
	"fmt"
	"time"

	"github.com/actio-go/actio/wire"
)

// controlTimeout bounds how long the payload of a control frame may take to arrive.
const controlTimeout = 5 * time.Second

// next reads one message, and answers what control frames come before its end (RFC 6455, sections 5.4 and 5.5). Memory is taken
// as the message arrives, not as it is announced. An error of the connection itself is in reader.err as well.
func (ws *WebSocket) next() (isBinary bool, data []byte, err error) {
	var first wire.FrameHeader
	for begun := false; ; {
		h, err := ws.frameHeader()
		if err != nil {
			return false, nil, err
		}
		if h.Opcode.IsControl() {
			ws.reader.grown = true
			if err := ws.controlFrame(h); err != nil {
				return false, nil, err
			}
			continue
		}
		switch begins := h.Opcode != wire.Continuation; {
		case begins == begun:
			return false, nil, ws.violated("fragments of messages are mixed up")
		case h.RSV1 && (!begins || ws.deflate == nil):
			return false, nil, ws.violated("compression bit out of place")
		case begins:
			begun, first = true, h
		}
		if data, err = ws.appendPayload(data, h); err != nil {
			return false, nil, err
		}
		if h.Fin {
			break
		}
	}
	if data == nil {
		data = []byte{} // nothing is not null: an empty attachment is one
	}
	if first.RSV1 {
		ws.reader.grown = true
		if data, err = ws.inflate(data); err != nil {
			return false, nil, err
		}
	}
	return first.Opcode == wire.Binary, data, nil
}

// appendPayload reads the payload of a data frame.
func (ws *WebSocket) appendPayload(data []byte, h wire.FrameHeader) ([]byte, error) {
	begin := len(data)
	if h.Length > ws.shared.maxPayload-begin {
		return nil, ws.tooBig()
	}
	end := begin + h.Length
	for len(data) < end {
		if len(data) == cap(data) {
			room := max(2*len(data), readChunk)
			if h.Fin { // nothing follows; before more fragments, room for them too, or each of them would be a copy of all before it
				room = min(room, end)
			}
			data = append(make([]byte, 0, room), data...)
		}
		n, err := ws.receive(data[len(data):min(cap(data), end)])
		if err != nil {
			return nil, err
		}
		data = data[:len(data)+n]
	}
	wire.Unmask(data[begin:], h.Key)
	return data, nil
}

// controlFrame reads and answers a control frame. The end that a close frame brings is a *CloseError.
func (ws *WebSocket) controlFrame(h wire.FrameHeader) error {
	var buffer [wire.MaxControlPayload]byte
	payload := buffer[:h.Length]
	if err := ws.readSoon(payload); err != nil {
		return err
	}
	wire.Unmask(payload, h.Key)
	switch h.Opcode {
	case wire.PingFrame:
		ws.control(wire.AppendFrame(nil, wire.PongFrame, payload))
		return nil
	case wire.CloseFrame:
		return ws.closeFrame(payload)
	default: // a pong, for which nobody asked
		return nil
	}
}

// closeFrame answers a close frame with its code; the reason stays here.
func (ws *WebSocket) closeFrame(payload []byte) error {
	code, reason, err := wire.DecodeClose(payload)
	switch {
	case errors.Is(err, wire.ErrUTF8):
		ws.control(wire.AppendCloseFrame(nil, codeNotText, ""))
		return fmt.Errorf("%w: %w", ErrProtocol, err)
	case err != nil:
		return ws.violated(err.Error())
	}
	echoed := code
	if len(payload) == 0 {
		echoed = 0
	}
	ws.control(wire.AppendCloseFrame(nil, echoed, ""))
	return &CloseError{Code: code, Reason: reason}
}

// readSoon reads what must not take its time.
func (ws *WebSocket) readSoon(p []byte) error {
	if len(p) <= len(ws.reader.ahead) {
		return ws.readFull(p)
	}
	_ = ws.conn.SetReadDeadline(time.Now().Add(controlTimeout)) // fails only when closed, and then reads fail too
	if ws.finish.Load() {                                       // its deadline, which wakes this reader, may be gone now
		return ErrClosed
	}
	if err := ws.readFull(p); err != nil {
		return err
	}
	_ = ws.conn.SetReadDeadline(time.Time{})
	return ws.received(len(p), nil) // FinishWrites may have set a deadline, that is gone now
}

// violated ends a connection whose peer breaks the protocol.
func (ws *WebSocket) violated(how string) error {
	ws.control(wire.AppendCloseFrame(nil, codeProtocolError, ""))
	return fmt.Errorf("%w: %s", ErrProtocol, how)
}

func (ws *WebSocket) tooBig() error {
	ws.control(wire.AppendCloseFrame(nil, codeTooBig, ""))
	return ErrTooBig
}

// control hands a frame to the receiver, unless nothing will be written any more.
func (ws *WebSocket) control(frame []byte) {
	if !ws.finish.Load() {
		ws.receiver.Control(ws, frame)
	}
}
