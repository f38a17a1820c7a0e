package transport

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
)

var errCookie = errors.New("cookie would not be accepted")

// middlewares are what stands between a request of this path and the Handler. The first sees it first.
type middlewares struct {
	last   http.Handler
	adding sync.Mutex
	list   atomic.Pointer[[]http.Handler] // an immutable snapshot; each goes on with the one behind it
}

// add makes the handler of a middleware: once, for it may have a state of its own.
func (m *middlewares) add(middleware func(http.Handler) http.Handler) {
	m.adding.Lock()
	defer m.adding.Unlock()
	var list []http.Handler
	if old := m.list.Load(); old != nil {
		list = *old
	}
	behind := len(list) + 1
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { m.serve(behind, w, r) })
	list = append(slices.Clip(list), middleware(next))
	m.list.Store(&list)
}

// serve goes on with the middleware of a number, or with the last handler.
func (m *middlewares) serve(number int, w http.ResponseWriter, r *http.Request) {
	if list := m.list.Load(); list != nil && number < len(*list) {
		(*list)[number].ServeHTTP(w, r)
		return
	}
	m.last.ServeHTTP(w, r)
}

// Use adds a middleware for all requests of the path, those for websockets included. It stands behind CORS, so that pages can
// read what it refuses, and behind the middlewares that are there already. Requests under way may go on without it. A middleware
// that wraps the http.ResponseWriter must give its writer an Unwrap method, see http.ResponseController, else websockets get 500.
// It is called once. Safe for concurrent use.
func (h *Handler) Use(middleware func(http.Handler) http.Handler) { h.middlewares.add(middleware) }

// decorate adds the headers of the application to an answer that is not a refusal. sid is that of a session that has just been
// opened by polling.
func (h *Handler) decorate(header http.Header, r *http.Request, first bool, sid string) {
	c := &h.config
	if c.Cookie != nil && sid != "" {
		cookie := *c.Cookie //nolint:gosec // it has its attributes, or the application wants none
		cookie.Value = sid
		header.Add("Set-Cookie", cookie.String())
	}
	if first && c.InitialHeaders != nil {
		c.InitialHeaders(header, r)
	}
	if c.Headers != nil {
		c.Headers(header, r)
	}
}

// cookieWithDefaults completes the template of a cookie.
func cookieWithDefaults(template *http.Cookie) *http.Cookie {
	if template == nil {
		return nil
	}
	c := *template //nolint:gosec // what follows completes it
	c.HttpOnly = true
	if c.Name == "" {
		c.Name = "io"
	}
	if c.Path == "" {
		c.Path = "/"
	}
	if c.SameSite == 0 {
		c.SameSite = http.SameSiteLaxMode
	}
	return &c
}

func checkCookie(template *http.Cookie) error {
	if template == nil {
		return nil
	}
	c := cookieWithDefaults(template) //nolint:gosec // of the application
	c.Value = "sid"
	if err := c.Valid(); err != nil {
		return fmt.Errorf("%w: %w: %w", ErrConfig, errCookie, err)
	}
	if c.SameSite == http.SameSiteNoneMode && !c.Secure {
		return fmt.Errorf("%w: %w: SameSite None goes with Secure only", ErrConfig, errCookie)
	}
	return nil
}
