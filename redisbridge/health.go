package redisbridge

import (
	"maps"
	"slices"
	"time"

	"github.com/actio-go/actio/redisbridge/link"
)

// parts is the number of connections.
const parts = 4

// health is what the link says of its connections. They count as up until it says otherwise: it was opened with all of them.
type health struct {
	down  [parts]error
	since time.Time
}

func (h *health) up() bool { return h.down == [parts]error{} }

// view is what everybody may know of the actor's state. It is immutable.
type view struct {
	health     health
	peers      []string
	namespaces int
	rooms      int
}

// reasons says for each connection that is down why: what keeps it down now, or else what broke it.
func (h *health) reasons(now func(p link.Part) error) (all []string) {
	for i, broke := range h.down {
		if broke == nil {
			continue
		}
		p, err := link.Part(i), broke
		if latest := now(p); latest != nil {
			err = latest
		}
		all = append(all, p.String()+": "+err.Error())
	}
	return all
}

// show lets everybody know.
func (a *node) show() {
	a.view.Store(&view{
		health: a.health, peers: slices.Sorted(maps.Keys(a.peers)), namespaces: len(a.namespaces), rooms: len(a.rooms),
	})
}

// Changed implements link.Handler.
func (h handler) Changed(p link.Part, err error) {
	if err != nil && (p == link.EmitterPart || p == link.StreamPart) {
		h.echo.broken()
	}
	h.tell(&changed{part: p, err: err})
}

func (a *node) up() bool { return a.health.up() }

func (a *node) changed(p link.Part, err error) {
	if int(p) >= parts {
		return
	}
	before := a.up()
	a.health.down[p] = err
	if now := a.up(); now != before {
		a.health.since = time.Now()
		a.heard.Store(nil)
		if now {
			a.returned()
		} else {
			a.sessionsSettled()
		}
	}
	if err != nil {
		a.broken(p)
	}
	a.show()
}

// broken ends the requests that no answer will come to: what has not left will not be sent any more, and what is answered while
// nobody listens here is lost.
func (a *node) broken(p link.Part) {
	for _, r := range a.pending {
		switch {
		case p != link.PublishPart && !r.sent.Load():
			a.unreached(r)
		case p == link.SubscribePart:
			a.conclude(r)
		}
	}
}

// returned begins anew with the neighbours: nobody could be heard meanwhile.
func (a *node) returned() {
	now := time.Now()
	for _, p := range a.peers {
		p.heard = now
	}
	a.hello()
	a.rewriteSessions()
}
