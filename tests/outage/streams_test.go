package outage

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/rawclient"
	"github.com/actio-go/actio/tests/internal/redisproc"
	"github.com/actio-go/actio/wire"
)

// serveRecovering starts an instance whose own clients get what is emitted from Redis.
func serveRecovering(t *testing.T, r *redisproc.Server) *instance {
	t.Helper()
	return serve(t, actio.Options{
		Redis:    actio.RedisOptions{Client: newClient(t, r.ClientOptions()), Adapter: actio.StreamsAdapter},
		Recovery: actio.RecoveryOptions{Enabled: true, MaxDisconnectionDuration: time.Minute},
	})
}

// killKnown kills Redis and waits until instances on streams know of it.
func killKnown(t *testing.T, r *redisproc.Server, instances ...*instance) {
	t.Helper()
	const connections = 4
	r.Kill()
	for _, s := range instances {
		eventually(t, "the outage is known", func() bool { return len(s.Health().Reasons) == connections },
			func() any { return s.Health() })
	}
}

// only is the one socket of an instance.
func (s *instance) only(t *testing.T) *actio.Socket {
	t.Helper()
	all, err := s.Root().Sockets(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
	return all[0]
}

// eventsUntil are the names of the events that a client gets before the last.
func eventsUntil(t *testing.T, c *rawclient.Client, last string) (names []string) {
	t.Helper()
	for {
		m, err := c.Next()
		require.NoError(t, err)
		if m.Event == last {
			return names
		}
		names = append(names, m.Event)
	}
}

// disconnected reads until the client hears that its socket has ended.
func disconnected(t *testing.T, c *rawclient.Client) {
	t.Helper()
	for {
		m, err := c.Next()
		require.NoError(t, err)
		if m.Type == wire.Disconnect {
			return
		}
	}
}

func TestRecoveryOnStreams_RedisDown_LocalSocketsJoinLeaveAndEndAtOnce(t *testing.T) {
	r := redisproc.Start(t)
	s := serveRecovering(t, r)
	c, id := s.dial(t)
	killKnown(t, r, s)
	root := s.Root()
	require.NoError(t, root.Emit("waits for Redis"))
	require.NoError(t, root.To(id).SocketsJoin(t.Context(), "room", "other"))
	require.NoError(t, root.To("room").Local().Emit("joined"))
	require.NoError(t, root.To(id).SocketsLeave(t.Context(), "room"))
	require.NoError(t, root.To("room").Local().Emit("not for it"))
	require.NoError(t, s.only(t).Leave(t.Context(), "other"))
	require.NoError(t, root.To("other").Local().Emit("not for it"))
	require.NoError(t, root.Local().Emit("end"))
	assert.Equal(t, []string{"joined"}, eventsUntil(t, c, "end"))
	require.NoError(t, root.To(id).DisconnectSockets(t.Context(), false))
	disconnected(t, c)
	assert.Equal(t, uint64(4), s.redisStats(t).Link.Buffered, "the other instances hear of all but Socket.Leave later")

	for _, end := range []func(*actio.Socket){(*actio.Socket).Disconnect, (*actio.Socket).Close} {
		c, _ := s.dial(t)
		require.NoError(t, root.Emit("waits for Redis"))
		end(s.only(t))
		disconnected(t, c)
	}
	r.Restart()
	untilReady(t, []*instance{s})
}

// TestRecoveryOnStreams_RedisDown_EventsWaitForItAndAnswersDoNot: what is not given again needs no stream.
func TestRecoveryOnStreams_RedisDown_EventsWaitForItAndAnswersDoNot(t *testing.T) {
	r := redisproc.Start(t)
	s := serveRecovering(t, r)
	c, id := s.dial(t)
	killKnown(t, r, s)
	socket := s.only(t)
	require.NoError(t, socket.Emit("event of the socket"))
	require.NoError(t, s.To(id).Emit("broadcast"))
	answer, err := c.Ask(1, "echo", "x") // nothing else came before, but for its CONNECT
	require.NoError(t, err)
	assert.Equal(t, 1, answer.Len())
	failed := make(chan error, 1)
	go func() {
		_, err := socket.EmitWithAck(context.WithoutCancel(t.Context()), "question")
		failed <- err
	}()
	m, err := c.Next()
	require.NoError(t, err)
	require.Equal(t, "question", m.Event)
	require.NoError(t, c.Send("430[]"))
	require.NoError(t, <-failed)
	require.NoError(t, s.Local().Emit("local"))
	m, err = c.Next()
	require.NoError(t, err)
	require.Equal(t, "local", m.Event)

	r.Restart()
	require.NoError(t, s.Emit("end"))
	assert.Equal(t, []string{"event of the socket", "broadcast"}, eventsUntil(t, c, "end"))
}

// TestRecoveryOnStreams_JoinsAndLeaves_TakeEffectOnceAndInTheirOrder: an instance does at once what comes back from the stream
// later. The socket leaves a room and enters it by itself meanwhile, which must not be undone.
func TestRecoveryOnStreams_JoinsAndLeaves_TakeEffectOnceAndInTheirOrder(t *testing.T) {
	for name, down := range map[string]bool{"Redis is up": false, "Redis is down": true} {
		t.Run(name, func(t *testing.T) {
			r := redisproc.Start(t)
			a, b := serveRecovering(t, r), serveRecovering(t, r)
			acquainted(t, []*instance{a, b}, 1)
			here, id := a.dial(t)
			there, thereID := b.dial(t)
			events := []string{"for stay", "for gone", "for again"}
			if down {
				killKnown(t, r, a, b)
				events = []string{"for stay", "for again"} // it has left "gone" when the event for that is back from Redis
			}
			socket, root := a.only(t), a.Root()
			require.NoError(t, root.SocketsJoin(t.Context(), "stay", "again", "left"))
			require.NoError(t, root.To("stay").Emit("for stay"))
			require.NoError(t, root.SocketsJoin(t.Context(), "gone"))
			require.NoError(t, root.To("gone").Emit("for gone"))
			require.NoError(t, root.SocketsLeave(t.Context(), "gone", "again"))
			require.NoError(t, root.To("gone").Emit("for nobody"))
			require.NoError(t, socket.Join(t.Context(), "again"))
			require.NoError(t, root.To("again").Emit("for again"))
			require.NoError(t, socket.Leave(t.Context(), "left"))
			require.NoError(t, root.To(id).SocketsJoin(t.Context(), "last"))
			want := []string{id, "stay", "again", "last"}
			rooms, err := socket.Rooms(t.Context())
			require.NoError(t, err)
			require.ElementsMatch(t, want, rooms)
			if down {
				r.Restart()
			}
			require.NoError(t, root.Emit("end")) // behind all of it in the stream
			assert.Equal(t, events, eventsUntil(t, here, "end"))
			assert.Equal(t, []string{"for stay", "for gone"}, eventsUntil(t, there, "end"))
			rooms, err = socket.Rooms(t.Context())
			require.NoError(t, err)
			assert.ElementsMatch(t, want, rooms)
			rooms, err = b.only(t).Rooms(t.Context())
			require.NoError(t, err)
			assert.ElementsMatch(t, []string{thereID, "stay", "left"}, rooms)
		})
	}
}

// TestRecoveryOnStreams_RedisStalls_WhatWaitsForItIsDone: nobody knows of the outage when the wait begins.
func TestRecoveryOnStreams_RedisStalls_WhatWaitsForItIsDone(t *testing.T) {
	r := redisproc.Start(t)
	s := serveRecovering(t, r)
	c, id := s.dial(t)
	r.Pause()
	t.Cleanup(r.Resume)
	require.NoError(t, s.Emit("waits for Redis"))
	require.NoError(t, s.To(id).DisconnectSockets(t.Context(), false))
	disconnected(t, c)
	r.Resume()
	untilReady(t, []*instance{s})
}
