package actio_test

import (
	"context"
	"log/slog"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
)

// addTo tries every way to add a handler, and returns the errors.
func addTo(t actio.Target, event string) (errs []error) {
	add := func(_ func(), err error) { errs = append(errs, err) }
	add(nil, t.Handle(event, nobody))
	add(t.Listen(event, nobody))
	add(t.Once(event, nobody))
	typed := func(context.Context, *actio.Socket, actio.None) (actio.None, error) { return actio.None{}, nil }
	add(nil, actio.On(t, event, typed))
	return errs
}

func nobody(context.Context, *actio.Socket, *actio.Event) {}

func TestHandle_AnEventThatTheServerTakesItself_IsRefusedAndSaysWhy(t *testing.T) {
	connected := make(chan *actio.Socket, 1)
	s := serve(t, actio.Options{
		Authenticate: byName, ClientConnected: func(_ context.Context, s *actio.Socket) { connected <- s },
	})
	s.login("ann")
	for _, target := range []actio.Target{s.Root(), s.OfPattern(regexp.MustCompile("^/x")), <-connected} {
		for event, why := range map[string]string{"join": "ValidateRooms", "leave": "ValidateRooms", "authenticate": "NamespaceAuth.None"} {
			for _, err := range addTo(target, event) {
				require.ErrorIs(t, err, actio.ErrReservedEvent, "%T %s", target, event)
				assert.ErrorContains(t, err, why)
			}
		}
	}
	require.ErrorIs(t, s.On("join", nobody), actio.ErrReservedEvent)
}

func TestHandle_WhereTheServerDoesNotTakeTheEvent_IsCalled(t *testing.T) {
	plain := serve(t, actio.Options{})
	for _, event := range []string{"join", "leave", "authenticate"} {
		require.NoError(t, plain.On(event, func(_ context.Context, _ *actio.Socket, e *actio.Event) {
			assert.NoError(t, e.Reply(event))
		}))
	}
	p := plain.connect("")
	for _, event := range []string{"join", "leave", "authenticate"} {
		p.send(`421["` + event + `"]`)
		assert.Equal(t, `431["`+event+`"]`, p.next())
	}

	mixed := newServer(t, actio.Options{})
	open, err := mixed.Of("/open")
	require.NoError(t, err)
	require.NoError(t, open.Authenticate(actio.NamespaceAuth{None: true}))
	for _, err := range addTo(open, "authenticate") {
		require.NoError(t, err)
	}
	rooms, err := actio.New(actio.Options{
		NoAuthentication: true,
		ValidateRooms:    func(_ context.Context, _ *actio.Socket, rooms []string) ([]string, error) { return rooms, nil },
	})
	require.NoError(t, err)
	require.ErrorIs(t, rooms.Root().Handle("join", nobody), actio.ErrReservedEvent)
	require.NoError(t, rooms.Root().Handle("authenticate", nobody))
}

func TestHandle_OfADynamicNamespace_KnowsHowClientsOfItsParentAuthenticate(t *testing.T) {
	free := newServer(t, actio.Options{NoAuthentication: true})
	guarded := free.OfPattern(regexp.MustCompile("^/x"))
	require.NoError(t, guarded.Authenticate(actio.NamespaceAuth{Authenticate: byName}))
	child, err := guarded.Of("/x1")
	require.NoError(t, err)
	require.ErrorIs(t, guarded.Handle("authenticate", nobody), actio.ErrReservedEvent)
	require.ErrorIs(t, child.Handle("authenticate", nobody), actio.ErrReservedEvent)
	require.NoError(t, child.Handle("join", nobody))

	open := newServer(t, actio.Options{}).OfPattern(regexp.MustCompile("^/x"))
	require.NoError(t, open.Authenticate(actio.NamespaceAuth{None: true}))
	child, err = open.Of("/x1")
	require.NoError(t, err)
	require.NoError(t, open.Handle("authenticate", nobody))
	require.NoError(t, child.Handle("authenticate", nobody))
}

func TestValidateRooms_OfAServerWithoutAuthentication_LetsClientsJoin(t *testing.T) {
	s := serve(t, actio.Options{
		ValidateRooms: func(_ context.Context, _ *actio.Socket, rooms []string) ([]string, error) { return rooms[:1], nil },
	})
	p := s.connect("")
	p.send(`421["join",{"rooms":["a","b"]}]`)
	assert.Equal(t, `431[["a"]]`, p.next())
	require.NoError(t, s.To("a").Emit("news"))
	assert.Equal(t, `42["news"]`, p.next())
}

func TestAuthenticate_OfANamespaceThatHasHandlersForTheEvent_WarnsThatTheyAreNotCalled(t *testing.T) {
	log := &lockedBuffer{}
	s := newServer(t, actio.Options{NoAuthentication: true, Logger: slog.New(slog.NewTextHandler(log, nil))})
	parent := s.OfPattern(regexp.MustCompile("^/x"))
	child, err := parent.Of("/x1")
	require.NoError(t, err)
	other, err := s.Of("/other")
	require.NoError(t, err)
	auth := actio.NamespaceAuth{Authenticate: byName}
	require.NoError(t, other.Authenticate(auth))
	assert.Empty(t, log.String(), "nobody added one there")

	require.NoError(t, parent.Handle("authenticate", nobody))
	require.NoError(t, child.Authenticate(auth))
	assert.Contains(t, log.String(), "nsp=/x1")
	require.NoError(t, s.Root().Handle("authenticate", nobody))
	require.NoError(t, s.Root().Authenticate(auth))
	assert.Contains(t, log.String(), `level=WARN msg="handlers for an event that the server handles itself are not called" event=authenticate nsp=/`+"\n")
	require.NoError(t, parent.Authenticate(auth))
	assert.Contains(t, log.String(), `nsp="of a parent"`)
	require.ErrorIs(t, s.Root().Handle("authenticate", nobody), actio.ErrReservedEvent, "from now on it is known")
}
