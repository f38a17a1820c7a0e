package transport

import (
	"io"

	"github.com/actio-go/actio/wire"
)

// ownInput is the size in bytes of the buffer that a connection without a descriptor keeps for reading.
const ownInput = 512

// input is what was read from a connection and not been taken yet. A socket that waits holds no buffer: what arrives goes into
// one of the pool, with one system call, which is given back when all of it is taken.
type input struct {
	ahead  []byte
	chunk  *[]byte               // the pooled buffer that holds ahead, if one does
	own    []byte                // the buffer of a connection without a descriptor
	try    func(fd uintptr) bool // tryFill, bound once
	fault  error                 // of the last try
	parked error                 // of the wait for a message; a socket tells an error but once
	err    error                 // of the connection: nothing comes any more
}

// park waits for the next message before anything of its handling is on the stack: that of a fresh goroutine stays as small as
// it is. What goes wrong is for the read that follows.
func (ws *WebSocket) park() {
	if len(ws.reader.ahead) == 0 {
		ws.reader.parked = ws.fill()
	}
}

// readFull fills p.
func (ws *WebSocket) readFull(p []byte) error {
	for len(p) > 0 {
		n, err := ws.receive(p)
		if err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// receive reads what there is. A large piece that is asked for is not copied on its way.
func (ws *WebSocket) receive(p []byte) (int, error) {
	in := &ws.reader.input
	if in.parked != nil {
		return 0, ws.received(0, in.parked)
	}
	if len(in.ahead) == 0 {
		if len(p) >= readChunk {
			n, err := ws.conn.Read(p)
			return n, ws.received(n, err)
		}
		if err := ws.fill(); err != nil {
			return 0, ws.received(0, err)
		}
	}
	n := copy(p, in.ahead)
	if in.ahead = in.ahead[n:]; len(in.ahead) == 0 {
		ws.dropInput()
	}
	return n, ws.received(n, nil)
}

// received looks at the outcome of a read: once writing has ended, what comes is not for anybody.
func (ws *WebSocket) received(n int, err error) error {
	if ws.finish.Load() {
		return ErrClosed // the reader goes on to discard
	}
	if n > 0 || err == nil {
		return nil
	}
	ws.reader.err = err
	return err
}

// fill waits until the connection has something and reads it ahead.
func (ws *WebSocket) fill() error {
	in := &ws.reader.input
	if ws.raw != nil {
		if err := ws.raw.Read(in.try); err != nil {
			return err
		}
		return in.fault
	}
	if in.own == nil {
		in.own = make([]byte, ownInput)
	}
	for range 100 { // a Read that gives nothing is allowed, and says that the peer wrote nothing
		n, err := ws.conn.Read(in.own)
		if in.ahead = in.own[:n]; n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// dropInput gives up what was read ahead.
func (ws *WebSocket) dropInput() {
	in := &ws.reader.input
	in.ahead = nil
	if in.chunk != nil {
		ws.shared.release(in.chunk)
		in.chunk = nil
	}
}

// frameHeader reads the header of the next frame.
func (ws *WebSocket) frameHeader() (wire.FrameHeader, error) {
	header := &ws.reader.header // one on the stack would be moved to the heap
	if err := ws.readFull(header[:2]); err != nil {
		return wire.FrameHeader{}, err
	}
	size := wire.FrameHeaderSize(header[1])
	if err := ws.readFull(header[2:size]); err != nil {
		return wire.FrameHeader{}, err
	}
	h, err := wire.DecodeFrameHeader(header[:size])
	if err != nil {
		return h, ws.violated(err.Error())
	}
	if !h.Masked {
		return h, ws.violated("unmasked frame of a client")
	}
	return h, nil
}
