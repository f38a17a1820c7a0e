package transport_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/transport"
)

func TestCORS_Answer_FollowsTheTable(t *testing.T) {
	const (
		page   = "https://app.example.org"
		target = "/io/?EIO=4&transport=polling"
	)
	list := func(origins ...string) *transport.CORS { return &transport.CORS{Origins: origins} }
	full := &transport.CORS{
		Origins: []string{page}, Methods: []string{"GET", "POST", "PUT"}, AllowedHeaders: []string{"X-A", "X-B"},
		ExposedHeaders: []string{"X-C"}, Credentials: true, MaxAge: 90 * time.Second, OptionsSuccessStatus: 200,
	}
	for _, test := range []struct {
		name           string
		cors           *transport.CORS
		method, origin string
		status         int
		want           map[string]string // "" means absent
	}{
		{"off", nil, "GET", page, 200, map[string]string{"Access-Control-Allow-Origin": "", "Vary": ""}},
		{"no origins is off", &transport.CORS{}, "GET", page, 200, map[string]string{"Access-Control-Allow-Origin": ""}},
		{"any", list("*"), "GET", page, 200, map[string]string{
			"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "", "Vary": "",
		}},
		{"any, no browser", list("*"), "GET", "", 200, map[string]string{"Access-Control-Allow-Origin": "*"}},
		{"any, preflight", list("*"), "OPTIONS", page, 204, map[string]string{
			"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "GET,POST", "Access-Control-Allow-Headers": "x-asked",
			"Access-Control-Allow-Credentials": "", "Access-Control-Max-Age": "", "Vary": "Access-Control-Request-Headers",
		}},
		{"listed", list(page), "GET", page, 200, map[string]string{"Access-Control-Allow-Origin": page, "Vary": "Origin"}},
		{"not listed", list(page), "GET", "https://evil.test", 200, map[string]string{"Access-Control-Allow-Origin": "", "Vary": "Origin"}},
		{"listed, no browser", list(page), "GET", "", 200, map[string]string{"Access-Control-Allow-Origin": "", "Vary": "Origin"}},
		{"not listed, preflight", list(page), "OPTIONS", "https://evil.test", 204, map[string]string{
			"Access-Control-Allow-Origin": "", "Access-Control-Allow-Methods": "", "Access-Control-Allow-Headers": "",
		}},
		{"subdomain", list("https://*.example.org"), "GET", page, 200, map[string]string{"Access-Control-Allow-Origin": page}},
		{"full", full, "GET", page, 200, map[string]string{
			"Access-Control-Allow-Origin": page, "Access-Control-Allow-Credentials": "true", "Access-Control-Expose-Headers": "X-C",
			"Access-Control-Allow-Methods": "",
		}},
		{"full, not listed", full, "GET", "https://evil.test", 200, map[string]string{
			"Access-Control-Allow-Credentials": "", "Access-Control-Expose-Headers": "",
		}},
		{"full, preflight", full, "OPTIONS", page, 200, map[string]string{
			"Access-Control-Allow-Origin": page, "Access-Control-Allow-Credentials": "true",
			"Access-Control-Allow-Methods": "GET,POST,PUT", "Access-Control-Allow-Headers": "X-A,X-B",
			"Access-Control-Max-Age": "90", "Content-Length": "0", "Vary": "Origin",
		}},
		{"preflight goes on", &transport.CORS{Origins: []string{"*"}, PreflightContinue: true}, "OPTIONS", page, 400, map[string]string{
			"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "GET,POST",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			srv := serveTCP(t, transport.Config{CORS: test.cors}, newSessions())
			var headers []string
			if test.origin != "" {
				headers = append(headers, "Origin", test.origin)
			}
			if test.method == "OPTIONS" {
				headers = append(headers, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "x-asked")
			}
			got := srv.do(t, test.method, target, "", headers...)
			assert.Equal(t, test.status, got.status)
			for name, value := range test.want {
				assert.Equal(t, value, got.header.Get(name), name)
			}
		})
	}
}

func TestCORS_RefusedRequest_StillHasHeaders(t *testing.T) {
	srv := serveTCP(t, transport.Config{CORS: &transport.CORS{Origins: []string{"*"}}}, newSessions())
	got := srv.do(t, "GET", "/io/?EIO=3&transport=polling", "", "Origin", "https://a.test")
	assert.JSONEq(t, bodyBadProtocol, got.body)
	assert.Equal(t, "*", got.header.Get("Access-Control-Allow-Origin"), "a page may read why it was refused")
}

func TestWebSocketOrigin_List_GuardsUpgrades(t *testing.T) {
	list := &transport.CORS{Origins: []string{"https://app.example.org", "https://*.cdn.test", "http://localhost:*"}}
	for _, test := range []struct {
		name   string
		config transport.Config
		origin string
		status int
	}{
		{"no browser", transport.Config{CORS: list}, "", 101},
		{"listed", transport.Config{CORS: list}, "https://app.example.org", 101},
		{"case", transport.Config{CORS: list}, "https://APP.example.org", 101},
		{"default port", transport.Config{CORS: list}, "https://app.example.org:443", 101},
		{"same origin", transport.Config{CORS: list}, "http://example.test", 101},
		{"same origin behind TLS proxy", transport.Config{CORS: list}, "https://example.test", 101},
		{"any port", transport.Config{CORS: list}, "http://localhost:5173", 101},
		{"deep subdomain", transport.Config{CORS: list}, "https://a.b.cdn.test", 101},
		{"apex of subdomains", transport.Config{CORS: list}, "https://cdn.test", 403},
		{"suffix without dot", transport.Config{CORS: list}, "https://evilcdn.test", 403},
		{"scheme", transport.Config{CORS: list}, "http://app.example.org", 403},
		{"port", transport.Config{CORS: list}, "https://app.example.org:8443", 403},
		{"prefix trick", transport.Config{CORS: list}, "https://app.example.org.evil.test", 403},
		{"userinfo trick", transport.Config{CORS: list}, "https://app.example.org@evil.test", 403},
		{"same host, other port", transport.Config{CORS: list}, "http://example.test:8080", 403},
		{"opaque", transport.Config{CORS: list}, "null", 403},
		{"opaque listed", transport.Config{CORS: &transport.CORS{Origins: []string{"null"}}}, "null", 101},
		{"nonsense", transport.Config{CORS: list}, "%%%", 403},
		{"any", transport.Config{CORS: &transport.CORS{Origins: []string{"*"}}}, "https://evil.test", 101},
		{"off: same origin", transport.Config{}, "http://example.test", 101},
		{"off: other", transport.Config{}, "https://evil.test", 403},
		{"own check", transport.Config{CheckOrigin: func(r *http.Request) bool { return r.Header.Get("Origin") == "https://x.test" }}, "https://x.test", 101},
		{"own check refuses", transport.Config{CORS: list, CheckOrigin: func(*http.Request) bool { return false }}, "https://app.example.org", 403},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSessions()
			srv := serveTCP(t, test.config, s)
			headers := websocketHeaders()
			if test.origin != "" {
				headers = append(headers, "Origin", test.origin)
			}
			assert.Equal(t, test.status, srv.status(t, headers...))
			if test.status == http.StatusSwitchingProtocols {
				receive(t, s.sockets).Abort()
			}
		})
	}
}

func TestDevelopmentOnly_ForeignPageOrHost_IsForbidden(t *testing.T) {
	for _, test := range []struct {
		name, host, origin string
		status             int
	}{
		{"no browser", "localhost:3000", "", 200},
		{"own page", "localhost:3000", "http://localhost:3000", 200},
		{"address", "127.0.0.1:3000", "http://127.0.0.1:3000", 200},
		{"other loopback address", "127.8.8.8", "", 200},
		{"v6", "[::1]:3000", "http://[::1]:3000", 200},
		{"v6 without port", "[::1]", "", 200},
		{"subdomain of localhost", "app.localhost:3000", "http://app.localhost:3000", 200},
		{"another port's page", "localhost:3000", "http://localhost:4000", 403},
		{"foreign page", "localhost:3000", "https://evil.test", 403},
		{"opaque page", "localhost:3000", "null", 403},
		{"rebound name", "evil.test:3000", "http://evil.test:3000", 403},
		{"rebound name without origin", "evil.test:3000", "", 403},
		{"network address", "192.168.0.7:3000", "", 403},
		{"name with loopback prefix", "127.0.0.1.evil.test", "", 403},
		{"name that ends so", "evillocalhost", "", 403},
	} {
		t.Run(test.name, func(t *testing.T) {
			srv := serveTCP(t, transport.Config{DevelopmentOnly: true, CORS: &transport.CORS{Origins: []string{"*"}}}, newSessions())
			headers := []string{"Host", test.host}
			if test.origin != "" {
				headers = append(headers, "Origin", test.origin)
			}
			got := srv.do(t, "GET", "/io/?EIO=4&transport=polling", "", headers...)
			assert.Equal(t, test.status, got.status)
			if test.status == http.StatusForbidden {
				assert.JSONEq(t, bodyForbidden, got.body)
				assert.Empty(t, got.header.Get("Access-Control-Allow-Origin"))
			}
		})
	}
}

func TestConfigValidate_Problems_AreReportedTogether(t *testing.T) {
	c := transport.Config{
		Path: "io", MaxPayload: -1, BodyTimeout: -1, Transports: []transport.Kind{7},
		CORS: &transport.CORS{
			Origins: []string{"*", "app.example.org", "https://a/path", "https://a.*.org", "https://*"}, Credentials: true,
			Methods: []string{"GE T"}, MaxAge: -1, OptionsSuccessStatus: 404,
		},
	}
	err := c.Validate()
	require.ErrorIs(t, err, transport.ErrConfig)
	for _, text := range []string{
		`Path "io"`, "MaxPayload is negative", "BodyTimeout is negative", "Kind(7)",
		`Credentials cannot go with the origin "*"`, `"app.example.org"`, `"https://a/path"`, `"https://a.*.org"`, `"https://*"`,
		`"GE T"`, "MaxAge", "404",
	} {
		assert.ErrorContains(t, err, text)
	}
	_, err = transport.NewHandler(c, newSessions())
	require.ErrorIs(t, err, transport.ErrConfig)
	_, err = transport.NewHandler(transport.Config{}, nil)
	require.ErrorIs(t, err, transport.ErrConfig)
	require.NoError(t, (&transport.Config{}).Validate())
	ok := &transport.CORS{Origins: []string{"https://a.test", "https://*.b.test:8443", "http://[::1]:3000", "null", "http://localhost:*"}, Credentials: true}
	require.NoError(t, (&transport.Config{CORS: ok}).Validate())
}

func TestCORS_FunctionAsOrigin_DecidesForPagesAndWebSockets(t *testing.T) {
	asked := 0
	srv := serveTCP(t, transport.Config{CORS: &transport.CORS{
		Origins: []string{"https://listed.test"}, Credentials: true,
		AllowOrigin: func(r *http.Request, origin string) bool {
			asked++
			return origin == r.Header.Get("X-Tenant")
		},
	}}, newSessions())
	for _, test := range []struct {
		origin  string
		allowed bool
		asked   int
	}{
		{"https://listed.test", true, 0},
		{"https://tenant.test", true, 1},
		{"https://evil.test", false, 1},
	} {
		asked = 0
		got := srv.do(t, "GET", pollTarget, "", "Origin", test.origin, "X-Tenant", "https://tenant.test")
		assert.Equal(t, test.allowed, got.header.Get("Access-Control-Allow-Origin") == test.origin)
		assert.Equal(t, test.allowed, got.header.Get("Access-Control-Allow-Credentials") == "true")
		assert.Equal(t, []string{"Origin"}, got.header.Values("Vary"))
		assert.Equal(t, test.asked, asked)
		status := srv.status(t, websocketHeaders("Origin", test.origin, "X-Tenant", "https://tenant.test")...)
		assert.Equal(t, map[bool]int{true: http.StatusSwitchingProtocols, false: http.StatusForbidden}[test.allowed], status)
	}
	only := serveTCP(t, transport.Config{CORS: &transport.CORS{
		AllowOrigin: func(*http.Request, string) bool { return true },
	}}, newSessions())
	got := only.do(t, "GET", pollTarget, "", "Origin", "https://any.test")
	assert.Equal(t, "https://any.test", got.header.Get("Access-Control-Allow-Origin"))
}
