package redisbridge

import (
	"maps"
	"slices"

	"github.com/actio-go/actio/redisbridge/format"
)

// request is a question of ours to the neighbours. From begin on it belongs to the actor, until done is closed; then to whoever
// made it.
type request struct {
	message *format.Message
	answer  format.Kind // of the answers that tell that a neighbour has answered

	ended     bool
	expected  int                 // answers; -1: not known yet
	awaited   map[string]struct{} // peers that have not answered, those among them that are lost included
	newcomers map[string]struct{} // peers that were not known when it began, and have not answered
	departed  int                 // neighbours that have answered and left
	recounts  recounts            // whether it was asked again who listens
	named     map[string]struct{} // neighbours that have answered and said who they are
	unnamed   int                 // answers that did not say whose they are

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
		awaited: make(map[string]struct{}), newcomers: make(map[string]struct{}), named: make(map[string]struct{}),
	}
}

// begin makes r pending. While Redis is down it is over at once.
func (a *node) begin(r *request) {
	defer close(r.begun)
	for uid, p := range a.peers {
		if !p.silent[r.message.Namespace] {
			r.awaited[uid] = struct{}{}
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

func (a *node) expect(r *request, answers int) {
	if r.ended {
		return // it belongs to its caller
	}
	r.expected = max(answers, 0)
	if r.recounts.again {
		a.recount(r)
		return
	}
	a.progress(r)
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
	if _, again := r.named[uid]; again {
		return false
	}
	r.named[uid] = struct{}{}
	delete(r.awaited, uid)
	if _, late := r.newcomers[uid]; late {
		delete(r.newcomers, uid)
		r.recounts.wanted = true
	}
	return true
}

// complete reports whether as many have answered as listened, and all of their clients. Who listens now and is new may have come
// after the question.
func (r *request) complete() bool {
	want := r.expected
	if r.recounts.done {
		want -= len(r.newcomers)
	}
	return r.expected >= 0 && len(r.named)+r.unnamed >= want && r.acks.open() <= 0
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
	r.missing.Unnamed = max(0, r.expected-len(r.named)-r.unnamed-len(r.awaited))
	if !r.missing.None() {
		a.count.incomplete.Add(1)
	}
	close(r.done)
}
