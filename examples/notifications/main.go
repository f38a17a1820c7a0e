// Command notifications notifies users of what other programs tell it by HTTP. The service that does so is made before the
// Socket.IO server lives, and keeps what it cannot deliver yet: because the server does not live yet, or because the user is not
// there.
//
//	go run ./examples/notifications
//	curl -d '{"user": "ann", "text": "your parcel is here"}' http://127.0.0.1:3300/notify
//
// A client of path /io with auth {"token": "ann"} gets the event `notification` and acknowledges it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/examples/internal/host"
)

func main() { host.Main(run) }

func run(ctx context.Context, addr string) error {
	service := newService()
	// The rest of a program need not know when the server begins to live.
	if err := service.Notify(ctx, notification{User: "ann", Text: "the service has started"}); err != nil {
		return err
	}
	server, err := actio.New(actio.Options{
		Logger:          slog.Default(),
		Authenticate:    host.UserOfToken,
		AuthenticateOn:  actio.OnConnect,
		ClientConnected: func(ctx context.Context, s *actio.Socket) { service.deliver(ctx, s.UserID()) },
	})
	if err != nil {
		return err
	}
	service.Bind(server)

	mux := http.NewServeMux()
	mux.Handle(server.Path()+"/", server)
	mux.HandleFunc("POST /notify", service.post)
	return host.Serve(ctx, addr, mux, server)
}

// post takes a notification from another program: 202 when it is delivered or kept.
func (s *service) post(w http.ResponseWriter, r *http.Request) {
	var n notification
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&n); err != nil || n.User == "" {
		http.Error(w, `want {"user": …, "text": …}`, http.StatusBadRequest)
		return
	}
	switch err := s.Notify(r.Context(), n); {
	case errors.Is(err, errFull):
		http.Error(w, err.Error(), http.StatusTooManyRequests)
	case err != nil:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	default:
		w.WriteHeader(http.StatusAccepted)
	}
}
