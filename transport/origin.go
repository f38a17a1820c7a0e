package transport

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

var errOrigin = errors.New(`not "*", "null" or scheme://host[:port] with "*" as its first label or port`)

// originPattern is one entry of CORS.Origins, in lower case.
type originPattern struct {
	any        bool   // everything
	opaque     bool   // "null"
	scheme     string // without "://"
	host       string // after "*." if subdomains
	port       string // "" for the scheme's own
	subdomains bool
	anyPort    bool
}

func parseOrigin(s string) (originPattern, error) {
	switch s {
	case "*":
		return originPattern{any: true}, nil
	case "null":
		return originPattern{opaque: true}, nil
	}
	scheme, rest, ok := strings.Cut(strings.ToLower(s), "://")
	if !ok || scheme == "" || rest == "" || strings.ContainsAny(rest, "/?#@ ") {
		return originPattern{}, errOrigin
	}
	p := originPattern{scheme: scheme}
	if rest, ok = strings.CutSuffix(rest, ":*"); ok {
		p.anyPort = true
	}
	rest, p.subdomains = strings.CutPrefix(rest, "*.")
	p.host, p.port = splitHostPort(rest)
	if p.host == "" || strings.Contains(scheme+rest, "*") || p.anyPort && p.port != "" {
		return originPattern{}, errOrigin
	}
	p.port = withoutDefault(scheme, p.port)
	return p, nil
}

func (p *originPattern) matches(scheme, host, port string) bool {
	if p.scheme != scheme || !p.anyPort && p.port != port {
		return false
	}
	if p.subdomains {
		label, ok := strings.CutSuffix(host, "."+p.host)
		return ok && label != ""
	}
	return p.host == host
}

// originList is CORS.Origins made ready.
type originList struct {
	any      bool
	opaque   bool
	patterns []originPattern
}

// newOriginList takes entries that were validated; it leaves others out.
func newOriginList(origins []string) originList {
	var l originList
	for _, s := range origins {
		p, err := parseOrigin(s)
		switch {
		case err != nil:
		case p.any:
			l.any = true
		case p.opaque:
			l.opaque = true
		default:
			l.patterns = append(l.patterns, p)
		}
	}
	return l
}

// has reports whether the Origin header of a request is in the list.
func (l *originList) has(origin string) bool {
	if l.any {
		return true
	}
	if origin == "null" {
		return l.opaque
	}
	u, err := url.Parse(strings.ToLower(origin))
	if err != nil || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	host, port := splitHostPort(u.Host)
	port = withoutDefault(u.Scheme, port)
	for i := range l.patterns {
		if l.patterns[i].matches(u.Scheme, host, port) {
			return true
		}
	}
	return false
}

// sameOrigin reports whether a page of origin came from the host that r is for. The scheme is not compared: a proxy may
// have ended the TLS connection.
func sameOrigin(r *http.Request, origin string) bool {
	u, err := url.Parse(strings.ToLower(origin))
	if err != nil || u.Host == "" || u.User != nil || u.Path != "" || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	host, port := splitHostPort(u.Host)
	ownHost, ownPort := splitHostPort(strings.ToLower(r.Host))
	return host == ownHost && withoutDefault(u.Scheme, port) == withoutDefault(u.Scheme, ownPort)
}

// isLoopback reports whether a Host header names this machine.
func isLoopback(hostport string) bool {
	host, _ := splitHostPort(strings.ToLower(hostport))
	host = strings.TrimSuffix(host, ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// splitHostPort splits "host", "host:port", "[v6]" and "[v6]:port"; the host has no brackets.
func splitHostPort(s string) (host, port string) {
	if h, p, err := net.SplitHostPort(s); err == nil {
		return h, p
	}
	return strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"), ""
}

func withoutDefault(scheme, port string) string {
	if scheme == "http" && port == "80" || scheme == "https" && port == "443" {
		return ""
	}
	return port
}

// isFieldValue reports whether s may be the value of a header. Servers check it; other ways to a handler may not.
func isFieldValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
