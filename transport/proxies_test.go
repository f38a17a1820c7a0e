package transport_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/transport"
)

// prefixes are the proxies of these tests.
func prefixes(t testing.TB, texts ...string) []netip.Prefix {
	t.Helper()
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		p, err := netip.ParsePrefix(text)
		require.NoError(t, err)
		all[i] = p
	}
	return all
}

// clientOf opens a session whose first request comes from a peer with some lines of a header, and returns whose it is.
func clientOf(t testing.TB, c transport.Config, peer string, lines ...string) *transport.Handshake {
	t.Helper()
	s := newSessions()
	h, err := transport.NewHandler(c, s)
	require.NoError(t, err)
	r := httptest.NewRequest(http.MethodGet, "/io/?EIO=4&transport=polling", nil)
	r.RemoteAddr = peer
	r.Header[http.CanonicalHeaderKey(c.ProxyHeader.String())] = lines
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code)
	return <-s.handshake
}

func TestClientIP_BehindProxies_IsTheNearestAddressThatIsNotTheirs(t *testing.T) {
	trusted := prefixes(t, "10.0.0.0/8", "fd00::/8")
	const proxy = "10.0.0.1:4711"
	for _, test := range []struct {
		name   string
		header transport.ProxyHeader
		peer   string
		lines  []string
		want   string
	}{
		{"no header", transport.XForwardedFor, proxy, nil, "10.0.0.1"},
		{"one", transport.XForwardedFor, proxy, []string{"192.0.2.1"}, "192.0.2.1"},
		{"peer is no proxy", transport.XForwardedFor, "198.51.100.1:1", []string{"192.0.2.1"}, "198.51.100.1"},
		{"made up by the client", transport.XForwardedFor, proxy, []string{"1.1.1.1, 192.0.2.1"}, "192.0.2.1"},
		{"garbage of the client", transport.XForwardedFor, proxy, []string{"\"',;, 192.0.2.1"}, "192.0.2.1"},
		{"several proxies", transport.XForwardedFor, proxy, []string{"1.1.1.1,192.0.2.1 ,10.1.1.1,\t10.2.2.2"}, "192.0.2.1"},
		{"several lines", transport.XForwardedFor, proxy, []string{"1.1.1.1", "192.0.2.1", "10.1.1.1"}, "192.0.2.1"},
		{"all are proxies", transport.XForwardedFor, proxy, []string{"10.9.9.9, 10.1.1.1"}, "10.9.9.9"},
		{"with ports", transport.XForwardedFor, proxy, []string{"192.0.2.1:80"}, "192.0.2.1"},
		{"version 6", transport.XForwardedFor, proxy, []string{"2001:db8::1"}, "2001:db8::1"},
		{"version 6 in brackets", transport.XForwardedFor, proxy, []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"version 6 with a port", transport.XForwardedFor, proxy, []string{"[2001:db8::1]:80"}, "2001:db8::1"},
		{"version 6 with a zone", transport.XForwardedFor, proxy, []string{"fe80::1%eth0"}, "fe80::1"},
		{"version 4 in version 6", transport.XForwardedFor, "[::ffff:10.0.0.1]:80", []string{"::ffff:192.0.2.1"}, "192.0.2.1"},
		{"a proxy of version 6", transport.XForwardedFor, "[fd00::1]:80", []string{"192.0.2.1"}, "192.0.2.1"},
		{"malformed", transport.XForwardedFor, proxy, []string{"192.0.2.1, unknown"}, "10.0.0.1"},
		{"malformed behind a proxy", transport.XForwardedFor, proxy, []string{"192.0.2.256, 10.1.1.1"}, "10.0.0.1"},
		{"empty", transport.XForwardedFor, proxy, []string{""}, "10.0.0.1"},
		{"empty at the end", transport.XForwardedFor, proxy, []string{"192.0.2.1,"}, "10.0.0.1"},

		{"forwarded", transport.Forwarded, proxy, []string{"for=192.0.2.1"}, "192.0.2.1"},
		{"forwarded, more", transport.Forwarded, proxy, []string{`proto=https;FOR="192.0.2.1:80";by=_a`}, "192.0.2.1"},
		{"forwarded, version 6", transport.Forwarded, proxy, []string{`for="[2001:db8::1]:4711"`}, "2001:db8::1"},
		{"forwarded, list", transport.Forwarded, proxy, []string{`for=1.1.1.1, for=192.0.2.1;host="a, b", for=10.1.1.1`}, "192.0.2.1"},
		{"forwarded, escapes", transport.Forwarded, proxy, []string{`host="a\"b";for="192.0.2\.1"`}, "192.0.2.1"},
		{"forwarded, garbage of the client", transport.Forwarded, proxy, []string{`for="`, "for=192.0.2.1"}, "192.0.2.1"},
		{"forwarded, a quote of the client", transport.Forwarded, proxy, []string{`for=", for="[2001:db8::1]"`}, "10.0.0.1"},
		{"forwarded, unknown", transport.Forwarded, proxy, []string{"for=unknown"}, "10.0.0.1"},
		{"forwarded, hidden", transport.Forwarded, proxy, []string{"for=1.1.1.1, for=_gazonk"}, "10.0.0.1"},
		{"forwarded, without for", transport.Forwarded, proxy, []string{"for=1.1.1.1, proto=http"}, "10.0.0.1"},
		{"forwarded, twice for", transport.Forwarded, proxy, []string{"for=1.1.1.1;for=192.0.2.1"}, "10.0.0.1"},
		{"forwarded, unquoted version 6", transport.Forwarded, proxy, []string{"for=2001:db8::1 x"}, "10.0.0.1"},
		{"forwarded, no value", transport.Forwarded, proxy, []string{"for="}, "10.0.0.1"},

		{"real", transport.XRealIP, proxy, []string{"192.0.2.1"}, "192.0.2.1"},
		{"real, twice", transport.XRealIP, proxy, []string{"192.0.2.1", "192.0.2.2"}, "10.0.0.1"},
		{"real, a list", transport.XRealIP, proxy, []string{"192.0.2.1, 192.0.2.2"}, "10.0.0.1"},
		{"real, of a stranger", transport.XRealIP, "198.51.100.1:1", []string{"192.0.2.1"}, "198.51.100.1"},

		{"unix socket", transport.XForwardedFor, "@", []string{"1.1.1.1, 192.0.2.1"}, "192.0.2.1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := clientOf(t, transport.Config{TrustedProxies: trusted, ProxyHeader: test.header}, test.peer, test.lines...)
			assert.Equal(t, test.want, h.ClientIP.String())
			assert.Equal(t, test.peer, h.RemoteAddr)
		})
	}
}

func TestClientIP_NoProxies_IsThePeers(t *testing.T) {
	h := clientOf(t, transport.Config{}, "192.0.2.1:80", "1.1.1.1")
	assert.Equal(t, "192.0.2.1", h.ClientIP.String())
	assert.Equal(t, "192.0.2.1:80", h.Remote())
	assert.False(t, clientOf(t, transport.Config{}, "@", "1.1.1.1").ClientIP.IsValid())
	h = clientOf(t, transport.Config{TrustedProxies: prefixes(t, "192.0.2.0/24")}, "192.0.2.1:80", "1.1.1.1")
	assert.Equal(t, "1.1.1.1", h.Remote(), "logs name the client")
}

func TestConfig_InvalidProxies_AreProblems(t *testing.T) {
	c := transport.Config{TrustedProxies: []netip.Prefix{{}, netip.MustParsePrefix("::ffff:10.0.0.0/104")}, ProxyHeader: 7}
	err := c.Validate()
	require.ErrorIs(t, err, transport.ErrConfig)
	assert.ErrorContains(t, err, "TrustedProxies holds an invalid prefix")
	assert.ErrorContains(t, err, "TrustedProxies holds ::ffff:10.0.0.0/104")
	assert.ErrorContains(t, err, "ProxyHeader 7 is unknown")
	assert.Equal(t, "ProxyHeader(7)", c.ProxyHeader.String())
}

// Whatever a header says, a stranger is his own address, and whom the nearest proxy names is nobody else.
func FuzzClientIP(f *testing.F) {
	for _, seed := range []string{
		"", "192.0.2.1", "1.1.1.1, 192.0.2.1,10.1.1.1", "[2001:db8::1]:80", "fe80::1%eth0", ",,",
		`for="[2001:db8::1]:4711";by=_a, for=10.1.1.1`,
		`for="`, `for=a\"b"`, "for=;for=", "for=1.1.1.1;;proto=http", "=,=;=",
	} {
		for header := range uint8(3) {
			f.Add(header, seed, "for=192.0.2.7")
		}
	}
	trusted := prefixes(f, "10.0.0.0/8")
	f.Fuzz(func(t *testing.T, header uint8, first, last string) {
		c := transport.Config{TrustedProxies: trusted, ProxyHeader: transport.ProxyHeader(header % 3), MaxHeaderBytes: 1 << 30}
		stranger := clientOf(t, c, "192.0.2.99:1", first, last)
		require.Equal(t, "192.0.2.99", stranger.ClientIP.String())
		client := clientOf(t, c, "10.0.0.1:1", first, last).ClientIP
		require.True(t, client.IsValid())
		require.Empty(t, client.Zone())
		require.False(t, client.Is4In6())
		if transport.ProxyHeader(header%3) != transport.XRealIP {
			nearest := map[bool]string{true: "for=192.0.2.5", false: "192.0.2.5"}[c.ProxyHeader == transport.Forwarded]
			named := clientOf(t, c, "10.0.0.1:1", first, last, nearest).ClientIP
			require.Equal(t, "192.0.2.5", named.String(), "the nearest proxy has the last word")
		}
	})
}
