package transport

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// ProxyHeader is the header in which trusted proxies say whom they speak for.
type ProxyHeader uint8

// The headers. Name the one that the proxies set: of the others they may pass on what the client has written there.
const (
	// XForwardedFor is a list of addresses; each proxy appends that of its peer.
	XForwardedFor ProxyHeader = iota
	// Forwarded is the same in the form of RFC 7239.
	Forwarded
	// XRealIP is one address, set by the only proxy.
	XRealIP
)

// String is the name of the header.
func (h ProxyHeader) String() string {
	switch h {
	case XForwardedFor:
		return "X-Forwarded-For"
	case Forwarded:
		return "Forwarded"
	case XRealIP:
		return "X-Real-Ip"
	default:
		return fmt.Sprintf("ProxyHeader(%d)", uint8(h))
	}
}

// proxies finds out whose request it is.
type proxies struct {
	trusted []netip.Prefix
	header  ProxyHeader
}

// client is the address of the client of a request: of its peer, or whom the trusted proxies before it name. It is invalid when
// neither is an IP address.
func (p *proxies) client(r *http.Request) netip.Addr {
	peer := peerAddress(r.RemoteAddr)
	if len(p.trusted) == 0 || peer.IsValid() && !p.trusts(peer) {
		return peer
	}
	if claimed, ok := p.claimed(r.Header); ok {
		return claimed
	}
	return peer
}

func (p *proxies) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(p.trusted, func(trusted netip.Prefix) bool { return trusted.Contains(a) })
}

// claimed goes through the header from its end, where the nearest proxy has written, as far as proxies are trusted. What lies
// beyond may be made up, and is not looked at.
func (p *proxies) claimed(header http.Header) (found netip.Addr, ok bool) {
	lines := header[p.header.String()]
	if p.header == XRealIP && len(lines) != 1 {
		return netip.Addr{}, false
	}
	for _, line := range slices.Backward(lines) {
		nodes := []string{line}
		switch p.header {
		case XForwardedFor:
			nodes = strings.Split(line, ",")
		case Forwarded:
			if nodes, ok = forwardedFor(line); !ok {
				return netip.Addr{}, false
			}
		case XRealIP:
		}
		for _, node := range slices.Backward(nodes) {
			if found, ok = nodeAddress(node); !ok || !p.trusts(found) {
				return found, ok
			}
		}
	}
	return found, ok // all are proxies: the first of them is whom we serve
}

// peerAddress reads the address of a connection, which is invalid for other networks than IP.
func peerAddress(hostport string) netip.Addr {
	if ap, err := netip.ParseAddrPort(hostport); err == nil { // as net/http has it
		return ap.Addr().Unmap().WithZone("")
	}
	a, _ := nodeAddress(hostport)
	return a
}

// nodeAddress reads an address, with a port or without, in the forms in which proxies write it.
func nodeAddress(s string) (netip.Addr, bool) {
	s = strings.Trim(s, " \t")
	a, err := netip.ParseAddr(s)
	if err != nil {
		var ap netip.AddrPort
		ap, err = netip.ParseAddrPort(s)
		a = ap.Addr()
	}
	if inside, ok := strings.CutPrefix(s, "["); err != nil && ok {
		if inside, ok = strings.CutSuffix(inside, "]"); ok {
			a, err = netip.ParseAddr(inside)
		}
	}
	return a.Unmap().WithZone(""), err == nil
}

// forwardedFor reads the "for" of each element of a Forwarded header. An element without one has an empty one.
func forwardedFor(line string) (nodes []string, ok bool) {
	for more := true; more; {
		node, named := "", false
		for inside := true; inside; {
			var name, value string
			name, value, line, ok = forwardedPair(line)
			if !ok || named && name == "for" {
				return nil, false
			}
			if name == "for" {
				node, named = value, true
			}
			more = strings.HasPrefix(line, ",")
			inside = strings.HasPrefix(line, ";")
			if line != "" {
				line = line[1:]
			}
		}
		nodes = append(nodes, node)
	}
	return nodes, true
}

// forwardedPair reads name=value up to a comma, a semicolon or the end. The name is in lower case; it may all be missing.
func forwardedPair(s string) (name, value, rest string, ok bool) {
	s = strings.TrimLeft(s, " \t")
	end := strings.IndexAny(s, `=,;"`)
	if end < 0 || s[end] != '=' {
		name, rest = s, ""
		if end >= 0 {
			name, rest = s[:end], s[end:]
		}
		return "", "", rest, strings.Trim(name, " \t") == "" && !strings.HasPrefix(rest, `"`)
	}
	name, s = strings.ToLower(s[:end]), s[end+1:]
	if strings.HasPrefix(s, `"`) {
		value, s, ok = quoted(s[1:])
	} else {
		end = strings.IndexAny(s, "=,;\" \t")
		if end < 0 {
			end = len(s)
		}
		value, s, ok = s[:end], s[end:], end > 0
	}
	rest = strings.TrimLeft(s, " \t")
	return name, value, rest, ok && (rest == "" || rest[0] == ',' || rest[0] == ';')
}

// quoted reads the rest of a quoted string.
func quoted(s string) (value, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return "", "", false
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}
