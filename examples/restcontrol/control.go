package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/actio-go/actio"
)

// client is what is told of one.
type client struct {
	ID      string   `json:"id"`
	User    string   `json:"user"`
	Address string   `json:"address"`
	Rooms   []string `json:"rooms"`
}

// message is what a program sends.
type message struct {
	Event string `json:"event"`
	Data  any    `json:"data"`
}

var (
	errNoClient = errors.New("no such client")
	errMessage  = errors.New(`want {"event": …, "data": …}`)
)

// control is the HTTP interface.
func control(server *actio.Server) http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, h func(r *http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			result, err := h(r)
			answer(w, result, err)
		})
	}
	handle("GET /clients", func(r *http.Request) (any, error) {
		found, err := server.FetchSockets(r.Context())
		clients := make([]client, 0, len(found.Sockets))
		for _, s := range found.Sockets {
			clients = append(clients, describe(s))
		}
		missing := append([]string{}, found.Missing.Instances...) // a list also when there are none
		return map[string]any{"clients": clients, "missing": missing}, err
	})
	handle("GET /clients/{id}", func(r *http.Request) (any, error) {
		s, err := find(r.Context(), server, r.PathValue("id"))
		return describe(s), err
	})
	handle("POST /clients/{id}/messages", with(server, func(r *http.Request, s actio.RemoteSocket) error {
		return send(r, s.Emit)
	}))
	handle("POST /rooms/{room}/messages", func(r *http.Request) (any, error) {
		return nil, send(r, server.To(r.PathValue("room")).Emit)
	})
	handle("PUT /clients/{id}/rooms/{room}", with(server, func(r *http.Request, s actio.RemoteSocket) error {
		return s.Join(r.Context(), r.PathValue("room"))
	}))
	handle("DELETE /clients/{id}/rooms/{room}", with(server, func(r *http.Request, s actio.RemoteSocket) error {
		return s.Leave(r.Context(), r.PathValue("room"))
	}))
	handle("DELETE /clients/{id}", with(server, func(r *http.Request, s actio.RemoteSocket) error {
		return s.Disconnect(r.Context(), false)
	}))
	return mux
}

// with makes a handler of what is done with the client that the path names.
func with(server *actio.Server, do func(r *http.Request, s actio.RemoteSocket) error) func(r *http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		s, err := find(r.Context(), server, r.PathValue("id"))
		if err != nil {
			return nil, err
		}
		return nil, do(r, s)
	}
}

// find finds a client on whatever instance: alone in the room that has its id for a name, unless others were put there, too.
func find(ctx context.Context, server *actio.Server, id string) (actio.RemoteSocket, error) {
	found, err := server.In(id).FetchSockets(ctx)
	if err != nil {
		return actio.RemoteSocket{}, err
	}
	for _, s := range found.Sockets {
		if s.ID == id {
			return s, nil
		}
	}
	return actio.RemoteSocket{}, errNoClient
}

func describe(s actio.RemoteSocket) client {
	return client{ID: s.ID, User: s.UserID, Address: s.Handshake.Address, Rooms: s.Rooms}
}

// send emits what a request has.
func send(r *http.Request, emit func(event string, args ...any) error) error {
	var m message
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 64<<10)).Decode(&m); err != nil || m.Event == "" {
		return errors.Join(errMessage, err)
	}
	return emit(m.Event, m.Data)
}

// answer writes what came of a request: nothing is 204.
func answer(w http.ResponseWriter, result any, err error) {
	status := http.StatusOK
	switch {
	case err == nil && result == nil:
		w.WriteHeader(http.StatusNoContent)
		return
	case err == nil:
	case errors.Is(err, errNoClient):
		status = http.StatusNotFound
	case errors.Is(err, errMessage), errors.Is(err, actio.ErrReservedEvent):
		status = http.StatusBadRequest
	default:
		status = http.StatusServiceUnavailable
	}
	if err != nil {
		result = map[string]string{"error": err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(result) // fails when the client has gone
}
