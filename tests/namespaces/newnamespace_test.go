package namespaces

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/rawclient"
	"github.com/actio-go/actio/wire"
)

var errNotToday = errors.New("not today")

func refuseAll(context.Context, *actio.Socket) error { return errNotToday }

func TestOnNewNamespace_AddsAMiddleware_HoldsForTheFirstSocket(t *testing.T) {
	s := serve(t, actio.Options{})
	s.OfPattern(regexp.MustCompile(`^/d`))
	s.OnNewNamespace(func(n *actio.Namespace) { n.Use(refuseAll) })
	assert.Equal(t, "not today", s.refused(t, "/d1", nil)["message"])
	s.untilDynamic(t, 0)
}

func TestOnNewNamespace_AddsAuthentication_HoldsForTheFirstSocket(t *testing.T) {
	s := serve(t, actio.Options{Authenticate: annOnly})
	s.OfPattern(regexp.MustCompile(`^/d`))
	s.OnNewNamespace(func(n *actio.Namespace) {
		assert.NoError(t, n.Authenticate(actio.NamespaceAuth{On: actio.OnConnect}))
	})
	assert.Equal(t, refusedText, s.refused(t, "/d1", nil)["message"])
	c, err := s.dial(t, "/d2", map[string]any{"token": "ann"})
	require.NoError(t, err)
	jsclient.Wait(t, c, "authenticated")
}

// slowMaker has OnNewNamespace wait, and says when it does.
type slowMaker struct{ begun, release chan struct{} }

func (s *stand) slowly(t *testing.T, then func(n *actio.Namespace)) *slowMaker {
	t.Helper()
	require.NoError(t, s.Root().Handle("echo", answers("echo")))
	m := &slowMaker{make(chan struct{}, 10), make(chan struct{})}
	s.OnNewNamespace(func(n *actio.Namespace) {
		m.begun <- struct{}{}
		<-m.release
		then(n)
	})
	return m
}

// knock has a client ask to be let into a namespace. When it returns the server knows of that.
func (s *stand) knock(t *testing.T, namespace string) *rawclient.Client {
	t.Helper()
	c, err := rawclient.Dial(strings.TrimPrefix(s.URL, "http://"), rawclient.Options{})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	_, err = c.Join("/", nil)
	require.NoError(t, err)
	require.NoError(t, c.Send("40"+namespace+","))
	_, err = c.Ask(1, "echo")
	require.NoError(t, err)
	return c
}

// answer is what a client that has knocked is told: "" when it was let in, or the message of a connect_error.
func answer(t *testing.T, c *rawclient.Client) string {
	t.Helper()
	m, err := c.Next()
	require.NoError(t, err)
	if m.Type == wire.Connect {
		return ""
	}
	require.Equal(t, wire.ConnectError, m.Type)
	var said struct{ Message string }
	require.NoError(t, json.Unmarshal(m.Data, &said))
	return said.Message
}

func TestOnNewNamespace_OthersEnterMeanwhile_TheyWaitAndAreGuardedAsWell(t *testing.T) {
	s := serve(t, actio.Options{})
	asked := make(chan string, 10)
	s.OfFunc(func(_ context.Context, name string, _ *actio.Handshake) (bool, error) {
		asked <- name
		return true, nil
	})
	m := s.slowly(t, func(n *actio.Namespace) { n.Use(refuseAll) })
	first := s.knock(t, "/d1")
	await.Value(t, m.begun)
	second, static := s.knock(t, "/d1"), s.of(t, "/d1")
	third := s.knock(t, "/d1")
	close(m.release)
	for _, c := range []*rawclient.Client{first, second, third} {
		assert.Equal(t, "not today", answer(t, c))
	}
	assert.Same(t, static, s.of(t, "/d1"))
	assert.Equal(t, "not today", s.refused(t, "/d1", nil)["message"])
	s.untilDynamic(t, 0)
	assert.Len(t, asked, 1, "what is being made is a namespace already")
	assert.Empty(t, m.begun)
}

func TestOnNewNamespace_WhoWaitsTooLong_IsRefusedAndLeavesNothing(t *testing.T) {
	s := serve(t, actio.Options{ConnectTimeout: 200 * time.Millisecond})
	s.OfPattern(regexp.MustCompile(`^/d`))
	m := s.slowly(t, func(*actio.Namespace) {})
	first := s.knock(t, "/d1")
	await.Value(t, m.begun)
	second := s.knock(t, "/d1")
	assert.Equal(t, "Connection timed out", answer(t, first))
	assert.Equal(t, "Connection timed out", answer(t, second))
	close(m.release)
	s.untilDynamic(t, 0)
	s.enter(t, "/d1")
}

// provoked takes the panics that a test makes itself.
func provoked(string, any, []byte) {}

func TestOnNewNamespace_Panics_RefusesAndDropsTheNamespace(t *testing.T) {
	s := serve(t, actio.Options{KeepEmptyChildNamespaces: true, OnPanic: provoked})
	p := s.OfPattern(regexp.MustCompile(`^/d`))
	var once sync.Once
	m := s.slowly(t, func(*actio.Namespace) { once.Do(func() { panic("secret") }) })
	guarded := make(chan string, 2)
	s.OnNewNamespace(func(n *actio.Namespace) { guarded <- n.Name() })
	first := s.knock(t, "/d1")
	await.Value(t, m.begun)
	second := s.knock(t, "/d1")
	dropped := s.of(t, "/d1")
	close(m.release)
	assert.Equal(t, "Internal server error", answer(t, first))
	// The worker of the second may find it dropped already, and make another.
	assert.Contains(t, []string{"Internal server error", ""}, answer(t, second))
	stats, err := s.Stats(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 1, stats.HandlerPanics)
	s.enter(t, "/d1")
	assert.Equal(t, "/d1", await.Value(t, guarded))
	require.Len(t, p.Children(), 1)
	assert.NotSame(t, dropped, p.Children()[0])
}

func TestParentOf_NewNamespace_TellsOnNewNamespaceBeforeItReturns(t *testing.T) {
	s := serve(t, actio.Options{})
	p := s.OfPattern(regexp.MustCompile(`^/nothing`))
	var told []*actio.Namespace
	s.OnNewNamespace(func(n *actio.Namespace) {
		same, err := p.Of(n.Name())
		assert.NoError(t, err)
		assert.Same(t, n, same)
		n.Use(refuseAll)
		told = append(told, n)
	})
	for range 2 {
		n, err := p.Of("/d1")
		require.NoError(t, err)
		assert.Equal(t, []*actio.Namespace{n}, told)
	}
	assert.Equal(t, "not today", s.refused(t, "/d1", nil)["message"])
	stats, err := s.Stats(t.Context())
	require.NoError(t, err)
	assert.Zero(t, stats.Dynamic)
}

func TestParentOf_ClientEntersMeanwhile_WaitsThoughNoRuleAllowsIt(t *testing.T) {
	s := serve(t, actio.Options{})
	p := s.OfPattern(regexp.MustCompile(`^/nothing`))
	m := s.slowly(t, func(n *actio.Namespace) { n.Use(refuseAll) })
	made := make(chan error, 1)
	go func() {
		_, err := p.Of("/d1")
		made <- err
	}()
	await.Value(t, m.begun)
	entering := s.knock(t, "/d1")
	close(m.release)
	require.NoError(t, await.Value(t, made))
	assert.Equal(t, "not today", answer(t, entering))
}

func TestParentOf_OnNewNamespacePanics_SaysSoAndThereIsNone(t *testing.T) {
	s := serve(t, actio.Options{OnPanic: provoked})
	p := s.OfPattern(regexp.MustCompile(`^/nothing`))
	s.OnNewNamespace(func(*actio.Namespace) { panic("oops") })
	_, err := p.Of("/d1")
	require.ErrorIs(t, err, actio.ErrPanicked)
	require.ErrorContains(t, err, "/d1")
	assert.Empty(t, p.Children())
	assert.Equal(t, "Invalid namespace", s.refused(t, "/d1", nil)["message"])
	stats, err := s.Stats(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 1, stats.HandlerPanics)
}

func TestKeepEmptyChildNamespaces_NobodyEverCameIn_DoesNotStay(t *testing.T) {
	s := serve(t, actio.Options{MaxDynamicNamespaces: 1, KeepEmptyChildNamespaces: true})
	p := s.OfPattern(regexp.MustCompile(`^/d`))
	p.Use(func(_ context.Context, socket *actio.Socket) error {
		if token(socket.Handshake()) == "eve" {
			return errNotToday
		}
		return nil
	})
	for i := range 3 {
		assert.Equal(t, "not today", s.refused(t, fmt.Sprintf("/d-eve%d", i), map[string]any{"token": "eve"})["message"])
	}
	s.untilDynamic(t, 0)
	c := s.enter(t, "/d-ann")
	assert.Equal(t, "not today", s.refused(t, "/d-ann", map[string]any{"token": "eve"})["message"])
	c.Disconnect()
	assert.Equal(t, "Too many namespaces", s.refused(t, "/d-bob", nil)["message"])
	s.enter(t, "/d-ann")
	require.Len(t, p.Children(), 1)
}
