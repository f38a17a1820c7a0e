package component

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/actio-go/actio"
)

// Errors of an Application.
var (
	// ErrStarted: Start was called before.
	ErrStarted = errors.New("component: application was started before")
	// ErrStopped: Stop was called.
	ErrStopped = errors.New("component: application was stopped")
)

// Component is a part of an application.
type Component interface {
	// Binding prepares the component, before the HTTP server listens: it checks what it needs and registers hooks. An error
	// ends the start.
	Binding(a *Application) error
	// Stop ends the component. It is called after Binding was, whatever became of it and of the start.
	Stop(ctx context.Context) error
}

// ApplicationOptions configure an Application.
type ApplicationOptions struct {
	// Server has the address to listen at, the application's own handler, and timeouts. It becomes the Application's, which
	// puts a switch in front of its handler. Default: a server at a free port without a handler, for tests.
	Server *http.Server
	// Listener is where to accept, in place of Server.Addr. The Application closes it.
	Listener net.Listener
	// Logger gets the lines of the reference. Default: nothing is logged.
	Logger *slog.Logger
}

// Application is an HTTP server with components. It starts and stops once. All methods are safe for concurrent use; none may be
// called from a hook, except those that register and those that read.
type Application struct {
	container  Container
	log        *slog.Logger
	server     *http.Server
	front      *actio.Switch   // in front of the application's own handler
	served     chan struct{}   // closed when the server does not serve any more
	closing    context.Context //nolint:containedctx // ends when Stop begins, and with it a Start under way
	close      context.CancelCauseFunc
	startEnded chan struct{} // closed when Start has ended, however
	stopEnded  chan struct{} // closed when everything is closed

	mutex      sync.Mutex
	components []Component
	bound      int // how many of them were given to Binding
	postStart  []namedHook
	onStop     []namedHook
	listener   net.Listener
	listening  bool
	started    bool // Start was called
	stopping   bool // somebody closes everything
	serveErr   error
	stopErr    error
}

// NewApplication makes an application; it does nothing until Start.
func NewApplication(o ApplicationOptions) *Application {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Server == nil {
		o.Server = &http.Server{Addr: "127.0.0.1:0", ReadHeaderTimeout: 5 * time.Second, Handler: http.NotFoundHandler()}
	}
	a := &Application{
		log: o.Logger, server: o.Server, listener: o.Listener, front: actio.NewSwitch(o.Server.Handler),
		served: make(chan struct{}), startEnded: make(chan struct{}), stopEnded: make(chan struct{}),
	}
	a.server.Handler = a.front
	a.closing, a.close = context.WithCancelCause(context.Background())
	return a
}

// Container is where the application's values are bound.
func (a *Application) Container() *Container { return &a.container }

// Use adds components. Their Binding runs in this order when the application starts.
func (a *Application) Use(components ...Component) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.components = append(a.components, components...)
}

// ServerInstance is the HTTP server, once it listens.
func (a *Application) ServerInstance() (*http.Server, bool) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if !a.listening {
		return nil, false
	}
	return a.server, true
}

// Addr is where the application listens; nil before it does.
func (a *Application) Addr() net.Addr {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if !a.listening {
		return nil
	}
	return a.listener.Addr()
}

// Done is closed when the HTTP server does not serve any more: after Stop, or because it failed, see Err.
func (a *Application) Done() <-chan struct{} { return a.served }

// Err is why the HTTP server failed; nil while it serves, and after Stop.
func (a *Application) Err() error {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return a.serveErr
}

// Start binds the components, listens, and runs the post-start hooks; when it returns nil everything is live. An error of any
// step, a context that ends, or Stop, ends the start and closes what was opened. Errors: ErrStarted, ErrStopped, those of the
// steps, joined with those of closing.
func (a *Application) Start(ctx context.Context) error {
	a.mutex.Lock()
	switch {
	case a.closing.Err() != nil:
		a.mutex.Unlock()
		return ErrStopped
	case a.started:
		a.mutex.Unlock()
		return ErrStarted
	}
	a.started = true
	a.mutex.Unlock()
	defer close(a.startEnded)
	starting, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(a.closing, func() { cancel(ErrStopped) })()
	err := a.start(starting)
	if err == nil && starting.Err() == nil {
		return nil
	}
	if err == nil {
		err = fmt.Errorf("component: start: %w", context.Cause(starting))
	}
	a.close(err)
	return errors.Join(err, a.closeAll(ctx))
}

func (a *Application) start(ctx context.Context) error {
	for {
		c := a.nextComponent()
		if c == nil {
			break
		}
		if err := c.Binding(a); err != nil {
			return fmt.Errorf("component: binding: %w", err)
		}
	}
	if err := a.listen(ctx); err != nil {
		return err
	}
	go a.serve()
	return a.executePostStartHooks(ctx)
}

// nextComponent returns the one to bind next; a component may have added others.
func (a *Application) nextComponent() Component {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if a.bound == len(a.components) {
		return nil
	}
	a.bound++
	return a.components[a.bound-1]
}

func (a *Application) listen(ctx context.Context) error {
	a.mutex.Lock()
	l := a.listener
	a.mutex.Unlock()
	if l == nil {
		var err error
		address := a.server.Addr
		if address == "" {
			address = ":http" // as net/http has it
		}
		if l, err = (&net.ListenConfig{}).Listen(ctx, "tcp", address); err != nil {
			return fmt.Errorf("component: %w", err)
		}
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.listener, a.listening = l, true
	a.log.Info("Server STARTED", slog.String("address", l.Addr().String()))
	return nil
}

// serve runs until the server is closed.
func (a *Application) serve() {
	defer close(a.served)
	err := a.server.Serve(a.listener)
	if errors.Is(err, http.ErrServerClosed) {
		return
	}
	a.log.Error("HTTP server failed", slog.Any("error", err))
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.serveErr = fmt.Errorf("component: %w", err)
}

// Stop ends the application, in the order that the package describes, and a start that is under way with it; a context that
// ends cuts off what is left. Before Start it does nothing but keep it from starting. Further calls wait for the first and
// return the same. Errors: those of the steps, joined; all steps are made.
func (a *Application) Stop(ctx context.Context) error {
	a.mutex.Lock()
	started := a.started
	a.close(ErrStopped)
	a.mutex.Unlock()
	if !started {
		return nil
	}
	select {
	case <-a.startEnded:
	case <-ctx.Done():
		return fmt.Errorf("component: stop, while starting: %w", context.Cause(ctx))
	}
	return a.closeAll(ctx)
}

// closeAll closes everything once; others wait for who does.
func (a *Application) closeAll(ctx context.Context) error {
	a.mutex.Lock()
	first := !a.stopping
	a.stopping = true
	a.mutex.Unlock()
	if first {
		err := errors.Join(a.stopComponents(ctx), a.executeStopHooks(ctx), a.stopServer(ctx))
		a.mutex.Lock()
		a.stopErr = err
		a.mutex.Unlock()
		close(a.stopEnded)
		return err
	}
	select {
	case <-a.stopEnded:
		a.mutex.Lock()
		defer a.mutex.Unlock()
		return a.stopErr
	case <-ctx.Done():
		return fmt.Errorf("component: stop: %w", context.Cause(ctx))
	}
}

func (a *Application) stopComponents(ctx context.Context) error {
	a.mutex.Lock()
	bound := a.components[:a.bound]
	a.mutex.Unlock()
	var problems []error
	for _, c := range slices.Backward(bound) {
		h := namedHook{"component", c.Stop}
		if err := h.call(ctx); err != nil {
			problems = append(problems, fmt.Errorf("component: stop: %w", err))
		}
	}
	return errors.Join(problems...)
}

// stopServer lets requests end, and cuts them off with the context.
func (a *Application) stopServer(ctx context.Context) error {
	a.mutex.Lock()
	listener, listening := a.listener, a.listening
	a.mutex.Unlock()
	if !listening {
		if listener != nil {
			return listener.Close()
		}
		return nil
	}
	err := a.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("component: HTTP server: %w", err), a.server.Close())
	}
	<-a.served
	return err
}
