package actio_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"

	"github.com/actio-go/actio"
)

// page is a client over polling, as short as it can be: it asks a handler once.
func page(h http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body == "" {
		r = httptest.NewRequest(method, target, nil)
	}
	for ; len(headers) > 0; headers = headers[2:] {
		r.Header.Set(headers[0], headers[1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// running is a server that serves.
func running(o actio.Options) *actio.Server {
	o.NoAuthentication = true
	server, err := actio.New(o)
	if err != nil {
		panic(err)
	}
	if err := server.Configure(context.Background()); err != nil {
		panic(err)
	}
	return server
}

// A client may send three events at once, and one in a second. What is more is not handled; who asked for an acknowledgement
// is told.
func ExampleOptions_rateLimit() {
	server := running(actio.Options{
		MaxEventsPerSecond: 1, EventBurst: 3, MaxBytesPerSecond: 100_000, RatePolicy: actio.RateError,
		Engine: actio.EngineOptions{Path: "/io"},
	})
	defer func() { _ = server.Shutdown(context.Background()) }()
	_ = server.Root().Handle("count", func(_ context.Context, _ *actio.Socket, e *actio.Event) { _ = e.Reply() })

	_, sid, _ := strings.Cut(page(server, http.MethodGet, "/io/?EIO=4&transport=polling", "").Body.String(), `"sid":"`)
	session := "/io/?EIO=4&transport=polling&sid=" + sid[:20]
	page(server, http.MethodPost, session, "40"+strings.Repeat("\x1e"+`42["count"]`, 3)+"\x1e"+`427["count"]`)
	for packet := range strings.SplitSeq(page(server, http.MethodGet, session, "").Body.String(), "\x1e") {
		if strings.HasPrefix(packet, "437") {
			fmt.Println(packet)
		}
	}
	page(server, http.MethodPost, session, "1")
	// Output: 437[{"error":"rate limit exceeded"}]
}

// Behind a proxy all connections come from its address. It says whose they are; nobody else is believed.
func ExampleEngineOptions_trustedProxies() {
	server := running(actio.Options{Engine: actio.EngineOptions{
		TrustedProxies:      []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, // where httptest has its clients
		ProxyHeader:         actio.XForwardedFor,
		MaxConnectionsPerIP: 1,
	}})
	defer func() { _ = server.Shutdown(context.Background()) }()
	for _, client := range []string{"203.0.113.1", "203.0.113.1", "203.0.113.2"} {
		answer := page(server, http.MethodGet, "/io/?EIO=4&transport=polling", "", "X-Forwarded-For", client)
		fmt.Println(client, answer.Code)
		if _, sid, ok := strings.Cut(answer.Body.String(), `"sid":"`); ok {
			defer page(server, http.MethodPost, "/io/?EIO=4&transport=polling&sid="+sid[:20], "1")
		}
	}
	// Output:
	// 203.0.113.1 200
	// 203.0.113.1 429
	// 203.0.113.2 200
}
