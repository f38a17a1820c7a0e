package transport_test

import (
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/transport"
	"github.com/actio-go/actio/wire"
)

// farewell is a last message and a close frame.
func farewell() []byte {
	return wire.AppendCloseFrame(text("42[\"unauthenticated\"]"), 1000, "")
}

// readFarewell reads up to the close frame.
func readFarewell(c *rawClient) error {
	for {
		first, _, err := c.readFrame()
		if err != nil {
			return err
		}
		if first == fin|opClose {
			return nil
		}
	}
}

// dropMessages is a receiver that forgets what it gets.
type dropMessages struct{ *receiver }

func (dropMessages) Message(*transport.WebSocket, bool, []byte) {}

// backlog is more than a client takes that does not read, and less than the server's kernel does.
func backlog() []byte { return wire.AppendFrame(nil, wire.Binary, make([]byte, 1_000_000)) }

// flood writes messages until the connection fails.
func flood(c *rawClient) <-chan struct{} {
	done := make(chan struct{})
	message := frame(fin|opBinary, make([]byte, 10_000))
	go func() {
		defer close(done)
		for {
			if _, err := c.Write(message); err != nil {
				return
			}
		}
	}()
	return done
}

// shrink makes the client's kernel take little: what the client has not read stays with the server, where a reset
// destroys it.
func shrink(t *testing.T, c *rawClient) {
	t.Helper()
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		require.NoError(t, tcp.SetReadBuffer(64<<10))
	}
}

func TestFinishWrites_FloodingClient_ReadsTheFarewell(t *testing.T) {
	overMedia(t, transport.Config{}, func(t *testing.T, m medium, srv *server, s *sessions) {
		for range 10 {
			c, ws := srv.rawWebSocket(t, s.sockets, nil)
			shrink(t, c)
			r := &receiver{closed: make(chan error, 1)}
			ws.Start(dropMessages{r}, func(_ string, fn func()) { r.running.Go(fn) })
			flooded := flood(c)
			written := make(chan error, 1)
			go func() {
				err := ws.WriteAll([][]byte{backlog(), farewell()}, patience)
				ws.FinishWrites(patience)
				written <- err
			}()
			if m.name == "tcp" { // the others buffer too little to take all before the client reads
				require.NoError(t, receive(t, written))
			}
			require.NoError(t, readFarewell(c))
			if m.name != "tcp" {
				require.NoError(t, receive(t, written))
			}
			require.NoError(t, c.Close())
			receive(t, flooded)
			require.ErrorIs(t, receive(t, r.closed), transport.ErrClosed)
			r.running.Wait()
		}
	})
}

func TestAbort_FloodingClient_LosesTheFarewell(t *testing.T) {
	// The control of the test above: without the linger a reset destroys it.
	s := newSessions()
	srv := serveTCP(t, transport.Config{}, s)
	c, ws := srv.rawWebSocket(t, s.sockets, nil)
	shrink(t, c)
	flooded := flood(c)
	require.NoError(t, ws.WriteAll([][]byte{backlog(), farewell()}, patience))
	ws.Abort()
	receive(t, flooded)
	require.Error(t, readFarewell(c))
}

func TestFinishWrites_QuietPeer_HalfCloseIsSeenAndLingerEnds(t *testing.T) {
	overMedia(t, transport.Config{}, func(t *testing.T, m medium, srv *server, s *sessions) {
		c, ws := srv.rawWebSocket(t, s.sockets, nil)
		r := start(t, ws)
		written := make(chan error, 1)
		go func() { written <- ws.WriteAll([][]byte{farewell()}, patience) }()
		require.NoError(t, readFarewell(c))
		require.NoError(t, receive(t, written))
		begun := time.Now()
		ws.FinishWrites(500 * time.Millisecond)
		ws.FinishWrites(time.Hour) // the first counts
		_, _, err := c.readFrame()
		require.ErrorIs(t, err, io.EOF)
		if m.name != "pipe" { // which has no halves
			assert.Empty(t, r.closed, "the linger is not over")
		}
		require.ErrorIs(t, receive(t, r.closed), transport.ErrClosed)
		assert.GreaterOrEqual(t, time.Since(begun), 500*time.Millisecond)
		assert.Less(t, time.Since(begun), 5*time.Second)
	})
}

func TestFinishWrites_EndlessFlood_DoesNotExtendTheLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSessions()
		c, ws := serve(t, media()[2], transport.Config{}, s).rawWebSocket(t, s.sockets, nil)
		require.NoError(t, c.SetDeadline(time.Time{}))
		r := start(t, ws)
		begun := time.Now()
		ws.FinishWrites(time.Second)
		flooded := make(chan struct{})
		go func() {
			defer close(flooded)
			for {
				if _, err := c.Write(make([]byte, 100)); err != nil {
					return
				}
				<-time.After(time.Millisecond)
			}
		}()
		require.ErrorIs(t, <-r.closed, transport.ErrClosed)
		assert.Equal(t, time.Second, time.Since(begun).Truncate(10*time.Millisecond))
		<-flooded
	})
}

func TestFinishWrites_AfterPeerClosed_RepliesThenEnds(t *testing.T) {
	overMedia(t, transport.Config{}, func(t *testing.T, _ medium, srv *server, s *sessions) {
		c, ws := srv.rawWebSocket(t, s.sockets, nil)
		r := start(t, ws)
		c.send(t, frame(fin|opClose, closePayload(1000, "")))
		first, payload := c.mustReadFrame(t)
		assert.Equal(t, byte(fin|opClose), first)
		assert.Equal(t, closePayload(1000, ""), payload)
		require.ErrorIs(t, receive(t, r.closed), transport.ErrPeerClosed)
		ws.FinishWrites(patience)
		require.NoError(t, c.Close())
		r.running.Wait() // well before the linger is over
	})
}

func TestFinishWrites_NotStarted_Aborts(t *testing.T) {
	s := newSessions()
	c, ws := serveTCP(t, transport.Config{}, s).rawWebSocket(t, s.sockets, nil)
	ws.FinishWrites(time.Hour)
	_, _, err := c.readFrame()
	require.Error(t, err)
	require.NoError(t, c.Close())
}

func TestStart_AfterAbort_TellsClosed(t *testing.T) {
	s := newSessions()
	_, ws := serveTCP(t, transport.Config{}, s).rawWebSocket(t, s.sockets, nil)
	ws.Abort()
	r := start(t, ws)
	require.ErrorIs(t, receive(t, r.closed), transport.ErrClosed)
}

// blocking waits in Message until the test lets it go.
type blocking struct {
	*receiver
	entered, release chan struct{}
}

func (b blocking) Message(*transport.WebSocket, bool, []byte) {
	b.entered <- struct{}{}
	<-b.release
}

func TestFinishWrites_ReaderBlockedInMessage_DoesNotWait(t *testing.T) {
	overMedia(t, transport.Config{}, func(t *testing.T, _ medium, srv *server, s *sessions) {
		for _, end := range []func(*transport.WebSocket){
			(*transport.WebSocket).Abort,
			func(ws *transport.WebSocket) { ws.FinishWrites(time.Millisecond) },
		} {
			c, ws := srv.rawWebSocket(t, s.sockets, nil)
			b := blocking{&receiver{closed: make(chan error, 1)}, make(chan struct{}, 1), make(chan struct{})}
			ws.Start(b, func(_ string, fn func()) { b.running.Go(fn) })
			c.send(t, frame(fin|opText, []byte("x")))
			receive(t, b.entered)
			end(ws)
			assert.Empty(t, b.closed)
			close(b.release)
			require.ErrorIs(t, receive(t, b.closed), transport.ErrClosed)
			b.running.Wait()
		}
	})
}

func TestWebSocket_CallsFromEverywhere_AreSafe(t *testing.T) {
	overMedia(t, transport.Config{}, func(t *testing.T, _ medium, srv *server, s *sessions) {
		for i := range 40 {
			c, ws := srv.rawWebSocket(t, s.sockets, nil)
			r := start(t, ws)
			r.write = false
			done := make(chan struct{}, 4)
			for _, call := range []func(){
				func() { ws.FinishWrites(time.Duration(i%3) * time.Millisecond) },
				func() { ws.FinishWrites(time.Millisecond) },
				func() {
					_, _ = c.Write(frame(fin|opPing, nil))
					_, _ = c.Write(frame(fin|opClose, closePayload(1000, "")))
				},
				func() {
					if i%2 == 0 {
						ws.Abort()
					}
				},
			} {
				go func() {
					call()
					done <- struct{}{}
				}()
			}
			err := receive(t, r.closed)
			require.True(t, errors.Is(err, transport.ErrClosed) || errors.Is(err, transport.ErrPeerClosed), "%v", err)
			_ = c.Close()
			for range 4 {
				receive(t, done)
			}
			ws.Abort()
			r.running.Wait()
		}
	})
}
