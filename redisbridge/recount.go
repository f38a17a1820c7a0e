package redisbridge

// Who listens is counted before a request is published, and may be others when it arrives: an instance that has come since
// answers in place of one that has not yet, and one that was counted may be gone. So it is counted again when that can matter.

// recounts is how far that has come for one request.
type recounts struct {
	running bool
	again   bool // somebody was lost while it was being counted
	wanted  bool // one has answered that may not have been counted
	done    bool // it was counted again
}

// progress looks whether a request is complete. When as many have answered as listened, but not everybody who is known, the
// latter may be dead, or another may have answered in his place.
func (a *node) progress(r *request) {
	switch {
	case !r.complete():
	case (len(r.awaited) > 0 || r.recounts.wanted) && !r.recounts.done:
		a.recount(r)
	default:
		a.fulfilled(r)
	}
}

// lost takes a neighbour that has left or died into account.
func (a *node) lost(r *request, uid string) {
	if _, answered := r.named[uid]; answered {
		r.departed++
	}
	r.acks.lose(uid)
	_, awaited := r.awaited[uid]
	_, late := r.newcomers[uid]
	delete(r.newcomers, uid)
	if awaited || late && r.recounts.done {
		a.recount(r)
		return
	}
	a.progress(r)
}

// joined takes a new neighbour into account.
func (a *node) joined(r *request, uid string) {
	if _, answered := r.named[uid]; answered {
		return
	}
	r.newcomers[uid] = struct{}{}
	a.progress(r)
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
		m.listeners, m.err = a.listeners(ctx, r.message)
	})
}

// recounted takes the new count. Those that have answered and left are not in it any more.
func (a *node) recounted(m *recounted) {
	r := m.request
	r.recounts.running = false
	switch {
	case r.ended:
	case m.err != nil: // what is missing shows at the end of the request's time
	case r.recounts.again:
		a.recount(r)
	default:
		r.recounts.done = true
		r.expected = m.listeners + r.departed
		a.progress(r)
	}
}
