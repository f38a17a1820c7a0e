package transport

import (
	"bufio"
	"net"
	"time"
)

// batchSize is how much WriteAll gathers for one write where there is no vectored one: as much as a TLS record holds.
const batchSize = 16 << 10

// HasRaw reports whether TryWrite works on this connection: a TCP or unix socket that nothing wraps.
func (ws *WebSocket) HasRaw() bool { return ws.raw != nil }

// TryWrite writes what fits into the socket's buffer, with one system call that does not block, and returns how many
// bytes that were: n < len(p) with a nil error means that the buffer is full. It returns ErrNoRaw where HasRaw is false.
// Any other error is final. It does not allocate, and p may be used again at once.
func (ws *WebSocket) TryWrite(p []byte) (n int, err error) {
	if ws.raw == nil {
		return 0, ErrNoRaw
	}
	if len(p) == 0 {
		return 0, nil
	}
	w, ok := ws.shared.writes.Get().(*rawWrite)
	if !ok {
		w = newRawWrite()
	}
	n, err = w.do(ws.raw, p)
	ws.shared.writes.Put(w)
	return n, err
}

// WriteAll writes all of bufs, in order. It blocks, at most for timeout (0: without end), and until Abort; so it is for a
// goroutine that may wait. Only one may run at a time, and no TryWrite beside it. It consumes bufs, not the bytes they
// point to. An error is final (IsTimeout: the peer does not read): some bytes may be written, Abort the connection.
func (ws *WebSocket) WriteAll(bufs [][]byte, timeout time.Duration) error {
	if timeout > 0 {
		if err := ws.conn.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
			return err
		}
		// An expired deadline would make every later write fail, the non-blocking ones too.
		defer func() { _ = ws.conn.SetWriteDeadline(time.Time{}) }()
	}
	if ws.raw != nil {
		vector := net.Buffers(bufs)
		_, err := vector.WriteTo(ws.conn)
		return err
	}
	return ws.writeBatches(bufs)
}

// writeBatches writes to a connection on which every Write costs a record or a system call.
func (ws *WebSocket) writeBatches(bufs [][]byte) error {
	if len(bufs) == 1 {
		_, err := ws.conn.Write(bufs[0])
		return err
	}
	batch, ok := ws.shared.batches.Get().(*bufio.Writer)
	if !ok {
		batch = bufio.NewWriterSize(nil, batchSize)
	}
	batch.Reset(ws.conn)
	defer func() {
		batch.Reset(nil) // a pooled writer holds no connection
		ws.shared.batches.Put(batch)
	}()
	for _, buf := range bufs {
		if _, err := batch.Write(buf); err != nil {
			return err
		}
	}
	return batch.Flush()
}
