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

// onConnect sets a verifier for the payload of CONNECT.
func onConnect(v Verifier) func(*Options) {
	return func(o *Options) {
		o.Authenticate, o.AuthenticateOnConnect = v, true
		o.AppPingInterval = 30 * time.Second
	}
}

// ann lets in who says so.
func ann(_ context.Context, h *Handshake) (*Principal, error) {
	var auth struct{ Name string }
	if err := h.DecodeAuth(&auth); err != nil || auth.Name != "ann" {
		return nil, ErrRefused
	}
	return &Principal{UserID: auth.Name}, nil
}

func TestOnConnect_Accepted_ConnectsThenIsAsIfItHadAuthenticatedAfterwards(t *testing.T) {
	inBubble(t, onConnect(ann), func(r *rig) {
		r.post(`40{"name":"ann"}`)
		packets := strings.Split(r.get(), " ")
		require.Len(t, packets, 3)
		s := r.app.sockets[0]
		assert.Equal(t, `40{"sid":"`+s.ID()+`"}`, packets[0])
		assert.Contains(t, packets[1], `42["authenticated",{"id":"`+s.ID()+`","time":"`)
		assert.Contains(t, packets[2], `42["ping",{"time":"`)
		assert.Equal(t, Authenticated, s.State())
		assert.Equal(t, "ann", s.Principal().UserID)
		rooms, err := s.Rooms(r.t.Context())
		require.NoError(t, err)
		assert.Equal(t, []string{s.ID(), "default"}, rooms)
		assert.Equal(t, []string{"connected /"}, r.app.told())
		actortest.Expect[*SocketOpened](t, r.supervisor)
		m := actortest.Expect[*SocketState](t, r.supervisor)
		assert.Equal(t, Authenticated, m.State)
		assert.Equal(t, "ann", m.UserID)

		r.post(`42["authenticate"]`, `42["x"]`) // as clients of the reference do
		assert.Equal(t, []string{"event x"}, r.app.told())
		assert.EqualValues(t, 1, r.env.Counters.AuthSucceeded.Load())
	})
}

func TestOnConnect_NotAccepted_SaysWhyAndTheSessionGoesOn(t *testing.T) {
	var cancelled atomic.Bool
	for name, test := range map[string]struct {
		verifier Verifier
		packet   string
		counter  func(*Counters) uint64
	}{
		"no principal": {
			func(context.Context, *Handshake) (*Principal, error) { return nil, nil }, //nolint:nilnil // that is a no
			`44{"message":"` + textRefused + `"}`, func(c *Counters) uint64 { return c.AuthRefused.Load() },
		},
		"refused": {
			func(context.Context, *Handshake) (*Principal, error) {
				return nil, fmt.Errorf("unknown: %w", ErrRefused)
			},
			`44{"message":"` + textRefused + `"}`, func(c *Counters) uint64 { return c.AuthRefused.Load() },
		},
		"refused, with its own words": {
			func(context.Context, *Handshake) (*Principal, error) {
				return nil, &ConnectError{Message: "locked", Data: 3}
			},
			`44{"data":3,"message":"locked"}`, func(c *Counters) uint64 { return c.AuthRefused.Load() },
		},
		"failed": {
			func(context.Context, *Handshake) (*Principal, error) { return nil, errors.New("no database") },
			`44{"message":"` + textFailed + `"}`, func(c *Counters) uint64 { return c.AuthFailed.Load() },
		},
		"panicked": {
			func(context.Context, *Handshake) (*Principal, error) { panic("oops") },
			`44{"message":"` + textFailed + `"}`, func(c *Counters) uint64 { return c.AuthFailed.Load() },
		},
		"late": {
			never(&cancelled),
			`44{"message":"` + textTimedOut + `"}`, func(c *Counters) uint64 { return c.AuthTimedOut.Load() },
		},
	} {
		t.Run(name, func(t *testing.T) {
			verifier := test.verifier
			inBubble(t, onConnect(func(ctx context.Context, h *Handshake) (*Principal, error) { return verifier(ctx, h) }), func(r *rig) {
				r.post("40")
				time.Sleep(10*time.Second + latest)
				packet := r.get()
				assert.Len(t, packet, len(test.packet))
				assert.JSONEq(t, test.packet[2:], packet[2:])
				assert.EqualValues(t, 1, test.counter(r.env.Counters))
				assert.Empty(t, r.app.told())
				assert.False(t, r.session.ended())
				verifier = ann
				r.post(`40{"name":"ann"}`)
				assert.Contains(t, r.get(), `42["authenticated"`)
			})
		})
	}
	assert.True(t, cancelled.Load())
}

func TestOnConnect_EachAttemptHasItsTime(t *testing.T) {
	var slow atomic.Bool
	verifier := func(ctx context.Context, h *Handshake) (*Principal, error) {
		if slow.Load() {
			time.Sleep(9 * time.Second)
		}
		return ann(ctx, h)
	}
	inBubble(t, onConnect(verifier), func(r *rig) {
		slow.Store(true)
		r.post(`40{"name":"eve"}`)
		time.Sleep(9 * time.Second)
		assert.Contains(t, r.get(), textRefused)
		r.post(`40{"name":"ann"}`)
		time.Sleep(9 * time.Second)
		assert.Contains(t, r.get(), `42["authenticated"`)
	})
}

func TestOnConnect_TooManyAttempts_EndsTheSession(t *testing.T) {
	inBubble(t, onConnect(ann), func(r *rig) { // MaxAuthAttempts is 2
		for range 2 {
			r.post(`40{"name":"eve"}`)
			assert.Equal(t, `44{"message":"`+textRefused+`"}`, r.get())
		}
		r.post(`40{"name":"ann"}`)
		assert.Equal(t, `44{"message":"`+textRefused+`"}`, r.get())
		assert.Equal(t, "1", r.get())
		assert.True(t, r.session.ended())
		assert.Zero(t, r.env.Counters.AuthSucceeded.Load())
	})
}

func TestOnConnect_NeverRightInTime_FallsUnderTheConnectTimeout(t *testing.T) {
	inBubble(t, onConnect(ann), func(r *rig) {
		time.Sleep(24 * time.Second)
		r.post(`40{"name":"eve"}`)
		assert.Contains(t, r.get(), textRefused)
		time.Sleep(time.Second)
		assert.Equal(t, "2", r.get())
		r.post("3")
		time.Sleep(20*time.Second + latest)
		assert.Equal(t, "1", r.get())
	})
}

func TestOnConnect_SessionEndsMeanwhile_CancelsTheVerifier(t *testing.T) {
	var cancelled atomic.Bool
	inBubble(t, onConnect(never(&cancelled)), func(r *rig) {
		r.post("40")
		require.False(t, cancelled.Load())
		r.post("1")
		synctest.Wait()
		assert.True(t, cancelled.Load())
		assert.EqualValues(t, 1, r.env.Counters.LateVerdicts.Load())
	})
}

func TestOnConnect_WithMiddlewares_TheySeeThePrincipal(t *testing.T) {
	inBubble(t, onConnect(ann), func(r *rig) {
		r.guarded(func(ctx context.Context, s *Socket) error {
			r.app.note("asked about " + s.Principal().UserID)
			require.NoError(t, s.Join(ctx, "special"))
			return nil
		})
		r.post(`40{"name":"eve"}`)
		assert.Empty(t, r.app.told(), "who is refused is not asked about")
		r.get()
		r.post(`40{"name":"ann"}`)
		assert.Contains(t, r.get(), `42["authenticated"`)
		assert.Equal(t, []string{"asked about ann", "connected /"}, r.app.told())
		rooms, err := r.app.sockets[0].Rooms(r.t.Context())
		require.NoError(t, err)
		assert.Equal(t, []string{"special", "default"}, rooms[1:])
	})
}

func TestOnConnect_PrincipalExpiresOnTheWay_IsRefused(t *testing.T) {
	brief := func(context.Context, *Handshake) (*Principal, error) {
		return &Principal{Expires: time.Now().Add(time.Second)}, nil
	}
	inBubble(t, onConnect(brief), func(r *rig) {
		r.guarded(func(ctx context.Context, _ *Socket) error {
			<-ctx.Done()
			return nil
		})
		r.post("40")
		time.Sleep(time.Second + latest)
		assert.Equal(t, `44{"message":"`+textExpired+`"}`, r.get())
		assert.False(t, r.session.ended())
	})
}

func TestOnConnect_Renewal_IsByEventAsEver(t *testing.T) {
	verifier := func(_ context.Context, h *Handshake) (*Principal, error) {
		return &Principal{UserID: string(h.Auth), Expires: time.Now().Add(time.Minute)}, nil
	}
	inBubble(t, onConnect(verifier), func(r *rig) {
		r.post("40{}")
		r.get()
		r.post(`42["authenticate",[1]]`)
		assert.Contains(t, r.get(), `42["authenticated"`)
		assert.Equal(t, "[1]", r.app.sockets[0].Principal().UserID)
	})
}

func TestEntrance_WithAuthenticationOfItsOwn_HoldsInItsNamespaceAlone(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		assert.False(t, r.env.Authenticates())
		r.app.entrance = func(namespace string) *Entrance {
			switch namespace {
			case "/event":
				return &Entrance{Auth: &Auth{Verify: accept}}
			case "/connect":
				return &Entrance{Auth: &Auth{Verify: ann, OnConnect: true}}
			default:
				return new(Entrance)
			}
		}
		r.post("40")
		assert.Contains(t, r.get(), `40{"sid":"~`)
		assert.Equal(t, []string{"connected /"}, r.app.told())
		assert.False(t, r.env.Authenticates())
		r.post("40/event,")
		assert.Contains(t, r.get(), `40/event,{"sid":"~`)
		assert.Empty(t, r.app.told())
		assert.True(t, r.env.Authenticates())
		r.post(`42/event,["authenticate"]`)
		assert.Contains(t, r.get(), `42/event,["authenticated"`)
		assert.Equal(t, []string{"connected /event"}, r.app.told())
		r.post("41/event,")
		r.post(`40/connect,{"name":"ann"}`)
		assert.Contains(t, r.get(), `42/connect,["authenticated"`)
	})
	inBubble(t, with(accept), func(r *rig) {
		r.app.entrance = func(string) *Entrance { return &Entrance{Auth: new(Auth)} }
		r.post("40", `42["authenticate"]`)
		assert.NotContains(t, r.get(), "authenticated")
		assert.Equal(t, []string{"connected /", "event authenticate"}, r.app.told())
		assert.Equal(t, Authenticated, r.app.sockets[0].State())
	})
}

func TestForce_InAMiddleware_IsAuthenticatedWhenItIsIn(t *testing.T) {
	inBubble(t, with(accept), func(r *rig) {
		r.guarded(func(ctx context.Context, s *Socket) error {
			s.Authenticate(&Principal{UserID: "bob"})
			return s.Join(ctx, "a")
		})
		r.post("40")
		assert.Contains(t, r.get(), `42["authenticated"`)
		assert.Equal(t, []string{"connected /"}, r.app.told())
		assert.Equal(t, "bob", r.app.sockets[0].Principal().UserID)
	})
	inBubble(t, nil, func(r *rig) {
		r.guarded(func(ctx context.Context, s *Socket) error {
			s.Authenticate(&Principal{UserID: "bob"})
			return s.Join(ctx, "a")
		})
		r.post("40")
		assert.NotContains(t, r.get(), `42["authenticated"`, "there is no authentication here")
		handles, err := r.registry.Handles(r.t.Context(), "/", nil, nil, "bob")
		require.NoError(t, err)
		assert.Len(t, handles, 1)
	})
}

func TestOnConnect_OfANamespaceThatRefuses_ConnectionsAreLimitedFromThenOn(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		r.app.entrance = func(string) *Entrance { return &Entrance{Auth: &Auth{Verify: ann, OnConnect: true}} }
		assert.False(t, r.env.Authenticates())
		r.post("40")
		assert.Contains(t, r.get(), textRefused)
		assert.True(t, r.env.Authenticates())
	})
}
