package cluster

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
)

// TestIgnis_SendOfBothHelpers_ReachesTheClientsOfBoth: what the reference's helper sends by its emitter reaches actio's
// clients, and what Send of actio sends reaches the reference's.
func TestIgnis_SendOfBothHelpers_ReachesTheClientsOfBoth(t *testing.T) {
	t.Parallel()
	c := medium{name: "ignis", ignis: true}.start(t)
	data := map[string]any{"text": "ünï", "list": []any{1.5, nil, true}, "file": []byte{0, 1, 255}}
	senders := []struct {
		speaker

		send func(destination string)
	}{
		{c.node, func(destination string) {
			var to any
			if destination != "" {
				to = destination
			}
			require.NoError(t, c.node.peer.HelperSend(t.Context(), to, "sent", data))
		}},
		{c.one, func(destination string) {
			sent := make(chan struct{})
			c.one.Send(actio.Message{
				Destination: destination, Payload: actio.Payload{Topic: "sent", Data: data}, Callback: func() { close(sent) },
			})
			await.Value(t, sent)
		}},
	}
	for _, by := range senders {
		for _, destination := range []string{"", "red", "42", "nobody", c.clients[0].ID(), c.clients[2].ID(), c.clients[5].ID()} {
			by.send(destination)
			whom := target{}
			if destination != "" {
				whom = to(destination)
			}
			for _, one := range c.meant(by, whom) {
				assert.Equal(t, []any{data}, wait(t, one, "sent"), one.title)
			}
		}
		c.mark(t, by)
		for _, one := range c.clients {
			assert.Zero(t, one.Received("sent"), one.title)
		}
	}
	states, err := c.node.peer.States(t.Context())
	require.NoError(t, err)
	assert.Equal(t, map[string]string{c.clients[0].ID(): "authenticated", c.clients[1].ID(): "authenticated"}, states)
}

// TestIgnis_DefaultRooms_AreThoseOfActio: a message of one helper to a default room reaches the clients of the other.
func TestIgnis_DefaultRooms_AreThoseOfActio(t *testing.T) {
	t.Parallel()
	c := medium{name: "ignis", ignis: true}.start(t)
	for _, one := range c.clients[2:] {
		one.home.join(t, one.ID(), actio.RoomDefault, actio.RoomNotification)
	}
	for _, room := range []string{actio.RoomDefault, actio.RoomNotification} {
		require.NoError(t, c.node.peer.HelperSend(t.Context(), room, "of ignis", room))
		c.one.Send(actio.Message{Destination: room, Payload: actio.Payload{Topic: "of actio", Data: room}})
		for _, one := range c.clients {
			assert.Equal(t, []any{room}, wait(t, one, "of ignis"), one.title)
			assert.Equal(t, []any{room}, wait(t, one, "of actio"), one.title)
		}
	}
}
