package transport

import (
	"fmt"
	"runtime"
	"time"

	"github.com/actio-go/actio/wire"
)

const (
	readChunk = 4 << 10  // first size of a buffer to read into
	keepChunk = 64 << 10 // larger buffers are left to the garbage collector
	// quietTime is what must have passed since the message before for the reader to be replaced by a fresh goroutine.
	quietTime = time.Second
	// earlyMessages are the first of a client: the first joins a namespace, the others log in.
	earlyMessages = 3
	// flushTime bounds how long a websocket whose peer has closed stays half alive if nobody calls FinishWrites.
	flushTime = 30 * time.Second
)

// Close codes of RFC 6455 that this package sends by itself.
const (
	codeProtocolError = 1002
	codeNotText       = 1007
	codeTooBig        = 1009
	codeInternalError = 1011
	codeTryAgainLater = 1013
)

// pong is all that most clients send most of the time. Unless it is compressed it needs no more stack than a fresh goroutine has,
// and it does not count as a message in what follows.
const pong = "3"

// readerState belongs to the reader goroutine.
type readerState struct {
	input
	header   [wire.MaxFrameHeader]byte
	last     time.Duration // when the last message came, after shared.began; zero: none has
	messages uint8         // how many came, as far as earlyMessages
	grown    bool          // something needed more stack than a fresh goroutine has
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
	for ws.reader.grown = false; ; {
		ws.park()
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
		if !ws.reader.grown && string(data) == pong {
			continue
		}
		ws.reader.grown = true
		// The worker that handles the message goes first. On a busy server the client's next message is there when the reader
		// looks, which saves a vain read and a wake-up with each.
		runtime.Gosched()
		if ws.willBeQuiet() {
			ended = true
			ws.spawn(readerName, ws.read)
			return
		}
	}
}

// willBeQuiet guesses whether the next message takes its time: when the last two were far apart, and when this is what a
// client that then falls silent may have sent last, having joined and logged in.
func (ws *WebSocket) willBeQuiet() bool {
	now := time.Since(ws.shared.began)
	quiet := now-ws.reader.last >= quietTime && ws.reader.last != 0
	ws.reader.last = now
	if ws.reader.messages < earlyMessages {
		ws.reader.messages++
		quiet = quiet || ws.reader.messages > 1
	}
	return quiet && len(ws.reader.ahead) == 0
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
		_ = ws.conn.SetReadDeadline(time.Now().Add(flushTime))
		ws.receiver.Closed(ws, err)
		ws.discard()
	}
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

// release closes the connection. Only the reader calls it.
func (ws *WebSocket) release() {
	ws.Abort()
	ws.dropInput()
}
