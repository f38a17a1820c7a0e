//go:build unix

package transport

import (
	"io"
	"os"
	"syscall"
)

// tryFill is one try to read ahead. It reports false when the socket has nothing: then it is called again when it has, and no
// buffer is held meanwhile.
func (ws *WebSocket) tryFill(fd uintptr) bool {
	in := &ws.reader.input
	chunk := ws.shared.buffer()
	for {
		n, err := syscall.Read(int(fd), (*chunk)[:cap(*chunk)])
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			ws.shared.release(chunk)
			return false
		case err != nil:
			in.fault = os.NewSyscallError("read", err)
		case n == 0:
			in.fault = io.EOF
		default:
			in.fault, in.chunk, in.ahead = nil, chunk, (*chunk)[:n]
			return true
		}
		ws.shared.release(chunk)
		return true
	}
}
