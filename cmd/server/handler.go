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
	h := &health{ask: server.Health, draining: draining.Load}
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
	statusStarting status = "starting" // Redis is awaited
	statusReady    status = "ready"
	statusDegraded status = "degraded" // its own clients are served, the other instances are not reached
	statusDraining status = "draining" // a signal came, the end is under way
	statusFailed   status = "failed"   // the server gave up by itself
)

type health struct {
	ask      func() actio.Health
	draining func() bool
}

// state is the answer to a question about health.
type state struct {
	Status status      `json:"status"`
	Redis  *redisState `json:"redis,omitempty"`
}

// redisState is how the connections to Redis are.
type redisState struct {
	State      string   `json:"state"` // up or down
	Reasons    []string `json:"reasons"`
	Buffered   int      `json:"buffered"`   // messages that wait for Redis
	Neighbours []string `json:"neighbours"` // instances of actio
}

func (h *health) state() state {
	found := h.ask()
	s := state{Status: statusFailed}
	switch {
	case h.draining():
		s.Status = statusDraining
	case found.Status == actio.HealthStarting:
		s.Status = statusStarting
	case found.Status == actio.HealthReady:
		s.Status = statusReady
	case found.Status == actio.HealthDegraded:
		s.Status = statusDegraded
	}
	if r := found.Redis; r != nil {
		s.Redis = &redisState{
			State: "down", Reasons: append([]string{}, r.Reasons...), Buffered: r.Buffered,
			Neighbours: append([]string{}, r.Peers...),
		}
		if r.Up {
			s.Redis.State = "up"
		}
	}
	return s
}

// alive tells whether the process should go on living.
func (h *health) alive(w http.ResponseWriter, _ *http.Request) {
	s := h.state()
	s.Redis = nil
	answer(w, s, s.Status != statusFailed)
}

// ready tells whether new clients should come here. A server that has lost Redis serves those it has, and new ones no worse
// than its neighbours, which have most likely lost it too.
func (h *health) ready(w http.ResponseWriter, _ *http.Request) {
	s := h.state()
	answer(w, s, s.Status == statusReady || s.Status == statusDegraded)
}

func answer(w http.ResponseWriter, s state, good bool) {
	code := http.StatusOK
	if !good {
		code = http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(s) // a peer that has gone wants no answer
}
