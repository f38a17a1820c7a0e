package official

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsclient"
)

// send sends through the helper of the reference.
func (s *stand) send(destination, topic string, data any) {
	s.Send(actio.Message{Destination: destination, Payload: actio.Payload{Topic: topic, Data: data}})
}

func TestSend_ToIDRoomAndAll_ReachesThem(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, actio.Options{ValidateRooms: all})
		ann, bob, stranger := s.login(t), s.login(t), s.connect(t)
		jsclient.Ask(t, bob, "join", request("room"))
		s.send(ann.ID(), "news", "ann")
		s.send("room", "news", "room")
		s.send(actio.RoomDefault, "news", "authenticated")
		s.send("nobody", "news", "lost")
		s.send("", "news", map[string]any{"all": []byte{1, 2}})
		everyone := []any{map[string]any{"all": []byte{1, 2}}}

		for _, want := range []any{"ann", "authenticated"} {
			assert.Equal(t, []any{want}, jsclient.Wait(t, ann, "news"))
		}
		for _, want := range []any{"room", "authenticated"} {
			assert.Equal(t, []any{want}, jsclient.Wait(t, bob, "news"))
		}
		for _, c := range []*jsclient.Client{ann, bob, stranger} {
			assert.Equal(t, everyone, jsclient.Wait(t, c, "news"))
			assert.Zero(t, c.Received("news"))
		}
	})
}

func TestSend_FalsyData_IsDroppedAndFalseValuesAreSent(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, actio.Options{})
		c := s.login(t)
		for _, nothing := range []any{nil, (*int)(nil), []any(nil), map[string]any(nil), []byte(nil)} {
			s.Send(actio.Message{
				Payload:  actio.Payload{Topic: "news", Data: nothing},
				Callback: func() { t.Error("called back for what was dropped") },
			})
		}
		s.send("", "", "without a topic")
		s.send("", "disconnect", "reserved")
		for _, data := range []any{0, false, "", []any{}, map[string]any{}, []byte{}} {
			s.send("", "news", data)
		}
		for _, want := range []any{0.0, false, "", []any{}, map[string]any{}, []byte{}} {
			assert.Equal(t, []any{want}, jsclient.Wait(t, c, "news"))
		}
		assert.Zero(t, c.Received("news"))
		assert.Zero(t, c.Received(""))
		assert.Empty(t, c.DisconnectReason())
	})
}

func TestSend_Callback_ComesOnceAfterTheHandOff(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, actio.Options{})
		c := s.login(t)
		socket := s.socket(t, c)
		var calls atomic.Int32
		const n = 50
		called := make(chan struct{}, 2*n)
		for i := range n {
			s.Send(actio.Message{
				Destination: actio.RoomDefault,
				Payload:     actio.Payload{Topic: "news", Data: i},
				Callback: func() {
					calls.Add(1)
					assert.NoError(t, socket.Emit("called back", i))
					called <- struct{}{}
				},
			})
		}
		for range n {
			await.Value(t, called)
		}
		for range n {
			jsclient.Wait(t, c, "called back")
		}
		seen := 0 // at each callback's emit, its own message had gone
		sent := make(map[string]int)
		for _, event := range c.Events() {
			sent[event]++
			if event == "called back" {
				seen++
				assert.GreaterOrEqual(t, sent["news"], seen)
			}
		}
		s.stop(t)
		assert.Equal(t, int32(n), calls.Load())
	})
}

func TestBroadcast_AuthenticatedOnly_KeepsStrangersOut(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		for _, only := range []bool{true, false} {
			s := l.serve(t, actio.Options{BroadcastAuthenticatedOnly: only})
			known, stranger := s.login(t), s.connect(t)
			s.send("", "news", 1)
			require.NoError(t, s.Emit("news", 2))
			require.NoError(t, s.socket(t, known).Broadcast().Emit("news", 3))
			s.send(stranger.ID(), "direct", 1)
			require.NoError(t, s.To(stranger.ID(), known.ID()).Emit("mark"))
			for _, c := range []*jsclient.Client{known, stranger} {
				jsclient.Wait(t, c, "mark")
			}
			assert.Equal(t, 2, known.Received("news"))
			assert.Equal(t, 1, stranger.Received("direct"), "a client that is named is meant")
			if only {
				assert.Zero(t, stranger.Received("news"))
			} else {
				assert.Equal(t, 3, stranger.Received("news"))
			}
			s.stop(t)
		}
	})
}

func TestPing_OfTheFacade_PingsOrDisconnects(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, actio.Options{PingInterval: -1})
		known, stranger := s.login(t), s.connect(t)
		assert.Zero(t, known.Received("ping"))
		s.Ping(s.socket(t, known), false)
		timeOf(t, jsclient.Wait(t, known, "ping")[0])
		s.Ping(s.socket(t, stranger), true)
		timeOf(t, jsclient.Wait(t, stranger, "ping")[0])
		assert.Equal(t, actio.Unauthorized, s.state(t, stranger))
		socket := s.socket(t, stranger)
		s.Ping(socket, false)
		assert.Equal(t, "io server disconnect", reasonOf(t, stranger))
		s.Ping(socket, true) // it is gone
		s.Ping(nil, true)
		s.until(t, "one is left", func(stats actio.Stats) bool { return stats.Connections == 1 })
		require.NoError(t, s.To(known.ID()).Emit("mark"))
		jsclient.Wait(t, known, "mark")
		assert.Zero(t, known.Received("ping"))
	})
}

func TestDisconnect_OfTheFacade_EndsTheConnectionAndIsHarmlessTwice(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		gone := make(chan actio.Reason, 10)
		s := l.serve(t, actio.Options{ClientDisconnected: func(_ *actio.Socket, r actio.Reason) { gone <- r }})
		known, stranger := s.login(t), s.connect(t)
		for _, c := range []*jsclient.Client{known, stranger} {
			socket := s.socket(t, c)
			require.NoError(t, socket.Emit("farewell", "in order"))
			s.Disconnect(socket)
			s.Disconnect(socket)
			assert.Equal(t, "io server disconnect", reasonOf(t, c))
			assert.Equal(t, 1, c.Received("farewell"))
			s.Disconnect(socket)
			require.ErrorIs(t, socket.Emit("late"), actio.ErrClosed)
			_, found, err := s.Client(t.Context(), c.ID())
			require.NoError(t, err)
			assert.False(t, found)
		}
		s.Disconnect(nil)
		assert.Equal(t, actio.ReasonServerDisconnect, await.Value(t, gone))
		s.untilEmpty(t)
		await.Nothing(t, gone)
	})
}

func TestFacade_InsideHandlers_MayBeCalled(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, actio.Options{})
		require.NoError(t, s.On("everything", func(ctx context.Context, socket *actio.Socket, e *actio.Event) {
			assert.NoError(t, socket.Join(ctx, "room"))
			assert.NoError(t, s.To("room").Emit("news", 1))
			s.Ping(socket, false)
			clients, err := s.Clients(ctx)
			assert.NoError(t, err)
			assert.Len(t, clients, 1)
			stats, err := s.Stats(ctx)
			assert.NoError(t, err)
			assert.Equal(t, 1, stats.Rooms-2, "beside the default rooms")
			assert.NoError(t, socket.Leave(ctx, "room"))
			assert.NoError(t, s.To("room").Emit("news", 2))
			rooms, err := socket.Rooms(ctx)
			assert.NoError(t, err)
			assert.NoError(t, e.Reply(len(rooms)))
			s.Disconnect(socket)
		}))
		c := s.login(t)
		assert.Equal(t, []any{3.0}, jsclient.Ask(t, c, "everything"))
		assert.Equal(t, "io server disconnect", reasonOf(t, c))
		assert.Equal(t, 1, c.Received("news"))
		s.untilEmpty(t)
	})
}
