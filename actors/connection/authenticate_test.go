package connection

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors/actortest"
)

// with sets a verifier.
func with(v Verifier) func(*Options) {
	return func(o *Options) {
		o.Authenticate = v
		o.AppPingInterval = 30 * time.Second
	}
}

// never is a verifier that answers only when its context ends, and says so.
func never(cancelled *atomic.Bool) Verifier {
	return func(ctx context.Context, _ *Handshake) (*Principal, error) {
		<-ctx.Done()
		cancelled.Store(true)
		return &Principal{}, nil
	}
}

func TestAuthenticate_Accepted_TellsTheClientFirstAndJoinsTheDefaultRooms(t *testing.T) {
	inBubble(t, with(accept), func(r *rig) {
		r.post("40")
		require.Contains(t, r.get(), "40{")
		r.post(`42["authenticate"]`)
		packets := strings.Split(r.get(), " ")
		require.Len(t, packets, 2)
		s := r.app.sockets[0]
		assert.Contains(t, packets[0], `42["authenticated",{"id":"`+s.ID()+`","time":"`)
		assert.Contains(t, packets[1], `42["ping",{"time":"`)
		rooms, err := s.Rooms(r.t.Context())
		require.NoError(t, err)
		assert.Equal(t, []string{s.ID(), "default"}, rooms)
		assert.Equal(t, "ann", s.Principal().UserID)
		assert.Equal(t, []string{"connected /"}, r.app.told())
	})
}

func TestAuthenticate_Authenticated_PingsEveryInterval(t *testing.T) {
	inBubble(t, with(accept), func(r *rig) {
		r.authenticated()
		time.Sleep(25 * time.Second)
		require.Equal(t, "2", r.get())
		r.post("3")
		time.Sleep(5 * time.Second)
		assert.Contains(t, r.get(), `42["ping"`)
	})
}

func TestAuthenticate_Fails_SaysWhyThenEndsTheWholeSession(t *testing.T) {
	tests := map[string]struct {
		verifier Verifier
		text     string
	}{
		"no principal": {func(context.Context, *Handshake) (*Principal, error) { return nil, nil }, textRefused},
		"refused": {func(context.Context, *Handshake) (*Principal, error) {
			return nil, fmt.Errorf("unknown token: %w", ErrRefused)
		}, textRefused},
		"failed":   {func(context.Context, *Handshake) (*Principal, error) { return nil, errors.New("no database") }, textFailed},
		"panicked": {func(context.Context, *Handshake) (*Principal, error) { panic("oops") }, textFailed},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, with(test.verifier), func(r *rig) {
				r.post("40", "40/b,")
				r.get()
				r.post(`42["authenticate"]`)
				farewell := r.get()
				assert.Contains(t, farewell, `42["unauthenticated",{"message":"`+test.text+`","time":"`)
				assert.True(t, strings.HasSuffix(farewell, " 41 41/b,"), farewell)
				assert.Equal(t, "1", r.get(), "official clients handle a close packet before what came with it")
				assert.True(t, r.session.ended())
				assert.Equal(t, ReasonAuthenticationFailed, r.app.sockets[0].Reason())
				assert.Empty(t, r.app.told(), "the application never heard of it")
			})
		})
	}
}

func TestAuthenticate_NoVerdictInTime_TimesOutAndCancelsTheVerifier(t *testing.T) {
	var cancelled atomic.Bool
	inBubble(t, with(never(&cancelled)), func(r *rig) {
		r.post("40")
		r.get()
		time.Sleep(4 * time.Second)
		r.post(`42["authenticate"]`)
		time.Sleep(6*time.Second - 1)
		synctest.Wait()
		require.False(t, cancelled.Load())
		time.Sleep(1 + latest)
		synctest.Wait()
		assert.True(t, cancelled.Load())
		assert.EqualValues(t, 1, r.env.Counters.LateVerdicts.Load(), "its late yes changed nothing")
		assert.Contains(t, r.get(), textTimedOut)
		assert.Zero(t, r.env.Counters.AuthSucceeded.Load())
	})
}

func TestAuthenticate_NeverAsked_TimesOut(t *testing.T) {
	inBubble(t, with(accept), func(r *rig) {
		r.post("40")
		r.get()
		time.Sleep(10 * time.Second)
		assert.Contains(t, r.get(), textTimedOut)
		assert.Equal(t, ReasonAuthenticationTimeout, r.app.sockets[0].Reason())
	})
}

func TestAuthenticate_TransportClosesMeanwhile_CancelsTheVerifier(t *testing.T) {
	var cancelled atomic.Bool
	inBubble(t, with(never(&cancelled)), func(r *rig) {
		r.post("40", `42["authenticate"]`)
		require.False(t, cancelled.Load())
		r.post("1")
		synctest.Wait()
		assert.True(t, cancelled.Load())
	})
}

func TestAuthenticate_AnyVerdict_EndsTheVerifiersContext(t *testing.T) {
	for name, verifier := range map[string]Verifier{
		"accepted": accept,
		"refused":  func(context.Context, *Handshake) (*Principal, error) { return nil, nil }, //nolint:nilnil // that is a no
		"failed":   func(context.Context, *Handshake) (*Principal, error) { return nil, errors.New("no database") },
		"panicked": func(context.Context, *Handshake) (*Principal, error) { panic("user code") },
	} {
		t.Run(name, func(t *testing.T) {
			kept := make(chan context.Context, 1)
			keeping := func(ctx context.Context, h *Handshake) (*Principal, error) {
				kept <- ctx
				return verifier(ctx, h)
			}
			inBubble(t, with(keeping), func(r *rig) {
				r.post("40", `42["authenticate"]`)
				require.Error(t, (<-kept).Err())
			})
		})
	}
}

func TestAuthenticate_AgainWhileRunning_IsIgnored(t *testing.T) {
	calls := 0
	slow := func(context.Context, *Handshake) (*Principal, error) {
		calls++
		time.Sleep(time.Second)
		return &Principal{}, nil
	}
	inBubble(t, with(slow), func(r *rig) {
		r.post("40", `42["authenticate"]`, `42["authenticate"]`, `42["authenticate",{}]`)
		time.Sleep(time.Second)
		r.get()
		assert.Equal(t, []string{"connected /"}, r.app.told())
		r.post(`42["authenticate"]`)
		assert.Equal(t, 1, calls)
	})
}

func TestEvents_BeforeAuthentication_AreDroppedAndHarmless(t *testing.T) {
	slow := func(context.Context, *Handshake) (*Principal, error) {
		time.Sleep(time.Second)
		return &Principal{}, nil
	}
	inBubble(t, with(slow), func(r *rig) {
		r.post("40", `42["early"]`, `420["join",{"rooms":["a"]}]`)
		assert.NotContains(t, r.get(), "43")
		r.post(`42["authenticate"]`, `42["also early"]`)
		time.Sleep(time.Second)
		r.get()
		r.post(`42["late"]`)
		assert.Equal(t, []string{"connected /", "event late"}, r.app.told())
	})
}

func TestEvents_WhileTheConnectedCallbackRuns_Wait(t *testing.T) {
	inBubble(t, with(accept), func(r *rig) {
		r.authenticated()
		r.app.onEvent = func(*Socket, Event) { time.Sleep(time.Second) }
		r.post(`42["a"]`)
		r.post(`42["b"]`)
		assert.Equal(t, []string{"event a"}, r.app.told())
		time.Sleep(time.Second)
		assert.Equal(t, []string{"event b"}, r.app.told())
		time.Sleep(time.Second)
	})
}

func TestRenewal_Accepted_ExtendsTheSocketWithoutConnectingItAgain(t *testing.T) {
	var renewals []string
	verifier := func(_ context.Context, h *Handshake) (*Principal, error) {
		if h.Renewal {
			renewals = append(renewals, string(h.Auth))
		}
		return &Principal{UserID: "ann", Expires: time.Now().Add(time.Minute)}, nil
	}
	inBubble(t, func(o *Options) { o.Authenticate = verifier }, func(r *rig) {
		s := r.authenticated()
		for range 5 {
			time.Sleep(25 * time.Second)
			assert.Equal(t, "2", r.get())
			r.post("3", `42["authenticate",{"token":"fresh"}]`)
			require.Contains(t, r.get(), `42["authenticated"`)
		}
		assert.Empty(t, r.app.told())
		assert.Len(t, renewals, 5, "successes do not use up attempts")
		assert.JSONEq(t, `{"token":"fresh"}`, string(s.Handshake().Auth))
		time.Sleep(25 * time.Second)
		r.get()
		r.post("3")
		time.Sleep(25 * time.Second)
		r.get()
		r.post("3")
		time.Sleep(10 * time.Second)
		assert.Contains(t, r.get(), textExpired)
		assert.Equal(t, ReasonPrincipalExpired, s.Reason())
	})
}

func TestRenewal_Refused_EndsTheSession(t *testing.T) {
	verifier := func(_ context.Context, h *Handshake) (*Principal, error) {
		if h.Renewal {
			return nil, ErrRefused
		}
		return &Principal{}, nil
	}
	inBubble(t, with(verifier), func(r *rig) {
		s := r.authenticated()
		r.post(`42["authenticate",{"token":"stolen"}]`)
		assert.Contains(t, r.get(), textRefused)
		assert.Equal(t, ReasonAuthenticationFailed, s.Reason())
		assert.Equal(t, []string{"disconnected authentication failed"}, r.app.told())
	})
}

func TestAttempts_NamespaceLeftAndJoinedAgain_AreBounded(t *testing.T) {
	var cancelled atomic.Bool
	inBubble(t, with(never(&cancelled)), func(r *rig) {
		for range 2 {
			r.post("40", `42["authenticate"]`, "41")
		}
		r.get()
		r.post("40", `42["authenticate"]`)
		assert.Contains(t, r.get(), textRefused)
		assert.Equal(t, "1", r.get())
		assert.True(t, r.session.ended())
	})
}

func TestForce_TheApplicationAuthenticates_OnceAndFromEveryState(t *testing.T) {
	var cancelled atomic.Bool
	inBubble(t, with(never(&cancelled)), func(r *rig) {
		r.post("40", `42["authenticate"]`)
		r.get()
		s := r.app.sockets[0]
		s.Authenticate(&Principal{UserID: "bob"})
		s.Authenticate(&Principal{UserID: "eve"})
		assert.Contains(t, r.get(), `42["authenticated"`)
		assert.True(t, cancelled.Load())
		assert.Equal(t, []string{"connected /"}, r.app.told())
		assert.Equal(t, "bob", s.Principal().UserID)
		actortest.Expect[*SocketOpened](t, r.supervisor)
	})
}

func TestAppPing_OfASocketThatIsNotAuthenticated_EndsItUnlessTold(t *testing.T) {
	inBubble(t, with(accept), func(r *rig) {
		r.post("40")
		r.get()
		s := r.app.sockets[0]
		s.Ping(true)
		assert.Contains(t, r.get(), `42["ping"`)
		s.Ping(false)
		assert.Equal(t, "41", r.get())
		assert.Equal(t, "1", r.get())
		assert.True(t, s.Closed())
	})
}
