package actio_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/actio-go/actio"
)

// A handshake without a licence is refused before anything exists of it. The client's connect_error has the text.
func ExampleEngineOptions_allowRequest() {
	server := running(actio.Options{Engine: actio.EngineOptions{
		AllowRequest: func(r *http.Request) error {
			if r.Header.Get("X-Licence") == "" {
				return errors.New("no licence")
			}
			return nil
		},
	}})
	defer func() { _ = server.Shutdown(context.Background()) }()
	answer := page(server, http.MethodGet, "/io/?EIO=4&transport=polling", "")
	fmt.Println(answer.Code, answer.Body)
	// Output: 403 {"code":4,"message":"no licence"}
}

// Headers of the application's own: with the handshake only, and with everything.
func ExampleEngineOptions_headers() {
	server := running(actio.Options{Engine: actio.EngineOptions{
		InitialHeaders: func(h http.Header, _ *http.Request) { h.Set("X-Welcome", "yes") },
		Headers:        func(h http.Header, _ *http.Request) { h.Set("X-Server", "actio") },
	}})
	defer func() { _ = server.Shutdown(context.Background()) }()
	first := page(server, http.MethodGet, "/io/?EIO=4&transport=polling", "")
	fmt.Println(first.Header().Get("X-Welcome"), first.Header().Get("X-Server"))
	_, sid, _ := strings.Cut(first.Body.String(), `"sid":"`)
	second := page(server, http.MethodPost, "/io/?EIO=4&transport=polling&sid="+sid[:20], "1")
	fmt.Printf("%q %s\n", second.Header().Get("X-Welcome"), second.Header().Get("X-Server"))
	// Output:
	// yes actio
	// "" actio
}

// A load balancer keeps a polling session at its server by the cookie "io".
func ExampleEngineOptions_cookie() {
	server := running(actio.Options{Engine: actio.EngineOptions{Cookie: &http.Cookie{Secure: true}}})
	defer func() { _ = server.Shutdown(context.Background()) }()
	answer := page(server, http.MethodGet, "/io/?EIO=4&transport=polling", "")
	cookie := answer.Header().Get("Set-Cookie")
	name, rest, _ := strings.Cut(cookie, "=")
	sid, attributes, _ := strings.Cut(rest, "; ")
	fmt.Println(name, strings.Contains(answer.Body.String(), sid), attributes)
	page(server, http.MethodPost, "/io/?EIO=4&transport=polling&sid="+sid, "1")
	// Output: io true Path=/; HttpOnly; Secure; SameSite=Lax
}

// A middleware sees all requests of the path, those for websockets too, and nothing else.
func ExampleEngine_Use() {
	server := running(actio.Options{})
	defer func() { _ = server.Shutdown(context.Background()) }()
	engine, err := server.Engine()
	if err != nil {
		panic(err)
	}
	engine.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Strict-Transport-Security", "max-age=31536000")
			next.ServeHTTP(w, r)
		})
	})
	answer := page(server, http.MethodGet, "/io/?EIO=4&transport=none", "")
	fmt.Println(answer.Code, answer.Header().Get("Strict-Transport-Security"))
	// Output: 400 max-age=31536000
}
