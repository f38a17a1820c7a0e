package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/coder/websocket"

	"github.com/actio-go/actio/wire"
)

// socket is a websocket.
type socket struct {
	conn *websocket.Conn
	raw  io.Closer // what lies under conn
}

func dialWebSocket(ctx context.Context, o *Options, sid string) (*socket, error) {
	header := http.Header{}
	for name, values := range o.Header {
		header[http.CanonicalHeaderKey(name)] = values
	}
	host := header.Get("Host")
	header.Del("Host")
	var raw io.Closer
	catch := *o.HTTP
	catch.Transport = catcher{o.HTTP.Transport, &raw}
	dial := &websocket.DialOptions{HTTPClient: &catch, HTTPHeader: header, Host: host}
	if o.Compression {
		dial.CompressionMode = websocket.CompressionNoContextTakeover
	}
	conn, response, err := websocket.Dial(ctx, o.endpoint(WebSocket, sid, ""), dial) //nolint:bodyclose // the library does
	switch {
	case err != nil && ctx.Err() == nil && response != nil && response.StatusCode >= 400:
		return nil, fmt.Errorf("websocket: %w", statusError(response))
	case err != nil:
		return nil, fmt.Errorf("websocket: %w", withoutURL(err))
	}
	conn.SetReadLimit(o.MaxMessage)
	return &socket{conn: conn, raw: raw}, nil
}

func (*socket) name() Transport { return WebSocket }

// read waits for one message. It takes no context, as one that ends costs allocations with each message: cut ends it.
func (s *socket) read(yield func(wire.EnginePacket) error) error {
	p, err := s.packet(context.Background())
	if err != nil {
		return err
	}
	return yield(p)
}

func (s *socket) packet(ctx context.Context) (wire.EnginePacket, error) {
	kind, data, err := s.conn.Read(ctx)
	switch {
	case errors.Is(err, websocket.ErrMessageTooBig):
		return wire.EnginePacket{}, fmt.Errorf("websocket: %w: %w", ErrTooBig, err)
	case websocket.CloseStatus(err) >= 0:
		return wire.EnginePacket{}, fmt.Errorf("websocket: %w: %w", ErrServerClosed, err)
	case err != nil:
		return wire.EnginePacket{}, fmt.Errorf("websocket: %w", err)
	case kind == websocket.MessageBinary:
		return wire.DecodeEngineBinary(data), nil
	}
	p, err := wire.DecodeEngineText(data)
	if err != nil {
		return p, fmt.Errorf("websocket: %w: %w", ErrProtocol, err)
	}
	return p, nil
}

// batchBytes bounds what is written before it is counted as such.
const batchBytes = 64 << 10

func (*socket) take(queue []*wire.Prepared) int {
	size := 0
	for i, m := range queue {
		if size += m.Size(); size >= batchBytes {
			return i + 1
		}
	}
	return len(queue)
}

func (s *socket) write(batch []*wire.Prepared) error {
	var buffer []byte // of one run of the writer: an idle session keeps none
	for _, m := range batch {
		for p := range m.Packets() {
			kind, data := websocket.MessageText, p.Data
			if p.Binary {
				kind = websocket.MessageBinary
			} else {
				buffer = wire.AppendEngineText(buffer[:0], p)
				data = buffer
			}
			if err := s.conn.Write(context.Background(), kind, data); err != nil {
				return fmt.Errorf("websocket: %w", err)
			}
		}
	}
	return nil
}

// farewell exchanges close frames. The library bounds it: 5 s for each direction.
func (s *socket) farewell() { _ = s.conn.Close(websocket.StatusNormalClosure, "") }

// cut ends everything that is under way. CloseNow alone would wait for a farewell that is.
func (s *socket) cut() {
	_ = s.raw.Close()
	_ = s.conn.CloseNow()
}

// catcher notes the connection that becomes a websocket, which the library keeps to itself.
type catcher struct {
	next http.RoundTripper
	raw  *io.Closer
}

func (c catcher) RoundTrip(r *http.Request) (*http.Response, error) {
	next := c.next
	if next == nil {
		next = http.DefaultTransport
	}
	response, err := next.RoundTrip(r)
	if err == nil {
		*c.raw = response.Body
	}
	return response, err
}
