package transport

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/actio-go/actio/wire"
)

// readerName is the name of the reader goroutines in the ledger of the layer above.
const readerName = "websocket reader"

// Receiver gets what a websocket receives. All calls come from its reader goroutine, one at a time.
type Receiver interface {
	// Message gets one message. data is the receiver's own. It may block: then nothing more is read, so that the pressure
	// reaches the client. Who closes the websocket must unblock it.
	Message(ws *WebSocket, binary bool, data []byte)
	// Control gets a complete frame, a pong or the reply to a close frame, that must be written in order with everything
	// else. frame is the receiver's own. It must not block.
	Control(ws *WebSocket, frame []byte)
	// Closed is called once, after everything else. err is never nil: ErrClosed after Abort, or after FinishWrites when
	// its linger is over; ErrPeerClosed (a *CloseError), ErrTooBig or ErrProtocol when the peer may still read, after
	// Control had the close frame: then write what is queued and call FinishWrites, or Abort; else the error of the
	// connection, which is closed already (see IsReset).
	Closed(ws *WebSocket, err error)
}

// WebSocket is one upgraded connection. Reading is the work of one goroutine, which Start hands to the caller's ledger.
// Writing is the work of its session alone: TryWrite and WriteAll are never called at the same time. FinishWrites and
// Abort may be called at any time.
type WebSocket struct {
	conn    net.Conn
	raw     syscall.RawConn // nil: no descriptor for TryWrite
	shared  *shared
	deflate *wire.Deflater // nil: not negotiated

	receiver Receiver
	spawn    func(name string, fn func())
	reader   readerState // of the reader goroutine alone

	finish atomic.Bool // FinishWrites was called
	mu     sync.Mutex  // guards what follows
	linger time.Duration
	// The life of a connection: started, finishing (finish), halfClosed, closed. Each is entered at most once.
	started, halfClosed, closed bool

	onlyText bool
}

// shared is what all websockets of one handler share.
type shared struct {
	began      time.Time // before any message
	maxPayload int
	deflate    *wire.Deflater
	buffers    sync.Pool // *[]byte, for reading
	inflaters  sync.Pool // *inflater
	writes     sync.Pool // *rawWrite
	batches    sync.Pool // *bufio.Writer, for WriteAll
}

func newShared(c *Config) *shared {
	return &shared{began: time.Now().Add(-quietTime), maxPayload: c.MaxPayload, deflate: c.Deflate}
}

// attach takes over a hijacked connection and the bytes that were read of it before.
func (ws *WebSocket) attach(conn net.Conn, prefix []byte) {
	ws.conn = conn
	ws.reader.ahead = prefix
	if ws.raw = rawConn(conn); ws.raw != nil {
		ws.reader.try = ws.tryFill
	}
}

// Start begins to read: spawn runs the reader, under a name, in a goroutine of its own. The reader may be replaced by a
// fresh goroutine, by the same spawn, when the connection has been quiet, because a fresh one has a small stack. Start is
// called once.
func (ws *WebSocket) Start(r Receiver, spawn func(name string, fn func())) {
	ws.mu.Lock()
	ws.started = true
	ws.mu.Unlock()
	ws.receiver, ws.spawn = r, spawn
	spawn(readerName, ws.read)
}

// Deflate gives the deflater to prepare frames with, nil when the client did not negotiate compression.
func (ws *WebSocket) Deflate() *wire.Deflater { return ws.deflate }

// OnlyText tells whether a client of revision 3 of the protocol asked for text in place of binary packets.
func (ws *WebSocket) OnlyText() bool { return ws.onlyText }

// FinishWrites says that the last byte, the close frame included, is written. The sending half is closed; the reader
// discards what comes until the peer closes too or linger is over, then the connection is closed and, if it was not
// before, Receiver.Closed is called. It never blocks and is idempotent. A websocket that was never started, or a linger
// that is not positive, is aborted.
//
// Over TLS the reader sends close_notify, which may take up to 5 s more if the peer does not read.
func (ws *WebSocket) FinishWrites(linger time.Duration) {
	ws.mu.Lock()
	if ws.closed || ws.finish.Load() {
		ws.mu.Unlock()
		return
	}
	if !ws.started || linger <= 0 {
		ws.mu.Unlock()
		ws.Abort()
		return
	}
	defer ws.mu.Unlock()
	ws.linger = linger
	ws.finish.Store(true)
	if half, ok := ws.conn.(*net.TCPConn); ok {
		_ = half.CloseWrite() // a shutdown call; a connection that is gone needs none
	}
	ws.wake()
}

// Abort closes the connection at once, whatever is under way: the reader ends, and a blocked WriteAll returns. It never
// blocks and is idempotent.
func (ws *WebSocket) Abort() {
	ws.mu.Lock()
	if ws.closed {
		ws.mu.Unlock()
		return
	}
	ws.closed = true
	ws.mu.Unlock()
	_ = below(ws.conn).Close() // nothing could be done about an error
}

// wake makes a read that is under way return with a timeout. The reader sets the next deadline.
func (ws *WebSocket) wake() {
	_ = ws.conn.SetReadDeadline(time.Unix(1, 0)) // fails only when closed, and then reads fail too
}

// below gives the connection under TLS: closing it never waits for an alert to be sent.
func below(conn net.Conn) net.Conn {
	for {
		over, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			return conn
		}
		next := over.NetConn()
		if next == nil {
			return conn
		}
		conn = next
	}
}
