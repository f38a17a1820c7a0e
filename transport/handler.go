package transport

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
)

// unreadTime is how long the rest of a body that nobody wants is awaited, so that the client can read the answer.
const unreadTime = time.Second

var errNoSessions = errors.New("transport: no sessions")

// Handler serves Engine.IO requests. It is an http.Handler, safe for concurrent use, and holds no state but counters.
type Handler struct {
	// Fallback gets the requests for other paths. Nil: 404. Set it before the handler is used.
	Fallback http.Handler

	config   Config
	cors     corsPolicy
	proxies  proxies
	sessions Sessions
	admitter Admitter // may be nil
	polls    limiter
	posts    limiter
	shared   *shared

	middlewares middlewares
	compressors *compressors // nil: none
}

// NewHandler makes a Handler. The error joins all problems of the configuration (ErrConfig).
func NewHandler(c Config, s Sessions) (*Handler, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if s == nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, errNoSessions)
	}
	c = c.withDefaults()
	h := &Handler{config: c, cors: newCORSPolicy(c.CORS), sessions: s, shared: newShared(&c)}
	h.proxies = proxies{trusted: slices.Clone(c.TrustedProxies), header: c.ProxyHeader}
	h.middlewares.last = http.HandlerFunc(h.serve)
	for _, m := range c.Middlewares {
		h.middlewares.add(m)
	}
	if c.HTTPCompression != nil {
		h.compressors = &compressors{HTTPCompression: *c.HTTPCompression}
	}
	h.admitter, _ = s.(Admitter)
	h.polls.max = int64(c.MaxConcurrentPolls)
	h.posts.max = int64(c.MaxConcurrentPosts)
	return h, nil
}

// NotYet makes a handler for the time before there is one: it answers preflights as the Handler will, so that pages of other
// origins see the rest, and everything else with 503.
func NotYet(c *CORS) http.Handler {
	cors := newCORSPolicy(c)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !cors.apply(w, r) {
			Unavailable(time.Second).write(w)
		}
	})
}

// Matches reports whether a request for path is for this handler: its path or anything below, by path segment.
func (h *Handler) Matches(path string) bool {
	rest, ok := strings.CutPrefix(path, h.config.Path)
	return ok && (rest == "" || rest[0] == '/')
}

// ServeHTTP serves one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case h.Matches(r.URL.Path):
	case h.Fallback != nil:
		h.Fallback.ServeHTTP(w, r)
		return
	default:
		http.NotFound(w, r)
		return
	}
	if h.config.DevelopmentOnly && !fromThisMachine(r) {
		h.refuse(w, r, Forbidden(""))
		return
	}
	if hasStrayBody(r) {
		abandonBody(w)
	}
	if h.cors.apply(w, r) {
		return
	}
	if wantsUpgrade(r) {
		deepen(0)
	}
	h.middlewares.serve(0, w, r)
}

// hasStrayBody reports whether a request has a body that nobody will read.
func hasStrayBody(r *http.Request) bool { return r.Method != http.MethodPost && r.ContentLength != 0 }

// serve serves one request of the path.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request) {
	q, e := h.verify(r)
	if e == nil && hasStrayBody(r) {
		e = BadRequest()
	}
	if e != nil {
		h.refuseUnread(w, r, e)
		return
	}
	switch {
	case q.kind == WebSocketKind && q.session != nil:
		h.serveProbe(w, r, q.session)
	case q.kind == WebSocketKind:
		h.serveWebSocket(w, r, q.handshake)
	case q.session == nil:
		h.serveHandshake(w, r, q)
	case r.Method == http.MethodGet:
		h.serveLimited(w, r, &h.polls, func() {
			p := &Poll{}
			q.session.Poll(p)
			h.servePoll(w, r, p, q.session)
		})
	default:
		h.serveLimited(w, r, &h.posts, func() { h.servePost(w, r, q.session) })
	}
}

// serveHandshake opens a session over polling; its first answer is the answer of the handshake.
func (h *Handler) serveHandshake(w http.ResponseWriter, r *http.Request, q request) {
	h.serveLimited(w, r, &h.polls, func() {
		p := &Poll{}
		opening, err := h.sessions.Open(q.handshake)
		if err == nil {
			err = opening.Begin(p)
		}
		if err != nil {
			h.refuse(w, r, refusal(err, internal()))
			return
		}
		h.servePoll(w, r, p, nil)
	})
}

func (h *Handler) serveLimited(w http.ResponseWriter, r *http.Request, l *limiter, serve func()) {
	if !l.enter() {
		h.refuse(w, r, Unavailable(busyRetry))
		return
	}
	defer l.leave()
	serve()
}

// refuse answers with an error, logs it and tells who wants to know.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, e *Error) {
	h.config.Logger.DebugContext(r.Context(), "request refused",
		slog.String("method", r.Method), slog.String("remote", h.remote(r)), slog.Int("status", e.Status), slog.Int("code", e.Code),
		slog.String("reason", e.Message))
	if h.config.Refused != nil {
		h.config.Refused(r, e)
	}
	e.write(w)
}

// remote names the client of a request in logs.
func (h *Handler) remote(r *http.Request) string {
	if len(h.proxies.trusted) == 0 {
		return r.RemoteAddr
	}
	return remoteName(r.RemoteAddr, h.proxies.client(r))
}

// refuseUnread refuses a request of whose body nothing was read, or not all.
func (h *Handler) refuseUnread(w http.ResponseWriter, r *http.Request, e *Error) {
	if r.ContentLength != 0 {
		abandonBody(w)
	}
	h.refuse(w, r, e)
}

// abandonBody has the connection end with the answer, which would else wait for the rest of the body, without end where no
// deadline is set; so would an upgrade.
func abandonBody(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(unreadTime)) // where there is none nobody waits
	w.Header().Set("Connection", "close")
}

// allows reports whether a transport is switched on.
func (h *Handler) allows(k Kind) bool { return slices.Contains(h.config.Transports, k) }

// fromThisMachine is the guard of Config.DevelopmentOnly.
func fromThisMachine(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	return isLoopback(r.Host) && (origin == "" || sameOrigin(r, origin))
}
