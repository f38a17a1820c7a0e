package transport

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/actio-go/actio/wire"
)

// The defaults of Config.
const (
	DefaultPath               = "/io"
	DefaultMaxPayload         = 1_000_000
	DefaultMaxPackets         = 1 << 16
	DefaultMaxHeaderBytes     = 16 << 10
	DefaultMaxConcurrentPolls = 100_000
	DefaultMaxConcurrentPosts = 10_000
	DefaultBodyTimeout        = 30 * time.Second
	DefaultAnswerTimeout      = 30 * time.Second
)

// Kind is a transport.
type Kind uint8

// The transports.
const (
	Polling Kind = iota
	WebSocketKind
)

// String gives the name of the transport in the protocol: "polling" or "websocket".
func (k Kind) String() string {
	switch k {
	case Polling:
		return "polling"
	case WebSocketKind:
		return "websocket"
	default:
		return fmt.Sprintf("Kind(%d)", uint8(k))
	}
}

// Config is what a Handler is made of. The zero value is usable: both transports at /io, no CORS headers, no compression.
type Config struct {
	// Path is where the server lives, matched by path segment: "/io" matches /io and /io/..., never /ios. Default "/io".
	Path string
	// MaxPayload bounds, in bytes, the body of a POST (more: 413) and a websocket message, also after inflating it
	// (more: close code 1009). Default 1 000 000.
	MaxPayload int
	// MaxPackets bounds the packets of one POST; more end the session (ErrTooManyPackets). Default 65 536.
	MaxPackets int
	// MaxHeaderBytes bounds what a handshake keeps of its request, target and headers; more: 431. Default 16 KiB.
	MaxHeaderBytes int
	// MaxConcurrentPolls bounds the GET requests that wait at a time, MaxConcurrentPosts the POST requests; more: 503.
	// Defaults 100 000 and 10 000.
	MaxConcurrentPolls, MaxConcurrentPosts int
	// BodyTimeout bounds how long the body of a POST may take to arrive; later it counts as aborted. Default 30 s.
	BodyTimeout time.Duration
	// AnswerTimeout bounds how long a client may take to receive the answer of a poll; later it counts as aborted.
	// Default 30 s.
	AnswerTimeout time.Duration
	// Transports are the transports that are switched on; others get "Transport unknown". Default both.
	Transports []Kind
	// AllowEIO3 lets clients of revision 3 of the protocol in, those of Socket.IO 2. As with Node these are all that do not say that
	// they speak revision 4; if not allowed they get "Unsupported protocol version". JSONP is refused.
	AllowEIO3 bool
	// DisableUpgrades refuses websockets that carry the sid of a session.
	DisableUpgrades bool
	// CORS says which pages of other origins may use the server. Nil, or without Origins: none; no CORS headers are sent,
	// OPTIONS is an ordinary bad request, and websockets are for pages of the same origin and for clients that are no
	// browsers.
	CORS *CORS
	// CheckOrigin, if set, decides in place of CORS.Origins whether a websocket with an Origin header is accepted.
	CheckOrigin func(r *http.Request) bool
	// DevelopmentOnly accepts pages of the same origin and Host headers of this machine only; everything else gets 403.
	// Without the second a page could reach the server by a name that resolves to this machine (DNS rebinding).
	DevelopmentOnly bool
	// TrustedProxies are the proxies whose word counts when they say, in ProxyHeader, whom they speak for: see Handshake.ClientIP.
	// A peer without an IP address, as on a unix socket, is trusted if any is. Default none.
	TrustedProxies []netip.Prefix
	// ProxyHeader is the header in which they say it. Default XForwardedFor.
	ProxyHeader ProxyHeader
	// AllowRequest, if set, is asked about every handshake, before a session exists. An error refuses it with 403 and
	// code 4, and the client sees its text; an *Error answers as it says. It may block: the client waits. It must not keep r.
	AllowRequest func(r *http.Request) error
	// Middlewares stand between CORS and this handler, see Handler.Use; the first is the outermost.
	Middlewares []func(http.Handler) http.Handler
	// InitialHeaders, if set, may add headers to the answer of a handshake, that of a websocket included; Headers to every answer.
	// Neither is called for refusals. They are called in the goroutine of the request, and must not keep r.
	InitialHeaders, Headers func(h http.Header, r *http.Request)
	// Cookie, if set, is sent with the answer to a handshake over polling, with the session id as its value, for load balancers
	// that keep a session at one server by it. Its zero fields mean: Name "io", Path "/", SameSite lax. It is always HttpOnly.
	Cookie *http.Cookie
	// HTTPCompression compresses the answers of polls. Nil: off.
	HTTPCompression *HTTPCompression
	// Refused, if set, is told of every request that was refused with an error of Engine.IO. It must not keep r.
	Refused func(r *http.Request, e *Error)
	// Deflate switches on permessage-deflate, always without context takeover. Nil: off.
	Deflate *wire.Deflater
	// Logger gets one line at Debug for each refused request. Nil: none. Neither query strings nor tokens are logged.
	Logger *slog.Logger
}

// Validate reports all problems of the configuration together, each an ErrConfig.
func (c *Config) Validate() error {
	var problems []error
	bad := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("%w: "+format, append([]any{ErrConfig}, args...)...))
	}
	if c.Path != "" && !strings.HasPrefix(c.Path, "/") {
		bad("Path %q does not begin with a slash", c.Path)
	}
	if strings.ContainsAny(c.Path, "?#") {
		bad("Path %q holds more than a path", c.Path)
	}
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"MaxPayload", int64(c.MaxPayload)},
		{"MaxPackets", int64(c.MaxPackets)},
		{"MaxHeaderBytes", int64(c.MaxHeaderBytes)},
		{"MaxConcurrentPolls", int64(c.MaxConcurrentPolls)},
		{"MaxConcurrentPosts", int64(c.MaxConcurrentPosts)},
		{"BodyTimeout", int64(c.BodyTimeout)},
		{"AnswerTimeout", int64(c.AnswerTimeout)},
	} {
		if f.value < 0 {
			bad("%s is negative: %d", f.name, f.value)
		}
	}
	for _, k := range c.Transports {
		if k > WebSocketKind {
			bad("Transports holds an unknown transport: %v", k)
		}
	}
	for _, p := range c.TrustedProxies {
		switch {
		case !p.IsValid():
			bad("TrustedProxies holds an invalid prefix")
		case p.Addr().Is4In6(): // addresses of clients never are
			bad("TrustedProxies holds %s: write it as a network of IPv4", p)
		}
	}
	if c.ProxyHeader > XRealIP {
		bad("ProxyHeader %d is unknown", c.ProxyHeader)
	}
	if err := checkCookie(c.Cookie); err != nil {
		problems = append(problems, err)
	}
	if slices.ContainsFunc(c.Middlewares, func(m func(http.Handler) http.Handler) bool { return m == nil }) {
		bad("Middlewares holds a nil")
	}
	if z := c.HTTPCompression; z != nil && (z.Level < 1 || z.Level > 9 || z.Threshold < 0) {
		bad("HTTPCompression: Level %d is not within 1 and 9, or Threshold %d is negative", z.Level, z.Threshold)
	}
	if c.CORS != nil {
		problems = append(problems, c.CORS.problems()...)
	}
	return errors.Join(problems...)
}

// withDefaults is a copy in which every zero has become its default.
func (c Config) withDefaults() Config {
	orInt(&c.MaxPayload, DefaultMaxPayload)
	orInt(&c.MaxPackets, DefaultMaxPackets)
	orInt(&c.MaxHeaderBytes, DefaultMaxHeaderBytes)
	orInt(&c.MaxConcurrentPolls, DefaultMaxConcurrentPolls)
	orInt(&c.MaxConcurrentPosts, DefaultMaxConcurrentPosts)
	orInt(&c.BodyTimeout, DefaultBodyTimeout)
	orInt(&c.AnswerTimeout, DefaultAnswerTimeout)
	if c.Path == "" {
		c.Path = DefaultPath
	}
	c.Path = strings.TrimRight(c.Path, "/")
	c.Cookie = cookieWithDefaults(c.Cookie)
	if len(c.Transports) == 0 {
		c.Transports = []Kind{Polling, WebSocketKind}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func orInt[T ~int | ~int64](v *T, otherwise T) {
	if *v == 0 {
		*v = otherwise
	}
}
