package clientmatrix

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/jsclient"
)

// free has a server choose its port.
const free = "127.0.0.1:0"

func TestConnect_EachVersion_IsKnownByTheSameIDOnBothSides(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, free)
		for _, namespace := range []string{"/", "/chat"} {
			c := s.open(t, namespace)
			id := c.connected()
			side, err := s.Socket(t.Context(), id)
			require.NoError(t, err)
			require.NotNil(t, side, id)
			assert.Equal(t, namespace, side.Namespace().Name())
			assert.Equal(t, "ann & bob", side.Handshake().Query().Get("who"))
			if l.name == "upgrade" {
				assert.Equal(t, "websocket", c.upgrades())
				assert.Equal(t, "websocket", c.transport())
			} else {
				assert.Equal(t, l.name, c.transport())
			}
			c.call("disconnect", nil, nil)
			assert.Equal(t, []any{"io client disconnect"}, c.hears("disconnect"))
			assert.Equal(t, actio.ReasonClientDisconnect, s.reason(t))
		}
	})
}

func TestAck_EachVersion_BothWays(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		c := l.serve(t, free).open(t, "/chat")
		c.connected()
		assert.Equal(t, []any{"a", 1.0, nil, map[string]any{"deep": []any{true}}},
			c.ask("echo", "a", 1, nil, map[string]any{"deep": []any{true}}))
		assert.Equal(t, []any{}, c.ask("echo"))
		assert.Equal(t, []any{"back", 2.0}, c.ask("question", "back", 2))
		assert.Equal(t, []any{"back", 2.0}, c.hears("asked"))
	})
}

func TestBinary_EachVersion_ArrivesAsItWasSentBothWays(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		c := l.serve(t, free).open(t, "/")
		c.connected()
		sent := []any{
			jsclient.Binary("plain"), "text",
			map[string]any{"deep": []any{jsclient.Binary{0, 0xff, 0x1e}, jsclient.Binary{}}, "ä": "€"},
		}
		want := []any{
			[]byte("plain"), "text",
			map[string]any{"deep": []any{[]byte{0, 0xff, 0x1e}, []byte{}}, "ä": "€"},
		}
		c.emit("echo", sent...)
		assert.Equal(t, want, c.hears("echoed"))
		assert.Equal(t, want, c.ask("echo", sent...), "in an acknowledgement")
		assert.Equal(t, want, c.ask("question", sent...), "in an acknowledgement of the client's")
	})
}

func TestRooms_EachVersion_BroadcastReachesWhoIsInThere(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, free)
		in, out, gone := s.open(t, "/"), s.open(t, "/"), s.open(t, "/")
		for _, c := range []*client{in, out, gone} {
			c.connected()
		}
		assert.Equal(t, []any{"go"}, in.ask("join", "go"))
		assert.Equal(t, []any{"go"}, gone.ask("join", "go"))
		assert.Equal(t, []any{"go"}, gone.ask("leave", "go"))
		require.NoError(t, s.To("go").Emit("news", "for the room", []byte("binary")))
		require.NoError(t, s.Root().Emit("news", "for all"))
		assert.Equal(t, []any{"for the room", []byte("binary")}, in.hears("news"))
		for _, c := range []*client{in, out, gone} {
			assert.Equal(t, []any{"for all"}, c.hears("news"))
		}
		responses, err := s.In("go").EmitWithAck(t.Context(), "asked", "who?")
		require.NoError(t, err)
		require.Len(t, responses.Acknowledged(), 1)
		assert.Equal(t, []any{"who?"}, values(responses.Acknowledged()[0].Args))
	})
}

func TestReconnect_EachVersion_AfterTheNetworkWasCut(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, free)
		c := s.open(t, "/chat")
		first := c.connected()
		if l.name == "upgrade" {
			c.upgrades()
		}
		c.call("cut", nil, nil)
		c.hears("disconnect")
		second := c.connected()
		assert.NotEqual(t, first, second)
		assert.Contains(t, []actio.Reason{actio.ReasonTransportClose, actio.ReasonTransportError}, s.reason(t))
		assert.Equal(t, []any{"again"}, c.ask("echo", "again"))
	})
}

func TestReconnect_EachVersion_AfterTheServerWasReplaced(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		address := freeAddress(t)
		first := l.serve(t, address)
		c := first.open(t, "/")
		c.connected()
		assert.Equal(t, []any{"a"}, c.ask("join", "a"))
		first.stop(t)
		c.hears("disconnect")
		second := l.serve(t, address)
		id := c.connected()
		side, err := second.Socket(t.Context(), id)
		require.NoError(t, err)
		require.NotNil(t, side)
		rooms, err := side.Rooms(t.Context())
		require.NoError(t, err)
		assert.Equal(t, []string{id}, rooms, "it begins anew")
	})
}

func TestDisconnect_EachVersion_ByTheServer_StaysAway(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, free)
		c := s.open(t, "/chat")
		side, err := s.Socket(context.Background(), c.connected())
		require.NoError(t, err)
		require.NoError(t, side.Emit("news", "bye"))
		side.Disconnect()
		assert.Equal(t, []any{"bye"}, c.hears("news"))
		assert.Equal(t, []any{"io server disconnect"}, c.hears("disconnect"))
		assert.Equal(t, actio.ReasonServerDisconnect, s.reason(t))
	})
}
