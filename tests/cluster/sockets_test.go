package cluster

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsclient"
)

// expect is what every member should know of some clients.
func expect(clients []*client, data map[*client]map[string]any, ignis bool) fetched {
	all := make(fetched)
	for _, one := range clients {
		rooms := append([]string{one.ID()}, one.rooms...)
		if _, ofNode := one.home.(*node); ofNode && ignis {
			rooms = append(rooms, "io-default", "io-notification")
		}
		slices.Sort(rooms)
		all[one.ID()] = socket{id: one.ID(), rooms: rooms, token: "good", data: data[one]}
	}
	return all
}

// fetchedSockets: every member finds the sockets of all, and knows of them what their homes know.
func fetchedSockets(t *testing.T, c *cluster) {
	t.Helper()
	data := make(map[*client]map[string]any)
	for i, one := range c.clients {
		data[one] = map[string]any{}
		if i%2 == 0 {
			data[one]["name"] = map[string]any{"of": one.title, "n": 1.5, "list": []any{nil, "x"}}
			one.home.setData(t, one.ID(), "name", data[one]["name"])
		}
	}
	for _, by := range c.members {
		for _, row := range append(c.targets(), local()...) {
			t.Run(row.name+" by "+by.name(), func(t *testing.T) {
				assert.Equal(t, expect(c.meant(by, row.to), data, c.medium.ignis), by.fetch(t, row.to))
			})
		}
	}
}

// allRooms: a member of Node.js finds the rooms of all.
func allRooms(t *testing.T, c *cluster) {
	t.Helper()
	if !c.medium.classic() {
		t.Skip("the other adapters have no such request")
	}
	want := make(map[string]bool)
	for _, one := range c.clients {
		for _, room := range append(one.rooms, one.ID()) {
			want[room] = true
		}
	}
	if c.medium.ignis {
		want["io-default"], want["io-notification"] = true, true
	}
	rooms, err := c.node.peer.AllRooms(t.Context(), "")
	require.NoError(t, err)
	got := make(map[string]bool)
	for _, room := range rooms {
		got[room] = true
	}
	assert.Equal(t, want, got)
}

// joinedAndLeft: whoever speaks puts sockets of all members into rooms, and takes them out.
func joinedAndLeft(t *testing.T, c *cluster) {
	t.Helper()
	rows := []named{
		{"all", target{}},
		{"room", to("red")},
		{"several rooms", to("only", "42")},
		{"all except a room", except("red")},
		{"id", to(c.clients[2].ID())},
		{"id of Node", to(c.clients[1].ID())},
	}
	for _, by := range c.speakers {
		for _, row := range rows {
			t.Run(row.name+" by "+by.name(), func(t *testing.T) { joinAndLeave(t, c, by, row.to) })
		}
	}
}

func joinAndLeave(t *testing.T, c *cluster, by speaker, whom target) {
	t.Helper()
	meant := c.meant(by, whom)
	by.socketsJoin(t, whom, "team", "squad")
	for _, one := range meant {
		one.rooms = append(one.rooms, "team", "squad")
	}
	c.settle(t)
	c.reflected(t, by, "team", meant)
	by.emit(t, to("team"), "for team", 1)
	for _, one := range meant {
		assert.Equal(t, []any{1.0}, wait(t, one, "for team"), one.title)
	}
	for _, m := range c.members {
		assert.ElementsMatch(t, ids(meant), keys(m.fetch(t, to("squad"))), m.name())
	}
	c.mark(t, by)

	by.socketsLeave(t, whom, "team")
	c.reflected(t, by, "team", nil)
	by.emit(t, to("team"), "for team", "nobody is left")
	by.emit(t, to("squad"), "for squad", 2)
	by.socketsLeave(t, target{}, "squad", "a room of nobody")
	c.reflected(t, by, "squad", nil)
	c.mark(t, by)
	for _, one := range meant {
		one.rooms = one.rooms[:len(one.rooms)-2]
		assert.Equal(t, []any{2.0}, wait(t, one, "for squad"), one.title)
	}
	for _, one := range c.clients {
		assert.Zero(t, one.Received("for team"), one.title)
		assert.Zero(t, one.Received("for squad"), one.title)
	}
	c.settle(t)
	for _, m := range c.members {
		assert.Empty(t, m.fetch(t, to("team", "squad")), m.name())
	}
}

// joinedAndReached: what an instance of actio sends to a room that it has just put sockets into reaches them, wherever they are:
// no subscription is waited for.
func joinedAndReached(t *testing.T, c *cluster) {
	t.Helper()
	for _, by := range []*instance{c.one, c.two} {
		for n := range 20 {
			room := fmt.Sprintf("just joined by %s: %d", by.name(), n)
			by.socketsJoin(t, target{}, room)
			by.emit(t, to(room), "just joined", n)
		}
		for _, one := range c.clients {
			for n := range 20 {
				assert.Equal(t, []any{float64(n)}, wait(t, one, "just joined"), one.title)
			}
		}
		for n := range 20 {
			by.socketsLeave(t, target{}, fmt.Sprintf("just joined by %s: %d", by.name(), n))
		}
	}
}

// reflected waits until the sender's own sockets are in a room: with the classic adapter a server of Node.js joins and leaves
// when its own message comes back from Redis, which what it emits meanwhile overtakes.
func (c *cluster) reflected(t *testing.T, by speaker, room string, meant []*client) {
	t.Helper()
	sender, ok := by.(*node)
	if !ok || !c.medium.classic() {
		return
	}
	var own []string
	for _, one := range meant {
		if one.home == member(sender) {
			own = append(own, one.ID())
		}
	}
	require.EventuallyWithT(t, func(collect *assert.CollectT) {
		sockets, err := sender.peer.FetchSockets(t.Context(), target{Rooms: []string{room}, Local: true})
		require.NoError(collect, err)
		var found []string
		for _, s := range sockets {
			found = append(found, s.ID)
		}
		assert.ElementsMatch(collect, own, found)
	}, patience, 5*time.Millisecond)
}

func keys(f fetched) []string {
	all := make([]string, 0, len(f))
	for id := range f {
		all = append(all, id)
	}
	return all
}

// disconnected: whoever speaks ends sockets of all members, after what he sent to them before.
func disconnected(t *testing.T, c *cluster) {
	t.Helper()
	for _, by := range c.speakers {
		for _, whole := range []bool{true, false} {
			name := "sockets by " + by.name()
			if whole {
				name = "connections by " + by.name()
			}
			t.Run(name, func(t *testing.T) { disconnectSome(t, c, by, whole) })
		}
	}
}

func disconnectSome(t *testing.T, c *cluster, by speaker, whole bool) {
	t.Helper()
	var doomed []*jsclient.Client
	var doomedIDs []string
	for _, m := range c.members {
		dialled := c.dial(t, m, jsclient.Options{})
		m.join(t, dialled.ID(), "doomed")
		doomed, doomedIDs = append(doomed, dialled), append(doomedIDs, dialled.ID())
	}
	spared := c.clients[0]
	spared.home.join(t, spared.ID(), "doomed")
	by.emit(t, to(doomedIDs...), "farewell")
	by.disconnect(t, target{Rooms: []string{"doomed"}, Except: []string{spared.ID()}}, whole)
	for _, one := range doomed {
		await.Value(t, one.Disconnected())
		assert.Equal(t, "io server disconnect", one.DisconnectReason())
		if c.ordered(by) {
			assert.Equal(t, 1, one.Received("farewell"), "sent before the end")
		}
	}
	by.socketsLeave(t, to(spared.ID()), "doomed")
	c.mark(t, by)
	for _, m := range c.members {
		assert.ElementsMatch(t, ids(c.clients), keys(m.fetch(t, target{})), m.name())
	}
	c.settleRoom(t, "doomed")
}
