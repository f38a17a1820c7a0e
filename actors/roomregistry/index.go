package roomregistry

import (
	"iter"
	"slices"
	"strings"
)

// index is the pure data of a shard: who is in which namespace and room, and which sockets a user has. Members are kept
// in slices, which are fast to walk; every member knows its places in them, so that it leaves in constant time.
type index struct {
	namespaces map[string]*namespace
	generation uint64 // the last mark given out by each
	presence   *presence
}

type namespace struct {
	index   *index
	name    string
	hash    uint64 // for presence
	all     group
	sockets map[string]*Member
	rooms   map[string]*group
	users   map[string]*group
}

// group is a set of members: a namespace, a room, or the sockets of a user.
type group struct {
	name    string
	entries []entry
}

// entry is a member of a group and the index of the group in Member.places.
type entry struct {
	member *Member
	place  int32
}

// place is a group and the index of the member in group.entries.
type place struct {
	group *group
	at    int32
}

const (
	lookupFrom  = 16 // places from which a member gets a map of them
	shrinkAbove = 64 // capacity below which a slice is left alone
	shrinkShare = 4  // a slice shrinks when less than 1/4 of it is used
	allPlace    = 0  // the place of the namespace's group
	usualPlaces = 4  // the namespace, two rooms that everybody is in, a user
	none        = -1 // no place
)

func newIndex() *index { return &index{namespaces: make(map[string]*namespace)} }

// attach adds a member without rooms; one with the same socket id is detached before. Attaching twice changes nothing.
func (ix *index) attach(m *Member) {
	if m.in(ix) {
		return
	}
	ns := ix.namespaces[m.Namespace]
	if ns != nil {
		if old := ns.sockets[m.SocketID]; old != nil {
			ix.replace(old, m)
			return
		}
	}
	if ns == nil {
		ns = &namespace{
			index: ix, name: m.Namespace, hash: ix.presence.namespace(m.Namespace), sockets: make(map[string]*Member),
			rooms: make(map[string]*group), users: make(map[string]*group),
		}
		ix.namespaces[m.Namespace] = ns
	}
	// Whatever another index left in the member is void.
	m.space, m.places, m.lookup, m.user, m.mark, m.authenticated = ns, make([]place, 0, usualPlaces), nil, nil, 0, false
	ns.sockets[m.SocketID] = m
	m.enter(&ns.all)
	ix.presence.gained(ns, m.SocketID, true)
}

// replace detaches a member and attaches another with its socket id, whose own room nobody shall miss meanwhile.
func (ix *index) replace(old, m *Member) {
	ix.presence.hold()
	ix.detach(old)
	ix.attach(m)
	ix.presence.release(ix)
}

// detach removes a member from everything.
func (ix *index) detach(m *Member) {
	if m = ix.known(m); m == nil {
		return
	}
	ns := m.space
	for i := len(m.places) - 1; i > allPlace; i-- {
		ix.exit(m, i)
	}
	m.exit(allPlace)
	delete(ns.sockets, m.SocketID)
	ix.presence.gone(ix, ns, m.SocketID)
	if len(ns.sockets) == 0 {
		delete(ix.namespaces, ns.name)
	}
	m.space, m.places, m.lookup, m.user, m.authenticated = nil, nil, nil, nil, false
}

// join adds a member to rooms. Its own room is implied by ns.sockets and needs no group.
func (ix *index) join(m *Member, rooms []string) {
	if m = ix.known(m); m == nil {
		return
	}
	for _, name := range rooms {
		if name == "" || name == m.SocketID {
			continue
		}
		g, made := groupOf(m.space.rooms, name)
		if made {
			ix.presence.gained(m.space, g.name, false)
		}
		if m.find(g) == none {
			m.enter(g)
		}
	}
}

// leave removes a member from rooms.
func (ix *index) leave(m *Member, rooms []string) {
	if m = ix.known(m); m == nil {
		return
	}
	for _, name := range rooms {
		if g := m.space.rooms[name]; g != nil {
			if i := m.find(g); i != none {
				ix.exit(m, i)
			}
		}
	}
}

// authenticate marks a member and indexes it by user; "" takes it out of the index of users.
func (ix *index) authenticate(m *Member, user string) {
	if m = ix.known(m); m == nil {
		return
	}
	m.authenticated = true
	if m.user != nil && m.user.name != user {
		ix.exit(m, m.find(m.user))
	}
	if user != "" && m.user == nil {
		m.user, _ = groupOf(m.space.users, user)
		m.enter(m.user)
	}
}

// restore makes the index know of a member what ms says, no more and no less.
func (ix *index) restore(ms Membership) {
	ix.presence.hold() // nobody shall miss the rooms meanwhile
	ix.detach(ms.Member)
	ix.attach(ms.Member)
	ix.join(ms.Member, ms.Rooms)
	if ms.Authenticated {
		ix.authenticate(ms.Member, ms.User)
	}
	ix.presence.release(ix)
}

// known returns the attached member with m's socket id, usually m itself; nil when there is none.
func (ix *index) known(m *Member) *Member {
	if m == nil || m.in(ix) {
		return m
	}
	if ns := ix.namespaces[m.Namespace]; ns != nil {
		return ns.sockets[m.SocketID]
	}
	return nil
}

// in tells whether m is attached to ix.
func (m *Member) in(ix *index) bool { return m.space != nil && m.space.index == ix }

// groupOf finds or makes a group. The name is cloned: it may be a piece of a large packet.
func groupOf(groups map[string]*group, name string) (g *group, made bool) {
	if g = groups[name]; g != nil {
		return g, false
	}
	name = strings.Clone(name)
	g = &group{name: name}
	groups[name] = g
	return g, true
}

// exit takes m out of the room or user at place i, which vanishes with its last member.
func (ix *index) exit(m *Member, i int) {
	g, ns := m.places[i].group, m.space
	m.exit(i)
	user := g == m.user
	if user {
		m.user = nil
	}
	switch {
	case len(g.entries) > 0:
	case user:
		delete(ns.users, g.name)
	default:
		delete(ns.rooms, g.name)
		ix.presence.gone(ix, ns, g.name)
	}
}

// place32 is a position as it is kept: half the memory, and still two thousand million members of a group.
func place32(i int) int32 { return int32(i) } //nolint:gosec // see above

// enter puts m into a group that it is not in.
func (m *Member) enter(g *group) {
	m.places = append(m.places, place{g, place32(len(g.entries))})
	g.entries = append(g.entries, entry{m, place32(len(m.places) - 1)})
	switch {
	case m.lookup != nil:
		m.lookup[g] = place32(len(m.places) - 1)
	case len(m.places) >= lookupFrom:
		m.lookup = make(map[*group]int32, 2*lookupFrom)
		for i, p := range m.places {
			m.lookup[p.group] = place32(i)
		}
	}
}

// exit takes m out of the group at place i: the last entry fills the gap in the group, the last place that in m.
func (m *Member) exit(i int) {
	p := m.places[i]
	g := p.group

	last := g.entries[len(g.entries)-1]
	g.entries[p.at] = last
	last.member.places[last.place].at = p.at
	g.entries = cut(g.entries)

	end := len(m.places) - 1
	if i != end {
		moved := m.places[end]
		m.places[i] = moved
		moved.group.entries[moved.at].place = place32(i)
		if m.lookup != nil {
			m.lookup[moved.group] = place32(i)
		}
	}
	m.places = cut(m.places)
	switch {
	case m.lookup == nil:
	case len(m.places) < lookupFrom/2:
		m.lookup = nil
	default:
		delete(m.lookup, g)
	}
}

// find returns the place of g in m, or none.
func (m *Member) find(g *group) int {
	if m.lookup != nil {
		if i, ok := m.lookup[g]; ok {
			return int(i)
		}
		return none
	}
	return slices.IndexFunc(m.places, func(p place) bool { return p.group == g })
}

// cut drops the last element of s, and its memory when most of it is unused.
func cut[E any](s []E) []E {
	var zero E
	s[len(s)-1] = zero
	s = s[:len(s)-1]
	if cap(s) > shrinkAbove && len(s) < cap(s)/shrinkShare {
		s = append(make([]E, 0, 2*len(s)), s...)
	}
	return s
}

// audience says who is meant by a broadcast or a query: see Broadcast.
type audience struct {
	namespace     string
	socket        string // the only one
	rooms, except []string
	user          string
	authenticated bool
}

// each yields every member of the audience once. The index must not change meanwhile.
func (ix *index) each(a *audience) iter.Seq[*Member] {
	return func(yield func(*Member) bool) {
		ns := ix.namespaces[a.namespace]
		if ns == nil {
			return
		}
		if a.socket != "" {
			if m := ns.sockets[a.socket]; m != nil {
				yield(m)
			}
			return
		}
		// A mark keeps members out that are excepted or were there already. One group without exceptions needs none,
		// which spares the write to each member.
		w := walk{ns: ns, authenticated: a.authenticated, yield: yield}
		if len(a.except) > 0 || len(a.rooms) > 1 || len(a.rooms) == 1 && a.user != "" {
			ix.generation++
			w.mark = ix.generation
		}
		w.except(a.except)
		switch {
		case len(a.rooms) == 0 && a.user == "":
			w.group(&ns.all)
			return
		case a.user != "" && !w.group(ns.users[a.user]):
			return
		}
		for _, name := range a.rooms {
			if !w.room(name) {
				return
			}
		}
	}
}

// walk is one pass over an audience.
type walk struct {
	ns            *namespace
	authenticated bool
	mark          uint64 // 0 = nothing is marked
	yield         func(*Member) bool
}

func (w *walk) except(rooms []string) {
	for _, name := range rooms {
		if g := w.ns.rooms[name]; g != nil {
			for _, e := range g.entries {
				e.member.mark = w.mark
			}
		}
		if m := w.ns.sockets[name]; m != nil {
			m.mark = w.mark
		}
	}
}

// room yields the members of a room, the socket whose id it is named by included, which is never in the group itself;
// false = the walk is over.
func (w *walk) room(name string) bool {
	if own := w.ns.sockets[name]; own != nil && !w.member(own) {
		return false
	}
	return w.group(w.ns.rooms[name])
}

func (w *walk) group(g *group) bool {
	if g == nil {
		return true
	}
	for _, e := range g.entries {
		if !w.member(e.member) {
			return false
		}
	}
	return true
}

func (w *walk) member(m *Member) bool {
	if w.authenticated && !m.authenticated {
		return true
	}
	if w.mark != 0 {
		if m.mark == w.mark {
			return true
		}
		m.mark = w.mark
	}
	return w.yield(m)
}

// Sizes counts what the registry knows, for metrics and leak tests. Rooms and users are counted once per shard that has
// a member of them; the room that every socket is in by its id is not counted.
type Sizes struct {
	Namespaces int // counted once per shard
	Members    int
	Rooms      int
	Users      int
}

func (ix *index) sizes() Sizes {
	s := Sizes{Namespaces: len(ix.namespaces)}
	for _, ns := range ix.namespaces {
		s.Members += len(ns.sockets)
		s.Rooms += len(ns.rooms)
		s.Users += len(ns.users)
	}
	return s
}
