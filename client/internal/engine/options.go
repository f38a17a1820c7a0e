package engine

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/actio-go/actio/client/internal/clock"
)

// Transport is a transport of Engine.IO, by its name on the wire.
type Transport string

// The transports.
const (
	Polling   Transport = "polling"
	WebSocket Transport = "websocket"
)

// Options of a session. All of them are required, except Header and Compression.
type Options struct {
	// URL of the server, with the path of the engine and the application's query.
	URL *url.URL
	// Transports are tried in order until one gets through the handshake if TryAll is set; otherwise only the first is. An
	// upgrade needs WebSocket among them.
	Transports []Transport
	TryAll     bool
	// Upgrade allows the change from polling to a websocket.
	Upgrade bool
	// HTTP makes all requests. Its Timeout must be zero: a GET waits until the server has something to say.
	HTTP *http.Client
	// OwnHTTP tells that nobody else uses it: after an upgrade its idle connections are closed.
	OwnHTTP bool
	// Header goes with every request.
	Header http.Header
	// Compression offers permessage-deflate without context takeover.
	Compression bool
	// MaxMessage bounds a message of the server, and the answer to one GET, in bytes.
	MaxMessage int64
	// Clock makes the timers.
	Clock *clock.Clock
}

// endpoint is the URL of one request.
func (o *Options) endpoint(t Transport, sid string, stamp string) string {
	u := *o.URL
	q := u.Query()
	q.Set("EIO", "4")
	q.Set("transport", string(t))
	if sid != "" {
		q.Set("sid", sid)
	}
	if stamp != "" {
		q.Set("t", stamp) // keeps caches out
	}
	u.RawQuery = q.Encode()
	return u.String()
}

func (o *Options) allows(t Transport) bool {
	return slices.Contains(o.Transports, t)
}
