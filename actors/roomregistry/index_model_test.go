package roomregistry

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// socketModel is what a socket should be in.
type socketModel struct {
	member        *Member
	rooms         map[string]bool
	user          string
	authenticated bool
}

// history applies operations to an index and to a model of it.
type history struct {
	ix      *index
	sockets map[string]*socketModel
}

var (
	anyID   = rapid.SampledFrom([]string{"a", "b", "c", "d", "e"})
	anyUser = rapid.SampledFrom([]string{"", "u", "v"})
	anyRoom = rapid.Map(rapid.IntRange(0, 40), func(i int) string { return fmt.Sprint("r", i) })
)

// someRooms draws names of rooms, some of which are ids of sockets.
func someRooms(t *rapid.T, label string, most int) []string {
	return rapid.SliceOfN(rapid.OneOf(anyRoom, anyID), 0, most).Draw(t, label)
}

// pick draws a socket; the model is nil when it is not attached.
func (h *history) pick(t *rapid.T) (string, *socketModel, *Member) {
	id := anyID.Draw(t, "id")
	if s := h.sockets[id]; s != nil {
		return id, s, s.member
	}
	return id, nil, newMember(id)
}

func (h *history) attach(t *rapid.T) {
	id, s, m := h.pick(t)
	h.ix.attach(m)
	if s == nil {
		h.sockets[id] = &socketModel{member: m, rooms: map[string]bool{}}
	}
}

func (h *history) detach(t *rapid.T) {
	id, _, m := h.pick(t)
	h.ix.detach(m)
	delete(h.sockets, id)
}

func (h *history) join(t *rapid.T) {
	_, s, m := h.pick(t)
	rooms := someRooms(t, "rooms", 25)
	h.ix.join(m, rooms)
	for _, r := range rooms {
		if s != nil {
			s.rooms[r] = true
		}
	}
}

func (h *history) leave(t *rapid.T) {
	_, s, m := h.pick(t)
	rooms := someRooms(t, "rooms", 25)
	h.ix.leave(m, rooms)
	for _, r := range rooms {
		if s != nil {
			delete(s.rooms, r)
		}
	}
}

func (h *history) authenticate(t *rapid.T) {
	_, s, m := h.pick(t)
	user := anyUser.Draw(t, "user")
	h.ix.authenticate(m, user)
	if s != nil {
		s.user, s.authenticated = user, true
	}
}

func (h *history) restore(t *rapid.T) {
	id, _, m := h.pick(t)
	if rapid.Bool().Draw(t, "as a new member") {
		m = newMember(id)
	}
	ms := Membership{Member: m, Rooms: someRooms(t, "rooms", 25), Authenticated: rapid.Bool().Draw(t, "authenticated")}
	if ms.Authenticated {
		ms.User = anyUser.Draw(t, "user")
	}
	h.ix.restore(ms)
	s := &socketModel{member: m, rooms: map[string]bool{}, user: ms.User, authenticated: ms.Authenticated}
	for _, r := range ms.Rooms {
		s.rooms[r] = true
	}
	h.sockets[id] = s
}

// audience returns the ids of the sockets that a should reach.
func (h *history) audience(a audience) string {
	var all []string
	for id, s := range h.sockets {
		in := func(r string) bool { return r == id || s.rooms[r] }
		to := len(a.rooms) == 0 && a.user == "" || a.user != "" && s.user == a.user || slices.ContainsFunc(a.rooms, in)
		if to && !slices.ContainsFunc(a.except, in) && (s.authenticated || !a.authenticated) {
			all = append(all, id)
		}
	}
	return sorted(all)
}

func (h *history) agree(t *rapid.T) {
	check(t, h.ix)
	a := audience{
		rooms: someRooms(t, "to", 3), except: someRooms(t, "except", 2),
		user: anyUser.Draw(t, "to user"), authenticated: rapid.Bool().Draw(t, "authenticated only"),
	}
	require.Equal(t, h.audience(a), h.ix.ids(a))
}

func TestIndex_AnyHistory_AgreesWithTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := &history{ix: newIndex(), sockets: map[string]*socketModel{}}
		t.Repeat(map[string]func(*rapid.T){
			"attach": h.attach, "detach": h.detach, "join": h.join, "leave": h.leave,
			"authenticate": h.authenticate, "restore": h.restore, "": h.agree,
		})
	})
}
