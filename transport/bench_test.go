package transport_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/transport"
)

// drained gives the server's end of a websocket whose client reads and forgets.
func drained(tb testing.TB, c transport.Config) *transport.WebSocket {
	tb.Helper()
	ws, conn := connected(tb, c)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = io.Copy(io.Discard, conn)
	}()
	tb.Cleanup(func() {
		ws.Abort()
		<-gone
	})
	return ws
}

// connected upgrades one connection over TCP.
func connected(tb testing.TB, c transport.Config) (*transport.WebSocket, net.Conn) {
	tb.Helper()
	s := newSessions()
	h, err := transport.NewHandler(c, s)
	require.NoError(tb, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	srv := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l)
	}()
	tb.Cleanup(func() {
		_ = srv.Close()
		<-done
	})
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", l.Addr().String())
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = conn.Close() })
	_, err = io.WriteString(conn, handshakeText(socketTarget))
	require.NoError(tb, err)
	head := make([]byte, 0, 512)
	for !strings.HasSuffix(string(head), "\r\n\r\n") {
		var b [1]byte
		_, err = conn.Read(b[:])
		require.NoError(tb, err)
		head = append(head, b[0])
	}
	return <-s.sockets, conn
}

func BenchmarkTryWrite(b *testing.B) {
	ws := drained(b, transport.Config{})
	p := text(strings.Repeat("x", 73))
	b.ReportAllocs()
	for b.Loop() {
		for written := 0; written < len(p); { // a full socket is retried here; sessions wait
			n, err := ws.TryWrite(p[written:])
			if err != nil {
				b.Fatal(err)
			}
			if written += n; n == 0 {
				runtime.Gosched()
			}
		}
	}
}

func BenchmarkTryWriteTenFrames(b *testing.B) {
	ws := drained(b, transport.Config{})
	p := []byte(strings.Repeat(string(text(strings.Repeat("x", 73))), 10))
	b.ReportAllocs()
	for b.Loop() {
		for written := 0; written < len(p); {
			n, err := ws.TryWrite(p[written:])
			if err != nil {
				b.Fatal(err)
			}
			if written += n; n == 0 {
				runtime.Gosched()
			}
		}
	}
}

func BenchmarkWriteAll(b *testing.B) {
	ws := drained(b, transport.Config{})
	frame, bufs := text(strings.Repeat("x", 73)), make([][]byte, 10)
	b.ReportAllocs()
	for b.Loop() {
		for i := range bufs {
			bufs[i] = frame
		}
		if err := ws.WriteAll(bufs, patience); err != nil {
			b.Fatal(err)
		}
	}
}

// counting counts what it receives.
type counting struct{ messages chan struct{} }

func (c counting) Message(*transport.WebSocket, bool, []byte) { c.messages <- struct{}{} }
func (c counting) Control(*transport.WebSocket, []byte)       {}
func (c counting) Closed(_ *transport.WebSocket, _ error)     { close(c.messages) }

func BenchmarkRead(b *testing.B) {
	ws, conn := connected(b, transport.Config{})
	c := counting{make(chan struct{}, 1024)}
	ended := make(chan struct{}, 2)
	ws.Start(c, func(_ string, fn func()) {
		go func() {
			fn()
			ended <- struct{}{}
		}()
	})
	batch := []byte(strings.Repeat(string(frame(fin|opText, make([]byte, 73))), 64))
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if n%64 == 0 {
			if _, err := conn.Write(batch); err != nil {
				b.Fatal(err)
			}
		}
		<-c.messages
	}
	b.StopTimer()
	ws.Abort()
	for range c.messages {
	}
	<-ended
	<-ended
}

func BenchmarkUpgrade(b *testing.B) {
	s := newSessions()
	h, err := transport.NewHandler(transport.Config{}, s)
	require.NoError(b, err)
	l, dial := listenPipe(nil)
	srv := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l)
	}()
	request, answer := []byte(handshakeText(socketTarget, "User-Agent", "Mozilla/5.0")), make([]byte, 4096)
	b.ReportAllocs()
	for b.Loop() {
		conn, err := dial(context.Background())
		require.NoError(b, err)
		_, err = conn.Write(request)
		require.NoError(b, err)
		_, err = conn.Read(answer)
		require.NoError(b, err)
		(<-s.sockets).Abort()
		_ = conn.Close()
	}
	_ = srv.Close()
	<-done
}

func TestTryWrite_Allocations_AreNone(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	ws := drained(t, transport.Config{})
	p := text("x")
	var failed error
	allocs := testing.AllocsPerRun(1000, func() {
		if _, err := ws.TryWrite(p); err != nil {
			failed = err
		}
	})
	require.NoError(t, failed)
	require.Zero(t, allocs)
}

// idleConnections is how many connections the memory test holds.
const idleConnections = 500

func TestWebSocket_IdleConnection_CostsLittle(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector needs memory of its own")
	}
	s := newSessions()
	srv := serveTCP(t, transport.Config{}, s)
	var held []*transport.WebSocket
	var ended []*receiver
	before := heapAndStack()
	clients := make([]net.Conn, 0, idleConnections)
	for range idleConnections {
		conn, err := srv.dial(t.Context())
		require.NoError(t, err)
		clients = append(clients, conn)
		_, err = io.WriteString(conn, handshakeText(socketTarget))
		require.NoError(t, err)
		ws := receive(t, s.sockets)
		r := &receiver{closed: make(chan error, 1)}
		r.begin(ws)
		held, ended = append(held, ws), append(ended, r)
	}
	each := (heapAndStack() - before) / idleConnections
	t.Logf("%d bytes of heap and stack for each idle connection, the test's client (about 1 KiB) included", each)
	require.Less(t, each, uint64(10_000))
	for i, ws := range held {
		ws.Abort()
		ended[i].running.Wait()
		_ = clients[i].Close()
	}
}

func heapAndStack() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
