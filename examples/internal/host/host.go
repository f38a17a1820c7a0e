// Package host is what the smaller examples have in common: they listen, serve, and end in good order.
package host

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/actio-go/actio"
)

// Main parses the flags, runs a program until SIGINT or SIGTERM, and exits.
func Main(run func(ctx context.Context, addr string) error) {
	addr := flag.String("addr", "127.0.0.1:3300", "where to listen")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr); err != nil {
		fmt.Fprintln(os.Stderr, "failed:", err)
		os.Exit(1)
	}
}

// Serve listens, then brings the server to life, and serves until ctx ends. Requests that come before that get 503, and
// clients ask again.
func Serve(ctx context.Context, addr string, handler http.Handler, server *actio.Server) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	web := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(listener) }()
	if err = server.Configure(ctx); err == nil {
		fmt.Printf("listening on http://%s\n", listener.Addr())
		select {
		case err = <-failed:
		case <-ctx.Done():
		}
	}
	end, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return errors.Join(err, server.Shutdown(end), web.Shutdown(end))
}

// UserOfToken takes what clients give as the token in `auth` for their user: a real program asks whoever gives out tokens.
func UserOfToken(_ context.Context, h *actio.Handshake) (*actio.Principal, error) {
	var auth struct{ Token string }
	if err := h.DecodeAuth(&auth); err != nil || auth.Token == "" {
		return nil, errors.Join(actio.ErrRefused, err)
	}
	return &actio.Principal{UserID: auth.Token}, nil
}

// Bearer lets only requests through that have the token in their Authorization header.
func Bearer(token string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if given, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); given != token {
			http.Error(w, "a token is needed", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
