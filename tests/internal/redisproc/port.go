package redisproc

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// Where ports are taken from: below those that the operating system gives to connections, so that nobody is given the port
// of a server that is dead for the moment.
const (
	firstPort = 10_000
	lastPort  = 30_000
)

// reservePort returns a free TCP port that belongs to the test until its end. The UDP port of the same number is the lock that
// keeps other test processes from it.
func reservePort(tb testing.TB) int {
	tb.Helper()
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		address := fmt.Sprintf("127.0.0.1:%d", port)
		lock, err := net.ListenPacket("udp", address)
		if err != nil {
			continue
		}
		listener, err := net.Listen("tcp", address)
		if err != nil {
			_ = lock.Close()
			continue
		}
		_ = listener.Close()
		tb.Cleanup(func() { _ = lock.Close() })
		return port
	}
	tb.Fatal("redisproc: no free port")
	return 0
}
