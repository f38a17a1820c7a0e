package actio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/actors/recovery"
	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/actors/supervisor"
	"github.com/actio-go/actio/redisbridge"
	"github.com/actio-go/actio/redisbridge/keeper"
	"github.com/actio-go/actio/transport"
	"github.com/actio-go/actio/wire"
)

// Engine is the Engine.IO layer: sessions over polling and websocket, with heartbeat and upgrade, that carry messages whose
// meaning it does not know. A Server stands on one; NewEngine makes one that is used alone.
//
// It is an http.Handler. All methods are safe for concurrent use.
type Engine struct {
	options    EngineOptions
	system     *actors.System
	env        *connection.Env
	supervisor *supervisor.Supervisor
	handler    *transport.Handler
	draining   atomic.Bool   // Shutdown has begun
	over       atomic.Bool   // and no broadcast is taken any more
	ended      chan struct{} // closed when the first Shutdown returns

	// Of a Server alone.
	neighbour *instance
	keeping   *recovery.Options                  // nil without recovery
	keeper    *recovery.Keeper                   // likewise
	stored    *keeper.Keeper                     // nil unless they are kept in Redis
	uid       string                             // in the cluster; set before the engine is live
	bridge    atomic.Pointer[redisbridge.Bridge] // nil without Redis; set before the engine is live
	life      context.Context                    //nolint:containedctx // of handlers that belong to no socket
	endLife   context.CancelCauseFunc

	serverEventsDropped atomic.Uint64
	serverQuestions     atomic.Int64 // events of other instances that want an answer and are being handled
}

// EngineConfig is what NewEngine needs beside the options of the layer.
type EngineConfig struct {
	EngineOptions
	// OnSession is called for each new session, before its first message. Required.
	OnSession func(s *EngineSession)
	// ActorSystem is the application's own actor system. Default: one of the engine's own.
	ActorSystem *actor.ActorSystem
	// Logger gets what happens. Default: nothing is logged.
	Logger *slog.Logger
	// SurvivePanics keeps a session whose handler panicked. Default: it is closed.
	SurvivePanics bool
}

// NewEngine makes an Engine that is used alone and starts it.
func NewEngine(c EngineConfig) (*Engine, error) {
	o := c.EngineOptions.withDefaults()
	problems := o.validate()
	if c.OnSession == nil {
		problems = errors.Join(problems, errors.New("actio: EngineConfig.OnSession is nil"))
	}
	if problems != nil {
		return nil, problems
	}
	e := &Engine{options: o}
	co := o.connectionOptions()
	co.SurvivePanics = c.SurvivePanics
	env := connection.Env{Options: co, Raw: &rawEngine{onSession: c.OnSession}}
	if err := e.start(actors.Options{ActorSystem: c.ActorSystem, Logger: c.Logger}, env, o.supervisorOptions(), nil); err != nil {
		return nil, err
	}
	return e, nil
}

// start brings the actors up. The registry is there for Socket.IO only.
func (e *Engine) start(
	ao actors.Options, env connection.Env, so supervisor.Options, registry func(*actors.System) *roomregistry.Registry,
) error {
	e.ended = make(chan struct{})
	e.life, e.endLife = context.WithCancelCause(context.Background())
	e.system = actors.NewSystem(ao)
	env.System = e.system
	if registry != nil {
		env.Registry = registry(e.system)
	}
	env.Counters = new(connection.Counters)
	e.env = connection.NewEnv(env)
	if e.keeping != nil {
		e.keeper = recovery.Start(e.env, *e.keeping)
	}
	e.supervisor = supervisor.Start(e.env, so)
	if e.env.Registry != nil {
		e.env.Registry.SetSource(e.supervisor.PID())
	}
	config := e.options.transportConfig()
	config.Logger = e.system.Logger()
	config.Refused = e.refused
	handler, err := transport.NewHandler(config, e.supervisor)
	if err != nil {
		return fmt.Errorf("actio: %w", err)
	}
	e.handler = handler
	return nil
}

func (e *Engine) refused(r *http.Request, refusal *transport.Error) {
	e.env.Counters.RequestsRefused.Add(1)
	if f := e.options.OnConnectionError; f != nil {
		f(r, refusal)
	}
}

// ServeHTTP serves the requests of the engine's path and answers all others with 404.
func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.handler.ServeHTTP(w, r) }

// Use adds a middleware for all requests of the path, those for websockets included, behind those that are there already
// (EngineOptions.Middlewares). It stands behind CORS, so that pages can read what it refuses. Requests under way may go on
// without it. One that wraps the http.ResponseWriter must give its writer an Unwrap method, see http.ResponseController, else
// websockets get 500.
func (e *Engine) Use(middleware func(http.Handler) http.Handler) { e.handler.Use(middleware) }

// Path is where the engine is reached.
func (e *Engine) Path() string { return e.options.Path }

// Shutdown ends the engine: new sessions and messages are refused, running handlers finish, queues are flushed, clients are
// closed in batches in a way that lets them reconnect by themselves. When it returns nil, no goroutine and no timer of the
// engine is left. When ctx ends first, or a handler does not end, the rest is cut off and the error says what still runs.
//
// Further calls wait for the first. A handler may call it: it then does not wait for that handler, and returns at once when
// another call is under way, which waits for the handler. Of a handler's context only the deadline counts: it is cancelled
// with the handler's own client, which is part of the work.
func (e *Engine) Shutdown(ctx context.Context) error {
	inside := e.system.Workers().Inside()
	if e.draining.CompareAndSwap(false, true) {
		defer close(e.ended)
		if inside {
			var release context.CancelFunc
			ctx, release = untilDeadline(ctx)
			defer release()
		}
		return e.shutdown(ctx, inside)
	}
	if inside {
		return nil
	}
	select {
	case <-e.ended:
		return e.system.Close(ctx)
	case <-ctx.Done():
	}
	select {
	case <-e.ended:
		return e.system.Close(ctx)
	default:
		return fmt.Errorf("%w: another shutdown: %w", ErrStillRunning, context.Cause(ctx))
	}
}

// untilDeadline is a context that ends with the deadline of another, and not when that is cancelled before.
func untilDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	long := context.WithoutCancel(ctx)
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadline(long, deadline) //nolint:forbidigo // it ends with the call, after the clock was checked
	}
	return long, func() {}
}

// rawEngine is the application of a bare engine.
type rawEngine struct{ onSession func(*EngineSession) }

// NewSession makes the application's side of a session.
func (r *rawEngine) NewSession(s *connection.Session) connection.RawHandler {
	return (*sessionHandler)(&EngineSession{session: s, onSession: r.onSession})
}

// EngineSession is one session of a bare Engine. All methods are safe for concurrent use; its callbacks are called one at a
// time and in order.
type EngineSession struct {
	session   *connection.Session
	onSession func(*EngineSession)

	onMessage atomic.Pointer[func(binary bool, data []byte)]
	onClose   atomic.Pointer[func(r Reason)]
}

// ID is the session id.
func (s *EngineSession) ID() string { return s.session.ID() }

// Handshake is the first request of the session.
func (s *EngineSession) Handshake() *EngineHandshake { return s.session.Handshake() }

// OnMessage sets what is called with each message; data belongs to the callback.
func (s *EngineSession) OnMessage(f func(binary bool, data []byte)) { s.onMessage.Store(&f) }

// OnClose sets what is called at the end of the session.
func (s *EngineSession) OnClose(f func(r Reason)) { s.onClose.Store(&f) }

// Send queues a text message. It never blocks; after the end of the session it does nothing.
func (s *EngineSession) Send(text string) { s.send(false, []byte(text)) }

// SendBinary queues a binary message. data must not be changed afterwards.
func (s *EngineSession) SendBinary(data []byte) { s.send(true, data) }

func (s *EngineSession) send(binary bool, data []byte) {
	s.session.Send(wire.PrepareEngine(wire.EnginePacket{Type: wire.EngineMessage, Binary: binary, Data: data}))
}

// Close ends the session after what was sent.
func (s *EngineSession) Close() { s.session.Close(connection.ReasonForcedServerClose) }

// sessionHandler is the side of an EngineSession that its connection calls, kept out of the public methods.
type sessionHandler EngineSession

var _ connection.RawHandler = (*sessionHandler)(nil)

// Opened is the first call.
func (h *sessionHandler) Opened() { h.onSession((*EngineSession)(h)) }

// Message comes with each message.
func (h *sessionHandler) Message(binary bool, data []byte) {
	if f := h.onMessage.Load(); f != nil {
		(*f)(binary, data)
	}
}

// Closed is the last call.
func (h *sessionHandler) Closed(r Reason) {
	if f := h.onClose.Load(); f != nil {
		(*f)(r)
	}
}

// shutdown ends the parts in the order in which they stand on each other. It goes on to the end whatever fails, so that
// nothing stays open, and joins what failed.
func (e *Engine) shutdown(ctx context.Context, inside bool) error {
	own := 0 // handlers that wait for this very call
	if inside {
		own = 1
	}
	workers, registry := e.system.Workers(), e.env.Registry
	errs := []error{e.supervisor.Drain(ctx), e.finishHandlers(ctx, own)}
	e.endServerEvents()
	if registry != nil {
		errs = append(errs, registry.Flush(ctx))
	}
	errs = append(errs, e.supervisor.CloseAll(ctx), workers.WaitBusy(ctx, own), e.supervisor.Stop(context.WithoutCancel(ctx)))
	e.over.Store(true)
	errs = append(errs, e.stopKeeper(ctx)) // what it was told last is for Redis
	e.leaveCluster(ctx)                    // while there were clients, neighbours could reach them
	errs = append(errs, e.closeRedis(ctx))
	if registry != nil {
		errs = append(errs, registry.Stop(context.WithoutCancel(ctx)))
	}
	return errors.Join(append(errs, e.system.Close(ctx))...)
}

// discard ends the parts of an engine that was never live.
func (e *Engine) discard() error {
	e.endServerEvents()
	ctx := context.Background() // nothing here waits for anybody outside
	return errors.Join(e.supervisor.Stop(ctx), e.stopKeeper(ctx), e.env.Registry.Stop(ctx), e.system.Close(ctx))
}

// finishHandlers waits for the handlers that run, as long as the grace lasts. Those that wait for the end of their socket
// get it when the connections are closed.
func (e *Engine) finishHandlers(ctx context.Context, own int) error {
	grace, cancel := e.system.Clock().Context(ctx, "shutdown grace", e.options.DrainGrace)
	defer cancel()
	if err := e.system.Workers().WaitBusy(grace, own); err != nil && ctx.Err() != nil {
		return err
	}
	return nil
}
