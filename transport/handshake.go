package transport

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Handshake is what is kept of the first request of a session. It is compact and retains nothing of the *http.Request:
// the headers are one slice of bytes, parsed on demand. It is immutable and safe for concurrent use.
type Handshake struct {
	Kind       Kind
	RemoteAddr string    // address of the peer, "host:port"
	Host       string    // Host header
	RequestURI string    // target of the request as sent, with its query
	Secure     bool      // the connection has TLS
	XDomain    bool      // the request had an Origin header
	Issued     time.Time // when the request arrived

	rawHeader []byte // "Key: value\n" lines
}

// NewHandshake copies what is kept of r.
func NewHandshake(r *http.Request, kind Kind) *Handshake {
	uri := r.RequestURI
	if uri == "" && r.URL != nil { // a request that no server read
		uri = r.URL.RequestURI()
	}
	return &Handshake{
		Kind:       kind,
		RemoteAddr: strings.Clone(r.RemoteAddr),
		Host:       strings.Clone(r.Host),
		RequestURI: strings.Clone(uri),
		Secure:     r.TLS != nil,
		XDomain:    r.Header.Get("Origin") != "",
		Issued:     time.Now(),
		rawHeader:  packHeader(r.Header),
	}
}

// Header parses the headers of the request. Every call returns a map of its own.
func (h *Handshake) Header() http.Header {
	header := make(http.Header)
	for line := range strings.Lines(string(h.rawHeader)) {
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

// packHeader writes the headers in the order of their names. Servers have checked that values hold no line ends; one
// that does, made by other means, is left out.
func packHeader(header http.Header) []byte {
	size := 0
	for key, values := range header {
		for _, v := range values {
			size += len(key) + len(": \n") + len(v)
		}
	}
	packed := make([]byte, 0, size)
	for _, key := range slices.Sorted(maps.Keys(header)) {
		for _, v := range header[key] {
			if strings.ContainsAny(v, "\r\n") || strings.ContainsAny(key, ":\r\n") {
				continue
			}
			packed = append(append(append(append(packed, key...), ": "...), v...), '\n')
		}
	}
	return packed
}
