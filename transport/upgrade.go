package transport

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/coder/websocket"

	"github.com/actio-go/actio/wire"
)

// refuseLinger bounds how long a websocket that was refused after its upgrade is kept for its close frame to be read.
const refuseLinger = time.Second

// serveProbe upgrades a verified request and hands the websocket to its session.
func (h *Handler) serveProbe(w http.ResponseWriter, r *http.Request, s Session) {
	ws := h.upgrade(w, r, false)
	if ws == nil {
		return
	}
	taken := false
	defer func() {
		if !taken {
			ws.Abort()
		}
	}()
	s.Probe(ws)
	taken = true
}

// serveWebSocket opens a session over websocket. It is there before the request is upgraded: whom it has no place for is told by
// HTTP.
func (h *Handler) serveWebSocket(w http.ResponseWriter, r *http.Request, shake *Handshake) {
	opening, err := h.sessions.Open(shake)
	if err != nil {
		h.refuse(w, r, refusal(err, internal()))
		return
	}
	begun, taken := false, false
	defer func() {
		if !begun { // also when a hook of the application panicked
			opening.Abandon()
		}
	}()
	ws := h.upgrade(w, r, true)
	if ws == nil {
		return
	}
	defer func() {
		if !taken {
			ws.Abort()
		}
	}()
	begun = true
	if err = opening.Begin(ws); err == nil {
		taken = true
		return
	}
	e := refusal(err, internal())
	h.config.Logger.DebugContext(r.Context(), "websocket refused",
		slog.String("remote", shake.Remote()), slog.String("reason", e.Message))
	if h.config.Refused != nil {
		h.config.Refused(r, e)
	}
	ws.dismiss(e)
}

// upgrade gives nil after it has answered with an error.
func (h *Handler) upgrade(w http.ResponseWriter, r *http.Request, first bool) *WebSocket {
	if !canHijack(w) { // the library would find out after its answer
		h.refuse(w, r, internal())
		return nil
	}
	h.decorate(w.Header(), r, first, "")
	ws := &WebSocket{shared: h.shared, onlyText: h.config.AllowEIO3 && onlyText(r)}
	options := &websocket.AcceptOptions{InsecureSkipVerify: true} // originMayConnect has decided
	if h.shared.deflate != nil {
		options.CompressionMode = websocket.CompressionNoContextTakeover
	}
	library, err := websocket.Accept(&hijackWriter{ResponseWriter: w, ws: ws}, r, options)
	if err != nil { // the library has answered: this server cannot be upgraded
		h.config.Logger.DebugContext(r.Context(), "upgrade failed",
			slog.String("remote", h.remote(r)), slog.Any("err", err))
		return nil
	}
	_ = library.CloseNow() // it has spoken the handshake, and closes nothing: see spent
	if w.Header().Get("Sec-Websocket-Extensions") != "" {
		ws.deflate = h.shared.deflate
	}
	return ws
}

// stackOfUpgrade is what an upgrade takes of the stack, at least, in bytes: net/http sorts headers below the library below this.
const stackOfUpgrade = 8 << 10

// deepen gives the stack that room, of which a fresh goroutine has a quarter, in one step. By itself it would grow in two, the
// last while all is on it that has to be moved: that took an eighth of the time of a connection.
//
//go:noinline
func deepen(at uint) byte {
	var room [stackOfUpgrade]byte
	return room[at%stackOfUpgrade]
}

// dismiss ends a websocket that no session took, in the goroutine of its request.
func (ws *WebSocket) dismiss(e *Error) {
	code := uint16(codeInternalError)
	if e.Status == http.StatusServiceUnavailable || e.Status == http.StatusTooManyRequests {
		code = codeTryAgainLater
	}
	frame := wire.AppendCloseFrame(nil, code, e.Message)
	if ws.WriteAll([][]byte{frame}, refuseLinger) != nil {
		return
	}
	ws.mu.Lock()
	ws.linger = refuseLinger
	ws.mu.Unlock()
	ws.finish.Store(true)
	ws.discard()
}

// hijackWriter takes the connection that the websocket library hijacks. The library speaks the handshake; the frames are read
// by a reader of our own, because an idle connection of the library holds 2 KiB and a message costs 0.9 us more.
type hijackWriter struct {
	http.ResponseWriter
	ws *WebSocket
}

// Hijack takes the connection over. What net/http has read of it already comes out of its first reads.
func (w *hijackWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	prefix, err := buffered.Reader.Peek(buffered.Reader.Buffered())
	if err != nil { // cannot be: no more is asked for than there is
		_ = conn.Close()
		return nil, nil, err
	}
	w.ws.attach(conn, slices.Clone(prefix))
	return spent{conn}, bufio.NewReadWriter(bufio.NewReaderSize(nil, 1), bufio.NewWriterSize(nil, 1)), nil
}

// WriteHeaderNow passes on what routers that delay WriteHeader want to be told before a hijack.
func (w *hijackWriter) WriteHeaderNow() {
	if now, ok := w.ResponseWriter.(interface{ WriteHeaderNow() }); ok {
		now.WriteHeaderNow()
	}
}

// spent is what the library has left of a connection: it neither reads nor writes, nor closes it.
type spent struct{ net.Conn }

func (spent) Read([]byte) (int, error)         { return 0, io.EOF }
func (spent) Write([]byte) (int, error)        { return 0, io.ErrClosedPipe }
func (spent) Close() error                     { return nil }
func (spent) SetDeadline(time.Time) error      { return nil }
func (spent) SetReadDeadline(time.Time) error  { return nil }
func (spent) SetWriteDeadline(time.Time) error { return nil }

// canHijack reports whether the connection of a request can be taken over.
func canHijack(w http.ResponseWriter) bool {
	for {
		if _, ok := w.(http.Hijacker); ok {
			return true
		}
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return false
		}
		w = wrapper.Unwrap()
	}
}
