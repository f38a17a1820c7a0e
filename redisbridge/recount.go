package redisbridge

import "maps"

// Who listens is counted before a request is published, and may be others when it arrives: an instance that has come since
// answers in place of one that has not yet, and one that was counted may be gone. So it is counted again when that can matter,
// and from then on whenever somebody comes or goes.

// recounts is how far that has come for one request.
type recounts struct {
	running bool
	again   bool // somebody has come or gone since it began
	failed  bool // Redis did not say: there is nothing to go by but the time
	done    bool
	later   set // who had joined by then, and listens, but need not have been asked
}

// open is the number of answers that are to come, by the latest count; not more than none before the first.
func (r *request) open() int {
	n := r.expected - r.unnamed
	for uid := range r.named {
		if !r.recounts.done || !r.gone.has(uid) {
			n--
		}
	}
	for uid := range r.recounts.later {
		if !r.named.has(uid) && !r.gone.has(uid) {
			n--
		}
	}
	return n
}

// awaitedNow is how many of those that are awaited are in the latest count.
func (r *request) awaitedNow() (n int) {
	for uid := range r.awaited {
		if !r.recounts.done || !r.gone.has(uid) {
			n++
		}
	}
	return n
}

// complete reports whether as many have answered as listen, and all of their clients.
func (r *request) complete() bool {
	return r.expected >= 0 && !r.recounts.running && !r.recounts.failed && r.open() <= 0 && r.acks.open() <= 0
}

// doubtful reports whether the first count may have been of others than those that have answered: somebody who is known has
// not, or somebody has who was not known.
func (r *request) doubtful() bool {
	if len(r.awaited) > 0 {
		return true
	}
	for uid := range r.named {
		if !r.known.has(uid) {
			return true
		}
	}
	return false
}

// progress looks whether a request is complete.
func (a *node) progress(r *request) {
	switch {
	case !r.complete():
	case !r.recounts.done && r.doubtful():
		a.recount(r)
	default:
		a.fulfilled(r)
	}
}

// lose takes a neighbour that has left or died into account.
func (a *node) lose(r *request, uid string) {
	r.gone.add(uid)
	delete(r.joined, uid)
	r.acks.lose(uid)
	if r.awaited.has(uid) || r.recounts.running || r.recounts.done {
		a.recount(r)
		return
	}
	a.progress(r)
}

// gain takes a neighbour into account that was not there, or not known.
func (a *node) gain(r *request, uid string) {
	delete(r.gone, uid)
	if !r.known.has(uid) {
		r.joined.add(uid)
	}
	if r.recounts.running || r.recounts.done {
		a.recount(r)
	}
}

// recount asks Redis again who listens. The actor does not wait for that.
func (a *node) recount(r *request) {
	if r.recounts.running || r.expected < 0 {
		r.recounts.again = true
		return
	}
	r.recounts.running, r.recounts.again = true, false
	a.sys.Go("redis recount", func() {
		m := &recounted{request: r}
		defer func() { a.tell(m) }()
		ctx, cancel := a.sys.Clock().Context(a.life, "redis recount", a.options.RequestTimeout)
		defer cancel()
		m.listeners, m.err = a.others(ctx, r)
	})
}

// recounted takes the new count, which is of those that are there now.
func (a *node) recounted(m *recounted) {
	r := m.request
	r.recounts.running = false
	switch {
	case r.ended:
		return
	case r.recounts.again:
		a.recount(r)
		return
	case m.err != nil:
		r.recounts.failed = true
		return
	}
	r.expected = m.listeners
	r.recounts.done, r.recounts.failed = true, false
	r.recounts.later = maps.Clone(r.joined)
	a.progress(r)
}
