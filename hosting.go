package actio

import (
	"net/http"
	"strings"
	"sync/atomic"
)

// Switch is an http.Handler whose handler can be exchanged while it serves. Writing to http.Server.Handler while the server
// serves is a data race; a Switch put there before it serves is not.
type Switch struct {
	fallback http.Handler
	current  atomic.Pointer[http.Handler]
}

// NewSwitch makes a switch that stands at fallback; nil means http.DefaultServeMux, as in http.Server.
func NewSwitch(fallback http.Handler) *Switch {
	if fallback == nil {
		fallback = http.DefaultServeMux
	}
	return &Switch{fallback: fallback}
}

// Set exchanges the handler; nil returns to the fallback. Requests that are being served stay with theirs.
func (s *Switch) Set(h http.Handler) {
	if h == nil {
		s.current.Store(nil)
		return
	}
	s.current.Store(&h)
}

// Fallback is the handler that the switch was made with.
func (s *Switch) Fallback() http.Handler { return s.fallback }

// ServeHTTP serves with the handler of the moment.
func (s *Switch) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := s.current.Load(); h != nil {
		(*h).ServeHTTP(w, r)
		return
	}
	s.fallback.ServeHTTP(w, r)
}

// Route gives the requests under path to engine and all others to fallback; a nil fallback answers 404.
func Route(path string, engine, fallback http.Handler) http.Handler {
	if fallback == nil {
		fallback = http.NotFoundHandler()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if Under(path, r.URL.Path) {
			engine.ServeHTTP(w, r)
			return
		}
		fallback.ServeHTTP(w, r)
	})
}

// Under tells whether a request's path is path or lies beneath it, by segments: /io and /io/x are under /io, /ios is not.
func Under(path, request string) bool {
	path = strings.TrimSuffix(path, "/")
	rest, ok := strings.CutPrefix(request, path)
	return ok && (rest == "" || rest[0] == '/')
}
