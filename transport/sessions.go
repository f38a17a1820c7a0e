package transport

import (
	"context"
	"net/netip"
)

// Sessions is what the layer above provides. All its methods may be called from many goroutines.
type Sessions interface {
	// Open makes a session for a handshake, before a websocket is upgraded: the session has its place in whatever is limited. An
	// error refuses the client: an *Error as it is, the errors of this package as they say, others with 500.
	Open(h *Handshake) (Opening, error)
	// Find gives the session with this id. ctx ends when the client leaves.
	Find(ctx context.Context, sid string) (Session, bool)
}

// Opening is a session that waits for its transport. One of its methods is called, once.
type Opening interface {
	// Begin gives it its link, a *Poll or a *WebSocket, which it owns. An error refuses the client as one of Sessions.Open does;
	// but a websocket is upgraded by then, and gets a close frame instead (1013 for 503 and 429, else 1011). After an error the
	// session is over, and the link must not be in use, nor have been started.
	Begin(link Link) error
	// Abandon says that there will be none: the session is over, and its place free again before the client has its answer.
	Abandon()
}

// Admitter may be implemented by a Sessions that can tell before a session exists, and before the application is asked, that a
// handshake would be refused. Its errors mean what those of Sessions.Open mean. It is asked once about each handshake,
// which counts from then on; client is Handshake.ClientIP. ctx ends when the client leaves.
type Admitter interface {
	Admit(ctx context.Context, client netip.Addr) error
}

// Session is one session of the layer above. Its methods may be called from many goroutines and after its end. A request
// that does not suit its transport is refused by the session itself, with BadRequest.
type Session interface {
	// Poll hands over a waiting GET. It never blocks.
	Poll(p *Poll)
	// PollAborted says that the client went away while p waited for its answer, or while the answer was written to it:
	// what Respond was given is lost. It never blocks.
	PollAborted(p *Poll)
	// Post hands over a POST, whose body the session reads with Post.Read. It may block, which slows this client down; ctx ends when
	// the client leaves.
	Post(ctx context.Context, p *Post)
	// Probe hands over a websocket that wants to take over. The session owns it and must Start or Abort it.
	Probe(ws *WebSocket)
}

// Link is what a handshake came with: a *Poll or a *WebSocket.
type Link interface{ isLink() }

func (*Poll) isLink()      {}
func (*WebSocket) isLink() {}
