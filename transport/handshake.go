package transport

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Handshake is what is kept of the first request of a session. It is compact and retains nothing of the *http.Request:
// the headers are one slice of bytes, parsed on demand. It is immutable and safe for concurrent use.
type Handshake struct {
	// What the request was, and whose.
	Kind       Kind
	RemoteAddr string     // address of the peer, "host:port"
	ClientIP   netip.Addr // of the client: the peer's, or what trusted proxies say; invalid where there is none
	Host       string     // Host header
	RequestURI string     // target of the request as sent, with its query
	Secure     bool       // the connection has TLS
	XDomain    bool       // the request had an Origin header
	Revision3  bool       // the client speaks revision 3 of the protocol; see Config.AllowEIO3
	OnlyText   bool       // such a client takes no binary packets on this transport (b64)
	Issued     time.Time  // when the request arrived

	rawHeader string // "Key: value\n" lines
}

// NewHandshake copies what is kept of r, into one piece of memory.
func NewHandshake(r *http.Request, kind Kind) *Handshake {
	uri := r.RequestURI
	if uri == "" && r.URL != nil { // a request that no server read
		uri = r.URL.RequestURI()
	}
	var packed strings.Builder
	packed.Grow(len(r.RemoteAddr) + len(r.Host) + len(uri) + packedSize(r.Header))
	packed.WriteString(r.RemoteAddr)
	packed.WriteString(r.Host)
	packed.WriteString(uri)
	packHeader(&packed, r.Header)
	rest := packed.String()
	cut := func(n int) (piece string) {
		piece, rest = rest[:n], rest[n:]
		return piece
	}
	return &Handshake{
		Kind:       kind,
		RemoteAddr: cut(len(r.RemoteAddr)),
		ClientIP:   peerAddress(r.RemoteAddr),
		Host:       cut(len(r.Host)),
		RequestURI: cut(len(uri)),
		Secure:     r.TLS != nil,
		XDomain:    r.Header.Get("Origin") != "",
		Issued:     time.Now(),
		rawHeader:  rest,
	}
}

// Remote names the client in logs: the address of the peer with its port, or, if that is a proxy, the client's.
func (h *Handshake) Remote() string { return remoteName(h.RemoteAddr, h.ClientIP) }

func remoteName(peer string, client netip.Addr) string {
	if !client.IsValid() || client == peerAddress(peer) {
		return peer
	}
	return client.String()
}

// Header parses the headers of the request. Every call returns a map of its own.
func (h *Handshake) Header() http.Header {
	header := make(http.Header)
	for line := range strings.Lines(h.rawHeader) {
		if key, value, ok := strings.Cut(line, ": "); ok {
			header[key] = append(header[key], strings.TrimSuffix(value, "\n"))
		}
	}
	return header
}

// URL parses the target of the request. It is never nil.
func (h *Handshake) URL() *url.URL {
	u, err := url.ParseRequestURI(h.RequestURI)
	if err != nil { // the server parsed it before
		return &url.URL{}
	}
	return u
}

// Query parses the query of the request; malformed parts of it are left out.
func (h *Handshake) Query() url.Values { return h.URL().Query() }

// size is what the handshake retains, in bytes.
func (h *Handshake) size() int { return len(h.rawHeader) + len(h.RequestURI) + len(h.Host) }

// usualHeaders is the number of headers that are put in order without growing a slice.
const usualHeaders = 32

// packHeader writes the headers in the order of their names. Servers have checked that values hold no line ends; one
// that does, made by other means, is left out.
func packHeader(packed *strings.Builder, header http.Header) {
	var room [usualHeaders]string
	keys := room[:0]
	for key := range header {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		for _, v := range header[key] {
			if strings.ContainsAny(v, "\r\n") || strings.ContainsAny(key, ":\r\n") {
				continue
			}
			for _, s := range [...]string{key, ": ", v, "\n"} {
				packed.WriteString(s)
			}
		}
	}
}

func packedSize(header http.Header) int {
	size := 0
	for key, values := range header {
		for _, v := range values {
			size += len(key) + len(": \n") + len(v)
		}
	}
	return size
}
