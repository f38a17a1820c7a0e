package official

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsclient"
)

func TestClose_WhileClientsUpgrade_DeliversWhatWasEmittedBefore(t *testing.T) {
	const clients = 100
	overEachLink(t, func(t *testing.T, l link) {
		for name, end := range map[string]func(*actio.Socket){
			"close": (*actio.Socket).Close, "disconnect": (*actio.Socket).Disconnect,
		} {
			t.Run(name, func(t *testing.T) {
				s := l.serve(t, actio.Options{
					ClientConnected: func(_ context.Context, s *actio.Socket) {
						assert.NoError(t, s.Emit("news", []byte{1, 2}))
						assert.NoError(t, s.Namespace().To(s.ID()).Emit("farewell"))
						end(s)
					},
				})
				group, err := l.node.ConnectMany(t.Context(), clients, s.url, s.options(jsclient.Options{Greet: "authenticate"}))
				require.NoError(t, err)
				require.NoError(t, group.Wait(t.Context(), "disconnect", 1))
				s.untilEmpty(t)
				events, err := group.Events(t.Context())
				require.NoError(t, err)
				reasons, err := group.Received(t.Context(), "disconnect")
				require.NoError(t, err)
				for i := range clients {
					assert.Equal(t, []string{"connect", "authenticated", "ping", "news", "farewell", "disconnect"}, without(events[i], "upgrade"))
					assert.Equal(t, []any{"io server disconnect"}, reasons[i][0].Values())
				}
			})
		}
	})
}

func TestShutdown_WhileClientsConnect_EndsAllInTime(t *testing.T) {
	const clients, rounds = 30, 5
	overEachLink(t, func(t *testing.T, l link) {
		for range rounds {
			connected := make(chan struct{}, clients)
			s := l.serve(t, actio.Options{ClientConnected: func(context.Context, *actio.Socket) { connected <- struct{}{} }})
			for range clients {
				l.node.Open(s.url, s.options(jsclient.Options{Greet: "authenticate"}))
			}
			await.Value(t, connected)
			begun := time.Now()
			s.stop(t)
			assert.Less(t, time.Since(begun), 10*time.Second)
		}
	})
}

func TestDropped_Client_ReconnectsAndAuthenticatesAnew(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		gone := make(chan actio.Reason, 10)
		s := l.serve(t, actio.Options{ClientDisconnected: func(_ *actio.Socket, r actio.Reason) { gone <- r }})
		c := s.loginWith(t, jsclient.Options{Reconnect: true, Extra: map[string]any{"reconnectionDelay": 10}})
		if l.name == "upgrade" {
			jsclient.Wait(t, c, "upgrade")
		}
		first := c.ID()
		jsclient.Wait(t, c, "connect")
		c.Drop()
		jsclient.Wait(t, c, "connect")
		jsclient.Wait(t, c, "authenticated")
		assert.NotEqual(t, first, c.ID())
		assert.Equal(t, actio.ReasonTransportClose, await.Value(t, gone))
		s.until(t, "the first session ends", func(stats actio.Stats) bool { return stats.Connections == 1 })
		assert.Equal(t, []string{c.ID(), actio.RoomDefault, actio.RoomNotification}, s.rooms(t, c))
		_, found, err := s.Client(t.Context(), first)
		require.NoError(t, err)
		assert.False(t, found)
	})
}
