package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/actio-go/actio"
)

// requestError is what is wrong with a request, in words for who made it.
type requestError string

func (e requestError) Error() string { return string(e) }

// object is a JSON object of an answer.
type object = map[string]any

// control is the HTTP interface. It is open to everybody who reaches it: a program would guard it.
func control(mux *http.ServeMux, n NotificationService) {
	handle := func(pattern string, h func(r *http.Request) (object, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, mostPosted)
			o, err := h(r)
			answer(w, o, err)
		})
	}
	handle("GET /socket/health", func(*http.Request) (object, error) {
		_, err := n.server()
		return object{"healthy": err == nil, "timestamp": time.Now()}, nil
	})
	handle("GET /socket/info", func(r *http.Request) (object, error) {
		ids, err := n.ClientIDs(r.Context())
		return object{"status": "active", "connectedClients": len(ids), "clientIds": ids}, err
	})
	handle("GET /socket/clients", func(r *http.Request) (object, error) {
		ids, err := n.ClientIDs(r.Context())
		return object{"count": len(ids), "clients": ids}, err
	})

	send := func(r *http.Request) (object, error) { return n.send(r, r.PathValue("destination")) }
	handle("POST /socket/broadcast", send) // to everybody
	handle("POST /socket/room/{destination}/send", send)
	handle("POST /socket/client/{destination}/send", send)

	handle("GET /socket/client/{id}/rooms", func(r *http.Request) (object, error) {
		client, err := n.Client(r.Context(), r.PathValue("id"))
		return object{"clientId": client.ID, "rooms": client.Rooms}, err
	})
	handle("POST /socket/client/{id}/join", func(r *http.Request) (object, error) { return n.move(r, actio.RemoteSocket.Join) })
	handle("POST /socket/client/{id}/leave", func(r *http.Request) (object, error) { return n.move(r, actio.RemoteSocket.Leave) })

	handle("POST /notifications/user/{name}", n.notify(n.NotifyUser))
	handle("POST /notifications/room/{name}", n.notify(n.NotifyRoom))
	handle("POST /notifications", n.notify(func(_, message string) error { return n.BroadcastAnnouncement(message) }))
}

// mostPosted bounds a request, in bytes.
const mostPosted = 64 << 10

// send sends what a request says.
func (n NotificationService) send(r *http.Request, destination string) (object, error) {
	var message struct {
		Topic string `json:"topic"`
		Data  any    `json:"data"`
	}
	if err := decode(r, &message); err != nil {
		return nil, err
	}
	switch {
	case message.Topic == "":
		return nil, requestError("Topic is required")
	case message.Data == nil: // which the server would drop
		return nil, requestError("Data is required")
	}
	return object{"success": true, "message": "sent"}, n.Send(destination, message.Topic, message.Data)
}

// move puts a client into rooms, or takes it out of them.
func (n NotificationService) move(
	r *http.Request, do func(s actio.RemoteSocket, ctx context.Context, rooms ...string) error,
) (object, error) {
	var request struct {
		Rooms []string `json:"rooms"`
	}
	if err := decode(r, &request); err != nil {
		return nil, err
	}
	if len(request.Rooms) == 0 {
		return nil, requestError("Rooms array is required")
	}
	client, err := n.Client(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return object{"success": true, "rooms": request.Rooms}, do(client, r.Context(), request.Rooms...)
}

// notify makes a handler of a method of the service.
func (n NotificationService) notify(to func(name, message string) error) func(r *http.Request) (object, error) {
	return func(r *http.Request) (object, error) {
		var request struct {
			Message string `json:"message"`
		}
		if err := decode(r, &request); err != nil {
			return nil, err
		}
		if request.Message == "" {
			return nil, requestError("Message is required")
		}
		return object{"success": true}, to(r.PathValue("name"), request.Message)
	}
}

func decode(r *http.Request, v any) error {
	if err := json.NewDecoder(r.Body).Decode(v); err != nil {
		return requestError("JSON is required")
	}
	return nil
}

// answer writes an object, or what went wrong.
func answer(w http.ResponseWriter, o object, err error) {
	status := http.StatusOK
	_, bad := errors.AsType[requestError](err)
	switch {
	case err == nil:
	case bad:
		status = http.StatusBadRequest
	case errors.Is(err, errNoClient):
		status = http.StatusNotFound
	case errors.Is(err, errNotInitialized):
		status = http.StatusServiceUnavailable
	default:
		status = http.StatusInternalServerError
	}
	if err != nil {
		o = object{"error": err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(o) // who does not read it does not want it
}
