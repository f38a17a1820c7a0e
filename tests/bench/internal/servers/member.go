package servers

import (
	"encoding/binary"
	"errors"
	"net"
	"slices"
	"sync"
)

// textFrame makes a frame of a server.
func textFrame(text []byte) []byte {
	frame := []byte{0x81}
	switch {
	case len(text) < 126:
		frame = append(frame, byte(len(text)))
	case len(text) <= 0xffff:
		frame = binary.BigEndian.AppendUint16(append(frame, 126), uint16(len(text)))
	default:
		frame = binary.BigEndian.AppendUint64(append(frame, 127), uint64(len(text)))
	}
	return append(frame, text...)
}

// member is a connection.
type member struct {
	conn   net.Conn
	outbox *outbox // nil without batches
	place  int     // among the members, guarded by their mutex
}

// send writes a frame that nobody changes any more, or queues it. A connection that fails is noticed by its reader.
func (m *member) send(frame []byte) {
	if m.outbox != nil {
		m.outbox.put(frame)
		return
	}
	_, _ = m.conn.Write(frame)
}

func (m *member) acknowledge(id, argument []byte) {
	if len(id) > 0 {
		m.send(textFrame(slices.Concat([]byte("43"), id, []byte("["), argument, []byte("]"))))
	}
}

// write is the member's own writer.
func (m *member) write() {
	for {
		batch, ok := m.outbox.take()
		if !ok {
			return
		}
		if _, err := batch.WriteTo(m.conn); err != nil {
			return
		}
	}
}

// outbox is what waits for the writer of a member.
type outbox struct {
	mutex  sync.Mutex
	frames net.Buffers
	closed bool
	wake   chan struct{}
}

func newOutbox() *outbox { return &outbox{wake: make(chan struct{}, 1)} }

func (o *outbox) put(frames ...[]byte) {
	o.mutex.Lock()
	o.frames = append(o.frames, frames...)
	o.mutex.Unlock()
	o.signal()
}

func (o *outbox) close() {
	o.mutex.Lock()
	o.closed = true
	o.mutex.Unlock()
	o.signal()
}

func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// take waits for frames and returns all that there are; false after close.
func (o *outbox) take() (net.Buffers, bool) {
	for {
		o.mutex.Lock()
		frames, closed := o.frames, o.closed
		o.frames = nil
		o.mutex.Unlock()
		if closed || len(frames) > 0 {
			return frames, !closed
		}
		<-o.wake
	}
}

// readBuffer is what a member has for what it is sent: a few of the short messages of the benchmark.
const readBuffer = 512

// frameReader reads frames whose masks are zero and which fit its buffer.
type frameReader struct {
	conn       net.Conn
	buffer     []byte
	begin, end int
}

var errFrame = errors.New("servers: floor: a frame that the benchmark's clients do not send")

// next returns the payload of the next frame, which is valid until the call after it.
func (r *frameReader) next() ([]byte, error) {
	for {
		payload, size, err := r.cut()
		if size > 0 || err != nil {
			r.begin += size
			return payload, err
		}
		copy(r.buffer, r.buffer[r.begin:r.end])
		r.begin, r.end = 0, r.end-r.begin
		if r.end == len(r.buffer) {
			return nil, errFrame
		}
		n, err := r.conn.Read(r.buffer[r.end:])
		if err != nil {
			return nil, err
		}
		r.end += n
	}
}

func (r *frameReader) cut() (payload []byte, size int, err error) {
	data := r.buffer[r.begin:r.end]
	if len(data) < 6 {
		return nil, 0, nil
	}
	if data[0] != 0x81 {
		return nil, 0, errFrame
	}
	header, length := 6, int(data[1]&0x7f)
	if length == 126 {
		header, length = 8, int(binary.BigEndian.Uint16(data[2:]))
	}
	if size = header + length; len(data) < size {
		return nil, 0, nil
	}
	return data[header:size], size, nil
}
