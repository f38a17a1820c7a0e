package hostile

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/actio-go/actio"
)

const (
	good = "https://app.example.test"
	evil = "https://evil.example.test"
)

// corsOf are the CORS headers of an answer, and whether caches are told that it depends on the origin.
func corsOf(a answer) map[string]string {
	found := make(map[string]string)
	for _, name := range []string{
		"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Allow-Methods",
		"Access-Control-Allow-Headers", "Access-Control-Expose-Headers", "Access-Control-Max-Age",
	} {
		if v := a.header.Get(name); v != "" {
			found[name[len("Access-Control-"):]] = v
		}
	}
	for _, v := range a.header.Values("Vary") {
		if v == "Origin" {
			found["Vary"] = v
		}
	}
	return found
}

func listed() *actio.CORS {
	return &actio.CORS{Origins: []string{good, "https://*.sub.example.test"}, Credentials: true, ExposedHeaders: []string{"X-Seen"}}
}

func TestCORS_Answers_NameNobodyWhoIsNotListed(t *testing.T) {
	t.Parallel()
	everybody := map[string]string{"Allow-Origin": "*"}
	refused := map[string]string{"Vary": "Origin"}
	allowed := func(origin string) map[string]string {
		return map[string]string{"Allow-Origin": origin, "Allow-Credentials": "true", "Expose-Headers": "X-Seen", "Vary": "Origin"}
	}
	for _, c := range []struct {
		name   string
		cors   *actio.CORS
		origin string
		want   map[string]string
	}{
		{"default, any page", nil, evil, everybody},
		{"default, no origin", nil, "", everybody},
		{"default, null", nil, "null", everybody},
		{"list, listed", listed(), good, allowed(good)},
		{"list, subdomain", listed(), "https://a.b.sub.example.test", allowed("https://a.b.sub.example.test")},
		{"list, stranger", listed(), evil, refused},
		{"list, suffix of a listed name", listed(), "https://evilapp.example.test", refused},
		{"list, prefix of a listed name", listed(), good + ".evil.test", refused},
		{"list, other scheme", listed(), "http://app.example.test", refused},
		{"list, other port", listed(), good + ":8443", refused},
		{"list, credentials in it", listed(), "https://app.example.test@evil.test", refused},
		{"list, null", listed(), "null", refused},
		{"list, star", listed(), "*", refused},
		{"list, no origin", listed(), "", refused},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := serve(t, actio.Options{Engine: actio.EngineOptions{CORS: c.cors}})
			origin := "Origin: " + c.origin + "\r\n"
			if c.origin == "" {
				origin = ""
			}
			// Refusals carry the headers too, so that a page may read why.
			assert.Equal(t, c.want, corsOf(h.ask(t, http.MethodGet, overPoll+"&sid=none", origin, "")))
			p := h.poll(t)
			assert.Equal(t, c.want, corsOf(h.ask(t, http.MethodPost, p.target, origin, "40")))
			assert.Equal(t, c.want, corsOf(h.ask(t, http.MethodGet, p.target, origin, "")))
		})
	}
}

func TestCORS_Preflight_IsAnsweredWithoutASession(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		cors   *actio.CORS
		origin string
		want   map[string]string
	}{
		{"default", nil, evil, map[string]string{"Allow-Origin": "*", "Allow-Methods": "GET,POST", "Allow-Headers": "x-token"}},
		{"listed", listed(), good, map[string]string{
			"Allow-Origin": good, "Allow-Credentials": "true", "Allow-Methods": "GET,POST", "Allow-Headers": "x-token", "Vary": "Origin",
		}},
		{"stranger", listed(), evil, map[string]string{"Vary": "Origin"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := serve(t, actio.Options{Engine: actio.EngineOptions{CORS: c.cors}})
			headers := "Origin: " + c.origin + "\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: x-token\r\n"
			a := h.ask(t, http.MethodOptions, overPoll, headers, "")
			assert.Equal(t, http.StatusNoContent, a.status)
			assert.Equal(t, c.want, corsOf(a))
			assert.Zero(t, h.stats(t).SessionsOpened)
		})
	}
}

// CORS does not reach websockets: the same list guards them, for new sessions and for upgrades.
func TestCORS_WebSocket_IsGuardedByTheSameList(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		options actio.EngineOptions
		origin  string
		status  int
	}{
		{"default, any page", actio.EngineOptions{}, evil, 101},
		{"default, null", actio.EngineOptions{}, "null", 101},
		{"list, listed", actio.EngineOptions{CORS: listed()}, good, 101},
		{"list, page of the server itself", actio.EngineOptions{CORS: listed()}, "http://actio.test", 101},
		{"list, stranger", actio.EngineOptions{CORS: listed()}, evil, 403},
		{"list, null", actio.EngineOptions{CORS: listed()}, "null", 403},
		{"list, garbage", actio.EngineOptions{CORS: listed()}, "://", 403},
		{"list, page of another port of the server", actio.EngineOptions{CORS: listed()}, "http://actio.test:81", 403},
		{"development, another host", actio.EngineOptions{DevelopmentOnly: true}, evil, 403},
		{"development, name that resolves to this machine", actio.EngineOptions{DevelopmentOnly: true}, "http://actio.test", 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := serve(t, actio.Options{Engine: c.options})
			_, response := h.handshake(t, overSocket, "Origin: "+c.origin+"\r\n")
			assert.Equal(t, c.status, response.StatusCode)
			if c.options.DevelopmentOnly {
				return
			}
			p := h.poll(t)
			_, response = h.handshake(t, p.target[:len(overPoll)-len("polling")]+"websocket"+p.target[len(overPoll):], "Origin: "+c.origin+"\r\n")
			assert.Equal(t, c.status, response.StatusCode)
		})
	}
}

func TestCORS_CredentialsForEverybody_AreAnError(t *testing.T) {
	t.Parallel()
	_, err := actio.New(actio.Options{
		NoAuthentication: true, Engine: actio.EngineOptions{CORS: &actio.CORS{Origins: []string{"*"}, Credentials: true}},
	})
	assert.ErrorContains(t, err, "Credentials")
}
