package main

import (
	"encoding/json"
	"net/http"
	"sync/atomic"

	"github.com/actio-go/actio"
)

// The paths that the gateway serves itself.
const (
	pathPage   = "/"
	pathAssets = "/assets/"
	pathHealth = "/healthz"
	pathReady  = "/readyz"
)

func ownPaths() []string { return []string{pathPage, pathAssets, pathHealth, pathReady} }

// newHandler serves the server under its path, and beside it the page and the state of health.
func newHandler(server *actio.Server, draining *atomic.Bool) (http.Handler, error) {
	files, err := loadPage(server.Path())
	if err != nil {
		return nil, err
	}
	h := &health{server: server, draining: draining}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+pathHealth, h.alive)
	mux.HandleFunc("GET "+pathReady, h.ready)
	for path, f := range files {
		mux.Handle("GET "+path, f)
	}
	return actio.Route(server.Path(), server, mux), nil
}

// status is what the state of health is called.
type status string

const (
	statusReady    status = "ready"
	statusDraining status = "draining" // a signal came, the end is under way
	statusFailed   status = "failed"   // the server gave up by itself
)

type health struct {
	server   *actio.Server
	draining *atomic.Bool
}

func (h *health) status() status {
	switch {
	case h.draining.Load():
		return statusDraining
	case h.server.Ready():
		return statusReady
	default:
		return statusFailed
	}
}

// alive tells whether the process should go on living.
func (h *health) alive(w http.ResponseWriter, _ *http.Request) {
	s := h.status()
	answer(w, s, s != statusFailed)
}

// ready tells whether new clients should come here.
func (h *health) ready(w http.ResponseWriter, _ *http.Request) {
	s := h.status()
	answer(w, s, s == statusReady)
}

func answer(w http.ResponseWriter, s status, good bool) {
	code := http.StatusOK
	if !good {
		code = http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(struct {
		Status status `json:"status"`
	}{s}) // a peer that has gone wants no answer
}
