package cluster

import (
	"slices"
	"testing"
	"time"

	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/jspeer"
)

// target says whom an operation is for.
type target = jspeer.Target

// to is the target of rooms.
func to(rooms ...string) target { return target{Rooms: rooms} }

// except is the target of everybody but some rooms.
func except(rooms ...string) target { return target{Except: rooms} }

// speaker is whatever talks to the sockets of a cluster: a member, or an emitter.
type speaker interface {
	name() string
	emit(t *testing.T, to target, event string, args ...any)
	socketsJoin(t *testing.T, to target, rooms ...string)
	socketsLeave(t *testing.T, to target, rooms ...string)
	disconnect(t *testing.T, to target, whole bool)
	serverEvent(t *testing.T, event string, args ...any)
}

// member is an instance of a cluster, of actio or of Node.js.
type member interface {
	speaker
	uid() string
	// where clients connect, and the path.
	where() (url, path string)
	// join puts one of its own sockets into rooms.
	join(t *testing.T, socket string, rooms ...string)
	// setData gives data to one of its own sockets.
	setData(t *testing.T, socket, key string, value any)
	ask(t *testing.T, to target, timeout time.Duration, event string, args ...any) asked
	fetch(t *testing.T, to target) fetched
	// answer makes it answer an event of other servers.
	answer(t *testing.T, event string, args ...any)
	// served waits for the next event of other servers and returns its name and arguments.
	served(t *testing.T) []any
	askServers(t *testing.T, event string, args ...any) asked
}

// asked is what came back to a question. Node.js does not say whose answer is whose; nobody says it for the first argument of
// Node's clients.
type asked struct {
	answers []any // first arguments, in no order
	// missing counts who has not answered although it was asked; only whether there are any is known to Node.js, which says 1.
	missing int
}

// socket is a socket as a member knows it that has fetched it.
type socket struct {
	id    string
	rooms []string // sorted
	token any      // of its handshake's auth
	data  map[string]any
	user  string
}

// fetched are the sockets that were found, by id.
type fetched map[string]socket

// client is an official client of a cluster, and what is known about it.
type client struct {
	*jsclient.Client

	home  member
	title string
	rooms []string // that it has joined, without its own
}

// in tells whether the client is in a room.
func (c *client) in(room string) bool { return room == c.ID() || slices.Contains(c.rooms, room) }

// meant tells whether an operation of a speaker is for the client.
func (c *client) meant(by speaker, to target) bool {
	if to.Local && by != speaker(c.home) || slices.ContainsFunc(to.Except, c.in) {
		return false
	}
	return len(to.Rooms) == 0 || slices.ContainsFunc(to.Rooms, c.in)
}
