package roomregistry

// keep has the rooms of a socket that may come back count until letGo, whoever is in them.
func (p *presence) keep(m *Hold) {
	if p == nil {
		return
	}
	hash := p.namespace(m.Namespace)
	for room := range m.rooms {
		r := roomName{m.Namespace, room}
		if p.held[r]++; p.held[r] > 1 {
			continue
		}
		if p.filter != nil {
			p.filter.insert(hashOf(p.seed, hash, room))
		}
		if p.changes != nil && (p.changes.own || room != m.SocketID) {
			p.changes.add(p.mine, r)
		}
	}
}

// letGo takes keep back.
func (p *presence) letGo(ix *index, m *Hold) {
	if p == nil {
		return
	}
	for room := range m.rooms {
		r := roomName{m.Namespace, room}
		n := p.held[r]
		if n > 1 {
			p.held[r] = n - 1
		}
		if n != 1 {
			continue
		}
		delete(p.held, r)
		if p.filter != nil { // else complete finds it missing
			p.forget(ix, p.namespace(m.Namespace), r)
		}
	}
}

// rooms yields all rooms of the socket.
func (m *Hold) rooms(yield func(string) bool) {
	if !yield(m.SocketID) {
		return
	}
	for _, room := range m.Rooms {
		if room != m.SocketID && !yield(room) {
			return
		}
	}
}
