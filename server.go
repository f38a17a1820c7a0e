package actio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/transport"
)

// Server is a Socket.IO server. New makes it, Configure brings it to life, Shutdown ends it.
//
// It is an http.Handler: mount it, at its path or as a whole. All methods are safe for concurrent use, and may be called
// from any handler.
type Server struct {
	options    Options
	namespaces *namespaces
	attachment *Switch      // of Options.Server; nil when mounted
	notYet     http.Handler // answers until there is an engine

	live       atomic.Pointer[Engine] // set by Configure, never unset
	lifecycle  chan struct{}          // holds one element while nobody changes what follows
	configured bool
	closing    context.Context //nolint:containedctx // ends when Shutdown begins, and with it a Configure under way
	close      context.CancelCauseFunc
	done       chan struct{}
	over       sync.Once // closes done
}

// New checks all options at once and makes a server. With Attached hosting it puts itself in front of the handler of
// Options.Server, which must not serve yet; until Configure, requests to the path get 503.
func New(o Options) (*Server, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	s := &Server{
		options: o, notYet: transport.NotYet(o.Engine.CORS), done: make(chan struct{}), lifecycle: make(chan struct{}, 1),
	}
	s.lifecycle <- struct{}{}
	s.closing, s.close = context.WithCancelCause(context.Background())
	s.namespaces = newNamespaces(s)
	if o.Hosting == Attached {
		s.attachment = NewSwitch(o.Server.Handler)
		s.attachment.Set(Route(o.Engine.Path, s, s.attachment.Fallback()))
		o.Server.Handler = s.attachment
	}
	return s, nil
}

// Configure brings the server to life. With Redis it waits for the connections, bounded by ctx and Options.Redis.ReadyTimeout.
// When it fails nothing is left open and it may be called again. It is idempotent; after Shutdown, or when that begins
// meanwhile, it returns ErrClosed.
func (s *Server) Configure(ctx context.Context) error {
	select {
	case <-s.lifecycle: // of several calls the first works
		defer func() { s.lifecycle <- struct{}{} }()
	case <-ctx.Done():
		return fmt.Errorf("actio: configure: %w", context.Cause(ctx))
	}
	switch {
	case s.closing.Err() != nil:
		return ErrClosed
	case s.configured:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("actio: configure: %w", context.Cause(ctx))
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(s.closing, func() { cancel(ErrClosed) })()
	e, err := s.open(ctx)
	if err != nil {
		return err
	}
	s.configured = true
	s.live.Store(e)
	s.namespaces.announce() // those that came while the connections were opened
	s.options.Logger.Info("SocketIO Server READY", slog.String("identifier", s.options.Identifier),
		slog.String("path", s.options.Engine.Path), slog.String("instance", e.uid))
	return nil
}

// open brings everything up that makes a server, or leaves nothing open.
func (s *Server) open(ctx context.Context) (*Engine, error) {
	e := &Engine{options: s.options.Engine, keeping: s.keeperOptions()}
	e.neighbour = &instance{server: s, engine: e}
	env := connection.Env{Options: s.connectionOptions(), App: s.namespaces}
	ao := actors.Options{
		ActorSystem: s.options.ActorSystem, Logger: s.options.Logger.With(slog.String("server", s.options.Identifier)),
		OnPanic: s.options.OnPanic,
	}
	so := s.options.Engine.supervisorOptions()
	so.MaxUnauthenticated = s.options.MaxUnauthenticated
	registry := func(system *actors.System) *roomregistry.Registry {
		return roomregistry.Start(system, s.registryOptions(e))
	}
	err := e.start(ao, env, so, registry)
	if err == nil {
		s.keepInRedis(e)
		err = s.joinCluster(ctx, e)
	}
	if err == nil && ctx.Err() != nil {
		err = errors.Join(context.Cause(ctx), e.closeRedis(context.WithoutCancel(ctx)))
	}
	if err == nil {
		return e, nil
	}
	if s.closing.Err() != nil && !errors.Is(err, ErrClosed) {
		err = fmt.Errorf("%w: %w", ErrClosed, err)
	}
	return nil, errors.Join(fmt.Errorf("actio: configure: %w", err), e.discard())
}

// registryFailed is called when the registry could not be kept alive: a server without it can do nothing useful.
func (s *Server) registryFailed(err error) {
	s.options.Logger.Error("registry failed, shutting down", slog.Any("err", err))
	go func() { _ = s.Shutdown(context.Background()) }()
}

// Engine returns the Engine.IO layer, to be mounted by the caller. With Attached hosting it is an error.
func (s *Server) Engine() (*Engine, error) {
	if s.options.Hosting == Attached {
		return nil, errors.New("actio: Engine is only available for Bun runtime! This server is attached, not mounted")
	}
	e := s.live.Load()
	if e == nil {
		return nil, ErrNotConfigured
	}
	return e, nil
}

// ServeHTTP serves the requests of the server's path; all others get 404. Before Configure the path answers 503
// with Retry-After; from Shutdown on new handshakes do.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !Under(s.options.Engine.Path, r.URL.Path) {
		http.NotFound(w, r)
		return
	}
	e := s.live.Load()
	if e == nil {
		s.notYet.ServeHTTP(w, r)
		return
	}
	e.ServeHTTP(w, r)
}

// Path is where the server is reached.
func (s *Server) Path() string { return s.options.Engine.Path }

// Done is closed when Shutdown has ended, whoever called it: also the server itself, after a part failed for good.
func (s *Server) Done() <-chan struct{} { return s.done }

// Ready tells whether new clients are served: from Configure until Shutdown begins.
func (s *Server) Ready() bool {
	e := s.live.Load()
	return e != nil && !e.draining.Load()
}

// Shutdown ends the server. New handshakes and new events are refused, acknowledgements are still read, running handlers
// finish, what is queued is flushed, clients are closed in batches at the level of the transport, so that the official
// clients reconnect by themselves. When it returns nil, no goroutine and no timer of actio is left. When ctx ends first, or
// a function of the application does not end although its context was cancelled, the rest is cut off and the error
// (ErrStillRunning) names what still runs.
//
// It is idempotent, and may be called before Configure, and concurrently: later calls wait for the first. A handler may
// call it: it then does not wait for that handler, and returns at once when another call is under way, which waits for the
// handler. Of a handler's context only the deadline counts: it is cancelled with the handler's own client, which is part of
// the work.
func (s *Server) Shutdown(ctx context.Context) error {
	s.close(ErrClosed)
	<-s.lifecycle // a Configure under way gives up
	e := s.live.Load()
	s.lifecycle <- struct{}{}
	if e == nil {
		s.over.Do(func() { close(s.done) })
		return nil
	}
	err := e.Shutdown(ctx)
	select {
	case <-e.ended:
		s.over.Do(func() { close(s.done) })
	default: // called from a handler, while another call is under way
	}
	return err
}
