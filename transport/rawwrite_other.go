//go:build !unix

package transport

import (
	"net"
	"syscall"
)

// writeNow is not available here: every connection writes through WriteAll.
func writeNow(int, []byte) (int, error) { return 0, ErrNoRaw }

func descriptor(net.Conn) (syscall.RawConn, int) { return nil, 0 }
