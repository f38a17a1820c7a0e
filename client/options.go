package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"github.com/actio-go/actio/client/internal/engine"
)

// Transport is a transport of Engine.IO.
type Transport = engine.Transport

// The transports.
const (
	Polling   = engine.Polling
	WebSocket = engine.WebSocket
)

// Parser is how packets are written on the wire. It must be the server's.
type Parser uint8

// The parsers.
const (
	// JSON is the default parser of Socket.IO, with binary beside the text.
	JSON Parser = iota
	// MsgPack is the parser of socket.io-msgpack-parser.
	MsgPack
)

// Options of a Manager. The zero value of each field means its default, which is that of the official client unless it
// says otherwise.
type Options struct {
	// Path is where the server's engine is reached. Default "/socket.io", that of Node.js; servers of actio have "/io". The path
	// in a URL is another thing: it names the namespace.
	Path string
	// Query is added to the URL of every request.
	Query url.Values
	// Header goes with every request; "Host" names the virtual host.
	Header http.Header
	// Transports that may be used; the session begins with the first. Default polling, then websocket.
	Transports []Transport
	// TryAllTransports tries the others when the first does not get through the handshake. One that gets no answer at all uses up
	// Timeout, which bounds them together.
	TryAllTransports bool
	// NoUpgrade stays on polling when the session begins with it.
	NoUpgrade bool
	// RememberUpgrade begins with a websocket after a session that was upgraded to one.
	RememberUpgrade bool
	// TLS for wss and https. Ignored with HTTPClient.
	TLS *tls.Config
	// Jar keeps the server's cookies, which sticky sessions may need. Default: one of its own for each Manager.
	Jar http.CookieJar
	// HTTPClient makes all requests instead of one that is made of TLS, the proxy of the environment (HTTP_PROXY,
	// HTTPS_PROXY, NO_PROXY) and Jar. It must speak HTTP/1.1, as websockets do; its Timeout is ignored.
	HTTPClient *http.Client
	// Compression offers permessage-deflate for websockets, without context takeover.
	Compression bool
	// Parser is how packets are written. Default JSON.
	Parser Parser

	// Timeout bounds one attempt to connect. Default 20 s.
	Timeout time.Duration
	// NoReconnection leaves a connection ended that broke, or that could not be made.
	NoReconnection bool
	// ReconnectionAttempts bounds how often a connection is tried again before it is given up. Default: for ever.
	ReconnectionAttempts int
	// ReconnectionDelay is the time before the first attempt to reconnect; it doubles with each, up to ReconnectionDelayMax,
	// and is made up to RandomizationFactor longer or shorter. Defaults 1 s, 5 s and 0.5; a negative factor means none.
	ReconnectionDelay    time.Duration
	ReconnectionDelayMax time.Duration
	RandomizationFactor  float64

	// SendBuffer bounds what may wait to be sent, while disconnected or because the server does not read, in bytes, with 64
	// for each packet; further events and acknowledgements fail with ErrBufferFull. One alone may have any size. Default 16 MiB.
	// The official client has no bound.
	SendBuffer int
	// MaxMessage bounds one message of the server, and one answer to a GET, in bytes; more ends the connection. Default
	// 100 MiB.
	MaxMessage int
	// MaxAttachments bounds the binary attachments of one packet; more ends the connection. Default 10.
	MaxAttachments int
	// InboxEvents and InboxBytes bound the events of one socket that were received and not yet handled. Over one of them the
	// connection is not read, so that the pressure reaches the server. A server whose pings stay unread, and so unanswered, for
	// its pingTimeout ends the connection, and a dead one is not noticed before something is sent: choose bounds that hold what
	// comes while a handler runs. One event alone may have any size. Defaults 256 and 16 MiB.
	InboxEvents int
	InboxBytes  int
	// InboxEventsHard and InboxBytesHard are these bounds while an answer of the server is awaited; over them the wait fails
	// with ErrInboxFull. Defaults 16384 and 64 MiB, or twice the others where these are higher.
	InboxEventsHard int
	InboxBytesHard  int

	// Logger gets what happens: panics of handlers, payloads that do not fit. Neither payloads nor tokens are logged. Default:
	// nothing is logged.
	Logger *slog.Logger
	// Hooks are told of the connection under the sockets.
	Hooks Hooks
}

// Hooks are told of the connection under the sockets, one at a time, in order. Nil ones are left out. Their context ends when
// the Manager is closed.
type Hooks struct {
	// Open: a connection was made.
	Open func(ctx context.Context)
	// Close: the connection ended; err has the details. ReasonForcedClose, without an error, when nobody wants it any more: it
	// then ends by itself, when what was emitted has left.
	Close func(ctx context.Context, reason Reason, err error)
	// Error: a connection could not be made.
	Error func(ctx context.Context, err error)
	// ReconnectAttempt: the n-th attempt since the last connection begins.
	ReconnectAttempt func(ctx context.Context, n int)
	// Reconnect: the n-th attempt succeeded.
	Reconnect func(ctx context.Context, n int)
	// ReconnectFailed: ReconnectionAttempts were made, there will be no more.
	ReconnectFailed func(ctx context.Context)
}

// SocketOptions of one namespace.
type SocketOptions struct {
	// Auth goes with the CONNECT, as the handshake's auth: anything that encoding/json makes an object of, which it does once,
	// when the socket is made.
	Auth any
	// AuthFunc gives the auth of each CONNECT instead, for tokens that expire. Its context ends with the attempt. An error, or
	// what is no object, is told to the handlers of connect_error, and tried again with the delays of a reconnection.
	AuthFunc func(ctx context.Context) (any, error)
	// Retries makes Emit and EmitWithAck deliver at least once: one event at a time, in order, each sent again when the
	// acknowledgement does not come within AckTimeout or the connection breaks, Retries times at most. The server has to
	// acknowledge, and may see an event twice. Default 0: at most once.
	Retries int
	// AckTimeout bounds the wait for an acknowledgement, of EmitWithAck and of each try with Retries. Default: none without
	// Retries, 10 s with them.
	AckTimeout time.Duration
}

func (o Options) withDefaults() Options {
	setDefault(&o.Path, "/socket.io")
	setDefault(&o.Timeout, 20*time.Second)
	setDefault(&o.ReconnectionDelay, time.Second)
	setDefault(&o.ReconnectionDelayMax, 5*time.Second)
	setDefault(&o.RandomizationFactor, 0.5)
	setDefault(&o.SendBuffer, 16<<20)
	setDefault(&o.MaxMessage, 100<<20)
	setDefault(&o.MaxAttachments, 10)
	setDefault(&o.InboxEvents, 256)
	setDefault(&o.InboxBytes, 16<<20)
	setDefault(&o.InboxEventsHard, max(16384, 2*o.InboxEvents))
	setDefault(&o.InboxBytesHard, max(64<<20, 2*o.InboxBytes))
	if len(o.Transports) == 0 {
		o.Transports = []Transport{Polling, WebSocket}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func (o SocketOptions) withDefaults() SocketOptions {
	if o.Retries > 0 {
		setDefault(&o.AckTimeout, 10*time.Second)
	}
	return o
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// validate joins all that is wrong.
func (o *Options) validate() error {
	var problems []error
	add := func(bad bool, format string, args ...any) {
		if bad {
			problems = append(problems, fmt.Errorf("%w: "+format, append([]any{ErrInvalidOptions}, args...)...))
		}
	}
	for _, t := range o.Transports {
		add(t != Polling && t != WebSocket, "unknown transport %q", t)
	}
	add(o.Parser > MsgPack, "unknown parser %d", o.Parser)
	add(!(o.RandomizationFactor <= 1), "RandomizationFactor %v is not at most 1", o.RandomizationFactor)
	for _, d := range []struct {
		name  string
		value int64
	}{
		{"Timeout", int64(o.Timeout)},
		{"ReconnectionDelay", int64(o.ReconnectionDelay)},
		{"ReconnectionDelayMax", int64(o.ReconnectionDelayMax)},
		{"ReconnectionAttempts", int64(o.ReconnectionAttempts)},
		{"SendBuffer", int64(o.SendBuffer)},
		{"MaxMessage", int64(o.MaxMessage)},
		{"MaxAttachments", int64(o.MaxAttachments)},
		{"InboxEvents", int64(o.InboxEvents)},
		{"InboxBytes", int64(o.InboxBytes)},
	} {
		add(d.value < 0, "%s is negative: %d", d.name, d.value)
	}
	add(o.InboxEventsHard < o.InboxEvents, "InboxEventsHard %d is below InboxEvents %d", o.InboxEventsHard, o.InboxEvents)
	add(o.InboxBytesHard < o.InboxBytes, "InboxBytesHard %d is below InboxBytes %d", o.InboxBytesHard, o.InboxBytes)
	return errors.Join(problems...)
}

func (o *SocketOptions) validate() error {
	switch {
	case o.Auth != nil && o.AuthFunc != nil:
		return fmt.Errorf("%w: Auth and AuthFunc exclude each other", ErrInvalidOptions)
	case o.Retries < 0 || o.AckTimeout < 0:
		return fmt.Errorf("%w: Retries and AckTimeout are not negative", ErrInvalidOptions)
	}
	return nil
}

// parseURL takes the schemes of HTTP and of websockets; the path names a namespace.
func parseURL(raw string) (u *url.URL, namespace string, err error) {
	u, err = url.Parse(raw)
	if err != nil {
		return nil, "", fmt.Errorf("%w: URL: %w (a URL has a scheme: http, https, ws or wss)", ErrInvalidOptions, withoutInput(err))
	}
	switch u.Scheme {
	case "ws":
		u.Scheme = "http"
	case "wss":
		u.Scheme = "https"
	case "http", "https":
	default:
		return nil, "", fmt.Errorf("%w: URL %q needs a scheme: http, https, ws or wss", ErrInvalidOptions, u.Redacted())
	}
	if u.Host == "" {
		return nil, "", fmt.Errorf("%w: URL %q needs a host", ErrInvalidOptions, u.Redacted())
	}
	namespace = "/" + strings.Trim(u.Path, "/")
	u.Path, u.RawPath, u.Fragment = "", "", ""
	return u, namespace, nil
}

// withoutInput takes the URL out of what is wrong with it: it may have tokens.
func withoutInput(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// engineURL is where the engine is reached, with the application's query.
func (o *Options) engineURL(server *url.URL) *url.URL {
	u := *server
	u.Path = "/" + strings.Trim(o.Path, "/")
	if u.Path != "/" {
		u.Path += "/" // as the official clients do
	}
	q := u.Query()
	for name, values := range o.Query {
		q[name] = append(q[name], values...)
	}
	u.RawQuery = q.Encode()
	return &u
}

// httpClient returns the client that makes all requests.
func (o *Options) httpClient() (*http.Client, error) {
	if o.HTTPClient != nil {
		c := *o.HTTPClient
		c.Timeout = 0 // a GET waits until the server has something to say
		if o.Jar != nil {
			c.Jar = o.Jar
		}
		return &c, nil
	}
	jar := o.Jar
	if jar == nil {
		var err error
		if jar, err = cookiejar.New(nil); err != nil {
			return nil, fmt.Errorf("client: %w", err)
		}
	}
	var http1 http.Protocols // which websockets need
	http1.SetHTTP1(true)
	return &http.Client{Jar: jar, Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: o.TLS.Clone(), Protocols: &http1, MaxIdleConnsPerHost: 2,
		IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 10 * time.Second,
	}}, nil
}
