package connection

import (
	"slices"
	"sync"

	"github.com/actio-go/actio/transport"
)

// waitingPolls are the GETs that were handed to the actor. An actor that stops loses what is in its mailbox without a
// word; a GET in there would wait for ever.
type waitingPolls struct {
	mu    sync.Mutex
	polls []*transport.Poll
	ended bool
}

// add keeps a GET until it is answered. After the end it is rejected, and add reports false.
func (w *waitingPolls) add(p *transport.Poll) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		p.Reject(transport.UnknownSID())
		return false
	}
	w.polls = append(slices.DeleteFunc(w.polls, answered), p)
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

// end rejects what still waits, and what comes later.
func (w *waitingPolls) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	for _, p := range w.polls {
		p.Reject(transport.UnknownSID())
	}
	w.polls = nil
}
