package transport

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// Poll is one waiting GET. Exactly one answer counts: Respond, Reject, or the departure of the client; what comes later
// is ignored. It is safe for concurrent use. The zero value is a poll that no request waits for, for tests: see Answered.
type Poll struct {
	answer  answer
	body    []byte
	binary  bool
	refusal *Error
	left    bool

	// SID is the id of the session that was opened with it. Sessions.Open sets it, before anything else happens to the poll.
	SID string
}

// Respond answers with 200 and body as text/plain. The poll owns body afterwards. It never blocks. It reports whether the
// answer was taken; false means that the poll was answered before or that the client had left.
func (p *Poll) Respond(body []byte) bool {
	return p.answer.settle(func() { p.body = body })
}

// RespondBinary is Respond with a body that is no text, which only revision 3 of the protocol knows.
func (p *Poll) RespondBinary(body []byte) bool {
	return p.answer.settle(func() { p.body, p.binary = body, true })
}

// Reject answers with a refusal; nil is BadRequest. It never blocks, and reports what Respond reports.
func (p *Poll) Reject(e *Error) bool {
	if e == nil {
		e = BadRequest()
	}
	return p.answer.settle(func() { p.refusal = e })
}

// Answered gives a channel that is closed when the poll is answered or its client has left.
func (p *Poll) Answered() <-chan struct{} { return p.answer.wait() }

// Answer gives the answer: what Respond or Reject was given. Both are nil before it, and when the client has left.
func (p *Poll) Answer() (body []byte, refusal *Error) {
	p.answer.mu.Lock()
	defer p.answer.mu.Unlock()
	return p.body, p.refusal
}

// abandon settles the poll because its client has left.
func (p *Poll) abandon() bool {
	return p.answer.settle(func() { p.left = true })
}

// servePoll waits for the answer of a poll and writes it. The session is nil while it is being opened.
func (h *Handler) servePoll(w http.ResponseWriter, r *http.Request, p *Poll, s Session) {
	// A server's timeout for reading requests is not meant for waiting ones; net/http would cancel them.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	if !h.awaitPoll(r.Context(), p) {
		if s != nil {
			s.PollAborted(p)
		}
		return
	}
	if p.refusal != nil {
		h.refuse(w, r, p.refusal)
		return
	}
	if err := h.writePoll(w, r, p, s == nil); err != nil && s != nil {
		s.PollAborted(p)
	}
}

// awaitPoll reports whether the poll was answered before its client left.
func (h *Handler) awaitPoll(ctx context.Context, p *Poll) bool {
	select {
	case <-p.Answered():
		return true
	case <-ctx.Done():
		return !p.abandon() // an answer that came in the same moment is at least tried
	}
}

// writePoll writes an answer to the end of it, within the time that a client may take. A deadline that outlived the
// request would fail the next one on this connection, so it is taken back.
func (h *Handler) writePoll(w http.ResponseWriter, r *http.Request, p *Poll, first bool) error {
	control := http.NewResponseController(w)
	header := w.Header()
	body, encoding := h.compressors.encode(p.body, r.Header["Accept-Encoding"])
	if encoding != "" {
		header.Set("Content-Encoding", encoding)
	}
	if p.binary {
		header.Set("Content-Type", octetStream)
	} else {
		header.Set("Content-Type", "text/plain; charset=UTF-8")
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", "no-store")
	h.decorate(header, r, first, p.SID)
	deadline := control.SetWriteDeadline(time.Now().Add(h.config.AnswerTimeout)) == nil
	w.WriteHeader(http.StatusOK)
	if _, err := w.Write(body); err != nil { //nolint:gosec // it is no page: text/plain, of the application
		return err
	}
	if !deadline {
		return nil
	}
	if err := control.Flush(); err != nil {
		return err
	}
	return control.SetWriteDeadline(time.Time{})
}
