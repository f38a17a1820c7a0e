package connection

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/wire"
)

// guarded has a namespace ask about each socket.
func (r *rig) guarded(admit func(ctx context.Context, s *Socket) error) {
	r.app.entrance = func(string) *Entrance { return &Entrance{Admit: admit} }
}

// slowly lets everybody in, after a second.
func slowly(ctx context.Context, _ *Socket) error {
	select {
	case <-time.After(time.Second):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func TestEntering_LetIn_IsConnectedAfterwardsAndInWhatItJoined(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		r.guarded(func(ctx context.Context, s *Socket) error {
			assert.False(t, s.Connected())
			assert.Equal(t, Unauthorized, s.State())
			assert.Equal(t, `{"a":1}`, string(s.Handshake().Auth))
			require.NoError(t, s.Join(ctx, "a", "b", "c"))
			require.NoError(t, s.Leave(ctx, "b"))
			rooms, err := s.Rooms(ctx)
			require.NoError(t, err)
			assert.Equal(t, []string{s.ID(), "a", "c"}, rooms)
			require.ErrorIs(t, s.Join(ctx, "1", "2", "3", "4"), ErrTooManyRooms)
			r.app.note("asked")
			return slowly(ctx, s)
		})
		r.post(`40{"a":1}`)
		assert.Equal(t, []string{"asked"}, r.app.told())
		time.Sleep(time.Second)
		assert.Contains(t, r.get(), `40{"sid":"~`)
		assert.Equal(t, []string{"connected /"}, r.app.told())
		s := r.app.sockets[0]
		assert.True(t, s.Connected())
		members, err := r.registry.Members(r.t.Context(), "/", []string{"c"}, nil)
		require.NoError(t, err)
		assert.Equal(t, []string{s.ID()}, members)
		members, err = r.registry.Members(r.t.Context(), "/", []string{"b"}, nil)
		require.NoError(t, err)
		assert.Empty(t, members)
		r.post(`42["x"]`, "41")
		assert.Equal(t, []string{"event x", "disconnected client namespace disconnect"}, r.app.told())
	})
}

type unfit struct{}

func (unfit) MarshalJSON() ([]byte, error) { return nil, errors.New("unfit") }

type panics struct{}

func (panics) MarshalJSON() ([]byte, error) { panic("user code") }

func TestEntering_Refused_TellsTheClientWhyAndTheSessionGoesOn(t *testing.T) {
	tests := map[string]struct {
		admit  func() error
		packet string
		panics uint64
	}{
		"error": {func() error { return errors.New("go away") }, `44{"message":"go away"}`, 0},
		"with data": {
			func() error { return &ConnectError{"no", map[string]int{"code": 7}} },
			`44{"data":{"code":7},"message":"no"}`, 0,
		},
		"wrapped": {
			func() error { return errors.Join(errors.New("x"), &ConnectError{Message: "no"}) }, `44{"message":"no"}`, 0,
		},
		"data does not fit":  {func() error { return &ConnectError{"no", unfit{}} }, `44{"message":"no"}`, 0},
		"data panics":        {func() error { return &ConnectError{"no", panics{}} }, `44{"message":"no"}`, 0},
		"panic":              {func() error { panic("secret") }, `44{"message":"Internal server error"}`, 1},
		"ends its goroutine": {func() error { runtime.Goexit(); return nil }, `44{"message":"Internal server error"}`, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(r *rig) {
				r.guarded(func(context.Context, *Socket) error { return test.admit() })
				r.post("40")
				packet := r.get()
				assert.Len(t, packet, len(test.packet))
				assert.JSONEq(t, strings.TrimPrefix(test.packet, "44"), strings.TrimPrefix(packet, "44"))
				assert.Equal(t, test.panics, r.env.Counters.HandlerPanics.Load())
				assert.EqualValues(t, 1, r.env.Counters.ConnectsRefused.Load())
				assert.Empty(t, r.app.told())
				assert.True(t, r.app.sockets[0].Closed())
				r.guarded(nil)
				r.post("40")
				assert.Contains(t, r.get(), `40{"sid":"~`)
			})
		})
	}
}

func TestEntering_SendingToIt_FailsAndTheClientGetsNothing(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		r.guarded(func(ctx context.Context, s *Socket) error {
			m, err := wire.EncodeEvent("/", "early")
			require.NoError(t, err)
			require.ErrorIs(t, s.Emit(m, FlagNone), ErrNotConnected)
			_, err = s.EmitWithAck(ctx, s.NextAckID(), m, FlagNone)
			require.ErrorIs(t, err, ErrNotConnected)
			r.registry.Broadcast(&roomregistry.Broadcast{Namespace: "/", Message: m})
			s.Ping(false)
			return nil
		})
		r.post("40")
		packets := r.get()
		assert.True(t, strings.HasPrefix(packets, `40{"sid":"~`), packets)
		assert.NotContains(t, packets, "early")
		assert.False(t, r.app.sockets[0].Closed())
	})
}

func TestEntering_DisconnectedByTheApplication_IsRefused(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		r.guarded(func(ctx context.Context, s *Socket) error {
			s.Disconnect(false)
			<-ctx.Done()
			<-s.Context().Done()
			return nil
		})
		r.post("40")
		assert.Equal(t, `44{"message":"Disconnected by the server"}`, r.get())
		assert.Empty(t, r.app.told())
		assert.Equal(t, ReasonServerDisconnect, r.app.sockets[0].Reason())
		r.guarded(func(ctx context.Context, s *Socket) error {
			s.Disconnect(true)
			<-ctx.Done()
			return nil
		})
		r.post("40")
		assert.Equal(t, `44{"message":"Disconnected by the server"}`, r.get())
		assert.Equal(t, "1", r.get())
	})
}

func TestEntering_ClientSendsSomethingElse_BreaksTheProtocol(t *testing.T) {
	for _, packet := range []string{`42["x"]`, "40", `430[1]`, `42["authenticate"]`} {
		t.Run(packet, func(t *testing.T) {
			inBubble(t, with(accept), func(r *rig) {
				r.guarded(slowly)
				r.post("40")
				r.post(packet)
				assert.True(t, r.session.ended())
				assert.Equal(t, "Session ID unknown", r.get())
				assert.Equal(t, ReasonForcedServerClose, r.app.sockets[0].Reason())
				assert.EqualValues(t, 1, r.env.Counters.ParseErrors.Load())
			})
		})
	}
}

func TestEntering_ClientGivesUp_MayComeAgain(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		var cancelled atomic.Int32
		r.guarded(func(ctx context.Context, s *Socket) error {
			defer cancelled.Add(1)
			return slowly(ctx, s)
		})
		r.post("40")
		r.post("41")
		synctest.Wait()
		assert.EqualValues(t, 1, cancelled.Load())
		assert.Equal(t, ReasonClientDisconnect, r.app.sockets[0].Reason())
		r.post("40")
		time.Sleep(time.Second)
		assert.Contains(t, r.get(), `40{"sid":"~`)
		assert.Equal(t, []string{"connected /"}, r.app.told())
	})
}

func TestEntering_CountsAsANamespace(t *testing.T) {
	inBubble(t, nil, func(r *rig) { // MaxNamespaces is 2
		r.guarded(slowly)
		r.post("40", "40/b,", "40/c,")
		assert.Equal(t, `44/c,{"message":"Too many namespaces"}`, r.get())
		time.Sleep(time.Second)
		assert.Equal(t, 2, strings.Count(r.get(), `{"sid":"~`))
	})
}

// Who comes and goes while user code ignores its context finds the gate closed in the end.
func TestEntering_AbandonedQuestions_CountAtTheGate(t *testing.T) {
	inBubble(t, nil, func(r *rig) { // InboxEvents is 4
		release := make(chan struct{})
		var asked atomic.Int32
		r.guarded(func(context.Context, *Socket) error {
			asked.Add(1)
			<-release
			return nil
		})
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 20 {
				for _, packet := range []string{"0", "1"} {
					r.session.read(nil, wire.EnginePacket{Type: wire.EngineMessage, Data: []byte(packet)})
				}
			}
		}()
		synctest.Wait()
		assert.EqualValues(t, 4, asked.Load())
		close(release)
		<-done
	})
}

func TestEntering_ServerOrSessionEnds_CancelsTheQuestion(t *testing.T) {
	for name, end := range map[string]func(r *rig){
		"client":   func(r *rig) { r.post("1") },
		"drain":    func(r *rig) { r.system.Send(r.session.PID(), &Drain{}) },
		"shutdown": func(r *rig) { r.system.Send(r.session.PID(), &Shutdown{}) },
		"abort":    func(r *rig) { r.system.Send(r.session.PID(), &Abort{Reason: ReasonServerShutdown}) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(r *rig) {
				ended := make(chan struct{})
				r.guarded(func(ctx context.Context, _ *Socket) error {
					<-ctx.Done()
					close(ended)
					return context.Cause(ctx)
				})
				r.post("40")
				end(r)
				<-ended
				synctest.Wait()
				if name == "drain" {
					assert.Equal(t, `44{"message":"Server is shutting down"}`, r.get())
				}
				assert.True(t, r.app.sockets[0].Closed())
				assert.Empty(t, r.app.told())
			})
		})
	}
}

func TestEntering_NeverAnswered_IsRefusedInTimeAndTheSessionEnds(t *testing.T) {
	for name, ignores := range map[string]bool{"cancelled": false, "ignores its context": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(o *Options) { o.PingInterval = time.Hour }, func(r *rig) { // ConnectTimeout is 45 s
				release := make(chan struct{})
				r.guarded(func(ctx context.Context, s *Socket) error {
					<-ctx.Done()
					assert.True(t, s.Closed(), "whoever is told to stop finds that the socket has ended")
					if ignores {
						<-release
					}
					return nil
				})
				time.Sleep(20 * time.Second)
				r.post("40")
				time.Sleep(25*time.Second + latest) // the connect timeout, which waits for who is on the way
				assert.False(t, r.session.ended())
				time.Sleep(20*time.Second + latest)
				assert.Equal(t, `44{"message":"Connection timed out"}`, r.get())
				assert.Equal(t, "1", r.get())
				assert.Equal(t, ReasonConnectTimeout, r.app.sockets[0].Reason())
				close(release)
			})
		})
	}
}

func TestEntering_RefusedAgainAndAgain_DoesNotKeepTheSession(t *testing.T) {
	inBubble(t, func(o *Options) { o.PingInterval = time.Hour }, func(r *rig) {
		r.guarded(func(ctx context.Context, s *Socket) error { return errors.Join(slowly(ctx, s), errors.New("no")) })
		refusals := 0
		for range 100 {
			r.post("40")
			time.Sleep(time.Second)
			if p := r.get(); !strings.HasPrefix(p, "44") {
				break
			}
			refusals++
		}
		assert.InDelta(t, 45, refusals, 2)
		assert.True(t, r.session.ended())
	})
}

func TestEntering_BesideAnOpenSocket_ThatOneIsNotDisturbed(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		connectFreely(r)
		r.guarded(func(ctx context.Context, _ *Socket) error {
			<-ctx.Done()
			return nil
		})
		r.post("40/b,")
		r.post(`42["x"]`)
		assert.Equal(t, []string{"event x"}, r.app.told())
		r.post("41")
		time.Sleep(15 * time.Second)
		assert.Equal(t, []string{"disconnected client namespace disconnect"}, r.app.told())
		r.app.entrance = nil
		r.post("40")
		assert.Contains(t, r.get(), `40{"sid":"~`)
		r.post("41/b,")
		r.post("40/b,")
		assert.Contains(t, r.get(), `40/b,{"sid":"~`)
	})
}

func TestEntering_RegistryShardRebuilt_KnowsOpenSocketsAlone(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		r.guarded(slowly)
		r.post("40")
		s := r.app.sockets[0]
		r.system.Send(r.session.PID(), &roomregistry.Announce{Shard: s.shard, Epoch: 1})
		synctest.Wait()
		ids, err := r.registry.Members(r.t.Context(), "/", nil, nil)
		require.NoError(t, err)
		assert.Empty(t, ids)
		time.Sleep(time.Second)
		ids, err = r.registry.Members(r.t.Context(), "/", nil, nil)
		require.NoError(t, err)
		assert.Equal(t, []string{s.ID()}, ids)
	})
}
