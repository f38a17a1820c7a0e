//go:build unix

package transport

import (
	"net"
	"syscall"
)

// rawWrite is one non-blocking write. Its closure is made once, so that a write allocates nothing.
type rawWrite struct {
	buf []byte
	n   int
	err error
	fn  func(fd uintptr)
}

func newRawWrite() *rawWrite {
	w := &rawWrite{}
	w.fn = w.call
	return w
}

func (w *rawWrite) call(fd uintptr) {
	for {
		n, err := syscall.Write(int(fd), w.buf)
		switch err {
		case nil:
			w.n = n
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
		default:
			w.err = err
		}
		return
	}
}

// do writes by Control, which holds the descriptor, so that no other connection can have got its number, and does not look at
// lock, deadline and poller of writes as Write does: they say nothing here, and for one of many thousand connections each is a
// wait for memory.
func (w *rawWrite) do(raw syscall.RawConn, p []byte) (int, error) {
	w.buf, w.n, w.err = p, 0, nil
	err := raw.Control(w.fn)
	n := w.n
	if err == nil {
		err = w.err
	}
	w.buf, w.err = nil, nil
	return n, err
}

// rawConn gives the descriptor of a socket that nothing wraps, else nil: a wrapper must see the bytes.
func rawConn(conn net.Conn) syscall.RawConn {
	var raw syscall.RawConn
	var err error
	switch c := conn.(type) {
	case *net.TCPConn:
		raw, err = c.SyscallConn()
	case *net.UnixConn:
		raw, err = c.SyscallConn()
	default:
		return nil
	}
	if err != nil {
		return nil
	}
	return raw
}
