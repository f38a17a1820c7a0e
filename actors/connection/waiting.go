package connection

import (
	"slices"
	"sync"

	"github.com/actio-go/actio/transport"
)

// handedOver is what was handed to the actor and waits to be taken. An actor that stops loses what is in its mailbox
// without a word: a GET in there would wait for ever, and a websocket stay open.
type handedOver struct {
	mu    sync.Mutex
	links []transport.Link // GETs that may be answered by now, and websockets that probe
	over  chan struct{}    // closed by end; nil: nobody has waited for that yet
	ended bool
}

// poll keeps a GET until it is answered. After the end it is rejected, and poll reports false.
func (h *handedOver) poll(p *transport.Poll) bool {
	if h.keep(p) {
		return true
	}
	refuse(p)
	return false
}

// candidate keeps a websocket until it is taken. After the end it is aborted, and candidate reports false.
func (h *handedOver) candidate(ws *transport.WebSocket) bool {
	if h.keep(ws) {
		return true
	}
	refuse(ws)
	return false
}

func (h *handedOver) keep(l transport.Link) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		return false
	}
	h.links = append(slices.DeleteFunc(h.links, answered), l)
	return true
}

func answered(l transport.Link) bool {
	p, ok := l.(*transport.Poll)
	if !ok {
		return false
	}
	select {
	case <-p.Answered():
		return true
	default:
		return false
	}
}

func refuse(l transport.Link) {
	switch l := l.(type) {
	case *transport.Poll:
		l.Reject(transport.UnknownSID())
	case *transport.WebSocket:
		l.Abort()
	}
}

// taken says that the actor has the websocket.
func (h *handedOver) taken(ws *transport.WebSocket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.links = slices.DeleteFunc(h.links, func(l transport.Link) bool { return l == transport.Link(ws) || answered(l) })
	if len(h.links) == 0 {
		h.links = nil
	}
}

// done is closed by end.
func (h *handedOver) done() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over == nil {
		h.over = make(chan struct{})
		if h.ended {
			close(h.over)
		}
	}
	return h.over
}

// isOver tells whether end was called.
func (h *handedOver) isOver() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ended
}

// end refuses what still waits, and what comes later. It is called once.
func (h *handedOver) end() {
	h.mu.Lock()
	links := h.links
	h.links, h.ended = nil, true
	if h.over != nil {
		close(h.over)
	}
	h.mu.Unlock()
	for _, l := range links {
		refuse(l)
	}
}
