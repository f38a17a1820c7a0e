//go:build linux || darwin || freebsd || netbsd || openbsd

package link

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// check returns an error if the other side has closed the connection, as far as that is known here: what would be written now
// would be lost, though writing succeeds. It does not wait and reads nothing.
func (c *trackedConn) check() error {
	conn := c.Conn
	if wrapped, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = wrapped.NetConn() // of TLS
	}
	sys, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sys.SyscallConn()
	if err != nil {
		return err
	}
	var broken error
	// Control, not Read: that is refused when the deadline of the last command has passed, which says nothing of the connection.
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		n, _, peek := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		switch {
		case n == 0 && peek == nil:
			broken = io.EOF
		case peek == nil, errors.Is(peek, syscall.EAGAIN), errors.Is(peek, syscall.EWOULDBLOCK), errors.Is(peek, syscall.EINTR):
		default:
			broken = peek
		}
	})
	return errors.Join(broken, err)
}
