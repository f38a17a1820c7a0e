package redisbridge

import (
	"maps"
	"slices"
	"sync/atomic"

	"github.com/actio-go/actio/redisbridge/format"
)

// set is a set of uids.
type set map[string]struct{}

func (s set) has(uid string) bool {
	_, ok := s[uid]
	return ok
}

func (s set) add(uid string) { s[uid] = struct{}{} }

// request is a question of ours to the neighbours. From begin on it belongs to the actor, until done is closed; then to whoever
// made it.
type request struct {
	message *format.Message
	answer  format.Kind // of the answers that tell that a neighbour has answered

	ended    bool
	expected int      // instances that listen, by the latest count, less our own; -1: not known yet
	recounts recounts // whether they were counted again
	known    set      // who was known when it began
	awaited  set      // of them the peers that have not answered, those that are gone included
	joined   set      // peers since then
	gone     set      // peers that have left or died since then
	named    set      // neighbours that have answered and said who they are
	unnamed  int      // answers that did not say whose they are

	sent    atomic.Bool   // it has left this process
	begun   chan struct{} // closed when the actor knows it, and so everything that its caller has told the bridge before
	done    chan struct{}
	missing Missing
	sockets []format.Socket
	replies []Reply
	acks    acks
}

func newRequest(m *format.Message, answer format.Kind) *request {
	return &request{
		message: m, answer: answer, expected: -1, begun: make(chan struct{}), done: make(chan struct{}),
		known: make(set), awaited: make(set), joined: make(set), gone: make(set), named: make(set),
	}
}

// begin makes r pending. While Redis is down it is over at once.
func (a *node) begin(r *request) {
	defer close(r.begun)
	maps.Copy(r.known, a.strangers)
	for uid, p := range a.peers {
		r.known.add(uid)
		if !p.silent[r.message.Namespace] {
			r.awaited.add(uid)
		}
	}
	a.pending[r.message.Request] = r
	a.count.pending.Store(int64(len(a.pending)))
	if !a.up() {
		a.unreached(r)
	}
}

// unreached ends a request that nobody got.
func (a *node) unreached(r *request) {
	if !r.ended {
		r.missing.Unreached = true
		a.conclude(r)
	}
}

// expect takes the first count. A request for nobody was not published.
func (a *node) expect(r *request, listeners int) {
	if r.ended {
		return // it belongs to its caller
	}
	r.expected = listeners
	switch {
	case listeners == 0:
		a.fulfilled(r)
	case r.recounts.again:
		a.recount(r)
	default:
		a.progress(r)
	}
}

// answered hands an answer to its request.
func (a *node) answered(m *format.Message) {
	if m.Sender != "" {
		a.speaks(m.Sender, m.Namespace)
	}
	r := a.pending[m.Request]
	if r == nil || !r.take(m) {
		a.count.late.Add(1)
		return
	}
	a.progress(r)
}

// take reports whether m is an answer that was awaited.
func (r *request) take(m *format.Message) bool {
	if r.message.Kind == format.AckBroadcast && m.Kind == format.Ack {
		return r.acks.acknowledge(m)
	}
	if m.Kind != r.answer || !r.comesFrom(m.Sender) {
		return false
	}
	switch m.Kind { //nolint:exhaustive // what was asked for
	case format.Fetched:
		r.sockets = append(r.sockets, m.Sockets...)
	case format.ClientCount:
		r.acks.ask(m)
		if r.gone.has(m.Sender) {
			r.acks.lose(m.Sender)
		}
	case format.ServerReply:
		args, err := m.Event.Args()
		if err != nil {
			return true // an answer, if an empty one
		}
		r.replies = append(r.replies, Reply{Instance: m.Sender, Args: args})
	}
	return true
}

// comesFrom notes that a neighbour has answered; false when it has done so before.
func (r *request) comesFrom(uid string) bool {
	if uid == "" {
		r.unnamed++
		return true
	}
	if r.named.has(uid) {
		return false
	}
	r.named.add(uid)
	delete(r.awaited, uid)
	return true
}

// fulfilled ends a request that got all the answers there are. A peer that gave none has not got the namespace, or is dead.
func (a *node) fulfilled(r *request) {
	for uid := range r.awaited {
		a.suspect(uid, r.message.Namespace)
	}
	a.conclude(r)
}

// conclude ends a request with what has come. Idempotent.
func (a *node) conclude(r *request) {
	if r.ended {
		return
	}
	r.ended = true
	delete(a.pending, r.message.Request)
	a.count.pending.Store(int64(len(a.pending)))
	r.missing.Instances = slices.Sorted(maps.Keys(r.awaited))
	r.missing.Unnamed = max(0, r.open()-r.awaitedNow())
	if !r.missing.None() {
		a.count.incomplete.Add(1)
	}
	for uid := range r.named {
		a.meet(uid)
	}
	close(r.done)
}
