package component

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/actio-go/actio"
)

// Errors of an Application.
var (
	// ErrStarted: Start was called before.
	ErrStarted = errors.New("component: application was started before")
	// ErrStopped: Stop was called, or a start has failed.
	ErrStopped = errors.New("component: application was stopped")
	// ErrTooLate: what was to be added would not be used any more.
	ErrTooLate = errors.New("component: too late")
	// ErrNil: a component, hook or handler is nil.
	ErrNil = errors.New("component: nil")
	// ErrTLSConfig: http.Server.TLSConfig has no certificate.
	ErrTLSConfig = errors.New("component: Server.TLSConfig has no certificate")
)

// Component is a part of an application.
type Component interface {
	// Binding prepares the component, before the HTTP server listens: it checks what it needs, registers hooks and mounts
	// handlers. An error, or a panic, ends the start.
	Binding(ctx context.Context, a *Application) error
	// Stop ends the component. It is called after Binding was, whatever became of it and of the start.
	Stop(ctx context.Context, a *Application) error
}

// ApplicationOptions configure an Application.
type ApplicationOptions struct {
	// Server has the address to listen at, the application's own handler (nil means http.DefaultServeMux, as in net/http), and
	// timeouts. It becomes the Application's, which puts a switch in front of its handler. With a TLSConfig, which must have
	// certificates, it speaks TLS. Default: a server at a free port of 127.0.0.1 that answers 404, for tests.
	Server *http.Server
	// Listener is where to accept, in place of Server.Addr; it may be one of tls.Listen, then without Server.TLSConfig. The
	// Application closes it.
	Listener net.Listener
	// StopTimeout is how long closing may take when a start has failed: Start's own context may be over by then. Stop has a
	// context of its own, which cuts that short, too. Default 10 s.
	StopTimeout time.Duration
	// Logger gets the lines of the reference. Default: nothing is logged.
	Logger *slog.Logger
}

// Application is an HTTP server with components. It starts and stops once. All methods are safe for concurrent use. Neither
// Start nor Stop may be called from a hook or a component.
type Application struct {
	container   Container
	log         *slog.Logger
	server      *http.Server
	stopTimeout time.Duration
	components  queue[Component] // to be bound
	bound       queue[Component] // to be stopped
	postStart   queue[namedHook]
	onStop      queue[namedHook]

	closing    context.Context //nolint:containedctx // ends when Stop is called or a part fails, and with it a Start under way
	close      context.CancelCauseFunc
	patience   context.Context //nolint:containedctx // ends with the context of the first Stop, and with it all that still closes
	cutOff     context.CancelCauseFunc
	startEnded chan struct{} // closed when Start has ended, however
	served     chan struct{} // closed when the HTTP server does not serve any more
	stopEnded  chan struct{} // closed when everything is closed
	closeOnce  sync.Once
	stopErr    error // set when stopEnded is closed

	mutex       sync.Mutex
	front       *actio.Switch // in front of the application's own handler
	handler     http.Handler  // that of front: the own one with what was mounted around it
	listener    net.Listener
	listening   bool
	startCalled bool
	stopCalled  bool
	failure     error
	done        chan struct{}
	over        bool // done is closed
}

// NewApplication makes an application; it does nothing until Start.
func NewApplication(o ApplicationOptions) *Application {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Server == nil {
		o.Server = &http.Server{Addr: "127.0.0.1:0", ReadHeaderTimeout: 5 * time.Second, Handler: http.NotFoundHandler()}
	}
	front := actio.NewSwitch(o.Server.Handler)
	a := &Application{
		log: o.Logger, server: o.Server, stopTimeout: cmp.Or(o.StopTimeout, 10*time.Second),
		listener: o.Listener, front: front, handler: front.Fallback(),
		startEnded: make(chan struct{}), served: make(chan struct{}), stopEnded: make(chan struct{}), done: make(chan struct{}),
	}
	a.server.Handler = front
	a.closing, a.close = context.WithCancelCause(context.Background())
	a.patience, a.cutOff = context.WithCancelCause(context.Background())
	return a
}

// Container is where the application's values are bound.
func (a *Application) Container() *Container { return &a.container }

// Logger is where the application logs.
func (a *Application) Logger() *slog.Logger { return a.log }

// Use adds components, whose Binding runs in this order when the application starts. A component may add others when it is
// bound. Errors: ErrNil; ErrTooLate when all are bound, or the application ends.
func (a *Application) Use(components ...Component) error {
	for _, c := range components {
		if isNil(c) {
			return fmt.Errorf("%w: component", ErrNil)
		}
	}
	if a.closing.Err() != nil || !a.components.add(components...) {
		return fmt.Errorf("%w: the components are bound", ErrTooLate)
	}
	return nil
}

// Done is closed when the application has ended: after Stop, after a start that failed, and when a part failed that was to
// live, see Err; then what is left waits for Stop.
func (a *Application) Done() <-chan struct{} { return a.done }

// Err is why the application ended by itself: the error of Start, or that of the part that failed. It is nil before, and after
// Stop.
func (a *Application) Err() error {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return a.failure
}

// Fail tells the application that a part of it has ended by itself. It is logged, ends a start under way, and from then on Err
// returns it and Done is closed. When the application is ending anyway nothing happens.
func (a *Application) Fail(err error) {
	if a.fail(err) {
		a.log.Error("Application failed", slog.Any("error", err))
		a.end()
	}
}

// fail begins the end; false when that has begun before.
func (a *Application) fail(err error) bool {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if a.closing.Err() != nil {
		return false
	}
	a.failure = err
	a.close(err)
	return true
}

// end closes done.
func (a *Application) end() {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if !a.over {
		a.over = true
		close(a.done)
	}
}

// Start binds the components, listens, and runs the post-start hooks; when it returns nil everything is live. An error of any
// step, a part that fails meanwhile, a context that ends, or Stop, ends the start and closes what was opened, within
// StopTimeout. Errors: ErrStarted, ErrStopped, those of the steps, joined with those of closing.
func (a *Application) Start(ctx context.Context) error {
	if err := a.begin(); err != nil {
		return err
	}
	defer close(a.startEnded)
	starting, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(a.closing, func() { cancel(context.Cause(a.closing)) })()
	err := a.start(starting)
	if cause := cmp.Or(context.Cause(a.closing), context.Cause(ctx)); cause != nil && !errors.Is(err, cause) {
		err = errors.Join(fmt.Errorf("component: start: %w", cause), err)
	}
	if err == nil {
		return nil
	}
	a.fail(err)
	brief, release := within(context.WithoutCancel(ctx), a.stopTimeout)
	defer release()
	return errors.Join(err, a.closeAll(brief))
}

// begin lets Start run once, and not after Stop.
func (a *Application) begin() error {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	switch {
	case a.closing.Err() != nil:
		return ErrStopped
	case a.startCalled:
		return ErrStarted
	}
	a.startCalled = true
	return nil
}

// start makes the steps; ctx ends when the start is to end.
func (a *Application) start(ctx context.Context) error {
	for {
		c, ok := a.components.first()
		if !ok {
			break
		}
		if ctx.Err() != nil {
			return fmt.Errorf("component: before binding %T: %w", c, context.Cause(ctx))
		}
		a.bound.add(c)
		if err := a.call(ctx, func(ctx context.Context) error { return c.Binding(ctx, a) }); err != nil {
			return fmt.Errorf("component: binding %T: %w", c, err)
		}
	}
	if err := a.serve(ctx); err != nil {
		return err
	}
	return a.executePostStartHooks(ctx)
}
