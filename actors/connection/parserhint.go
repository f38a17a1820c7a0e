package connection

import (
	"log/slog"
	"net/netip"
	"sync"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/wire"
)

// A client whose parser is not the server's breaks the protocol with its first packet, and tries again for ever: neither side
// could find out why. So the server says what it looks like.

// otherParser tells which parser a client seems to use whose first packet could not be read; "": it does not look like any.
func (c *connection) otherParser(m *received) string {
	p := m.packet
	if p.Type != wire.EngineMessage || len(p.Data) == 0 || len(c.sockets)+len(c.departed) > 0 {
		return ""
	}
	first := p.Data[0]
	switch own := c.env.Options.Parser != nil; {
	case !own && p.Binary && first&0xf0 == 0x80: // a map of MessagePack, which its packets are
		return "socket.io-msgpack-parser"
	case own && !p.Binary && first >= '0' && first <= '6': // the type of a packet
		return "the default one"
	}
	return ""
}

// hintAtParser logs it, once for each address.
func (c *connection) hintAtParser(m *received) {
	other := c.otherParser(m)
	if other == "" || c.env.App == nil || !c.env.foreign.first(c.session.handshake.ClientIP) {
		return
	}
	own := "the default one"
	if p := c.env.Options.Parser; p != nil {
		own = typeName(p)
	}
	c.env.System.Logger().Warn("client seems to use another parser than the server (Options.Parser)",
		slog.String("remote", c.session.handshake.Remote()), slog.String("client", other), slog.String("server", own))
}

// mostForeign bounds the addresses that are remembered.
const mostForeign = 1000

// foreigners are the addresses that were told of.
type foreigners struct {
	limit actors.LogLimit
	mu    sync.Mutex
	known map[netip.Addr]struct{}
}

// first reports whether an address is to be told of now.
func (f *foreigners) first(a netip.Addr) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, known := f.known[a]; known || !f.limit.Allow() {
		return false
	}
	if f.known == nil || len(f.known) >= mostForeign {
		f.known = make(map[netip.Addr]struct{})
	}
	f.known[a] = struct{}{}
	return true
}
