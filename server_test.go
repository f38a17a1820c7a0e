package actio_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
)

// status asks a handler and returns the status of its answer.
func status(h http.Handler, path string) (int, http.Header) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Header()
}

func newServer(t *testing.T, o actio.Options) *actio.Server {
	t.Helper()
	if !o.NoAuthentication {
		o.Authenticate = yes
	}
	s, err := actio.New(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Shutdown(context.Background())) })
	return s
}

func TestServer_Mounted_ServesItsPathFromConfigureToShutdown(t *testing.T) {
	s := newServer(t, actio.Options{})
	code, header := status(s, "/io/?EIO=4&transport=bogus")
	assert.Equal(t, http.StatusServiceUnavailable, code)
	assert.NotEmpty(t, header.Get("Retry-After"))
	assert.False(t, s.Ready())

	require.NoError(t, s.Configure(t.Context()))
	require.NoError(t, s.Configure(t.Context()))
	assert.True(t, s.Ready())
	for path, want := range map[string]int{
		"/io/?EIO=4&transport=bogus": 400, "/io?EIO=4&transport=bogus": 400, "/ios/": 404, "/": 404, "/io2": 404,
	} {
		code, _ := status(s, path)
		assert.Equal(t, want, code, path)
	}
	engine, err := s.Engine()
	require.NoError(t, err)
	code, _ = status(engine, "/io/?EIO=4&transport=bogus")
	assert.Equal(t, 400, code)

	require.NoError(t, s.Shutdown(t.Context()))
	assert.False(t, s.Ready())
	code, _ = status(s, "/io/?EIO=4&transport=polling")
	assert.Equal(t, http.StatusServiceUnavailable, code)
	require.ErrorIs(t, s.Configure(t.Context()), actio.ErrClosed)
	require.ErrorIs(t, s.Emit("x"), actio.ErrClosed)
}

func TestServer_BeforeConfigure_PagesOfOtherOriginsSeeTheRefusal(t *testing.T) {
	s := newServer(t, actio.Options{})
	for method, want := range map[string]int{
		http.MethodGet: http.StatusServiceUnavailable, http.MethodOptions: http.StatusNoContent,
	} {
		r := httptest.NewRequest(method, "/io/?EIO=4&transport=polling", nil)
		r.Header.Set("Origin", "https://page.test")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		assert.Equal(t, want, w.Code, method)
		assert.Equal(t, "*", w.Header().Get("Access-Control-Allow-Origin"), method)
		if method == http.MethodGet {
			assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
			assert.Equal(t, "1", w.Header().Get("Retry-After"))
		}
	}
}

func TestServer_Attached_StandsInFrontOfTheOldHandler(t *testing.T) {
	old := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	web := &http.Server{Handler: old, ReadHeaderTimeout: time.Second}
	s := newServer(t, actio.Options{Hosting: actio.Attached, Server: web})
	code, _ := status(web.Handler, "/io/")
	assert.Equal(t, http.StatusServiceUnavailable, code)
	code, _ = status(web.Handler, "/elsewhere")
	assert.Equal(t, http.StatusTeapot, code)
	require.NoError(t, s.Configure(t.Context()))
	code, _ = status(web.Handler, "/io/?transport=bogus")
	assert.Equal(t, 400, code)
	_, err := s.Engine()
	require.ErrorContains(t, err, "Engine is only available for Bun runtime!")
}

func TestSwitch_ExchangedUnderLoad_EachRequestGetsOneOfTheHandlers(t *testing.T) {
	answer := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
	}
	s := actio.NewSwitch(answer("old"))
	server := httptest.NewServer(s)
	defer server.Close()
	defer server.Client().CloseIdleConnections()
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() {
			for range 50 {
				response, err := server.Client().Get(server.URL)
				if !assert.NoError(t, err) {
					return
				}
				body, _ := io.ReadAll(response.Body)
				_ = response.Body.Close()
				assert.Contains(t, []string{"old", "new"}, string(body))
			}
		})
	}
	for range 100 {
		s.Set(answer("new"))
		s.Set(nil)
	}
	asking.Wait()
	assert.NotNil(t, s.Fallback())
}

func TestRoute_ByPathSegment_NeverByPrefixOfCharacters(t *testing.T) {
	engine := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	h := actio.Route("/io", engine, nil)
	for path, want := range map[string]int{
		"/io": 418, "/io/": 418, "/io/x?y": 418, "/ios": 404, "/iota/": 404, "/": 404, "/x/io": 404,
	} {
		code, _ := status(h, path)
		assert.Equal(t, want, code, path)
	}
}

func TestServer_BeforeConfigure_EveryQuestionSaysSo(t *testing.T) {
	s := newServer(t, actio.Options{})
	_, err := s.Clients(t.Context())
	require.ErrorIs(t, err, actio.ErrNotConfigured)
	_, _, err = s.Client(t.Context(), "x")
	require.ErrorIs(t, err, actio.ErrNotConfigured)
	_, err = s.Stats(t.Context())
	require.ErrorIs(t, err, actio.ErrNotConfigured)
	_, err = s.Engine()
	require.ErrorIs(t, err, actio.ErrNotConfigured)
	require.ErrorIs(t, s.Emit("x"), actio.ErrNotConfigured)
	s.Send(actio.Message{Payload: actio.Payload{Topic: "x", Data: 1}})
	require.NoError(t, s.Shutdown(t.Context()))
	require.ErrorIs(t, s.Configure(t.Context()), actio.ErrClosed)
}

func TestOn_Misuse_IsTheReferencesErrorInItsOrder(t *testing.T) {
	s := newServer(t, actio.Options{})
	nothing := func(context.Context, *actio.Socket, *actio.Event) {}
	require.ErrorContains(t, s.On("", nil), "Invalid topic to start binding handler")
	require.ErrorContains(t, s.On("x", nil), "Invalid event handler | topic: x")
	require.ErrorContains(t, s.On("x", nothing), "IOServer is not initialized yet! Before Configure, add handlers to Root()")
	require.NoError(t, s.Configure(t.Context()))
	require.NoError(t, s.On("x", nothing))
	require.NoError(t, s.On("connection", nothing))
	require.ErrorIs(t, s.On("disconnect", nothing), actio.ErrReservedEvent)
	require.ErrorIs(t, s.Emit("connect_error"), actio.ErrReservedEvent)
	require.ErrorIs(t, actio.On[int, int](s.Root(), "y", nil), actio.ErrInvalidHandler)
	for _, name := range []string{"a,b", "/a?b", "/a#b"} {
		_, err := s.Of(name)
		require.ErrorIs(t, err, actio.ErrInvalidNamespace)
	}
	n, err := s.Of("chat")
	require.NoError(t, err)
	same, err := s.Of("/chat")
	require.NoError(t, err)
	assert.Same(t, n, same)
}

func TestSend_Falsy_IsDroppedAndCallsNothing(t *testing.T) {
	s := newServer(t, actio.Options{})
	require.NoError(t, s.Configure(t.Context()))
	called := make(chan string, 8)
	send := func(name, topic string, data any) {
		s.Send(actio.Message{Payload: actio.Payload{Topic: topic, Data: data}, Callback: func() { called <- name }})
	}
	send("no topic", "", 1)
	send("nil", "x", nil)
	send("nil pointer", "x", (*int)(nil))
	send("reserved", "connect", 1)
	send("not encodable", "x", make(chan int))
	send("zero", "x", 0)
	assert.Equal(t, "zero", <-called)
	send("false", "x", false)
	assert.Equal(t, "false", <-called)
	send("empty", "x", "")
	assert.Equal(t, "empty", <-called)
}

func TestServer_ApplicationsActorSystem_OutlivesIt(t *testing.T) {
	system := actor.NewActorSystem()
	alive := make(chan struct{}, 1)
	pid := system.Root.Spawn(actor.PropsFromFunc(func(c actor.Context) {
		if _, ok := c.Message().(string); ok {
			alive <- struct{}{}
		}
	}))
	first := newServer(t, actio.Options{ActorSystem: system})
	second := newServer(t, actio.Options{ActorSystem: system})
	require.NoError(t, first.Configure(t.Context()))
	require.NoError(t, second.Configure(t.Context()))
	require.NoError(t, first.Shutdown(t.Context()))
	system.Root.Send(pid, "still there?")
	<-alive
	_, err := second.Stats(t.Context())
	require.NoError(t, err)
	require.NoError(t, second.Shutdown(t.Context()))
	require.NoError(t, system.Root.StopFuture(pid).Wait())
}

func TestBroadcast_IsAValue_DerivingLeavesTheOriginalAlone(t *testing.T) {
	s := newServer(t, actio.Options{})
	base := s.To("a")
	one, two := base.To("b"), base.To("c")
	assert.NotEqual(t, one, two)
	assert.Equal(t, s.To("a"), base)
	assert.Equal(t, s.To("a", "b").Except("x").Volatile(), one.Except("x").Volatile())
}
