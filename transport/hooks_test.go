package transport_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/transport"
)

// naming sets a header to the order in which middlewares saw a request.
func naming(name string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Add("X-Seen", name)
			next.ServeHTTP(w, r)
		})
	}
}

// observed is a writer of a middleware that is used as http.ResponseController wants it.
type observed struct {
	http.ResponseWriter

	status int
}

func (w *observed) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *observed) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func TestMiddlewares_EveryRequestOfThePath_PassesThemInOrder(t *testing.T) {
	s := newSessions()
	known := newSession()
	known.onPost = func(_ context.Context, p *transport.Post) { p.Done() }
	s.known["here"] = known
	statuses := make(chan int, 4)
	watch := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			watched := &observed{ResponseWriter: w}
			next.ServeHTTP(watched, r)
			statuses <- watched.status
		})
	}
	srv := serveTCP(t, transport.Config{Middlewares: []func(http.Handler) http.Handler{naming("a"), watch, naming("b")}}, s)
	srv.handler.Use(naming("c"))
	order := []string{"a", "b", "c"}

	got := srv.do(t, "GET", pollTarget, "")
	assert.Equal(t, http.StatusOK, got.status)
	assert.Equal(t, order, got.header.Values("X-Seen"))
	assert.Equal(t, http.StatusOK, receive(t, statuses))
	got = srv.do(t, "POST", pollTarget+"&sid=here", "4hi")
	assert.Equal(t, "ok", got.body)
	assert.Equal(t, order, got.header.Values("X-Seen"))
	receive(t, statuses)
	got = srv.do(t, "GET", "/io/?EIO=4&transport=none", "")
	assert.JSONEq(t, bodyUnknownTransport, got.body)
	assert.Equal(t, order, got.header.Values("X-Seen"))
	assert.Equal(t, http.StatusBadRequest, receive(t, statuses))
	got = srv.do(t, "GET", "/other", "")
	assert.Equal(t, http.StatusNotFound, got.status)
	assert.Empty(t, got.header.Values("X-Seen"), "it is none of the path")

	c := srv.dialWebSocket(t, socketTarget, nil)
	assert.Equal(t, http.StatusSwitchingProtocols, receive(t, statuses), "a wrapped writer is hijacked all the same")
	r := start(t, receive(t, s.sockets))
	require.NoError(t, c.Write(t.Context(), 1, []byte("hi")))
	assert.Equal(t, "hi", string(receive(t, r.messages).data))
}

func TestMiddlewares_OneRefuses_PagesReadIt(t *testing.T) {
	forbid := func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusUnauthorized) })
	}
	s := newSessions()
	srv := serveTCP(t, transport.Config{
		CORS: &transport.CORS{Origins: []string{"*"}}, Middlewares: []func(http.Handler) http.Handler{forbid},
	}, s)
	got := srv.do(t, "GET", pollTarget, "", "Origin", "https://page.test")
	assert.Equal(t, http.StatusUnauthorized, got.status)
	assert.Equal(t, "*", got.header.Get("Access-Control-Allow-Origin"))
	assert.Equal(t, http.StatusNoContent, srv.do(t, "OPTIONS", pollTarget, "", "Origin", "https://page.test").status)
	assert.Equal(t, http.StatusUnauthorized, srv.status(t, websocketHeaders()...))
	assert.Empty(t, s.handshake)
}

func TestMiddlewares_WriterThatHidesTheConnection_GetsNoWebSocket(t *testing.T) {
	hide := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(struct{ http.ResponseWriter }{w}, r)
		})
	}
	srv := serveTCP(t, transport.Config{Middlewares: []func(http.Handler) http.Handler{hide}}, newSessions())
	assert.Equal(t, http.StatusInternalServerError, srv.status(t, websocketHeaders()...))
	assert.Equal(t, http.StatusOK, srv.do(t, "GET", pollTarget, "").status)
}

func TestUse_WhileItServes_IsMadeOnceAndSeesTheRest(t *testing.T) {
	srv := serveTCP(t, transport.Config{}, newSessions())
	var made, seen atomic.Int32
	var users sync.WaitGroup
	for range 8 {
		users.Go(func() {
			srv.handler.Use(func(next http.Handler) http.Handler {
				made.Add(1)
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					seen.Add(1)
					next.ServeHTTP(w, r)
				})
			})
		})
		users.Go(func() { assert.Equal(t, http.StatusOK, srv.do(t, "GET", pollTarget, "").status) })
	}
	users.Wait()
	seen.Store(0)
	assert.Equal(t, http.StatusOK, srv.do(t, "GET", pollTarget, "").status)
	assert.EqualValues(t, 8, made.Load())
	assert.EqualValues(t, 8, seen.Load())
}

// The four cookies of the handshake, and none elsewhere, are what the suite of engine.io-client wants.
func TestHeaders_OfTheApplication_InitialOnesWithTheHandshakeOnly(t *testing.T) {
	s := newSessions()
	known := newSession()
	known.onPost = func(_ context.Context, p *transport.Post) { p.Done() }
	s.known["here"] = known
	srv := serveTCP(t, transport.Config{
		InitialHeaders: func(h http.Header, r *http.Request) {
			for i := range 4 {
				h.Add("Set-Cookie", fmt.Sprintf("%d=%s", i, r.URL.Query().Get("transport")))
			}
		},
		Headers: func(h http.Header, r *http.Request) { h.Set("X-Of", r.Method) },
		AllowRequest: func(r *http.Request) error {
			return map[string]error{"1": errors.New("denied")}[r.URL.Query().Get("deny")]
		},
	}, s)
	got := srv.do(t, "GET", pollTarget, "")
	assert.Len(t, got.header.Values("Set-Cookie"), 4)
	assert.Equal(t, "GET", got.header.Get("X-Of"))
	got = srv.do(t, "POST", pollTarget+"&sid=here", "4hi")
	assert.Empty(t, got.header.Values("Set-Cookie"))
	assert.Equal(t, "POST", got.header.Get("X-Of"))
	polled := inBackground(t, func() answer { return srv.do(t, "GET", pollTarget+"&sid=here", "") })
	receive(t, known.polls).Respond([]byte("2"))
	got = receive(t, polled)
	assert.Empty(t, got.header.Values("Set-Cookie"))
	assert.Equal(t, "GET", got.header.Get("X-Of"))
	got = srv.do(t, "GET", pollTarget+"&deny=1", "")
	assert.JSONEq(t, `{"code":4,"message":"denied"}`, got.body)
	assert.Empty(t, got.header.Get("X-Of"))
	assert.Empty(t, got.header.Values("Set-Cookie"))

	for target, cookies := range map[string]int{socketTarget: 4, socketTarget + "&sid=here": 0} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://example.test"+target, nil)
		require.NoError(t, err)
		for h := websocketHeaders(); len(h) > 0; h = h[2:] {
			r.Header.Set(h[0], h[1])
		}
		response, err := srv.client.Do(r)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.Equal(t, http.StatusSwitchingProtocols, response.StatusCode)
		assert.Len(t, response.Header.Values("Set-Cookie"), cookies, target)
		assert.Equal(t, "GET", response.Header.Get("X-Of"))
	}
	receive(t, s.sockets).Abort()
	receive(t, known.probes).Abort()
}

func TestCookie_Set_HasTheSessionIDOfAPollingHandshake(t *testing.T) {
	for _, test := range []struct {
		template http.Cookie
		want     string
	}{
		{http.Cookie{}, "io=my-sid; Path=/; HttpOnly; SameSite=Lax"},
		{
			http.Cookie{Name: "sticky", Path: "/io", Domain: "example.test", Secure: true, MaxAge: 60, SameSite: http.SameSiteNoneMode},
			"sticky=my-sid; Path=/io; Domain=example.test; Max-Age=60; HttpOnly; Secure; SameSite=None",
		},
	} {
		s := newSessions()
		s.open = func(_ *transport.Handshake, link transport.Link) error {
			switch l := link.(type) {
			case *transport.Poll:
				l.SID = "my-sid"
				l.Respond([]byte("0{}"))
			case *transport.WebSocket:
				s.sockets <- l
			}
			return nil
		}
		known := newSession()
		known.onPost = func(_ context.Context, p *transport.Post) { p.Done() }
		s.known["my-sid"] = known
		srv := serveTCP(t, transport.Config{Cookie: &test.template}, s)
		assert.Equal(t, []string{test.want}, srv.do(t, "GET", pollTarget, "").header.Values("Set-Cookie"))
		assert.Empty(t, srv.do(t, "POST", pollTarget+"&sid=my-sid", "4hi").header.Values("Set-Cookie"))
		assert.Equal(t, http.StatusSwitchingProtocols, srv.status(t, websocketHeaders()...))
		receive(t, s.sockets).Abort()
	}
}

func TestConfig_InvalidHooks_AreProblems(t *testing.T) {
	for text, c := range map[string]transport.Config{
		"invalid Cookie.Name":    {Cookie: &http.Cookie{Name: "a b"}},
		"SameSite None":          {Cookie: &http.Cookie{SameSite: http.SameSiteNoneMode}},
		"Middlewares holds":      {Middlewares: []func(http.Handler) http.Handler{nil}},
		"HTTPCompression: Level": {HTTPCompression: &transport.HTTPCompression{Level: 10}},
	} {
		err := c.Validate()
		require.ErrorIs(t, err, transport.ErrConfig)
		assert.ErrorContains(t, err, text)
	}
}
