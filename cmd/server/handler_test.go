package main

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHealth_Running_IsAliveAndReady(t *testing.T) {
	r := start(t, nil)
	for _, path := range []string{"/healthz", "/readyz"} {
		response, body := r.get(t, path)
		assert.Equal(t, http.StatusOK, response.StatusCode)
		assert.Equal(t, "application/json", response.Header.Get("Content-Type"))
		assert.Equal(t, "no-store", response.Header.Get("Cache-Control"))
		assert.JSONEq(t, `{"status":"ready"}`, body)
	}
}

// idle is the handler of a gateway that was not started.
func idle(t *testing.T, args ...string) (*gateway, http.Handler) {
	t.Helper()
	c, err := parse(args, nil)
	require.NoError(t, err)
	g, err := newGateway(c, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return g, g.web.Handler
}

func ask(h http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, http.NoBody)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestHealth_ServerGaveUp_IsNeitherAliveNorReady(t *testing.T) {
	g, h := idle(t)
	require.NoError(t, g.server.Configure(t.Context()))
	assert.Equal(t, http.StatusOK, ask(h, http.MethodGet, "/healthz").Code)
	require.NoError(t, g.server.Shutdown(t.Context()))
	for _, path := range []string{"/healthz", "/readyz"} {
		w := ask(h, http.MethodGet, path)
		assert.Equal(t, http.StatusServiceUnavailable, w.Code)
		assert.JSONEq(t, `{"status":"failed"}`, w.Body.String())
	}
}

func TestHandler_OtherRequests_AreRefused(t *testing.T) {
	_, h := idle(t)
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{http.MethodGet, "/ios", http.StatusNotFound},
		{http.MethodGet, "/index.html", http.StatusNotFound},
		{http.MethodGet, "/assets/", http.StatusNotFound},
		{http.MethodGet, "/assets/index.html", http.StatusNotFound},
		{http.MethodPost, "/", http.StatusMethodNotAllowed},
		{http.MethodPost, "/healthz", http.StatusMethodNotAllowed},
		{http.MethodHead, "/healthz", http.StatusOK},
		{http.MethodGet, "/io/", http.StatusServiceUnavailable},
	} {
		assert.Equal(t, c.want, ask(h, c.method, c.path).Code, "%s %s", c.method, c.path)
	}
}

func TestPage_Files_AreServedWithGoodHeaders(t *testing.T) {
	_, h := idle(t)
	for path, kind := range map[string]string{
		"/":                 "text/html; charset=utf-8",
		"/assets/page.css":  "text/css; charset=utf-8",
		"/assets/page.js":   "text/javascript; charset=utf-8",
		"/assets/view.js":   "text/javascript; charset=utf-8",
		"/assets/socket.js": "text/javascript; charset=utf-8",
		"/assets/icon.svg":  "image/svg+xml",
	} {
		t.Run(path, func(t *testing.T) {
			w := ask(h, http.MethodGet, path)
			assert.Equal(t, http.StatusOK, w.Code)
			assert.NotEmpty(t, w.Body.String())
			assert.Equal(t, kind, w.Header().Get("Content-Type"))
			assert.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'")
			assert.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
			assert.Equal(t, "no-cache", w.Header().Get("Cache-Control"))

			etag := w.Header().Get("ETag")
			assert.Regexp(t, `^"[\w-]{16}"$`, etag)
			again := ask(h, http.MethodGet, path, "If-None-Match", etag)
			assert.Equal(t, http.StatusNotModified, again.Code)
			assert.Empty(t, again.Body.String())
			assert.Equal(t, http.StatusOK, ask(h, http.MethodGet, path, "If-None-Match", `"other"`).Code)

			elsewhere := regexp.MustCompile(`(https?:)?//[\w.-]+`).FindAllString(w.Body.String(), -1)
			for _, address := range elsewhere {
				assert.Equal(t, "http://www.w3.org", address, "the page loads nothing from elsewhere")
			}
		})
	}
}

func TestPage_Path_IsTheServersAndEscaped(t *testing.T) {
	_, h := idle(t, "-path", `/a"><b>/io`)
	body := ask(h, http.MethodGet, "/").Body.String()
	assert.Contains(t, body, `data-path="/a&#34;&gt;&lt;b&gt;/io"`)
	assert.NotContains(t, body, "<b>")
}

func TestPage_Markup_NeverComesFromText(t *testing.T) {
	entries, err := pageFiles.ReadDir("page")
	require.NoError(t, err)
	for _, e := range entries {
		body, err := pageFiles.ReadFile("page/" + e.Name())
		require.NoError(t, err)
		for _, way := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("} {
			assert.NotContains(t, string(body), way, e.Name())
		}
	}
}
