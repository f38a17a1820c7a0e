package footprint

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// crowd is many clients that authenticate and then only count the bytes that they get.
type crowd struct {
	conns    []net.Conn
	received atomic.Int64
	readers  sync.WaitGroup
	signal   chan struct{} // something was received
}

// join connects n clients. When it returns all of them are authenticated, in the default rooms, and read.
func join(b *testing.B, address string, n int) *crowd {
	b.Helper()
	c := &crowd{signal: make(chan struct{}, 1)}
	for range n {
		c.conns = append(c.conns, enter(b, address))
	}
	for _, conn := range c.conns {
		c.readers.Add(1)
		go c.count(conn)
	}
	b.Cleanup(func() {
		for _, conn := range c.conns {
			_ = conn.Close()
		}
		c.readers.Wait()
	})
	return c
}

// enter opens a websocket by hand, joins the default namespace and authenticates.
func enter(b *testing.B, address string) net.Conn {
	b.Helper()
	conn, err := net.Dial("tcp", address)
	require.NoError(b, err)
	_, err = fmt.Fprintf(conn, "GET /io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"+
		"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", address)
	require.NoError(b, err)
	reader := bufio.NewReaderSize(conn, 512)
	response, err := http.ReadResponse(reader, nil)
	require.NoError(b, err)
	require.Equal(b, http.StatusSwitchingProtocols, response.StatusCode)
	send(b, conn, `40`)
	send(b, conn, `42["authenticate"]`)
	for {
		if bytes.Contains(receive(b, reader), []byte(`"ping"`)) { // the last frame of the welcome
			return conn
		}
	}
}

// send writes one masked text frame; the mask is zero, which leaves the text as it is.
func send(b *testing.B, conn net.Conn, text string) {
	b.Helper()
	require.Less(b, len(text), 126)
	_, err := conn.Write(append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...))
	require.NoError(b, err)
}

// receive reads one short frame.
func receive(b *testing.B, r io.Reader) []byte {
	b.Helper()
	var header [2]byte
	_, err := io.ReadFull(r, header[:])
	require.NoError(b, err)
	length := int64(header[1])
	if length == 126 {
		_, err = io.ReadFull(r, header[:])
		require.NoError(b, err)
		length = int64(header[0])<<8 | int64(header[1])
	}
	payload, err := io.ReadAll(io.LimitReader(r, length))
	require.NoError(b, err)
	return payload
}

func (c *crowd) count(conn net.Conn) {
	defer c.readers.Done()
	buffer := make([]byte, 2048)
	for {
		n, err := conn.Read(buffer)
		c.received.Add(int64(n))
		select {
		case c.signal <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// await returns when the clients have received so many bytes in all.
func (c *crowd) await(total int64) {
	for c.received.Load() < total {
		<-c.signal
	}
}
