package transport

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// CORS says which pages of other origins may use the server. Without Origins and AllowOrigin it is switched off.
type CORS struct {
	// Origins are the allowed origins: "scheme://host[:port]"; "scheme://*.host[:port]" for all subdomains of host at any
	// depth, but not host itself; a port "*" for any port; "null" for pages without an origin; or "*" for all. With "*" the
	// answer is "*", never the origin of the request. The same list guards websockets.
	Origins []string
	// AllowOrigin, if set, is asked about each request from an origin that is not in Origins, which may then be empty; Node calls
	// it a function as origin. It may block, and must not keep r.
	AllowOrigin func(r *http.Request, origin string) bool
	// Methods are told to preflight requests. Default GET and POST.
	Methods []string
	// AllowedHeaders are told to preflight requests. Default: those the preflight asks for.
	AllowedHeaders []string
	// ExposedHeaders are those that pages may read of an answer.
	ExposedHeaders []string
	// Credentials lets pages send cookies. It needs a list of origins: with "*" it is an error.
	Credentials bool
	// MaxAge is how long browsers may remember the answer to a preflight, in whole seconds. 0 leaves it to them.
	MaxAge time.Duration
	// PreflightContinue lets OPTIONS requests go on to the server, which refuses them, in place of answering them.
	PreflightContinue bool
	// OptionsSuccessStatus is the status of answers to preflights. Default 204.
	OptionsSuccessStatus int
}

func (c *CORS) problems() []error {
	var problems []error
	bad := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("%w: CORS."+format, append([]any{ErrConfig}, args...)...))
	}
	for _, origin := range c.Origins {
		if _, err := parseOrigin(origin); err != nil {
			bad("Origins: %q: %w", origin, err)
		}
	}
	if c.Credentials && slices.Contains(c.Origins, "*") {
		bad(`Credentials cannot go with the origin "*": list the origins`)
	}
	for _, list := range [][]string{c.Methods, c.AllowedHeaders, c.ExposedHeaders} {
		for _, name := range list {
			if name == "" || strings.ContainsAny(name, ", \t\r\n") {
				bad("name %q is not a token", name)
			}
		}
	}
	if c.MaxAge < 0 {
		bad("MaxAge is negative: %v", c.MaxAge)
	}
	if s := c.OptionsSuccessStatus; s != 0 && (s < 200 || s > 299) {
		bad("OptionsSuccessStatus %d is no success", s)
	}
	return problems
}

// corsPolicy is a CORS made ready. The zero value is switched off.
type corsPolicy struct {
	on        bool
	origins   originList
	ask       func(r *http.Request, origin string) bool // may be nil
	methods   string
	allowed   string
	exposed   string
	maxAge    string
	creds     bool
	pass      bool // preflights go on
	preflight int  // status
}

func newCORSPolicy(c *CORS) corsPolicy {
	if c == nil || len(c.Origins) == 0 && c.AllowOrigin == nil {
		return corsPolicy{}
	}
	p := corsPolicy{
		on: true, origins: newOriginList(c.Origins), ask: c.AllowOrigin, creds: c.Credentials, pass: c.PreflightContinue,
		methods: strings.Join(c.Methods, ","), allowed: strings.Join(c.AllowedHeaders, ","),
		exposed: strings.Join(c.ExposedHeaders, ","), preflight: c.OptionsSuccessStatus,
	}
	if p.methods == "" {
		p.methods = "GET,POST"
	}
	if p.preflight == 0 {
		p.preflight = http.StatusNoContent
	}
	if c.MaxAge > 0 {
		p.maxAge = strconv.FormatInt(int64(c.MaxAge/time.Second), 10)
	}
	return p
}

// apply sets the headers for r and reports whether that was all: the answer to a preflight is written then.
func (p *corsPolicy) apply(w http.ResponseWriter, r *http.Request) bool {
	if !p.on {
		return false
	}
	header := w.Header()
	allowed := p.allowOrigin(header, r, r.Header.Get("Origin"))
	if r.Method != http.MethodOptions {
		if allowed && p.exposed != "" {
			header.Set("Access-Control-Expose-Headers", p.exposed)
		}
		return false
	}
	p.describe(header, r, allowed)
	if p.pass {
		return false
	}
	header.Set("Content-Length", "0") // browsers may hang without it, as for Safari and 204
	w.WriteHeader(p.preflight)
	return true
}

// allowOrigin answers for an origin. Where the answer depends on it, caches are told so even if it is refused.
func (p *corsPolicy) allowOrigin(header http.Header, r *http.Request, origin string) bool {
	if p.origins.any {
		header.Set("Access-Control-Allow-Origin", "*")
		return true
	}
	header.Add("Vary", "Origin")
	if origin == "" || !p.has(r, origin) {
		return false
	}
	header.Set("Access-Control-Allow-Origin", origin)
	if p.creds {
		header.Set("Access-Control-Allow-Credentials", "true")
	}
	return true
}

// has tells whether pages of an origin may use the server.
func (p *corsPolicy) has(r *http.Request, origin string) bool {
	return p.origins.has(origin) || p.ask != nil && isFieldValue(origin) && p.ask(r, origin)
}

// describe adds what only preflights are told. A refused origin is told nothing.
func (p *corsPolicy) describe(header http.Header, r *http.Request, allowed bool) {
	headers := p.allowed
	if headers == "" {
		header.Add("Vary", "Access-Control-Request-Headers")
		headers = r.Header.Get("Access-Control-Request-Headers")
	}
	if !allowed {
		return
	}
	header.Set("Access-Control-Allow-Methods", p.methods)
	if headers != "" {
		header.Set("Access-Control-Allow-Headers", headers)
	}
	if p.maxAge != "" {
		header.Set("Access-Control-Max-Age", p.maxAge)
	}
}
