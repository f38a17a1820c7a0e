//go:build unix

package transport

import (
	"net"
	"os"
	"syscall"
)

// writeNow writes what a socket takes at once. It goes past the net package, whose locks and poller say nothing here that the
// WebSocket does not know, and lie in four more objects: for one of many thousand connections none of them is in the cache.
func writeNow(fd int, p []byte) (int, error) {
	for {
		n, err := syscall.Write(fd, p)
		switch err {
		case nil:
			return n, nil
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			return 0, nil
		default:
			return 0, os.NewSyscallError("write", err)
		}
	}
}

// descriptor gives that of a socket that nothing wraps, else nil: a wrapper must see the bytes.
func descriptor(conn net.Conn) (raw syscall.RawConn, fd int) {
	var err error
	switch c := conn.(type) {
	case *net.TCPConn:
		raw, err = c.SyscallConn()
	case *net.UnixConn:
		raw, err = c.SyscallConn()
	default:
		return nil, 0
	}
	if err != nil {
		return nil, 0
	}
	if raw.Control(func(d uintptr) { fd = int(d) }) != nil {
		return nil, 0
	}
	return raw, fd
}
