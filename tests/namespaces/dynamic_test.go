package namespaces

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsclient"
)

var errClosedForToday = errors.New("closed for today")

// untilDynamic waits until there are so many dynamic namespaces.
func (s *stand) untilDynamic(t *testing.T, n int) {
	t.Helper()
	assert.EventuallyWithT(t, func(c *assert.CollectT) {
		stats, err := s.Stats(t.Context())
		assert.NoError(c, err)
		assert.Equal(c, n, stats.Dynamic)
	}, patience, 5*time.Millisecond)
}

func TestOfPattern_NameFits_IsANamespaceWithAllOfItsParent(t *testing.T) {
	s := serve(t, actio.Options{})
	p := s.OfPattern(regexp.MustCompile(`^/team-\d+$`))
	made := make(chan string, 2)
	s.OnNewNamespace(nil)
	s.OnNewNamespace(func(n *actio.Namespace) { made <- n.Name() })
	log := make(chan string, 20)
	p.Use(func(ctx context.Context, socket *actio.Socket) error {
		if token(socket.Handshake()) == "eve" {
			return errClosedForToday
		}
		return socket.Join(ctx, "asked")
	})
	p.OnConnection(func(_ context.Context, socket *actio.Socket) { log <- "connected " + socket.Namespace().Name() })
	p.OnDisconnect(func(socket *actio.Socket, r actio.Reason) {
		log <- "disconnected " + socket.Namespace().Name() + " " + r.String()
	})
	p.OnAny(noting(log, "any"))
	require.NoError(t, p.Handle("early", answers("early")))

	assert.Equal(t, "Invalid namespace", s.refused(t, "/team-x", nil)["message"])
	assert.Equal(t, "closed for today", s.refused(t, "/team-1", map[string]any{"token": "eve"})["message"])
	assert.Equal(t, "/team-1", await.Value(t, made))
	s.untilDynamic(t, 0)

	a, b := s.enter(t, "/team-1"), s.enter(t, "/team-2")
	assert.ElementsMatch(t, []string{"/team-1", "/team-2"}, []string{await.Value(t, made), await.Value(t, made)})
	assert.ElementsMatch(t, []string{"connected /team-1", "connected /team-2"}, []string{await.Value(t, log), await.Value(t, log)})
	require.Len(t, p.Children(), 2)
	assert.Equal(t, "/team-1", p.Children()[0].Name())
	require.NoError(t, p.Handle("later", answers("later")))
	require.NoError(t, p.Children()[0].Handle("own", answers("own")))
	for event, want := range map[string]string{"early": "early", "later": "later", "own": "own"} {
		assert.Equal(t, []any{want}, jsclient.Ask(t, a, event))
		assert.Equal(t, "any "+event, await.Value(t, log))
	}

	require.NoError(t, p.Emit("all", 1))
	assert.Equal(t, []any{1.0}, jsclient.Wait(t, a, "all"))
	assert.Equal(t, []any{1.0}, jsclient.Wait(t, b, "all"))
	require.NoError(t, p.To("asked").Except(a.ID()).Emit("some", 2))
	assert.Equal(t, []any{2.0}, jsclient.Wait(t, b, "some"))
	require.NoError(t, p.SocketsJoin(t.Context(), "more"))
	require.NoError(t, p.In("more").Emit("in", 3))
	jsclient.Wait(t, a, "in")
	assert.Zero(t, a.Received("some"))

	require.NoError(t, p.DisconnectSockets(t.Context(), false))
	for range 2 {
		assert.Contains(t, await.Value(t, log), " server namespace disconnect")
	}
	s.untilDynamic(t, 0)
	assert.Empty(t, p.Children())
}

func TestOfFunc_Decides_ByNameAndHandshake(t *testing.T) {
	s := serve(t, actio.Options{OnPanic: provoked})
	s.OfFunc(nil)
	s.OfPattern(nil)
	p := s.OfFunc(func(_ context.Context, name string, h *actio.Handshake) (bool, error) {
		switch {
		case token(h) == "eve":
			return false, &actio.ConnectError{Message: "never", Data: 1}
		case token(h) == "panic":
			panic("secret")
		}
		return strings.HasPrefix(name, "/of-"+token(h)), nil
	})
	assert.Equal(t, map[string]any{"message": "never", "data": 1.0}, s.refused(t, "/x", map[string]any{"token": "eve"}))
	assert.Equal(t, "Internal server error", s.refused(t, "/x", map[string]any{"token": "panic"})["message"])
	assert.Equal(t, "Invalid namespace", s.refused(t, "/of-bob", map[string]any{"token": "ann"})["message"])
	c, err := s.dial(t, "/of-ann", map[string]any{"token": "ann"})
	require.NoError(t, err)
	for _, name := range []string{"/of-ann#room", "/of-ann" + strings.Repeat("x", 300)} {
		_, err := c.Of(t.Context(), name, map[string]any{"token": "ann"})
		require.ErrorContains(t, err, "Invalid namespace", name)
	}
	assert.Len(t, p.Children(), 1)
}

func TestOf_NameOfADynamicNamespace_KeepsIt(t *testing.T) {
	s := serve(t, actio.Options{})
	p := s.OfPattern(regexp.MustCompile(`^/d`))
	require.NoError(t, p.Handle("x", answers("of the parent")))
	static := s.of(t, "/d-static")
	c := s.enter(t, "/d-static")
	require.NoError(t, static.Handle("x", answers("static")))
	assert.Equal(t, []any{"static"}, jsclient.Ask(t, c, "x"))
	assert.Empty(t, p.Children(), "static namespaces come first")

	c = s.enter(t, "/d-1")
	kept := s.of(t, "/d-1")
	assert.Same(t, kept, s.socket(t, c).Namespace())
	require.NoError(t, kept.Handle("y", answers("kept")))
	c.Disconnect()
	s.untilDynamic(t, 0)
	c = s.enter(t, "/d-1")
	assert.Equal(t, []any{"kept"}, jsclient.Ask(t, c, "y"))
	assert.Equal(t, []any{"of the parent"}, jsclient.Ask(t, c, "x"))

	made, err := p.Of("d-2")
	require.NoError(t, err)
	_, err = p.Of("a,b")
	require.ErrorIs(t, err, actio.ErrInvalidNamespace)
	assert.Equal(t, []*actio.Namespace{kept, made}, p.Children())
	c = s.enter(t, "/d-2")
	assert.Equal(t, []any{"of the parent"}, jsclient.Ask(t, c, "x"))
}

func TestDynamic_HandleOfAnEndedNamespace_StillReachesTheNextOfItsName(t *testing.T) {
	s := serve(t, actio.Options{})
	s.OfPattern(regexp.MustCompile(`^/d`))
	c := s.enter(t, "/d")
	old := s.socket(t, c).Namespace()
	c.Disconnect()
	s.untilDynamic(t, 0)
	require.NoError(t, old.Emit("nobody"))
	c = s.enter(t, "/d")
	require.NoError(t, old.Emit("hello"))
	jsclient.Wait(t, c, "hello")
	assert.NotSame(t, old, s.socket(t, c).Namespace())
}

func TestDynamic_TooMany_AreRefusedAndRoomIsMadeByWhoLeaves(t *testing.T) {
	s := serve(t, actio.Options{MaxDynamicNamespaces: 2})
	s.OfPattern(regexp.MustCompile(`^/d`))
	a := s.enter(t, "/d1")
	s.enter(t, "/d2")
	s.enter(t, "/d2")
	assert.Equal(t, "Too many namespaces", s.refused(t, "/d3", nil)["message"])
	a.Disconnect()
	s.untilDynamic(t, 1)
	s.enter(t, "/d3")
}

func TestDynamic_KeepEmptyChildNamespaces_StayWithWhatWasAdded(t *testing.T) {
	s := serve(t, actio.Options{KeepEmptyChildNamespaces: true})
	s.OfPattern(regexp.MustCompile(`^/d`))
	c := s.enter(t, "/d")
	n := s.socket(t, c).Namespace()
	require.NoError(t, n.Handle("x", answers("kept")))
	c.Disconnect()
	c = s.enter(t, "/d")
	assert.Equal(t, []any{"kept"}, jsclient.Ask(t, c, "x"))
	assert.Same(t, n, s.socket(t, c).Namespace())
}

func TestDynamic_WithAuthentication_OfItsParent(t *testing.T) {
	s := serve(t, actio.Options{Authenticate: annOnly})
	p := s.OfPattern(regexp.MustCompile(`^/d`))
	require.NoError(t, p.Authenticate(actio.NamespaceAuth{On: actio.OnConnect}))
	assert.Equal(t, refusedText, s.refused(t, "/d1", nil)["message"])
	s.untilDynamic(t, 0)
	c, err := s.dial(t, "/d1", map[string]any{"token": "ann"})
	require.NoError(t, err)
	jsclient.Wait(t, c, "authenticated")
	_, err = s.node.Dial(t.Context(), s.URL+"/d1", jsclient.Options{
		Path: s.Path(), Auth: map[string]any{"token": "ann"}, Transports: jsclient.Polling,
	})
	require.NoError(t, err, "it exists by now, and its clients authenticate all the same")
	assert.Equal(t, refusedText, s.refused(t, "/d1", nil)["message"])
}
