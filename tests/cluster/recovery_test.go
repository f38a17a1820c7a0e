package cluster

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/jspeer"
	"github.com/actio-go/actio/tests/internal/testserver"
)

// startRecovering starts an instance that keeps sessions in Redis.
func startRecovering(t *testing.T, r store) (server *actio.Server, url string) {
	t.Helper()
	return startRecoveringWith(t, r, actio.RecoveryOptions{})
}

// startRecoveringWith starts one with some options of recovery.
func startRecoveringWith(t *testing.T, r store, recovery actio.RecoveryOptions) (server *actio.Server, url string) {
	t.Helper()
	recovery.Enabled, recovery.MaxDisconnectionDuration = true, time.Minute
	s := testserver.Start(t, actio.Options{
		Redis:        actio.RedisOptions{Client: r.client(), Adapter: actio.StreamsAdapter},
		Recovery:     recovery,
		DefaultRooms: []string{}, PingInterval: 1000 * time.Hour,
	})
	return s.Server, s.URL
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

// TestRecovery_ClientOfALostInstance_GoesOnOnAnother: the first does not even know that its client is gone, as one that is
// killed.
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

// The rooms that a middleware has a client change are in its session, too, which the next instance takes up.
func TestRecovery_MiddlewaresOfAnotherInstance_AreAskedAboutTheClientAndChangeItsSession(t *testing.T) {
	t.Parallel()
	r, js := oneServer(t), jsclient.Start(t)
	one, url := startRecovering(t, r)
	client, err := js.Dial(t.Context(), url, jsclient.Options{Transports: jsclient.WebSocket, Path: one.Path()})
	require.NoError(t, err)
	s, err := one.Socket(t.Context(), client.ID())
	require.NoError(t, err)
	require.NoError(t, s.Join(t.Context(), "left", "kept"))
	require.NoError(t, one.To("kept").Emit("seen"))
	_, err = client.WaitEvent(t.Context(), "seen")
	require.NoError(t, err)
	auth := map[string]any{"pid": onlySession(t, r), "offset": lastOffset(t, r)}

	look := r.client()
	three, third := startRecovering(t, r)
	two, second := startRecoveringWith(t, r, actio.RecoveryOptions{RunMiddlewares: true})
	two.Root().Use(func(ctx context.Context, s *actio.Socket) error {
		assert.True(t, s.Recovered())
		assert.NoError(t, s.Leave(ctx, "left"))
		return s.Join(ctx, "joined")
	})
	for _, at := range []struct {
		server *actio.Server
		url    string
	}{{two, second}, {three, third}} {
		again, err := js.Dial(t.Context(), at.url, jsclient.Options{Transports: jsclient.WebSocket, Path: one.Path(), Auth: auth})
		require.NoError(t, err)
		require.Equal(t, client.ID(), again.ID())
		s, err := at.server.Socket(t.Context(), client.ID())
		require.NoError(t, err)
		rooms, err := s.Rooms(t.Context())
		require.NoError(t, err)
		require.ElementsMatch(t, []string{client.ID(), "kept", "joined"}, rooms)
		require.Eventually(t, func() bool { // it is written
			value, err := look.Get(t.Context(), "sio:session:"+onlySession(t, r)).Bytes()
			if err != nil {
				return false
			}
			kept, err := format.DecodeSession(value)
			return err == nil && slices.Contains(kept.Rooms, "joined")
		}, patience, 5*time.Millisecond)
	}
}
