package cluster

import (
	"context"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/jspeer"
)

// startRecovering starts an instance that keeps sessions in Redis.
func startRecovering(t *testing.T, r store) (server *actio.Server, url string) {
	t.Helper()
	server, err := actio.New(actio.Options{
		Redis:            actio.RedisOptions{Client: r.client(), Adapter: actio.StreamsAdapter},
		NoAuthentication: true,
		Recovery:         actio.RecoveryOptions{Enabled: true, MaxDisconnectionDuration: time.Minute},
		DefaultRooms:     []string{}, PingInterval: 1000 * time.Hour,
	})
	require.NoError(t, err)
	require.NoError(t, server.Configure(t.Context()))
	web := httptest.NewServer(server)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		assert.NoError(t, server.Shutdown(ctx))
		web.Close()
	})
	return server, web.URL
}

// lastOffset is the id of the youngest entry, and onlySession the private id of the session that Redis has.
func lastOffset(t *testing.T, r store) string {
	t.Helper()
	entries, err := r.client().XRevRangeN(t.Context(), "socket.io", "+", "-", 1).Result()
	require.NoError(t, err)
	require.Len(t, entries, 1)
	return entries[0].ID
}

func onlySession(t *testing.T, r store) (pid string) {
	t.Helper()
	look := r.client()
	require.Eventually(t, func() bool {
		keys, err := look.Keys(t.Context(), "sio:session:*").Result()
		if err != nil || len(keys) != 1 {
			return false
		}
		pid = strings.TrimPrefix(keys[0], "sio:session:")
		return true
	}, patience, 5*time.Millisecond)
	return pid
}

// TestRecovery_ClientOfALostInstance_GoesOnOnAnother: the first does not even know that its client is gone, as one that is killed.
func TestRecovery_ClientOfALostInstance_GoesOnOnAnother(t *testing.T) {
	t.Parallel()
	for _, onNode := range []bool{false, true} {
		name := "actio"
		if onNode {
			name = "node"
		}
		t.Run(name, func(t *testing.T) {
			r, js := oneServer(t), jsclient.Start(t)
			one, url := startRecovering(t, r)
			_, path := "", one.Path()
			client, err := js.Dial(t.Context(), url, jsclient.Options{Transports: jsclient.WebSocket, Path: path})
			require.NoError(t, err)
			s, err := one.Socket(t.Context(), client.ID())
			require.NoError(t, err)
			require.NoError(t, s.Join(t.Context(), "room"))
			require.NoError(t, one.To("room").Emit("seen"))
			_, err = client.WaitEvent(t.Context(), "seen")
			require.NoError(t, err)
			auth := map[string]any{"pid": onlySession(t, r), "offset": lastOffset(t, r)}

			other := jsclient.Options{Transports: jsclient.WebSocket, Auth: auth}
			if onNode {
				url = jspeer.Start(t, jspeer.Options{Redis: r.where, Adapter: jspeer.Streams, Recovery: time.Minute}).URL()
			} else {
				var two *actio.Server
				two, url = startRecovering(t, r)
				other.Path = two.Path()
			}
			require.NoError(t, one.To("room").Emit("missed", 1))
			require.NoError(t, one.To("another").Emit("not for it"))
			require.NoError(t, s.Emit("to itself", 2))
			require.NoError(t, one.To("nobody").DisconnectSockets(t.Context(), false)) // waits for what was emitted before
			back, err := js.Dial(t.Context(), url, other)
			require.NoError(t, err)
			assert.Equal(t, client.ID(), back.ID())
			require.NoError(t, one.To("room").Emit("after"))
			_, err = back.WaitEvent(t.Context(), "after")
			require.NoError(t, err)
			events := slices.DeleteFunc(back.Events(), func(e string) bool { return e == "connect" })
			assert.Equal(t, []string{"missed", "to itself", "after"}, events)
		})
	}
}
