package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/actio-go/actio/wire"
)

// polling is HTTP long-polling: a GET at a time to read, a POST at a time to write.
type polling struct {
	options    *Options
	ctx        context.Context //nolint:containedctx // of all requests; ends with the session
	sid        string
	maxPayload int // of the server, for one POST; 0 when it did not say
	requests   atomic.Uint64
}

func (*polling) name() Transport { return Polling }

// read makes one GET and yields the packets of its answer.
func (p *polling) read(yield func(wire.EnginePacket) error) error {
	body, err := p.do(p.ctx, http.MethodGet, nil)
	if err != nil {
		return err
	}
	return decodePayload(body, yield)
}

// decodePayload tells what the server did wrong from what yield returned.
func decodePayload(body []byte, yield func(wire.EnginePacket) error) error {
	err := wire.DecodePayload(body, yield)
	if _, malformed := errors.AsType[*wire.DecodeError](err); malformed {
		return fmt.Errorf("polling: %w: %w", ErrProtocol, err)
	}
	return err
}

// handshake is the first GET: it has no sid yet. Its packets are yielded, the open packet among them.
func (p *polling) handshake(ctx context.Context, yield func(wire.EnginePacket) error) error {
	body, err := p.do(ctx, http.MethodGet, nil)
	if err != nil {
		return err
	}
	return decodePayload(body, yield)
}

// take cuts off the front of the queue what fits one POST: at least one packet.
func (p *polling) take(queue []*wire.Prepared) int {
	size := 0
	for i, m := range queue {
		if i > 0 {
			size++ // the separator
		}
		size += m.PayloadSize()
		if i > 0 && p.maxPayload > 0 && size > p.maxPayload {
			return i
		}
	}
	return len(queue)
}

func (p *polling) write(batch []*wire.Prepared) error { return p.post(p.ctx, batch) }

// post makes one POST of all packets.
func (p *polling) post(ctx context.Context, batch []*wire.Prepared) error {
	var body []byte
	for i, m := range batch {
		if i > 0 {
			body = append(body, wire.PayloadSeparator)
		}
		body = m.AppendPayload(body)
	}
	_, err := p.do(ctx, http.MethodPost, body)
	return err
}

// farewellPatience bounds the farewell; that of a websocket has the same bound.
const farewellPatience = 5 * time.Second

// farewell tells the server that the session is over.
func (p *polling) farewell() {
	ctx, cancel := p.options.Clock.Context(p.ctx, farewellPatience)
	defer cancel()
	_ = p.post(ctx, []*wire.Prepared{wire.PrepareEngine(wire.EnginePacket{Type: wire.EngineClose})})
}

// cut has nothing to do: the requests end with their context.
func (*polling) cut() {}

// do makes a request and returns the body of its answer.
func (p *polling) do(ctx context.Context, method string, body []byte) ([]byte, error) {
	stamp := strconv.FormatUint(p.requests.Add(1), 36)
	var content io.Reader
	switch {
	case body != nil:
		content = bytes.NewReader(body)
	case p.sid != "": // a handshake has nothing to lose yet
		content = unrepeatable{}
	}
	request, err := http.NewRequestWithContext(ctx, method, p.options.endpoint(Polling, p.sid, stamp), content)
	if err != nil {
		return nil, fmt.Errorf("polling: %w", err)
	}
	setHeader(request, p.options.Header)
	if body != nil {
		request.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	response, err := p.options.HTTP.Do(request)
	if err != nil {
		return nil, fmt.Errorf("polling: %w", withoutURL(err))
	}
	defer func() { _ = response.Body.Close() }()
	switch {
	case response.StatusCode == http.StatusSwitchingProtocols:
		// net/http leaves the connection to us, so that no context would end reading it.
		return nil, fmt.Errorf("polling: %w: the server switches protocols", ErrProtocol)
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("polling: %w", statusError(response))
	case response.Request != nil && response.Request.Method != method:
		return nil, fmt.Errorf("polling: %w: a %s was redirected and has become a %s", ErrProtocol, method, response.Request.Method)
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, p.options.MaxMessage+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("polling: %w", err)
	case int64(len(answer)) > p.options.MaxMessage:
		return nil, fmt.Errorf("polling: %w: over %d bytes", ErrTooBig, p.options.MaxMessage)
	}
	return answer, nil
}

// unrepeatable is an empty body that keeps net/http from repeating a GET whose connection broke: the answer that got lost may
// have had packets, and with the next answer nobody would miss them.
type unrepeatable struct{}

func (unrepeatable) Read([]byte) (int, error) { return 0, io.EOF }

// setHeader adds the application's headers; a Host among them names the virtual host.
func setHeader(r *http.Request, header http.Header) {
	for name, values := range header {
		if http.CanonicalHeaderKey(name) == "Host" && len(values) > 0 {
			r.Host = values[0]
			continue
		}
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
}
