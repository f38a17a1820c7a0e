package format

import (
	"errors"
	"slices"
)

// ErrTwoUsers says that a Target is for one user at most.
var ErrTwoUsers = errors.New("actio: a broadcast is for one user at most")

// Target says which sockets of a namespace are meant: those in any of Rooms and those of User, or all when both are empty,
// less those in any room of Except. User is an extension: a message with a User and no Rooms goes to instances of actio alone.
type Target struct {
	Rooms  []string
	Except []string
	User   string
}

// All tells whether the target is the whole namespace, exceptions apart.
func (t Target) All() bool { return len(t.Rooms) == 0 && t.User == "" }

// With is the target with further rooms. Empty names are no rooms.
func (t Target) With(rooms ...string) Target {
	t.Rooms = withNames(t.Rooms, rooms)
	return t
}

// Without is the target with further exceptions.
func (t Target) Without(rooms ...string) Target {
	t.Except = withNames(t.Except, rooms)
	return t
}

// WithUser is the target with a user. The empty user is nobody: the target as it was. Error: ErrTwoUsers.
func (t Target) WithUser(user string) (Target, error) {
	switch {
	case user == "":
		return t, nil
	case t.User != "" && t.User != user:
		return t, ErrTwoUsers
	default:
		t.User = user
		return t, nil
	}
}

// withNames is a new list: what was derived from the old one keeps it.
func withNames(list, names []string) []string {
	return slices.DeleteFunc(slices.Concat(list, names), func(name string) bool { return name == "" })
}

// Concerns tells whether a broadcast to the target reached a socket that was in the rooms, its own among them, and belonged to
// the user.
func (t Target) Concerns(rooms []string, user string) bool {
	has := func(list []string) bool {
		return slices.ContainsFunc(list, func(room string) bool { return slices.Contains(rooms, room) })
	}
	return (t.All() || t.User != "" && t.User == user || has(t.Rooms)) && !has(t.Except)
}
