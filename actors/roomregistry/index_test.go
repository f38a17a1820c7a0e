package roomregistry

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func newMember(id string) *Member { return &Member{Namespace: "/", SocketID: id} }

func (ix *index) ids(a audience) string {
	a.namespace = "/"
	var all []string
	for m := range ix.each(&a) {
		all = append(all, m.SocketID)
	}
	return sorted(all)
}

func TestIndex_Audience_IsUnionLessExceptions(t *testing.T) {
	ix := newIndex()
	for id, rooms := range map[string][]string{"a": {"r", "s"}, "b": {"r"}, "c": {"s", "x"}, "d": nil} {
		m := newMember(id)
		ix.attach(m)
		ix.join(m, rooms)
		if id != "d" {
			ix.authenticate(m, "user-"+id)
		}
	}
	for _, c := range []struct {
		name string
		a    audience
		want string
	}{
		{"nobody named", audience{}, "a b c d"},
		{"one room", audience{rooms: []string{"r"}}, "a b"},
		{"two rooms that overlap", audience{rooms: []string{"r", "s"}}, "a b c"},
		{"the same room twice", audience{rooms: []string{"r", "r"}}, "a b"},
		{"room less room", audience{rooms: []string{"r", "s"}, except: []string{"x"}}, "a b"},
		{"all less room", audience{except: []string{"r"}}, "c d"},
		{"all less one socket", audience{except: []string{"d"}}, "a b c"},
		{"one socket by its id", audience{rooms: []string{"d"}}, "d"},
		{"room and socket in it", audience{rooms: []string{"r", "a"}}, "a b"},
		{"unknown room", audience{rooms: []string{"?"}}, ""},
		{"unknown exception", audience{rooms: []string{"r"}, except: []string{"?"}}, "a b"},
		{"user", audience{user: "user-a"}, "a"},
		{"user and room", audience{user: "user-c", rooms: []string{"r"}}, "a b c"},
		{"user in the room", audience{user: "user-a", rooms: []string{"r"}}, "a b"},
		{"user less room", audience{user: "user-a", except: []string{"s"}}, ""},
		{"unknown user", audience{user: "?"}, ""},
		{"a user is no room", audience{rooms: []string{"user-a"}}, ""},
		{"a room is no user", audience{user: "r"}, ""},
		{"authenticated", audience{authenticated: true}, "a b c"},
		{"authenticated in unknown room", audience{authenticated: true, rooms: []string{"d"}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) { assert.Equal(t, c.want, ix.ids(c.a)) })
	}
}

func TestIndex_EachStopped_EndsAtOnce(t *testing.T) {
	ix := newIndex()
	for i := range 4 {
		m := newMember(fmt.Sprint(i))
		ix.attach(m)
		ix.join(m, []string{"r", "s"})
		ix.authenticate(m, "u")
	}
	for _, a := range []audience{{}, {rooms: []string{"r", "s"}}, {user: "u", rooms: []string{"r"}}, {rooms: []string{"0", "r"}}} {
		a.namespace = "/"
		n := 0
		for range ix.each(&a) {
			n++
			break
		}
		assert.Equal(t, 1, n)
	}
}

func TestIndex_OwnRoom_IsImpliedAndKept(t *testing.T) {
	ix := newIndex()
	a, b := newMember("a"), newMember("b")
	ix.attach(a)
	ix.attach(b)
	ix.join(a, []string{"a", ""})
	ix.leave(a, []string{"a"})
	assert.Equal(t, "a", ix.ids(audience{rooms: []string{"a"}}))
	assert.Zero(t, ix.sizes().Rooms)

	ix.join(b, []string{"a"})
	assert.Equal(t, "a b", ix.ids(audience{rooms: []string{"a"}}))
	assert.Empty(t, ix.ids(audience{except: []string{"a"}}))
	ix.detach(a)
	assert.Equal(t, "b", ix.ids(audience{rooms: []string{"a"}}))
}

func TestIndex_UserChanged_MovesTheSocket(t *testing.T) {
	ix := newIndex()
	m := newMember("a")
	ix.attach(m)
	ix.authenticate(m, "u")
	ix.authenticate(m, "u")
	ix.authenticate(m, "v")
	assert.Empty(t, ix.ids(audience{user: "u"}))
	assert.Equal(t, "a", ix.ids(audience{user: "v"}))
	assert.Equal(t, 1, ix.sizes().Users)
	ix.authenticate(m, "")
	assert.Equal(t, Sizes{Namespaces: 1, Members: 1}, ix.sizes())
	assert.Equal(t, "a", ix.ids(audience{authenticated: true}))
}

func TestIndex_SameSocketIDAgain_ReplacesTheMember(t *testing.T) {
	ix := newIndex()
	old, m := newMember("a"), newMember("a")
	ix.attach(old)
	ix.join(old, []string{"r"})
	ix.attach(m)
	assert.Equal(t, "a", ix.ids(audience{}))
	assert.Empty(t, ix.ids(audience{rooms: []string{"r"}}))
	ix.join(old, []string{"s"}) // the socket is meant, whatever pointer names it
	assert.Equal(t, "a", ix.ids(audience{rooms: []string{"s"}}))
	ix.detach(old)
	ix.detach(m)
	assert.Empty(t, ix.namespaces)
}

func TestIndex_UnknownMember_IsHarmless(t *testing.T) {
	ix := newIndex()
	for _, m := range []*Member{nil, newMember("a")} {
		ix.detach(m)
		ix.join(m, []string{"r"})
		ix.leave(m, []string{"r"})
		ix.authenticate(m, "u")
	}
	assert.Empty(t, ix.namespaces)
}

func TestIndex_MemberOfAnotherIndex_StartsAfresh(t *testing.T) {
	before, ix := newIndex(), newIndex()
	m := newMember("a")
	before.attach(m)
	before.join(m, []string{"r"})
	before.authenticate(m, "u")

	ix.detach(m) // unknown here
	ix.restore(Membership{Member: m, Rooms: []string{"s"}})
	assert.Equal(t, "a", ix.ids(audience{rooms: []string{"s"}}))
	assert.Equal(t, Sizes{Namespaces: 1, Members: 1, Rooms: 1}, ix.sizes())
	assert.Empty(t, ix.ids(audience{authenticated: true}))
	check(t, ix)
}

func TestIndex_LargeRoomEmptied_GivesItsMemoryBack(t *testing.T) {
	ix := newIndex()
	var all []*Member
	for i := range 10_000 {
		m := newMember(fmt.Sprint(i))
		all = append(all, m)
		ix.attach(m)
		ix.join(m, []string{"r"})
	}
	for _, m := range all[1:] {
		ix.leave(m, []string{"r"})
	}
	assert.LessOrEqual(t, cap(ix.namespaces["/"].rooms["r"].entries), shrinkAbove)
	check(t, ix)
}

func TestIndex_ManyRooms_JoinAndLeaveStayCheap(t *testing.T) {
	ix := newIndex()
	m := newMember("a")
	ix.attach(m)
	rooms := make([]string, 20_000) // quadratic work would take minutes
	for i := range rooms {
		rooms[i] = fmt.Sprint("room ", i)
	}
	for range 3 {
		ix.join(m, rooms)
	}
	assert.Equal(t, len(rooms), ix.sizes().Rooms)
	check(t, ix)
	ix.leave(m, rooms)
	assert.Equal(t, Sizes{Namespaces: 1, Members: 1}, ix.sizes())
	assert.Nil(t, m.lookup)
}

// check asserts that groups and members agree about each other.
func check(t require.TestingT, ix *index) {
	agree := func(m *Member, i int, g *group) {
		p := m.places[i]
		require.Same(t, g, p.group)
		require.Same(t, m, g.entries[p.at].member)
		require.EqualValues(t, i, g.entries[p.at].place)
	}
	for name, ns := range ix.namespaces {
		require.Equal(t, name, ns.name)
		require.NotEmpty(t, ns.sockets, "an empty namespace stays")
		require.Len(t, ns.all.entries, len(ns.sockets))
		count := len(ns.all.entries)
		for _, groups := range []map[string]*group{ns.rooms, ns.users} {
			for name, g := range groups {
				require.Equal(t, name, g.name)
				require.NotEmpty(t, g.entries, "an empty group stays")
				count += len(g.entries)
			}
		}
		for id, m := range ns.sockets {
			require.Equal(t, id, m.SocketID)
			require.True(t, m.in(ix))
			agree(m, allPlace, &ns.all)
			count -= len(m.places)
			for i, p := range m.places {
				agree(m, i, p.group)
				if m.lookup != nil {
					require.EqualValues(t, i, m.lookup[p.group])
				}
			}
			require.True(t, m.lookup == nil || len(m.lookup) == len(m.places))
		}
		require.Zero(t, count, "places and entries differ in number")
	}
}
