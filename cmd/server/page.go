package main

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"time"
)

//go:embed page
var pageFiles embed.FS

// contentPolicy lets the page load its own files and connect to its own server, and nothing else: neither scripts within
// the page nor files from elsewhere, nor being framed.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

// file is one file of the page, ready to serve.
type file struct {
	name string
	kind string
	etag string
	body []byte
}

// loadPage returns the files of the page by the patterns that they are served under. path is where the page finds
// Socket.IO.
func loadPage(path string) (map[string]*file, error) {
	files := make(map[string]*file)
	for _, f := range []struct{ name, kind string }{
		{"page.css", "text/css; charset=utf-8"},
		{"page.js", "text/javascript; charset=utf-8"},
		{"view.js", "text/javascript; charset=utf-8"},
		{"socket.js", "text/javascript; charset=utf-8"},
		{"icon.svg", "image/svg+xml"},
	} {
		body, err := pageFiles.ReadFile("page/" + f.name)
		if err != nil {
			return nil, fmt.Errorf("page: %w", err)
		}
		files[pathAssets+f.name] = newFile(f.name, f.kind, body)
	}
	body, err := renderPage(path)
	if err != nil {
		return nil, err
	}
	files[pathPage+"{$}"] = newFile("index.html", "text/html; charset=utf-8", body)
	return files, nil
}

func renderPage(path string) ([]byte, error) {
	t, err := template.ParseFS(pageFiles, "page/index.html")
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	var body bytes.Buffer
	if err := t.Execute(&body, struct{ Path string }{path}); err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	return body.Bytes(), nil
}

func newFile(name, kind string, body []byte) *file {
	sum := sha256.Sum256(body)
	return &file{name: name, kind: kind, body: body, etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
}

// ServeHTTP serves the file, or tells a browser that its copy is still good.
func (f *file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("ETag", f.etag)
	h.Set("Cache-Control", "no-cache") // asks each time, is answered 304
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	http.ServeContent(w, r, f.name, time.Time{}, bytes.NewReader(f.body))
}
