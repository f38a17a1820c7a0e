package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/component"
)

// errNotInitialized: a service was asked before the server was live, or after it was shut down.
var errNotInitialized = errors.New("SocketIO not initialized")

// notifications is a service that is made before the server: it gets the server each time it needs it.
type notifications struct{ container *component.Container }

// send sends to a socket, a room, or, without destination, to everybody.
func (n notifications) send(destination, topic string, data any) error {
	server, ok := component.Instance.Get(n.container)
	if !ok {
		return errNotInitialized
	}
	server.Send(actio.Message{Destination: destination, Payload: actio.Payload{Topic: topic, Data: data}})
	return nil
}

// control is the HTTP interface.
func control(mux *http.ServeMux, c *component.Container) {
	service := notifications{c}
	mux.HandleFunc("GET /socket/health", func(w http.ResponseWriter, _ *http.Request) {
		_, live := component.Instance.Get(c)
		answer(w, http.StatusOK, map[string]any{"healthy": live, "timestamp": time.Now()})
	})
	mux.HandleFunc("GET /socket/clients", func(w http.ResponseWriter, r *http.Request) {
		ids, err := clientIDs(r.Context(), c)
		if err != nil {
			answer(w, http.StatusServiceUnavailable, map[string]string{"error": err.Error()})
			return
		}
		answer(w, http.StatusOK, map[string]any{"count": len(ids), "clients": ids})
	})
	mux.HandleFunc("POST /socket/broadcast", func(w http.ResponseWriter, r *http.Request) { post(w, r, service, "") })
	mux.HandleFunc("POST /socket/room/{room}/send", func(w http.ResponseWriter, r *http.Request) {
		post(w, r, service, r.PathValue("room"))
	})
	mux.HandleFunc("POST /socket/client/{id}/send", func(w http.ResponseWriter, r *http.Request) {
		post(w, r, service, r.PathValue("id"))
	})
}

// mostPosted bounds a request, in bytes.
const mostPosted = 64 << 10

// post sends what a request says.
func post(w http.ResponseWriter, r *http.Request, service notifications, destination string) {
	var message struct {
		Topic string `json:"topic"`
		Data  any    `json:"data"`
	}
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, mostPosted)).Decode(&message)
	switch {
	case err != nil:
		answer(w, http.StatusBadRequest, map[string]string{"error": "JSON is required"})
	case message.Topic == "":
		answer(w, http.StatusBadRequest, map[string]string{"error": "Topic is required"})
	default:
		if err := service.send(destination, message.Topic, message.Data); err != nil {
			answer(w, http.StatusServiceUnavailable, map[string]string{"error": err.Error()})
			return
		}
		answer(w, http.StatusOK, map[string]any{"success": true, "message": "sent"})
	}
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // who does not read it does not want it
}
