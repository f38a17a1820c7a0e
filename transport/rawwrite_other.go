//go:build !unix

package transport

import (
	"net"
	"syscall"
)

// rawWrite is not available here: every connection writes through WriteAll.
type rawWrite struct{}

func newRawWrite() *rawWrite { return &rawWrite{} }

func (*rawWrite) do(syscall.RawConn, []byte) (int, error) { return 0, ErrNoRaw }

func rawConn(net.Conn) syscall.RawConn { return nil }
