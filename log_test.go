package actio_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
)

// logging is a server that writes its log to a buffer.
func logging(t *testing.T, level slog.Level, o actio.Options) (*served, *lockedBuffer) {
	t.Helper()
	log := &lockedBuffer{}
	o.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: level}))
	return serve(t, o), log
}

func TestLog_EventsBeforeAuthentication_TheFirstOfAConnectionIsNamed(t *testing.T) {
	s, log := logging(t, slog.LevelInfo, actio.Options{Authenticate: byName})
	p := s.connect(`{"user":"ann"}`)
	p.send(`42["chat","hello"]`)
	p.send(`42["join",{"rooms":["a"]}]`)
	p.send(`42["authenticate"]`)
	p.wait(`42["authenticated"`)
	assert.Equal(t, 1, strings.Count(log.String(), "event dropped"), log)
	assert.Contains(t, log.String(), "sid="+p.id)
	assert.Contains(t, log.String(), "event=chat state=unauthorized")
	assert.NotContains(t, log.String(), "hello")

	long := s.connect("")
	long.send(`42["` + strings.Repeat("x", 1000) + `"]`)
	long.send(`42["authenticate"]`)
	long.wait(`42["authenticated"`)
	assert.Contains(t, log.String(), "sid="+long.id)
	assert.NotContains(t, log.String(), strings.Repeat("x", 65))
}

func TestLog_EventsBeforeAuthenticationOfMany_AreInfoForAFewOfThem(t *testing.T) {
	const clients = 30
	s, log := logging(t, slog.LevelDebug, actio.Options{Authenticate: byName})
	for range clients {
		p := s.connect("")
		p.send(`42["chat"]`)
		p.send(`42["authenticate"]`)
		p.wait(`42["authenticated"`)
	}
	text := log.String()
	assert.Equal(t, clients, strings.Count(text, `"event dropped`))
	assert.Less(t, strings.Count(text, `level=INFO msg="event dropped`), clients)
}

func TestLog_AuthenticationTimedOut_SaysWhoseTurnItWas(t *testing.T) {
	for cause, send := range map[string]string{`"no verdict"`: `42["authenticate"]`, `"the client sent no authenticate"`: ""} {
		s, log := logging(t, slog.LevelInfo, actio.Options{
			AuthenticateTimeout: 50 * time.Millisecond,
			Authenticate: func(ctx context.Context, _ *actio.Handshake) (*actio.Principal, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			},
		})
		p := s.connect("")
		if send != "" {
			p.send(send)
		}
		p.wait(`42["unauthenticated"`)
		assert.Contains(t, log.String(), `level=INFO msg="authentication timed out"`)
		assert.Contains(t, log.String(), "sid="+p.id)
		assert.Contains(t, log.String(), "cause="+cause+" timeout=50ms")
	}
}

func TestLog_AuthenticationWithConnectTimedOut_NamesTheSocketThatNeverWas(t *testing.T) {
	s, log := logging(t, slog.LevelInfo, actio.Options{
		AuthenticateOn: actio.OnConnect, AuthenticateTimeout: 50 * time.Millisecond,
		Authenticate: func(ctx context.Context, _ *actio.Handshake) (*actio.Principal, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		},
	})
	p := s.enter("")
	p.wait(`44{"message":"Authentication timed out!`)
	assert.Contains(t, log.String(), `level=INFO msg="authentication timed out" server=SOCKET_IO_SERVER sid=~`)
	assert.Contains(t, log.String(), `remote=127.0.0.1:`)
	assert.Contains(t, log.String(), `cause="no verdict"`)
}

func TestLog_AMiddlewareThatIsTooSlow_IsNoMatterOfAuthentication(t *testing.T) {
	s, log := logging(t, slog.LevelDebug, actio.Options{
		AuthenticateOn: actio.OnConnect, Authenticate: byName, ConnectTimeout: 50 * time.Millisecond,
	})
	s.Root().Use(func(ctx context.Context, _ *actio.Socket) error {
		<-ctx.Done()
		return ctx.Err()
	})
	s.enter(`{"user":"ann"}`).wait(`44{"message":"Connection timed out"`)
	assert.NotContains(t, log.String(), "authentication timed out")
}

func TestLog_AuthenticationsAndJoinsThatFailForMany_AreErrorsForAFewOfEach(t *testing.T) {
	const clients = 30
	away := errors.New("the database is away")
	s, log := logging(t, slog.LevelDebug, actio.Options{
		Authenticate: func(ctx context.Context, h *actio.Handshake) (*actio.Principal, error) {
			if len(h.Auth) == 0 {
				return nil, away
			}
			return byName(ctx, h)
		},
		ValidateRooms: func(context.Context, *actio.Socket, []string) ([]string, error) { return nil, away },
	})
	for range clients {
		s.failToAuthenticate()
		s.failToJoin()
	}
	for _, message := range []string{`msg="failed to authenticate"`, `msg="failed to join rooms"`} {
		errs := strings.Count(log.String(), "level=ERROR "+message)
		assert.Equal(t, clients, errs+strings.Count(log.String(), "level=DEBUG "+message))
		assert.GreaterOrEqual(t, errs, 10)
		assert.Less(t, errs, clients)
	}
}

func TestLog_AuthenticatorOrRoomValidatorThatPanics_IsToldWithItsStackEachTime(t *testing.T) {
	const clients = 15
	s, log := logging(t, slog.LevelInfo, actio.Options{
		Authenticate: func(ctx context.Context, h *actio.Handshake) (*actio.Principal, error) {
			if len(h.Auth) == 0 {
				panic("of the authenticator")
			}
			return byName(ctx, h)
		},
		ValidateRooms: func(context.Context, *actio.Socket, []string) ([]string, error) { panic("of the validator") },
	})
	for range clients {
		s.failToAuthenticate()
		s.failToJoin()
	}
	for _, line := range []string{
		`level=ERROR msg="failed to authenticate"`, `level=ERROR msg="failed to join rooms"`,
		`panic="of the authenticator" stack=`, `panic="of the validator" stack=`,
	} {
		assert.Equal(t, clients, strings.Count(log.String(), line), line)
	}
}

// failToAuthenticate has a client come that does not get through.
func (s *served) failToAuthenticate() {
	p := s.connect("")
	p.send(`42["authenticate"]`)
	p.wait(`42["unauthenticated"`)
}

// failToJoin has one come that gets through, but into no room.
func (s *served) failToJoin() {
	p := s.connect(`{"user":"ann"}`)
	p.send(`42["authenticate"]`)
	p.wait(`42["authenticated"`)
	p.send(`420["join",{"rooms":["a"]}]`)
	p.wait(`430[[]]`)
}

func TestLog_ASocketAsArgument_IsItsIDAndItsNamespace(t *testing.T) {
	log := &lockedBuffer{}
	logger := slog.New(slog.NewTextHandler(log, nil))
	s := serve(t, actio.Options{ClientConnected: func(_ context.Context, s *actio.Socket) {
		logger.Info("here", slog.Any("socket", s))
	}})
	p := s.connect("")
	require.Eventually(t, func() bool {
		return strings.Contains(log.String(), "socket.sid="+p.id+" socket.nsp=/")
	}, 10*time.Second, time.Millisecond)
}
