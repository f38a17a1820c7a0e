// Package suitehost runs the servers that the official test suites expect, as programs of their own.
package suitehost

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/actio-go/actio"
)

// Server is what serves a suite: an actio.Server, an actio.Engine, or one with something around it.
type Server interface {
	http.Handler
	Shutdown(ctx context.Context) error
}

// Suites has, for each suite, what makes the server that it expects.
type Suites map[string]func(ctx context.Context) (Server, error)

// Main is the main function of such a program. It serves the suite that the command line names until SIGINT or SIGTERM.
func Main(program string, suites Suites) {
	var names []string
	for name := range suites {
		names = append(names, name)
	}
	slices.Sort(names)
	listen := flag.String("listen", "127.0.0.1:3000", "address to listen on")
	suite := flag.String("suite", names[0], strings.Join(names, " or "))
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := suites.serve(ctx, *listen, *suite); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", program, err)
		os.Exit(1)
	}
}

// serve serves one suite until ctx ends.
func (s Suites) serve(ctx context.Context, listen, suite string) error {
	start := s[suite]
	if start == nil {
		return fmt.Errorf("unknown suite %q", suite)
	}
	server, err := start(ctx)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	if err != nil {
		return err
	}
	web := &http.Server{Handler: server, ReadHeaderTimeout: 5 * time.Second}
	fmt.Printf("serving %s on %s\n", suite, listener.Addr())
	ended := make(chan error, 1)
	go func() {
		<-ctx.Done()
		end := context.WithoutCancel(ctx)
		ended <- errors.Join(server.Shutdown(end), web.Shutdown(end))
	}()
	if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-ended
}

// Logger logs what is wrong.
func Logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// Report prints an error, unless it only says that the client has gone.
func Report(err error) {
	if err != nil && !errors.Is(err, actio.ErrClosed) {
		fmt.Fprintln(os.Stderr, "error:", err)
	}
}
