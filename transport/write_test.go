package transport_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/transport"
	"github.com/actio-go/actio/wire"
)

// fill writes messages without blocking until the socket takes no more. It gives how many fit, and the rest of the one
// that was begun.
func fill(t *testing.T, ws *transport.WebSocket, message []byte) (whole int, rest []byte) {
	t.Helper()
	for whole = range 10_000 {
		n, err := ws.TryWrite(message)
		require.NoError(t, err)
		if n < len(message) {
			return whole, message[n:]
		}
	}
	require.Fail(t, "the socket takes everything")
	return 0, nil
}

// bigMessage is n bytes of which no two neighbouring KiB are alike.
func bigMessage(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i>>10 + i)
	}
	return b
}

func smallBuffers(srv *http.Server) {
	srv.ConnState = func(c net.Conn, state http.ConnState) {
		if tcp, ok := c.(*net.TCPConn); ok && state == http.StateNew {
			_ = tcp.SetWriteBuffer(4096)
		}
	}
}

func TestTryWrite_FullSocket_WritesPartAndWriteAllTheRest(t *testing.T) {
	s := newSessions()
	srv := serveTCP(t, transport.Config{}, s, smallBuffers)
	c, ws := srv.rawWebSocket(t, s.sockets, nil)
	start(t, ws)
	message := wire.AppendFrame(nil, wire.Binary, bigMessage(1<<20))
	whole, rest := fill(t, ws, message)
	for range 100 { // the kernel may find some room yet
		n, err := ws.TryWrite(rest)
		require.NoError(t, err, "a full buffer is no error")
		require.Less(t, n, len(rest))
		rest = rest[n:]
	}
	written := make(chan error, 1)
	go func() { written <- ws.WriteAll([][]byte{rest, text("end")}, patience) }()
	for range whole + 1 {
		first, payload := c.mustReadFrame(t)
		require.Equal(t, byte(fin|opBinary), first)
		require.True(t, bytes.Equal(message[10:], payload))
	}
	_, payload := c.mustReadFrame(t)
	assert.Equal(t, "end", string(payload))
	require.NoError(t, receive(t, written))
	n, err := ws.TryWrite(text("after"))
	require.NoError(t, err)
	assert.Equal(t, 7, n)
	_, payload = c.mustReadFrame(t)
	assert.Equal(t, "after", string(payload))
}

func TestTryWrite_NoDescriptor_ReturnsErrNoRaw(t *testing.T) {
	overMedia(t, transport.Config{}, func(t *testing.T, m medium, srv *server, s *sessions) {
		_, ws := srv.rawWebSocket(t, s.sockets, nil)
		start(t, ws)
		if m.raw {
			n, err := ws.TryWrite(nil)
			require.NoError(t, err)
			assert.Zero(t, n)
			return
		}
		_, err := ws.TryWrite(text("x"))
		require.ErrorIs(t, err, transport.ErrNoRaw)
	})
}

// An application has the connection, too, from ConnContext or its listener. What it has closed must not be written to: the
// number of the descriptor may be that of another client by now.
func TestTryWrite_ConnectionClosedByAnotherHolder_WritesNothing(t *testing.T) {
	s := newSessions()
	held := make(chan net.Conn, 1)
	srv := serveTCP(t, transport.Config{}, s, func(srv *http.Server) {
		srv.ConnState = func(c net.Conn, state http.ConnState) {
			if state == http.StateNew {
				held <- c
			}
		}
	})
	_, ws := srv.rawWebSocket(t, s.sockets, nil)
	require.NoError(t, receive(t, held).Close())
	_, err := ws.TryWrite(text("secret"))
	require.ErrorIs(t, err, net.ErrClosed)
	ws.Abort()
}

// wrapped hides that a connection is a TCP connection, as the listeners of limiters and proxies do.
type wrapped struct{ *net.TCPConn }

func TestTryWrite_WrappedSocket_IsNotBypassed(t *testing.T) {
	s := newSessions()
	wrapping := medium{"wrapped", false, func(t *testing.T) (net.Listener, dialer) {
		t.Helper()
		l, dial := listenTCP(t)
		return wrappingListener{l}, dial
	}}
	c, ws := serve(t, wrapping, transport.Config{}, s).rawWebSocket(t, s.sockets, nil)
	start(t, ws)
	assert.False(t, ws.HasRaw())
	require.NoError(t, ws.WriteAll([][]byte{text("x")}, patience))
	_, payload := c.mustReadFrame(t)
	assert.Equal(t, "x", string(payload))
	ws.FinishWrites(patience)
	_, _, err := c.readFrame()
	require.ErrorIs(t, err, io.EOF, "half-closed")
	require.NoError(t, c.Close())
}

type wrappingListener struct{ net.Listener }

func (l wrappingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		return wrapped{tcp}, nil
	}
	return c, err
}

func TestWriteAll_StalledPeer_TimesOut(t *testing.T) {
	overMedia(t, transport.Config{}, func(t *testing.T, _ medium, srv *server, s *sessions) {
		_, ws := srv.rawWebSocket(t, s.sockets, nil)
		start(t, ws)
		huge := make([]byte, 16<<20)
		err := ws.WriteAll([][]byte{huge[:1], huge}, 50*time.Millisecond)
		require.Error(t, err)
		assert.True(t, transport.IsTimeout(err), "%v", err)
		assert.False(t, transport.IsReset(err))
	})
}

func TestWriteAll_ExpiredDeadline_DoesNotFailTheNextWrite(t *testing.T) {
	s := newSessions()
	srv := serveTCP(t, transport.Config{}, s)
	c, ws := srv.rawWebSocket(t, s.sockets, nil)
	start(t, ws)
	require.NoError(t, ws.WriteAll([][]byte{text("a")}, 20*time.Millisecond))
	<-time.After(40 * time.Millisecond)
	n, err := ws.TryWrite(text("b"))
	require.NoError(t, err, "the deadline of the write before is gone")
	assert.Equal(t, 3, n)
	require.NoError(t, ws.WriteAll([][]byte{text("c")}, 0))

	// The same after a deadline that did expire: the socket itself is sound.
	require.Error(t, ws.WriteAll([][]byte{make([]byte, 16<<20)}, time.Millisecond))
	_, err = ws.TryWrite(text("d"))
	require.NoError(t, err)
	for _, want := range []string{"a", "b", "c"} {
		_, payload := c.mustReadFrame(t)
		assert.Equal(t, want, string(payload))
	}
}

func TestWriteAll_Abort_Unblocks(t *testing.T) {
	overMedia(t, transport.Config{}, func(t *testing.T, _ medium, srv *server, s *sessions) {
		_, ws := srv.rawWebSocket(t, s.sockets, nil)
		r := start(t, ws)
		written := make(chan error, 1)
		go func() { written <- ws.WriteAll([][]byte{make([]byte, 16<<20)}, time.Hour) }()
		select {
		case err := <-written:
			require.NoError(t, err)
			require.Fail(t, "written at once")
		case <-time.After(50 * time.Millisecond):
		}
		begun := time.Now()
		ws.Abort()
		assert.Less(t, time.Since(begun), time.Second, "not even a TLS alert is waited for")
		require.Error(t, receive(t, written))
		require.ErrorIs(t, receive(t, r.closed), transport.ErrClosed)
		_, err := ws.TryWrite(text("x"))
		require.Error(t, err)
		ws.Abort()
		ws.FinishWrites(time.Second)
	})
}

func TestTryWrite_PeerGone_IsFinal(t *testing.T) {
	s := newSessions()
	srv := serveTCP(t, transport.Config{}, s)
	c, ws := srv.rawWebSocket(t, s.sockets, nil)
	r := start(t, ws)
	require.NoError(t, c.Close())
	require.True(t, transport.IsReset(receive(t, r.closed)))
	_, err := ws.TryWrite(text("x"))
	require.ErrorIs(t, err, net.ErrClosed)
}

func TestWriteAll_ManySmallBuffers_KeepTheirOrder(t *testing.T) {
	overMedia(t, transport.Config{}, func(t *testing.T, _ medium, srv *server, s *sessions) {
		c, ws := srv.rawWebSocket(t, s.sockets, nil)
		start(t, ws)
		var want []byte
		var bufs [][]byte
		for i := range 3000 {
			buf := bigMessage(i % 97)
			if i%500 == 0 {
				buf = bigMessage(40_000)
			}
			bufs = append(bufs, buf)
			want = append(want, buf...)
		}
		written := make(chan error, 1)
		go func() { written <- ws.WriteAll(bufs, patience) }()
		got := make([]byte, len(want))
		_, err := io.ReadFull(c.reader, got)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(want, got))
		require.NoError(t, receive(t, written))
	})
}
