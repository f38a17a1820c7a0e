package actio

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/actors/supervisor"
	"github.com/actio-go/actio/transport"
	"github.com/actio-go/actio/wire"
)

// EngineOptions configure the Engine.IO layer. The zero value of each field means its default.
type EngineOptions struct {
	// Path is where the engine is reached, matched by path segment: /io takes /io and /io/…, never /ios. Default "/io".
	Path string
	// Transports that are allowed. Default polling and websocket.
	Transports []Transport
	// AllowEIO3 lets clients of Socket.IO 2 in, which speak revision 3 of Engine.IO. The ids of their sockets are made of their
	// session ids, as they always were: whoever learns one can act as that client over polling. The server's log has them cut
	// short. They have no CONNECT payload: auth is the query of their namespace, and nothing for "/", which they always enter
	// first. There an Authenticator reads Handshake.Query(). As with Node.js whoever does not say EIO=4 is taken for one of them.
	// Default: they get 400, "Unsupported protocol version". JSONP is never served.
	AllowEIO3 bool
	// DisableUpgrades keeps polling sessions on polling.
	DisableUpgrades bool
	// PingInterval is the time between two pings of the heartbeat. The first ping of a session comes at random within it, so that
	// sessions that begin together are not pinged together. Like everything that sessions do after a while, a ping may be late, by
	// up to a 64th of that while and at most 268 ms. Default 25 s.
	PingInterval time.Duration
	// PingTimeout is how long the pong may take before the connection counts as dead. When it is longer than PingInterval, the next
	// ping waits for the pong. Default 20 s.
	PingTimeout time.Duration
	// UpgradeTimeout is how long an upgrade may take before polling goes on alone. Default 10 s.
	UpgradeTimeout time.Duration
	// MaxPayload bounds one message of a client, and the body of one POST, in bytes. More ends the connection, or gets 413.
	// Default 1 000 000. Node calls it maxHttpBufferSize.
	MaxPayload int
	// MaxJSONDepth bounds the nesting of a packet's JSON; more ends the connection. Default 64.
	MaxJSONDepth int
	// CORS says which pages of other origins may connect. Nil: the defaults of DefaultCORS.
	CORS *CORS
	// AllowRequest is asked about each handshake that the limits below let pass, and refuses it by returning an error: the client
	// gets 403 with code 4 and the error's text as the message. It runs in the goroutine of the request and may block; the context
	// of the request ends when the client leaves. It must not keep r. Nil: all are allowed.
	AllowRequest func(r *http.Request) error
	// OnConnectionError is told of every request that is refused with an error of Engine.IO, as the event connection_error of
	// Node's engine. It runs in the goroutine of the request, before the answer, and must not keep r.
	OnConnectionError func(r *http.Request, e *RequestError)
	// Middlewares stand between all requests of the path, those for websockets included, and the engine; the first is the
	// outermost. See Engine.Use, which adds more. While a Server is not configured yet, its 503 comes without them.
	Middlewares []func(http.Handler) http.Handler
	// InitialHeaders may add headers to the answer of a handshake, Headers to every answer, those of websockets included. Neither is
	// called for refusals. They run in the goroutine of the request and must not keep r.
	InitialHeaders, Headers func(h http.Header, r *http.Request)
	// Cookie is sent with the answer to a handshake over polling, with the session id as its value: for load balancers that keep a
	// session at one server by it. Its zero fields mean: Name "io", Path "/", SameSite lax. It is always HttpOnly. Nil: none.
	Cookie *http.Cookie
	// HTTPCompression compresses the answers of polls for clients that accept gzip or deflate. Nil: level 6, from 1024 bytes on.
	HTTPCompression *Compression
	// DisableHTTPCompression leaves them as they are; not together with HTTPCompression.
	DisableHTTPCompression bool
	// DevelopmentOnly accepts pages of the same origin and loopback Host headers only.
	DevelopmentOnly bool
	// Compression negotiates permessage-deflate, never with context takeover. Nil: off.
	Compression *Compression
	// MaxConnections bounds the sessions; further handshakes get 503. Default 100 000.
	MaxConnections int
	// MaxConnectionsPerIP bounds the sessions of one client address; further handshakes get 429. An address of IP version 6 stands
	// for its network of 64 bits. Behind a proxy that TrustedProxies does not name, all clients have one address, its own: hence
	// the default 0, no bound.
	MaxConnectionsPerIP int
	// MaxHandshakesPerSecond bounds the handshakes of all clients, MaxHandshakesPerSecondPerIP those of one address; more get 429.
	// Only what opens a session is a handshake: the upgrade of one to websocket is none. Default 0: no bound.
	MaxHandshakesPerSecond, MaxHandshakesPerSecondPerIP int
	// HandshakeBurst is how many handshakes may come at once, after a while with fewer, HandshakeBurstPerIP likewise. Default as
	// many as in a second.
	HandshakeBurst, HandshakeBurstPerIP int
	// HandshakeTimeout is how long the client of a polling session may take from the handshake to its next request; the session
	// of one that never comes back ends then. Clients ask again at once. Default 10 s; negative: the heartbeat alone finds out.
	HandshakeTimeout time.Duration
	// TrustedProxies are the proxies that say whose requests they pass on, by a header: Handshake.ClientIP is whom they name, not
	// their own address. The header is read from its end, as far as it was written by trusted proxies, and of nobody else. A peer
	// without an IP address, as on a unix socket, is trusted if any is. Default none: ClientIP is the address of the peer.
	TrustedProxies []netip.Prefix
	// ProxyHeader is the header in which they say it; another than the default needs TrustedProxies. Default XForwardedFor.
	ProxyHeader ProxyHeader

	// QueueBytes bounds what may wait for one client that reads slower than it is sent to; each packet counts 128 bytes more
	// than it has, for what it costs in memory. Default four times MaxPayload, at least
	// 1 MiB: a few of the largest messages must fit, above all for polling clients, which take them one GET at a time.
	QueueBytes int
	// QueuePolicy says what happens over that bound. Default DisconnectSlow.
	QueuePolicy QueuePolicy
	// WriteTimeout is how long one blocking write to a slow client may take before it is disconnected. Default 10 s.
	WriteTimeout time.Duration
	// InboxEvents bounds the events of one client that are received and not yet handled. Over it the client's connection is
	// not read. Default 64.
	InboxEvents int
	// InboxEventsHard is that bound while an acknowledgement of the same client is awaited; over it the wait fails with
	// ErrInboxFull. Default 4096.
	InboxEventsHard int
	// DrainGrace is how long Shutdown lets running handlers finish before their contexts end with their connections, and
	// afterwards how long what waits for Redis may take to leave. Default 5 s.
	DrainGrace time.Duration
	// CloseBatch is how many connections Shutdown closes at a time, CloseInterval the time between. Defaults 500 and 20 ms.
	CloseBatch    int
	CloseInterval time.Duration
}

// Transport is a transport of Engine.IO.
type Transport = transport.Kind

// The transports.
const (
	Polling   = transport.Polling
	WebSocket = transport.WebSocketKind
)

// ProxyHeader is the header in which trusted proxies say whom they speak for.
type ProxyHeader = transport.ProxyHeader

// The headers. Name the one that the proxies set: of the others they may pass on what the client has written there.
const (
	XForwardedFor = transport.XForwardedFor // a list of addresses; each proxy appends that of its peer
	Forwarded     = transport.Forwarded     // the same in the form of RFC 7239
	XRealIP       = transport.XRealIP       // one address, set by the only proxy
)

// RequestError is the answer that refuses a request: an HTTP status, and code and message of Engine.IO as its JSON body.
// AllowRequest may return one, to choose them.
type RequestError = transport.Error

// CORS says which pages of other origins may connect; the same origins guard websockets.
type CORS = transport.CORS

// DefaultCORS is what a nil EngineOptions.CORS means: any origin, without credentials, GET and POST, preflights answered
// with 204.
func DefaultCORS() *CORS {
	return &CORS{Origins: []string{"*"}, Methods: []string{http.MethodGet, http.MethodPost}}
}

// Compression configures permessage-deflate, which costs about four times the CPU per message, and compresses a broadcast once;
// or the compression of polling answers.
type Compression struct {
	// Level as in compress/flate, 1 to 9. Default 1 for websockets, 6 for polling.
	Level int
	// Threshold is the size in bytes below which messages stay as they are. Default 1024.
	Threshold int
}

func (c Compression) withDefaults(level int) *Compression {
	setDefault(&c.Level, level)
	setDefault(&c.Threshold, 1024)
	return &c
}

// QueuePolicy says what happens when the outgoing queue of a client passes its bound.
type QueuePolicy = connection.QueuePolicy

// The policies. Where dropping does not help, each ends in disconnecting.
const (
	DisconnectSlow = connection.DisconnectSlow // the client is disconnected with ReasonSlowConsumer
	DropVolatile   = connection.DropVolatile   // queued volatile events go first
	DropOldest     = connection.DropOldest     // the oldest events go that await no acknowledgement and were not begun
)

func (o EngineOptions) withDefaults() EngineOptions {
	setDefault(&o.Path, "/io")
	setDefault(&o.PingInterval, 25*time.Second)
	setDefault(&o.PingTimeout, 20*time.Second)
	setDefault(&o.UpgradeTimeout, 10*time.Second)
	setDefault(&o.MaxPayload, 1_000_000)
	setDefault(&o.MaxJSONDepth, 64)
	setDefault(&o.MaxConnections, 100_000)
	setDefault(&o.HandshakeBurst, o.MaxHandshakesPerSecond)
	setDefault(&o.HandshakeBurstPerIP, o.MaxHandshakesPerSecondPerIP)
	setDefault(&o.HandshakeTimeout, 10*time.Second)
	setDefault(&o.QueueBytes, max(1<<20, 4*o.MaxPayload))
	setDefault(&o.WriteTimeout, 10*time.Second)
	setDefault(&o.InboxEvents, 64)
	setDefault(&o.InboxEventsHard, 4096)
	setDefault(&o.DrainGrace, 5*time.Second)
	setDefault(&o.CloseBatch, 500)
	setDefault(&o.CloseInterval, 20*time.Millisecond)
	if len(o.Transports) == 0 {
		o.Transports = []Transport{Polling, WebSocket}
	}
	if o.CORS == nil {
		o.CORS = DefaultCORS()
	}
	if o.Compression != nil {
		o.Compression = o.Compression.withDefaults(1)
	}
	switch {
	case o.HTTPCompression != nil:
		o.HTTPCompression = o.HTTPCompression.withDefaults(6)
	case !o.DisableHTTPCompression:
		o.HTTPCompression = Compression{}.withDefaults(6)
	}
	return o
}

func (o *EngineOptions) validate() error {
	var problems []error
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"PingInterval", int64(o.PingInterval)},
		{"PingTimeout", int64(o.PingTimeout)},
		{"UpgradeTimeout", int64(o.UpgradeTimeout)},
		{"MaxPayload", int64(o.MaxPayload)},
		{"MaxJSONDepth", int64(o.MaxJSONDepth)},
		{"MaxConnections", int64(o.MaxConnections)},
		{"MaxConnectionsPerIP", int64(o.MaxConnectionsPerIP)},
		{"QueueBytes", int64(o.QueueBytes)},
		{"WriteTimeout", int64(o.WriteTimeout)},
		{"InboxEvents", int64(o.InboxEvents)},
		{"InboxEventsHard", int64(o.InboxEventsHard)},
		{"DrainGrace", int64(o.DrainGrace)},
		{"CloseBatch", int64(o.CloseBatch)},
		{"CloseInterval", int64(o.CloseInterval)},
	} {
		if f.value < 0 {
			problems = append(problems, fmt.Errorf("actio: Engine.%s is negative: %d", f.name, f.value))
		}
	}
	problems = append(problems, checkRate("Engine.MaxHandshakesPerSecond", o.MaxHandshakesPerSecond,
		"Engine.HandshakeBurst", o.HandshakeBurst)...)
	problems = append(problems, checkRate("Engine.MaxHandshakesPerSecondPerIP", o.MaxHandshakesPerSecondPerIP,
		"Engine.HandshakeBurstPerIP", o.HandshakeBurstPerIP)...)
	if o.QueuePolicy > DropOldest {
		problems = append(problems, fmt.Errorf("actio: Engine.QueuePolicy %d is unknown", o.QueuePolicy))
	}
	if o.InboxEventsHard < o.InboxEvents {
		problems = append(problems,
			fmt.Errorf("actio: Engine.InboxEventsHard %d is below InboxEvents %d", o.InboxEventsHard, o.InboxEvents))
	}
	if o.Compression != nil && (o.Compression.Level < 1 || o.Compression.Level > 9) {
		problems = append(problems, fmt.Errorf("actio: Engine.Compression.Level %d is not within 1 and 9", o.Compression.Level))
	}
	config := o.transportConfig()
	return errors.Join(append(append(problems, o.contradictions()...), config.Validate())...)
}

func (o *EngineOptions) transportConfig() transport.Config {
	c := transport.Config{
		Path: o.Path, MaxPayload: o.MaxPayload, Transports: o.Transports, DisableUpgrades: o.DisableUpgrades, CORS: o.CORS,
		AllowEIO3:    o.AllowEIO3,
		AllowRequest: o.AllowRequest, DevelopmentOnly: o.DevelopmentOnly, MaxConcurrentPolls: o.MaxConnections,
		TrustedProxies: o.TrustedProxies, ProxyHeader: o.ProxyHeader, Middlewares: o.Middlewares,
		InitialHeaders: o.InitialHeaders, Headers: o.Headers, Cookie: o.Cookie,
	}
	if o.Compression != nil {
		c.Deflate = wire.NewDeflater(o.Compression.Level, o.Compression.Threshold)
	}
	if z := o.HTTPCompression; z != nil {
		c.HTTPCompression = &transport.HTTPCompression{Level: z.Level, Threshold: z.Threshold}
	}
	return c
}

func (o *EngineOptions) connectionOptions() connection.Options {
	limits := wire.DefaultLimits()
	limits.PacketBytes = o.MaxPayload
	limits.JSONDepth = o.MaxJSONDepth
	c := connection.Options{
		PingInterval: o.PingInterval, PingTimeout: o.PingTimeout, UpgradeTimeout: o.UpgradeTimeout, MaxPayload: o.MaxPayload,
		HandshakeTimeout: o.HandshakeTimeout,
		Limits:           limits, QueueBytes: o.QueueBytes, QueuePolicy: o.QueuePolicy, WriteTimeout: o.WriteTimeout,
		Linger: time.Second, PollLinger: 5 * time.Second, PostWait: 50 * time.Millisecond,
		InboxEvents: o.InboxEvents, InboxEventsHard: o.InboxEventsHard,
		InboxBytes: o.MaxPayload, InboxBytesHard: max(o.MaxPayload, 1<<20) * 2,
	}
	if !o.DisableUpgrades && len(o.Transports) == 2 {
		c.Upgrades = []string{WebSocket.String()}
	}
	return c
}

func (o *EngineOptions) supervisorOptions() supervisor.Options {
	return supervisor.Options{
		MaxConnections: o.MaxConnections, CloseBatch: o.CloseBatch, CloseInterval: o.CloseInterval,
		MaxConnectionsPerIP: o.MaxConnectionsPerIP,
		Handshakes:          actors.Rate{PerSecond: o.MaxHandshakesPerSecond, Burst: o.HandshakeBurst},
		HandshakesPerIP:     actors.Rate{PerSecond: o.MaxHandshakesPerSecondPerIP, Burst: o.HandshakeBurstPerIP},
	}
}
