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
	fn  func(fd uintptr) bool
}

func newRawWrite() *rawWrite {
	w := &rawWrite{}
	w.fn = w.call
	return w
}

// call always reports that it is done: it must not wait for the socket.
func (w *rawWrite) call(fd uintptr) bool {
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
		return true
	}
}

func (w *rawWrite) do(raw syscall.RawConn, p []byte) (int, error) {
	w.buf, w.n, w.err = p, 0, nil
	err := raw.Write(w.fn)
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
