package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/coder/websocket"

	"github.com/actio-go/actio/wire"
)

const (
	readChunk = 4 << 10  // first size of a buffer to read into
	keepChunk = 64 << 10 // larger buffers are left to the garbage collector
	// quietTime is what must have passed since the message before for the reader to be replaced by a fresh goroutine.
	quietTime = time.Second
	// flushTime bounds how long a websocket whose peer has closed stays half alive if nobody calls FinishWrites.
	flushTime = 30 * time.Second
)

// Close codes of RFC 6455 that this package sends by itself.
const (
	codeProtocolError = 1002
	codeInternalError = 1011
	codeTryAgainLater = 1013
)

// readerState belongs to the reader goroutine.
type readerState struct {
	prefix    []byte    // read before the upgrade
	err       error     // of the connection
	last      time.Time // when the last message came
	closeSent bool      // a close frame went to the receiver
}

// read is the reader goroutine.
func (ws *WebSocket) read() {
	ended := false
	defer func() {
		if !ended { // the receiver panicked; the panic goes on to the ledger of the goroutine
			ws.release()
			ws.receiver.Closed(ws, ErrClosed)
		}
	}()
	for {
		isBinary, data, err := ws.next()
		if err == nil && ws.finish.Load() { // it was in the buffer already
			err = ErrClosed
		}
		if err != nil {
			ended = true
			ws.end(err)
			return
		}
		ws.receiver.Message(ws, isBinary, data)
		if ws.wasQuiet() {
			ended = true
			ws.spawn(readerName, ws.read)
			return
		}
	}
}

// wasQuiet reports whether the last two messages were far apart: the next one will probably take its time.
func (ws *WebSocket) wasQuiet() bool {
	now := time.Now()
	quiet := now.Sub(ws.reader.last) >= quietTime
	ws.reader.last = now
	return quiet
}

// next reads one message. A buffer is taken only while one is arriving.
func (ws *WebSocket) next() (isBinary bool, data []byte, err error) {
	kind, r, err := ws.library.Reader(context.Background())
	if err != nil {
		return false, nil, err
	}
	pooled := ws.shared.buffer()
	defer func() { ws.shared.release(pooled) }()
	buffer := (*pooled)[:0]
	for {
		if len(buffer) == cap(buffer) {
			buffer = append(buffer, 0)[:len(buffer)]
			*pooled = buffer
		}
		n, err := r.Read(buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		if ws.reader.err != nil { // the library takes the end of a compressed stream for the end of its message
			return false, nil, ws.reader.err
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return false, nil, err
		}
	}
	data = make([]byte, len(buffer))
	copy(data, buffer)
	return kind == websocket.MessageBinary, data, nil
}

func (s *shared) buffer() *[]byte {
	if b, ok := s.buffers.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, 0, readChunk)
	return &b
}

func (s *shared) release(b *[]byte) {
	if cap(*b) <= keepChunk {
		s.buffers.Put(b)
	}
}

// end closes what a reader leaves behind and tells the receiver, once.
func (ws *WebSocket) end(err error) {
	defer ws.release()
	switch {
	case ws.finish.Load():
		ws.discard()
		ws.release()
		ws.receiver.Closed(ws, ErrClosed)
	case ws.isClosed():
		ws.release()
		ws.receiver.Closed(ws, ErrClosed)
	case ws.reader.err != nil:
		ws.release()
		ws.receiver.Closed(ws, fmt.Errorf("transport: read: %w", ws.reader.err))
	default: // both directions are open: the session has a close frame to write
		if !ws.reader.closeSent {
			ws.control(wire.AppendCloseFrame(nil, codeProtocolError, ""))
		}
		_ = ws.conn.SetReadDeadline(time.Now().Add(flushTime))
		ws.receiver.Closed(ws, classify(err))
		ws.discard()
	}
}

// classify names the error of a connection that still works.
func classify(err error) error {
	if e, ok := errors.AsType[websocket.CloseError](err); ok {
		return &CloseError{Code: uint16(e.Code), Reason: e.Reason} //nolint:gosec // two bytes on the wire
	}
	if errors.Is(err, websocket.ErrMessageTooBig) {
		return ErrTooBig
	}
	return fmt.Errorf("%w: %w", ErrProtocol, err)
}

// discard reads and forgets until the peer has closed, the deadline has passed, or the connection was aborted. Input that
// nobody reads would turn the close into a reset, and that would destroy what the peer has not read yet.
func (ws *WebSocket) discard() {
	pooled := ws.shared.buffer()
	defer ws.shared.release(pooled)
	buffer := (*pooled)[:cap(*pooled)]
	conn := below(ws.conn)
	for {
		ws.halfClose()
		_, err := conn.Read(buffer)
		if err != nil && !ws.halfClose() {
			return
		}
	}
}

// halfClose closes the sending half if FinishWrites was called since, and sets the deadline for the rest. It reports
// whether it did.
func (ws *WebSocket) halfClose() bool {
	if !ws.finish.Load() {
		return false
	}
	ws.mu.Lock()
	due := !ws.halfClosed && !ws.closed
	ws.halfClosed = true
	linger := ws.linger
	ws.mu.Unlock()
	if !due {
		return false
	}
	if over, ok := ws.conn.(interface{ CloseWrite() error }); ok {
		_ = over.CloseWrite()
	}
	conn := below(ws.conn)
	if under, ok := conn.(interface{ CloseWrite() error }); ok && conn != ws.conn {
		_ = under.CloseWrite()
	}
	_ = conn.SetReadDeadline(time.Now().Add(linger))
	return true
}

func (ws *WebSocket) isClosed() bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return ws.closed
}

// release closes the connection and frees the library. Only the reader calls it.
func (ws *WebSocket) release() {
	ws.Abort()
	ws.releaseLibrary()
}

var _ net.Conn = (*libraryConn)(nil)
