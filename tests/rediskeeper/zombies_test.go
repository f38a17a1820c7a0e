package rediskeeper

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/keeper"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

// walker is a client that leaves its instances without a word.
type walker struct {
	t       *testing.T
	id, pid string
	offset  string
	client  *client
	at      *rig
	socket  *connection.Socket
}

// walk starts one. It is in a room from its beginning.
func walk(t *testing.T, at *rig) *walker {
	t.Helper()
	w := &walker{t: t, at: at, client: at.dial()}
	_, w.id, w.pid = w.client.enter("40")
	w.socket = await.Value(t, at.app.sockets)
	w.join("room")
	at.emit("first", "room")
	w.offset = between(w.client.get(), `["first","`)
	return w
}

// join has the socket be in a room more, until Redis knows.
func (w *walker) join(room string) {
	w.t.Helper()
	require.NoError(w.t, w.socket.Join(w.t.Context(), room))
	w.at.until(w.pid, in(room))
}

func in(room string) func(s *format.Session) bool {
	return func(s *format.Session) bool { return s != nil && slices.Contains(s.Rooms, room) }
}

// to has the client come to an instance, that where it is included, as who it is.
func (w *walker) to(at *rig) {
	w.t.Helper()
	w.at, w.client = at, at.dial()
	_, id, pid := w.client.enter(again(w.pid, w.offset))
	w.socket = await.Value(w.t, at.app.sockets)
	require.NoError(w.t, w.socket.RecoveryFailure())
	require.Equal(w.t, w.id, id)
	require.Equal(w.t, w.pid, pid)
}

// rooms are those of the socket, its own excepted.
func (w *walker) rooms() []string {
	w.t.Helper()
	rooms, err := w.socket.Rooms(w.t.Context())
	require.NoError(w.t, err)
	return slices.DeleteFunc(slices.Sorted(slices.Values(rooms)), func(room string) bool { return room == w.id })
}

// TestClient_ThatMovesToAndFroWithoutAWord_IsWhoItWasLast: each instance still has a socket of it, which knows nothing of what
// came later.
func TestClient_ThatMovesToAndFroWithoutAWord_IsWhoItWasLast(t *testing.T) {
	t.Parallel()
	server := redisproc.Start(t)
	one, two := start(t, server, keeper.Options{}), start(t, server, keeper.Options{})
	w := walk(t, one)
	rooms, zombies := []string{"room"}, map[*rig]*connection.Socket{}
	for _, to := range []struct {
		rig  *rig
		room string
	}{{two, "second"}, {one, "third"}, {two, "fourth"}, {two, "fifth"}} {
		zombies[w.at] = w.socket
		w.to(to.rig)
		assert.Equal(t, rooms, w.rooms())
		if zombie := zombies[to.rig]; zombie != nil {
			assert.Same(t, zombie, await.Value(t, to.rig.app.ended))
		}
		w.join(to.room)
		rooms = append(rooms, to.room)
		slices.Sort(rooms)
	}
	one.emit("next", "fifth")
	assert.Contains(t, w.client.get(), `42["next","`)
}

// TestSocket_WhoseClientIsElsewhere_SurrendersAndHarmsNothing: as soon as it would write what another has by now.
func TestSocket_WhoseClientIsElsewhere_SurrendersAndHarmsNothing(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(zombie *connection.Socket){
		"put into a room": func(zombie *connection.Socket) { _ = zombie.Join(context.Background(), "of a zombie") },
		"thrown out":      func(zombie *connection.Socket) { zombie.Disconnect(false) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redisproc.Start(t)
			one, two := start(t, server, keeper.Options{}), start(t, server, keeper.Options{})
			w := walk(t, one)
			zombie := w.socket
			w.to(two)
			w.join("second")
			act(zombie)
			assert.Same(t, zombie, await.Value(t, one.app.ended))
			// What the end of the zombie writes has been written when its instance has written what comes behind.
			_, _, behind := one.dial().enter("40")
			await.Value(t, one.app.sockets)
			one.until(behind, there)
			assert.ElementsMatch(t, []string{w.id, "room", "second"}, one.stored(w.pid).Rooms)
			w.to(one)
			assert.Equal(t, []string{"room", "second"}, w.rooms())
		})
	}
}

// TestSocket_WhoseSessionNodeHasLeft_EndsSoThatItsClientComesForIt: the client was there in between, and Node.js has learnt so
// late that it left.
func TestSocket_WhoseSessionNodeHasLeft_EndsSoThatItsClientComesForIt(t *testing.T) {
	t.Parallel()
	r := start(t, redisproc.Start(t), keeper.Options{})
	w := walk(t, r)
	r.leftByNode(w.pid, w.id, "of Node")
	socket := w.socket
	require.NoError(t, socket.Join(t.Context(), "here"))
	assert.Same(t, socket, await.Value(t, r.app.ended))
	w.to(r)
	assert.Equal(t, []string{"of Node"}, w.rooms())
}

// TestSocket_WhoseSessionRedisHasEvicted_ClientGoesOnWhereItWas: Redis says nothing, and the socket that seems to live is the
// latest.
func TestSocket_WhoseSessionRedisHasEvicted_ClientGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	r := start(t, redisproc.Start(t), keeper.Options{})
	w := walk(t, r)
	r.vanish(w.pid)
	w.to(r)
	assert.Equal(t, []string{"room"}, w.rooms())
	r.until(w.pid, in("room"))
}

// TestClaim_GivenUpWhileASocketSeemsToLive_SessionIsNotLost: the client that came did not get through, and comes again.
func TestClaim_GivenUpWhileASocketSeemsToLive_SessionIsNotLost(t *testing.T) {
	t.Parallel()
	server := redisproc.Start(t)
	one, two := start(t, server, keeper.Options{}), start(t, server, keeper.Options{})
	for _, last := range []*rig{one, two} {
		for _, then := range []*rig{one, two} {
			w := walk(t, one)
			if last != one {
				w.to(two)
				w.join("second")
			}
			rooms, was := w.rooms(), one.stored(w.pid).Holder
			server.Pause()
			c, answers := one.claim(w.pid, "/")
			one.keeper.Unclaim(c)
			server.Resume()
			if then != one { // else the claim may take the session after its client, which has to come once more then
				one.until(w.pid, func(s *format.Session) bool { return s != nil && s.Holder != was })
			}
			w.to(then)
			assert.Equal(t, rooms, w.rooms())
			assert.Empty(t, answers)
		}
	}
}
