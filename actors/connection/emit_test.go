package connection

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/wire"
)

func emitText(t *testing.T, s *Socket, f Flags, name string, args ...any) {
	t.Helper()
	m, err := wire.EncodeEvent(s.Namespace(), name, args...)
	require.NoError(t, err)
	require.NoError(t, s.Emit(m, f))
}

// asking runs EmitWithAck beside the test.
func asking(ctx context.Context, t *testing.T, s *Socket) func() (wire.Args, error) {
	t.Helper()
	id := s.NextAckID()
	m, err := wire.EncodeEventAck(s.Namespace(), id, "ask")
	require.NoError(t, err)
	var args wire.Args
	done := make(chan struct{})
	go func() {
		defer close(done)
		args, err = s.EmitWithAck(ctx, id, m, FlagNone)
	}()
	synctest.Wait()
	return func() (wire.Args, error) {
		<-done
		return args, err
	}
}

func TestEmitWithAck_Answered_ReturnsTheArguments(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		answer := asking(r.t.Context(), t, connectFreely(r))
		assert.Equal(t, `420["ask"]`, r.get())
		r.post(`430["yes",1]`)
		args, err := answer()
		require.NoError(t, err)
		assert.Equal(t, `"yes"`, string(args.Raw(0)))
		r.post(`430["again"]`, `4377["made up"]`)
		assert.EqualValues(t, 2, r.env.Counters.AcksUnknown.Load())
	})
}

func TestEmitWithAck_ContextEnds_FailsAndNothingStaysPending(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		s := connectFreely(r)
		for range 3 { // more than MaxPendingAcks
			slow := errors.New("the form was waited for")
			ctx, cancel := context.WithTimeoutCause(context.Background(), time.Second, slow)
			_, err := asking(ctx, t, s)()
			cancel()
			require.ErrorIs(t, err, ErrTimeout)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.ErrorIs(t, err, slow)
			synctest.Wait()
		}
	})
}

func TestEmitWithAck_ContextCancelled_IsNoTimeoutAndSaysWhy(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		s, reason := connectFreely(r), errors.New("not needed any more")
		for _, cause := range []error{nil, reason} {
			ctx, cancel := context.WithCancelCause(context.Background())
			answer := asking(ctx, t, s)
			cancel(cause)
			_, err := answer()
			require.ErrorIs(t, err, context.Canceled)
			require.NotErrorIs(t, err, ErrTimeout)
			if cause != nil {
				require.ErrorIs(t, err, cause)
			}
			synctest.Wait()
		}
	})
}

func TestEmitWithAck_TheSocketEndsThatTheContextIsOf_SaysThatItIsClosed(t *testing.T) {
	const times = 10 // whichever of the two ends is seen first
	inBubble(t, func(o *Options) { o.MaxPendingAcks = times }, func(r *rig) {
		s := connectFreely(r)
		var answers []func() (wire.Args, error)
		for range times {
			answers = append(answers, asking(s.Context(), t, s))
		}
		r.post("41")
		for _, answer := range answers {
			_, err := answer()
			require.Equal(t, ErrClosed, err)
		}
	})
}

func TestEmitWithAck_TooManyPending_FailsAtOnce(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		s := connectFreely(r)
		first, second := asking(r.t.Context(), t, s), asking(r.t.Context(), t, s)
		_, err := asking(r.t.Context(), t, s)()
		require.ErrorIs(t, err, ErrTooManyAcks)
		r.post("41")
		for _, answer := range []func() (wire.Args, error){first, second} {
			_, err := answer()
			require.ErrorIs(t, err, ErrClosed)
		}
	})
}

func TestSocket_AfterItsEnd_EveryCallReturnsErrClosed(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		s := connectFreely(r)
		s.Disconnect(false)
		synctest.Wait()
		assert.Equal(t, "41", r.get())
		assert.Equal(t, []string{"disconnected server namespace disconnect"}, r.app.told())
		m, err := wire.EncodeEvent("/", "x")
		require.NoError(t, err)
		_, ackErr := s.EmitWithAck(r.t.Context(), 0, m, FlagNone)
		_, roomsErr := s.Rooms(r.t.Context())
		for _, err := range []error{s.Emit(m, FlagNone), ackErr, s.Join(r.t.Context(), "a"), s.Leave(r.t.Context(), "a"), roomsErr} {
			assert.ErrorIs(t, err, ErrClosed)
		}
		s.Disconnect(true)
		s.Ping(false)
		s.Authenticate(nil)
		assert.ErrorIs(t, context.Cause(s.Context()), ErrClosed)
	})
}

func TestJoin_MoreThanMaxRooms_JoinsNone(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		s := connectFreely(r)
		require.NoError(t, s.Join(r.t.Context(), "a", "b", "c", "a"))
		require.ErrorIs(t, s.Join(r.t.Context(), "d", "e", "f"), ErrTooManyRooms)
		require.NoError(t, s.Join(r.t.Context(), "a", "d", "e"))
		rooms, err := s.Rooms(r.t.Context())
		require.NoError(t, err)
		assert.Equal(t, []string{s.ID(), "a", "b", "c", "d", "e"}, rooms)
		require.ErrorIs(t, s.Join(r.t.Context(), ""), ErrEmptyRoom)
	})
}

func TestClientJoin_PartlyAllowed_AcknowledgesWhatWasJoined(t *testing.T) {
	validate := func(_ context.Context, _ *Socket, rooms []string) ([]string, error) {
		return append(rooms[:1], "never asked for"), nil
	}
	inBubble(t, func(o *Options) { o.ValidateRooms = validate }, func(r *rig) {
		s := connectFreely(r)
		r.post(`421["join",{"rooms":["a","b"]}]`)
		assert.Equal(t, `431[["a"]]`, r.get())
		r.post(`422["join",{"rooms":["` + s.ID() + `","","a name that is too long"]}]`)
		assert.Equal(t, `432[[]]`, r.get())
		r.post(`423["leave",{"rooms":["a","b","` + s.ID() + `"]}]`)
		assert.Equal(t, `433[["a"]]`, r.get())
		rooms, err := s.Rooms(r.t.Context())
		require.NoError(t, err)
		assert.Equal(t, []string{s.ID()}, rooms)
	})
}

func TestClientJoin_MalformedOrRefused_JoinsNothingAndLives(t *testing.T) {
	verdicts := map[string]RoomValidator{
		"no validator": nil,
		"error":        func(context.Context, *Socket, []string) ([]string, error) { return nil, errors.New("no") },
		"panic":        func(context.Context, *Socket, []string) ([]string, error) { panic("no") },
		"nothing":      func(context.Context, *Socket, []string) ([]string, error) { return nil, nil },
	}
	payloads := []string{`{"rooms":["a"]}`, `{"rooms":"abc"}`, `{"rooms":{"length":1}}`, `{"rooms":[42,null]}`, `null`, `"x"`, `{}`}
	for name, v := range verdicts {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(o *Options) { o.ValidateRooms = v }, func(r *rig) {
				s := connectFreely(r)
				for _, p := range payloads {
					r.post(`427["join",` + p + `]`)
					assert.Equal(t, `437[[]]`, r.get(), p)
				}
				r.post(`428["join"]`)
				assert.Equal(t, `438[[]]`, r.get())
				assert.False(t, s.Closed())
			})
		})
	}
}

func TestNamespaces_Rules(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		connectFreely(r)
		r.post("40/random,")
		assert.Equal(t, `44/random,{"message":"Invalid namespace"}`, r.get())
		r.post(`40/b?token=1,{"k":1}`)
		assert.Equal(t, `44/b?token=1,{"message":"Invalid namespace"}`, r.get())
		r.post(`40/b,{"k":1}`)
		assert.Contains(t, r.get(), `40/b,{"sid":"~`)
		assert.JSONEq(t, `{"k":1}`, string(r.app.sockets[1].Handshake().Auth))
		r.env.Options.MaxNamespaces = 2
		r.app.namespaces = append(r.app.namespaces, "/c")
		r.post("40/c,")
		assert.Equal(t, `44/c,{"message":"Too many namespaces"}`, r.get())
		r.post("41/b,")
		r.post(`42/b,["late"]`, `42["here"]`)
		assert.Equal(t, []string{"connected /b", "disconnected client namespace disconnect", "event here"}, r.app.told())
		r.post(`42/c,["never joined"]`)
		assert.Equal(t, "Session ID unknown", r.get())
	})
}

func TestHandler_Panics_EndsThisConnectionOnly(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		s := connectFreely(r)
		r.app.onEvent = func(*Socket, Event) { panic("oops") }
		r.post(`42["x"]`)
		assert.Equal(t, ReasonHandlerPanic, s.Reason())
		assert.Equal(t, "1", r.get(), "without a DISCONNECT: the client may come back")
		assert.EqualValues(t, 1, r.env.Counters.HandlerPanics.Load())
	})
}

func TestHandler_PanicsAndSurvivePanics_LivesOn(t *testing.T) {
	inBubble(t, func(o *Options) { o.SurvivePanics = true }, func(r *rig) {
		s := connectFreely(r)
		r.app.onEvent = func(*Socket, Event) { panic("oops") }
		r.post(`42["x"]`, `42["y"]`)
		assert.Equal(t, []string{"event x", "event y"}, r.app.told())
		assert.False(t, s.Closed())
	})
}

func TestPost_HandlersAnswer_OneGetCarriesAllReplies(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		connectFreely(r)
		r.app.onEvent = func(s *Socket, e Event) {
			time.Sleep(10 * time.Millisecond)
			emitText(t, s, FlagNone, "re:"+e.Name)
		}
		start := time.Now()
		r.post(`42["a"]`, `42["b"]`, `42["c"]`)
		assert.Equal(t, 30*time.Millisecond, time.Since(start))
		assert.Equal(t, `42["re:a"] 42["re:b"] 42["re:c"]`, r.get())
	})
}

func TestPost_HandlersSlow_IsAnsweredAfterPostWait(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		connectFreely(r)
		r.app.onEvent = func(*Socket, Event) { time.Sleep(time.Second) }
		start := time.Now()
		r.post(`42["a"]`)
		assert.Equal(t, 50*time.Millisecond, time.Since(start))
		time.Sleep(time.Second)
	})
}
