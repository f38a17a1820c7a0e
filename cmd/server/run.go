package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/actio-go/actio"
)

// The exit codes. A second signal ends with exitSignal and its number.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
	exitSignal = 128
)

const (
	headerTimeout  = 10 * time.Second // to send the headers of a request
	idleTimeout    = 2 * time.Minute  // between two requests of a connection
	requestTimeout = time.Minute      // to send a request's body and to take its answer; polls set deadlines of their own
	lastRequests   = 2 * time.Second  // for the requests that are left when the clients are gone
	maxHeaderBytes = 32 << 10
)

// run is the whole program: it returns the exit code when a signal came or ctx ended, and everything is closed.
func run(ctx context.Context, args, env []string, stdout, stderr io.Writer) int {
	c, err := parse(args, env)
	switch {
	case errors.Is(err, flag.ErrHelp):
		usage(stdout)
		return exitDone
	case err != nil:
		return misused(stderr, err)
	case c.version:
		_, _ = fmt.Fprintln(stdout, version())
		return exitDone
	}
	if client := c.options.Redis.Client; client != nil {
		defer func() { _ = client.Close() }() // the parent of the connections that the server has closed by then
	}
	logger := c.logger(stderr)
	g, err := newGateway(c, logger)
	if err != nil {
		return misused(stderr, err)
	}
	if len(c.unknown) > 0 {
		logger.Warn("environment variables that mean nothing", slog.Any("names", c.unknown))
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	signal.Ignore(syscall.SIGPIPE) // a log that nobody reads any more is no reason to drop the clients
	defer signal.Stop(signals)
	return g.run(ctx, signals)
}

// misused says what is wrong with the command line or the environment.
func misused(stderr io.Writer, err error) int {
	_, _ = fmt.Fprintf(stderr, "%s: %v\nRun with -h for usage.\n", program, err)
	return exitUsage
}

// version says what was built, as far as the Go tool recorded it.
func version() string {
	v := "(unknown)"
	if info, ok := debug.ReadBuildInfo(); ok {
		v = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && v == "(devel)" {
				v += " " + s.Value
			}
		}
	}
	return fmt.Sprintf("%s %s %s %s/%s", program, v, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// gateway is the server and the HTTP server around it.
type gateway struct {
	config   *config
	log      *slog.Logger
	server   *actio.Server
	web      *http.Server
	draining atomic.Bool
}

// newGateway puts the parts together and starts nothing.
func newGateway(c *config, logger *slog.Logger) (*gateway, error) {
	server, err := actio.New(c.finish(logger))
	if err != nil {
		return nil, err
	}
	if err := actio.On(server.Root(), eventChat, chat); err != nil {
		return nil, err
	}
	g := &gateway{config: c, log: logger, server: server}
	handler, err := newHandler(server, &g.draining)
	if err != nil {
		return nil, err
	}
	g.web = &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout,
		ReadTimeout: requestTimeout, WriteTimeout: requestTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	return g, nil
}

// run serves until a signal comes, ctx ends or serving fails, and then ends everything.
func (g *gateway) run(ctx context.Context, signals <-chan os.Signal) int {
	listener, err := g.listen(ctx)
	if err != nil {
		g.log.Error("cannot listen", slog.String("address", g.config.listen), slog.Any("err", err))
		return exitFailed
	}
	served := make(chan error, 1)
	go func() { served <- g.web.Serve(listener) }() // until the server is up: 503, and the state of health
	address := listener.Addr().String()
	if code, up := g.configure(ctx, signals, address); !up {
		_ = g.web.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			g.log.Error("cannot serve", slog.Any("err", err))
		}
		return code
	}
	g.log.Warn(developmentWarning)
	g.log.Info("listening", slog.String("address", address), slog.String("page", "http://"+address+pathPage))
	watched := g.watchMemory()
	defer watched()
	code := exitDone
	select {
	case s := <-signals:
		g.log.Info("shutting down", slog.String("cause", s.String()))
	case <-ctx.Done():
		g.log.Info("shutting down", slog.String("cause", context.Cause(ctx).Error()))
	case <-g.server.Done():
		g.log.Error("the server gave up, shutting down")
		code = exitFailed
	case err := <-served:
		g.log.Error("cannot serve any more, shutting down", slog.Any("err", err))
		code = exitFailed
	}
	return max(code, g.end(signals))
}

// configure brings the server up, unless a signal comes meanwhile: Redis may let it wait.
func (g *gateway) configure(ctx context.Context, signals <-chan os.Signal, address string) (code int, up bool) {
	if r := g.config.options.Redis; r.Client != nil {
		g.log.Info("connecting to redis", slog.String("redis", redisAddresses(g.config.redis)), slog.Duration("timeout", r.ReadyTimeout),
			slog.String("address", address))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	configured := make(chan error, 1)
	go func() { configured <- g.server.Configure(ctx) }()
	select {
	case s := <-signals:
		g.log.Info("shutting down", slog.String("cause", s.String()))
		cancel()
		err := <-configured
		g.log.Debug("start given up", slog.Any("err", err))
		return g.end(signals), false
	case err := <-configured:
		if err != nil {
			g.log.Error("cannot start", slog.Any("err", err))
			return exitFailed, false
		}
		return exitDone, true
	}
}

// listen listens, and looks again whether nobody else can reach it.
func (g *gateway) listen(ctx context.Context) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", g.config.listen)
	if err != nil {
		return nil, err
	}
	if a, ok := listener.Addr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
		_ = listener.Close()
		return nil, fmt.Errorf("%s is not an address of this machine alone", listener.Addr())
	}
	return listener, nil
}

// end ends everything in good order, unless the time is over or another signal comes.
func (g *gateway) end(signals <-chan os.Signal) int {
	g.draining.Store(true)
	//nolint:forbidigo // the timer of the program itself: it ends with the process
	ctx, cancel := context.WithTimeout(context.Background(), g.config.shutdownTimeout)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- g.shutdown(ctx) }()
	select {
	case s := <-signals:
		g.log.Warn("ending at once", slog.String("cause", s.String()))
		_ = g.web.Close()
		return exitCode(s)
	case err := <-ended:
		if err != nil {
			g.log.Error("not ended in good order", slog.Any("err", err))
			return exitFailed
		}
		g.log.Info("ended")
		return exitDone
	}
}

// shutdown ends the server first, so that probes and clients get answers meanwhile, then the HTTP server.
func (g *gateway) shutdown(ctx context.Context) error {
	err := g.server.Shutdown(ctx)
	//nolint:forbidigo // the timer of the program itself
	last, cancel := context.WithTimeout(ctx, lastRequests)
	defer cancel()
	if g.web.Shutdown(last) != nil { // somebody takes his time over a request: the clients are gone all the same
		err = errors.Join(err, g.web.Close())
	}
	return err
}

// exitCode is that of a process which a signal ended.
func exitCode(s os.Signal) int {
	if n, ok := s.(syscall.Signal); ok {
		return exitSignal + int(n)
	}
	return exitFailed
}
