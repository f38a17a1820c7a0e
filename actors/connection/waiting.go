package connection

import (
	"slices"
	"sync"

	"github.com/actio-go/actio/transport"
)

// handedOver is what was handed to the actor and waits to be taken. An actor that stops loses what is in its mailbox
// without a word: a GET in there would wait for ever, and a websocket stay open.
type handedOver struct {
	mu         sync.Mutex
	polls      []*transport.Poll
	candidates []*transport.WebSocket
	ended      bool
}

// poll keeps a GET until it is answered. After the end it is rejected, and poll reports false.
func (h *handedOver) poll(p *transport.Poll) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		p.Reject(transport.UnknownSID())
		return false
	}
	h.polls = append(slices.DeleteFunc(h.polls, answered), p)
	return true
}

func answered(p *transport.Poll) bool {
	select {
	case <-p.Answered():
		return true
	default:
		return false
	}
}

// candidate keeps a websocket until it is taken. After the end it is aborted, and candidate reports false.
func (h *handedOver) candidate(ws *transport.WebSocket) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		ws.Abort()
		return false
	}
	h.candidates = append(h.candidates, ws)
	return true
}

// taken says that the actor has the websocket.
func (h *handedOver) taken(ws *transport.WebSocket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := slices.Index(h.candidates, ws); i >= 0 {
		h.candidates = slices.Delete(h.candidates, i, i+1)
	}
	if len(h.candidates) == 0 {
		h.candidates = nil
	}
}

// end refuses what still waits, and what comes later.
func (h *handedOver) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = true
	for _, p := range h.polls {
		p.Reject(transport.UnknownSID())
	}
	for _, ws := range h.candidates {
		ws.Abort()
	}
	h.polls, h.candidates = nil, nil
}
