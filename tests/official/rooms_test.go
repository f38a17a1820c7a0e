package official

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/jsclient"
)

// request is the payload of `join` and `leave`.
func request(rooms ...any) map[string]any { return map[string]any{"rooms": rooms} }

// own are the rooms that a client is in without asking, and those given.
func own(c *jsclient.Client, more ...string) []string {
	return append([]string{c.ID(), actio.RoomDefault, actio.RoomNotification}, more...)
}

// exceptDenied allows what does not begin with "deny", and a room that nobody asked for.
func exceptDenied(_ context.Context, _ *actio.Socket, rooms []string) ([]string, error) {
	allowed := slices.DeleteFunc(rooms, func(r string) bool { return strings.HasPrefix(r, "deny") })
	return append(allowed, "never requested", "a"), nil
}

func TestJoinLeave_AckTellsWhatWasReallyDone(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, actio.Options{ValidateRooms: exceptDenied})
		c := s.login(t)
		assert.Equal(t, []any{[]any{"b", "c"}}, jsclient.Ask(t, c, "join", request("b", "deny-x", "c", "b")))
		assert.Equal(t, own(c, "b", "c"), s.rooms(t, c))
		assert.Equal(t, []any{[]any{}}, jsclient.Ask(t, c, "join", request("deny-x", "deny-y")))
		assert.Equal(t, []any{[]any{"b"}}, jsclient.Ask(t, c, "join", request("b")), "it is in there")

		c.Emit("join", request("d")) // without an ack it works as well
		assert.Equal(t, []any{[]any{}}, jsclient.Ask(t, c, "join", request()))
		assert.Equal(t, own(c, "b", "c", "d"), s.rooms(t, c))

		assert.Equal(t, []any{[]any{"c", "b"}}, jsclient.Ask(t, c, "leave", request("c", "nope", "b", "c")))
		assert.Equal(t, []any{[]any{}}, jsclient.Ask(t, c, "leave", request("c")))
		c.Emit("leave", request(actio.RoomNotification))
		assert.Equal(t, []any{[]any{}}, jsclient.Ask(t, c, "leave", request()))
		assert.Equal(t, []string{c.ID(), actio.RoomDefault, "d"}, s.rooms(t, c))

		require.NoError(t, s.To("b").Emit("news", "gone"))
		require.NoError(t, s.To("d", "b", actio.RoomDefault).Emit("news", "once"))
		require.NoError(t, s.To(c.ID()).Emit("mark"))
		jsclient.Wait(t, c, "mark")
		assert.Equal(t, []any{"once"}, jsclient.Wait(t, c, "news"))
		assert.Zero(t, c.Received("news"))
	})
}

func TestJoin_WithoutAValidator_JoinsNothing(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, actio.Options{})
		c := s.login(t)
		assert.Equal(t, []any{[]any{}}, jsclient.Ask(t, c, "join", request("a", "b")))
		assert.Equal(t, own(c), s.rooms(t, c))
		assert.Equal(t, uint64(1), s.stats(t).RoomRequestsDenied)
		assert.Equal(t, []any{[]any{actio.RoomDefault}}, jsclient.Ask(t, c, "leave", request(actio.RoomDefault)))
	})
}

func TestJoin_IDsOfClients_AreRefused(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		var mu sync.Mutex
		var asked []string
		s := l.serve(t, actio.Options{
			RefuseNodeIDs: true,
			ValidateRooms: func(_ context.Context, _ *actio.Socket, rooms []string) ([]string, error) {
				mu.Lock()
				defer mu.Unlock()
				asked = append(asked, rooms...)
				return rooms, nil
			},
		})
		spy, victim := s.login(t), s.login(t)
		node := "aBcD0123456789-_wxyz"
		assert.Equal(t, []any{[]any{"room"}}, jsclient.Ask(t, spy, "join", request(victim.ID(), "room", node, spy.ID())))
		assert.Equal(t, []any{[]any{}}, jsclient.Ask(t, spy, "join", request(victim.ID())))
		assert.Equal(t, []string{"room"}, asked, "the validator never sees them")
		require.NoError(t, s.To(victim.ID()).Emit("secret", 1))
		jsclient.Wait(t, victim, "secret")

		// Nobody leaves a room of that form either, its own least of all.
		assert.Equal(t, []any{[]any{"room"}}, jsclient.Ask(t, spy, "leave", request(spy.ID(), victim.ID(), "room", node)))
		assert.Equal(t, own(spy), s.rooms(t, spy))
		require.NoError(t, s.To(spy.ID()).Emit("secret", 2))
		assert.Equal(t, []any{2.0}, jsclient.Wait(t, spy, "secret"))
		assert.Zero(t, spy.Received("secret"))
		require.NoError(t, s.socket(t, spy).Leave(t.Context(), spy.ID()))
		assert.Equal(t, own(spy), s.rooms(t, spy))
	})
}

func TestJoinLeave_MalformedPayloads_AreHarmless(t *testing.T) {
	payloads := [][]any{
		nil,
		{nil},
		{"abc"},
		{5},
		{true},
		{[]any{}},
		{[]any{"a"}},
		{map[string]any{}},
		{map[string]any{"rooms": nil}},
		{map[string]any{"rooms": "abc"}},
		{map[string]any{"rooms": map[string]any{"length": 1}}},
		{map[string]any{"rooms": map[string]any{"0": "a", "length": 1}}},
		{map[string]any{"rooms": 1}},
		{map[string]any{"rooms": 1e300}},
		{map[string]any{"rooms": true}},
		{request(42, nil, map[string]any{"k": 1})},
		{request([]any{"a"})},
		{request("")},
		{map[string]any{"rooms": []byte("abc")}},
		{[]byte("abc")},
		{map[string]any{"Rooms ": []any{"a"}}},
		{map[string]any{"rooms": []any{[]byte("a")}}},
	}
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, actio.Options{ValidateRooms: all})
		c := s.login(t)
		for _, payload := range payloads {
			for _, event := range []string{"join", "leave"} {
				assert.Equal(t, []any{[]any{}}, jsclient.Ask(t, c, event, payload...), "%s %v", event, payload)
				c.Emit(event, payload...)
			}
		}
		assert.Equal(t, []any{[]any{"fine"}}, jsclient.Ask(t, c, "join", request("fine"), "more"))
		assert.Equal(t, own(c, "fine"), s.rooms(t, c))
		assert.Equal(t, uint64(1), s.stats(t).SessionsOpened)
	})
}

func TestJoin_ValidatorFails_JoinsNothingAndGoesOn(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		var panics []string
		s := l.serve(t, actio.Options{
			OnPanic: func(where string, _ any, _ []byte) { panics = append(panics, where) },
			ValidateRooms: func(_ context.Context, s *actio.Socket, rooms []string) ([]string, error) {
				switch rooms[0] {
				case "broken":
					return rooms, errBroken
				case "panic":
					panic("on purpose")
				case "slow":
					<-s.Context().Done()
				}
				return rooms, nil
			},
		})
		c := s.login(t)
		assert.Equal(t, []any{[]any{}}, jsclient.Ask(t, c, "join", request("broken")))
		assert.Equal(t, []any{[]any{}}, jsclient.Ask(t, c, "join", request("panic")))
		assert.Equal(t, []any{[]any{"fine"}}, jsclient.Ask(t, c, "join", request("fine")))
		assert.Equal(t, own(c, "fine"), s.rooms(t, c))
		assert.Equal(t, uint64(1), s.stats(t).HandlerPanics)
		c.Emit("join", request("slow"))
		c.Disconnect()
		s.untilEmpty(t)
		assert.Len(t, panics, 1)
	})
}

func TestJoin_Limits_Hold(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, actio.Options{ValidateRooms: all, MaxRooms: 6, MaxRoomsPerRequest: 3, MaxRoomNameBytes: 8})
		c := s.login(t)
		long := strings.Repeat("ä", 4)
		assert.Equal(t, []any{[]any{"a", long, "b"}}, jsclient.Ask(t, c, "join", request("a", long+"b", "", long, "b", "c", "d")))
		assert.Equal(t, []any{[]any{}}, jsclient.Ask(t, c, "join", request("c", "d")), "the seventh room: none is joined")
		assert.Equal(t, []any{[]any{"a", "c"}}, jsclient.Ask(t, c, "join", request("a", "c")), "only one of them is new")
		assert.Equal(t, own(c, "a", long, "b", "c"), s.rooms(t, c))
		require.ErrorIs(t, s.socket(t, c).Join(t.Context(), "d"), actio.ErrTooManyRooms)
		assert.Equal(t, []any{[]any{"a"}}, jsclient.Ask(t, c, "leave", request("a")))
		require.NoError(t, s.socket(t, c).Join(t.Context(), "d"))
		assert.Equal(t, own(c, long, "b", "c", "d"), s.rooms(t, c))

		many := make([]any, 5000)
		for i := range many {
			many[i] = fmt.Sprint(i)
		}
		assert.Equal(t, []any{[]any{}}, jsclient.Ask(t, c, "join", request(many...)))
		assert.Equal(t, own(c, long, "b", "c", "d"), s.rooms(t, c))
	})
}

func TestRooms_OfTheApplication_FollowJoinAndLeave(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, actio.Options{})
		ann, bob := s.login(t), s.login(t)
		for _, c := range []*jsclient.Client{ann, bob} {
			require.NoError(t, s.socket(t, c).Join(t.Context(), "room", "other"))
			require.NoError(t, s.To("room").Emit("arrived", c.ID()))
		}
		assert.Equal(t, []any{ann.ID()}, jsclient.Wait(t, ann, "arrived"))
		assert.Equal(t, []any{bob.ID()}, jsclient.Wait(t, ann, "arrived"))
		assert.Equal(t, []any{bob.ID()}, jsclient.Wait(t, bob, "arrived"))

		require.NoError(t, s.socket(t, bob).To("room").Emit("news", "from bob"))
		require.NoError(t, s.Except("room").Emit("news", "to nobody"))
		require.NoError(t, s.socket(t, ann).Leave(t.Context(), "room"))
		require.NoError(t, s.In("room").Emit("news", "without ann"))
		require.NoError(t, s.In("other").Except(ann.ID()).Emit("news", "without ann either"))
		require.NoError(t, s.Emit("mark"))
		jsclient.Wait(t, ann, "mark")
		jsclient.Wait(t, bob, "mark")
		assert.Equal(t, []any{"from bob"}, jsclient.Wait(t, ann, "news"))
		assert.Equal(t, []any{"without ann"}, jsclient.Wait(t, bob, "news"))
		assert.Equal(t, []any{"without ann either"}, jsclient.Wait(t, bob, "news"))
		assert.Zero(t, ann.Received("news")+bob.Received("news"))
	})
}
