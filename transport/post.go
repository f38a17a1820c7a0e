package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/actio-go/actio/wire"
)

// Post is one POST: the packets a client sends. Exactly one answer counts, later ones are ignored. The session that gets
// it owns Packets and their data. The answers are safe for concurrent use. A literal with Packets and Err is a post that
// no request waits for, for tests: see Answered.
type Post struct {
	// Packets are the packets of the body, in order; with Err those before it. Both are there after Read.
	Packets []wire.EnginePacket
	// Err says that the body was not what the protocol allows, or that its end is missing: a wire.DecodeError,
	// ErrTooManyPackets, ErrContentType or ErrBodyAborted. The session must close.
	Err error
	// Revision3 says that the body is a payload of revision 3. The session sets it before Read.
	Revision3 bool

	read    func(*Post) bool // nil: there is nothing to read any more
	answer  answer
	refusal *Error
	ok      bool
}

// Read reads the body, for which a session has no memory before it knows that this post may come. It is called once, before
// Packets and Err are looked at, and blocks for Config.BodyTimeout at most. It reports false when the body is too large: the
// post is rejected then, and the session goes on.
func (p *Post) Read() bool {
	read := p.read
	p.read = nil
	return read == nil || read(p)
}

// Done answers with 200 and "ok". It never blocks. It reports whether the answer was taken.
func (p *Post) Done() bool {
	return p.answer.settle(func() { p.ok = true })
}

// Reject answers with a refusal; nil is BadRequest. It never blocks, and reports whether the answer was taken.
func (p *Post) Reject(e *Error) bool {
	if e == nil {
		e = BadRequest()
	}
	return p.answer.settle(func() { p.refusal = e })
}

// Answered gives a channel that is closed when the post is answered.
func (p *Post) Answered() <-chan struct{} { return p.answer.wait() }

// Answer gives the answer: ok after Done, the refusal after Reject, neither before.
func (p *Post) Answer() (ok bool, refusal *Error) {
	p.answer.mu.Lock()
	defer p.answer.mu.Unlock()
	return p.ok, p.refusal
}

// servePost hands a POST over, which reads it within its limits, and writes the session's answer.
func (h *Handler) servePost(w http.ResponseWriter, r *http.Request, s Session) {
	unread := true
	p := &Post{read: func(p *Post) (ok bool) {
		unread, ok = h.readPost(w, r, p)
		return ok
	}}
	s.Post(r.Context(), p)
	select {
	case <-p.Answered():
	case <-r.Context().Done():
		return
	}
	switch {
	case p.refusal == nil:
	case unread:
		h.refuseUnread(w, r, p.refusal)
		return
	default:
		h.refuse(w, r, p.refusal)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html") // text/plain makes some browsers offer a download
	header.Set("Content-Length", "2")
	header.Set("Cache-Control", "no-store")
	h.decorate(header, r, false, "")
	_, _ = io.WriteString(w, "ok") // a client that left is noticed by its poll
}

// readPost reads the packets of a POST. It reports whether some of its body may be left, and false when the body was too large.
func (h *Handler) readPost(w http.ResponseWriter, r *http.Request, p *Post) (unread, ok bool) {
	decode, binary := wire.DecodePayload, isOctetStream(r.Header.Get("Content-Type"))
	switch {
	case binary && p.Revision3:
		decode = wire.DecodeBinaryPayload3
	case binary:
		p.Err = ErrContentType
		return true, true
	case p.Revision3:
		decode = wire.DecodePayload3
	}
	body, err := h.readBody(w, r)
	if e, ok := errors.AsType[*Error](err); ok {
		p.Reject(e)
		return true, false
	}
	if err != nil { // the client will not know which packets arrived
		p.Err = err
		return false, true
	}
	p.Packets, p.Err = decodeBody(decode, body, h.config.MaxPackets)
	return false, true
}

// readBody reads the body of a POST. The error is an *Error when it is too large, else ErrBodyAborted.
func (h *Handler) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength > int64(h.config.MaxPayload) {
		return nil, payloadTooLarge()
	}
	control := http.NewResponseController(w)
	if control.SetReadDeadline(time.Now().Add(h.config.BodyTimeout)) == nil {
		// Left in place it would end the context of a request that waits for its answer.
		defer func() { _ = control.SetReadDeadline(time.Time{}) }()
	}
	// The announced length is a promise: memory grows with what arrives.
	buffer := bytes.NewBuffer(make([]byte, 0, min(max(r.ContentLength+bytes.MinRead, bytes.MinRead), 8<<10)))
	_, err := buffer.ReadFrom(http.MaxBytesReader(w, r.Body, int64(h.config.MaxPayload)))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, payloadTooLarge()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBodyAborted, err)
	}
	return buffer.Bytes(), nil
}

// payloadDecoder is one of the forms that payloads have.
type payloadDecoder func(body []byte, yield func(wire.EnginePacket) error) error

// decodeBody splits a body into packets.
func decodeBody(decode payloadDecoder, body []byte, maxPackets int) ([]wire.EnginePacket, error) {
	packets := make([]wire.EnginePacket, 0, min(bytes.Count(body, []byte{wire.PayloadSeparator})+1, maxPackets))
	err := decode(body, func(p wire.EnginePacket) error {
		if len(packets) == maxPackets {
			return ErrTooManyPackets
		}
		packets = append(packets, p)
		return nil
	})
	return packets, err
}

const octetStream = "application/octet-stream"

func isOctetStream(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && media == octetStream
}
